"""Amendments, sealed, one row per version they made; and the Idempotency-Keys of the requests that asked for them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, insert, select

from verify_service.domain.amendment import Amendment, Made
from verify_service.errors import IdempotencyMismatch
from verify_service.storage import accepting
from verify_service.storage.encryption import FieldCipher, Place
from verify_service.storage.records import Issue, Key, Replay, Response
from verify_service.storage.tables import amendments

_AMENDMENT: TypeAdapter[Amendment] = TypeAdapter(Amendment)
_INSERT = insert(amendments)
_OF_VERIFICATION = (
    select(amendments)
    .where(amendments.c.verification_id == bindparam("id"), amendments.c.tenant == bindparam("tenant"))
    .order_by(amendments.c.version)
)


def write(connection: Connection, cipher: FieldCipher, issue: Issue) -> None:
    """Keep the amendment that made a version, and the answer to its key. Raises IdempotencyMismatch: the key has another by now."""
    if issue.made is not None:
        keep(connection, cipher, tenant=issue.tenant, verification_id=issue.verification_id, made=issue.made)
    if issue.key is not None and issue.response is not None:
        kept = _kept(cipher, issue, _blind(cipher, issue.tenant, issue.key), issue.response)
        if accepting.CLAIM_KEY.run(connection, kept) != 1:
            raise IdempotencyMismatch


def keep(connection: Connection, cipher: FieldCipher, *, tenant: str, verification_id: str, made: Made) -> None:
    """Keep one amendment, sealed. Version 0 is that of a verification which never had a report."""
    row = {
        "verification_id": verification_id,
        "version": made.version,
        "tenant": tenant,
        "kind": made.amendment.kind,
        "made_at": made.at,
        "sealed_amendment": cipher.seal(_place(verification_id, made.version), _AMENDMENT.dump_json(made.amendment)),
    }
    connection.execute(_INSERT, row)


def audited(cipher: FieldCipher, tenant: str, made: Made) -> dict[str, object]:
    """Return what the audit log says. The officer is blind: who knows the name finds her acts, who reads the table learns no name."""
    return {"amendment": made.amendment.kind, "officer": cipher.blind(tenant, made.amendment.officer.name_or_id)}


def read(connection: Connection, cipher: FieldCipher, key: dict[str, str]) -> Sequence[Made]:
    """Return a verification's amendments, oldest first; none for one that does not exist."""
    rows = connection.execute(_OF_VERIFICATION, key).mappings()
    return [made(cipher, row) for row in rows]


def made(cipher: FieldCipher, row: Any) -> Made:
    """Return the amendment of a row."""
    return Made(row["version"], row["made_at"], _open(cipher, row))


def replay(connection: Connection, cipher: FieldCipher, tenant: str, key: Key) -> Replay | None:
    """Return what was answered under this key, if anything was. Raises IdempotencyMismatch when it was asked something else."""
    key = _blind(cipher, tenant, key)
    wanted = {"tenant": tenant, "method": key.method, "route": key.route, "key": key.key}
    row = connection.execute(accepting.FIND_KEY, wanted).first()
    if row is None:
        return None
    if row.fingerprint != cipher.blind(tenant, key.fingerprint):
        raise IdempotencyMismatch
    return Replay(row.response_status, row.response_headers, cipher.open(_body_place(row.verification_id, key), row.sealed_response_body))


def _blind(cipher: FieldCipher, tenant: str, key: Key) -> Key:
    return replace(key, key=accepting.blind_key(cipher, tenant, key.key))


def _open(cipher: FieldCipher, row: Any) -> Amendment:
    return _AMENDMENT.validate_json(cipher.open(_place(row["verification_id"], row["version"]), row["sealed_amendment"]))


def _place(verification_id: str, version: int) -> Place:
    return Place("amendments", "sealed_amendment", verification_id, str(version))


def _kept(cipher: FieldCipher, issue: Issue, key: Key, response: Response) -> dict[str, Any]:
    return {
        "tenant": issue.tenant,
        "method": key.method,
        "route": key.route,
        "key": key.key,
        "fingerprint": cipher.blind(issue.tenant, key.fingerprint),
        "verification_id": issue.verification_id,
        "status": "done",
        "created_at": issue.now,
        "response_status": response.status,
        "response_headers": dict(response.headers),
        "sealed_response_body": cipher.seal(_body_place(issue.verification_id, key), response.body),
    }


def _body_place(verification_id: str, key: Key) -> Place:
    return Place("idempotency", "sealed_response_body", verification_id, f"{key.method}|{key.route}|{key.key}")
