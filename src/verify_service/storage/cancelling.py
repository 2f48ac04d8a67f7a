"""End a verification that has no report: whoever still works on it loses its fence, and its Idempotency-Key says what became of it."""

from dataclasses import replace

import orjson
from sqlalchemy import Connection, bindparam, insert, update

from verify_service.domain.amendment import Made
from verify_service.storage import accepting, amending, audit
from verify_service.storage.encryption import FieldCipher
from verify_service.storage.records import Response, VerificationRow, VerificationState
from verify_service.storage.tables import outbox, verifications

_v = verifications.c
_CANCEL = (
    update(verifications)
    .where(
        _v.id == bindparam("of_verification"),
        _v.tenant == bindparam("of_tenant"),
        _v.fence == bindparam("mine"),
        _v.state.in_([VerificationState.ACCEPTED, VerificationState.RUNNING]),
    )
    .values(state=VerificationState.CANCELLED, fence=_v.fence + 1, lease_until=None, updated_at=bindparam("now"))
)
_INSERT_OUTBOX = insert(outbox)


def cancel(connection: Connection, cipher: FieldCipher, row: VerificationRow, *, made: Made, actor: str) -> bool:
    """Cancel what `row` says, under its fence. False: it is not unfinished any more, or another has taken it over."""
    values = {"of_verification": row.id, "of_tenant": row.tenant, "mine": row.fence, "now": made.at}
    if connection.execute(_CANCEL, values).rowcount != 1:
        return False
    amending.keep(connection, cipher, tenant=row.tenant, verification_id=row.id, made=made)
    over = replace(row, state=VerificationState.CANCELLED, updated_at=made.at)
    response = Response(202, {}, orjson.dumps(over.view))
    accepting.respond(connection, cipher, tenant=row.tenant, verification_id=row.id, response=response)
    event = {"tenant": row.tenant, "kind": "verification.cancelled", "verification_id": row.id, "report_id": None, "created_at": made.at}
    connection.execute(_INSERT_OUTBOX, event)
    detail = amending.audited(cipher, row.tenant, made)
    audit.record(connection, audit.Act(row.tenant, made.at, actor, "verification.cancelled", row.id, detail))
    return True
