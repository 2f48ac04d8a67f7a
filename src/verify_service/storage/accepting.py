"""Accept a request: idempotency key, verification, subjects and audit row in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from verify_service.errors import IdempotencyMismatch, StillRunning
from verify_service.storage import audit
from verify_service.storage.encryption import FieldCipher, Place
from verify_service.storage.hot import HotStatement
from verify_service.storage.records import Accepted, Replay, Response, VerificationState
from verify_service.storage.tables import idempotency, subjects, verifications

_KEY = ("tenant", "method", "route", "key")
CLAIM_KEY = HotStatement(
    {
        "sqlite": sqlite.insert(idempotency).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(idempotency).on_conflict_do_nothing(),
    }
)
FIND_KEY = select(idempotency).where(*(idempotency.c[name] == bindparam(name) for name in _KEY))
_RESPOND = HotStatement(
    update(idempotency)
    .where(
        idempotency.c.verification_id == bindparam("of_verification"),
        idempotency.c.tenant == bindparam("of_tenant"),
        idempotency.c.status == "running",
    )
    .values(
        status="done",
        response_status=bindparam("response_status"),
        response_headers=bindparam("response_headers"),
        sealed_response_body=bindparam("sealed_response_body"),
    )
)
_INSERT_VERIFICATION = HotStatement(insert(verifications))
_INSERT_SUBJECTS = HotStatement(insert(subjects))


@dataclass(frozen=True, slots=True)
class Submission:
    """A request to accept. `subjects` are identity numbers; only their blind index is stored."""

    tenant: str
    client_id: str
    verification_id: str
    request_no: str | None
    request: bytes = field(repr=False)
    fingerprint: str
    idempotency_key: str | None
    method: str
    route: str
    client_reference: str | None
    now: datetime
    lease_until: datetime
    subjects: Sequence[str] = field(default=(), repr=False)
    response: Response | None = None


def accept(connection: Connection, cipher: FieldCipher, submission: Submission) -> Accepted | Replay:
    """Store the submission under fence 1, or find the response its key already has. Raises IdempotencyMismatch, StillRunning."""
    s, digest = submission, cipher.blind(submission.tenant, submission.fingerprint)
    if s.idempotency_key is not None:
        place = key_place(cipher, tenant=s.tenant, method=s.method, route=s.route, key=s.idempotency_key)
        if not _claim_key(connection, cipher, s, place, digest):
            return _replay(connection, cipher, place, digest)
    _INSERT_VERIFICATION.run(connection, _verification(cipher, s, digest))
    _INSERT_SUBJECTS.run_many(connection, _subjects(cipher, s))
    audit.record(connection, audit.Act(s.tenant, s.now, s.client_id, "verification.accepted", s.verification_id))
    return Accepted(s.verification_id, 1, s.request_no)


def key_place(cipher: FieldCipher, *, tenant: str, method: str, route: str, key: str) -> dict[str, str]:
    """Return where an Idempotency-Key stands, as FIND_KEY and CLAIM_KEY take it."""
    return {"tenant": tenant, "method": method, "route": route, "key": blind_key(cipher, tenant, key)}


def blind_key(cipher: FieldCipher, tenant: str, key: str) -> str:
    """Return what an Idempotency-Key is stored as: callers put case numbers in them, and equality is all that is asked of it."""
    return cipher.blind(tenant, f"idempotency|{key}")


def respond(connection: Connection, cipher: FieldCipher, *, tenant: str, verification_id: str, response: Response) -> None:
    """Keep the response of a verification's key, unless there is no key or it has one already."""
    _RESPOND.run(connection, {"of_verification": verification_id, "of_tenant": tenant, **_sealed(cipher, verification_id, response)})


def _claim_key(connection: Connection, cipher: FieldCipher, s: Submission, place: dict[str, str], digest: str) -> bool:
    row: dict[str, Any] = {
        **place,
        "fingerprint": digest,
        "verification_id": s.verification_id,
        "status": "running" if s.response is None else "done",
        "created_at": s.now,
        **_sealed(cipher, s.verification_id, s.response),
    }
    return CLAIM_KEY.run(connection, row) == 1


def _replay(connection: Connection, cipher: FieldCipher, place: dict[str, str], digest: str) -> Replay:
    row = connection.execute(FIND_KEY, place).one()
    if row.fingerprint != digest:
        raise IdempotencyMismatch
    if row.status == "running":
        raise StillRunning(row.verification_id)
    body = cipher.open(_body_place(row.verification_id), row.sealed_response_body)
    return Replay(row.response_status, row.response_headers, body)


def _verification(cipher: FieldCipher, s: Submission, digest: str) -> dict[str, Any]:
    return {
        "id": s.verification_id,
        "tenant": s.tenant,
        "client_id": s.client_id,
        "client_reference": s.client_reference,
        "request_no": s.request_no,
        "state": VerificationState.ACCEPTED.value,
        "sealed_request": cipher.seal(request_place(s.verification_id), s.request),
        "request_digest": digest,
        "created_at": s.now,
        "updated_at": s.now,
        "lease_until": s.lease_until,
        "fence": 1,
    }


def _subjects(cipher: FieldCipher, s: Submission) -> list[dict[str, str]]:
    blinds = {cipher.blind(s.tenant, number) for number in s.subjects}
    return [{"tenant": s.tenant, "blind_index": blind, "verification_id": s.verification_id} for blind in sorted(blinds)]


def _sealed(cipher: FieldCipher, verification_id: str, response: Response | None) -> dict[str, Any]:
    if response is None:
        return {"response_status": None, "response_headers": None, "sealed_response_body": None}
    return {
        "response_status": response.status,
        "response_headers": dict(response.headers),
        "sealed_response_body": cipher.seal(_body_place(verification_id), response.body),
    }


def request_place(verification_id: str) -> Place:
    """Return where a verification's request stands."""
    return Place("verifications", "sealed_request", verification_id)


def _body_place(verification_id: str) -> Place:
    return Place("idempotency", "sealed_response_body", verification_id)
