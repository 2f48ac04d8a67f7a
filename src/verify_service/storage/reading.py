"""Look-ups. Every one asks for the tenant: what belongs to another is NotFound, exactly as what does not exist."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, RowMapping, Select, bindparam, insert, select, update

from verify_service.domain.outcome import Answer
from verify_service.errors import NotFound
from verify_service.storage import audit, rows
from verify_service.storage.accepting import request_place
from verify_service.storage.encryption import FieldCipher
from verify_service.storage.records import (
    Client,
    ReportRow,
    ReportVersion,
    StoredExchange,
    StoredShare,
    StoredTicket,
    VerificationRow,
    VerificationState,
)
from verify_service.storage.tables import answers, clients, exchanges, reports, shared_calls, shares, subjects, tickets, verifications

_LISTS = ("scopes", "purposes", "regions")
_VERSION_FIELDS = tuple(field.name for field in fields(ReportVersion))
_OF: dict[str, BindParameter[Any]] = {"id": bindparam("id"), "tenant": bindparam("tenant")}

_CLIENT = select(clients).where(clients.c.id == bindparam("id"))
_CLIENTS = select(clients).order_by(clients.c.tenant, clients.c.created_at, clients.c.id)
_DISABLE = (
    update(clients)
    .where(clients.c.id == bindparam("of_client"), clients.c.disabled_at.is_(None))
    .values(disabled_at=bindparam("now"))
    .returning(clients.c.tenant)
)
_VERIFICATION = select(verifications).where(verifications.c.id == _OF["id"], verifications.c.tenant == _OF["tenant"])
_NUMBERED = select(verifications).where(verifications.c.request_no == bindparam("number"), verifications.c.tenant == _OF["tenant"])
_REPORT = (
    select(reports, verifications.c.current_report_id)
    .join(verifications, verifications.c.id == reports.c.verification_id)
    .where(reports.c.id == _OF["id"], reports.c.tenant == _OF["tenant"])
)
_VERSIONS = (
    select(*(reports.c[name] for name in _VERSION_FIELDS))
    .where(
        reports.c.tenant == _OF["tenant"],
        reports.c.verification_id
        == select(reports.c.verification_id).where(reports.c.id == _OF["id"], reports.c.tenant == _OF["tenant"]).scalar_subquery(),
    )
    .order_by(reports.c.version)
)
_EXCHANGES = (
    select(exchanges)
    .where(exchanges.c.verification_id == _OF["id"], exchanges.c.tenant == _OF["tenant"])
    .order_by(exchanges.c.version, exchanges.c.source, exchanges.c.call_no, exchanges.c.ordinal)
)
_SHARES = (
    select(shares, shared_calls.c.source, shared_calls.c.sealed_call)
    .join(shared_calls, (shared_calls.c.id == shares.c.shared_call_id) & (shared_calls.c.tenant == shares.c.tenant))
    .where(shares.c.verification_id == _OF["id"], shares.c.tenant == _OF["tenant"])
    .order_by(shares.c.version, shares.c.call_no)
)
_TICKETS = select(tickets).where(tickets.c.verification_id == _OF["id"], tickets.c.tenant == _OF["tenant"]).order_by(tickets.c.dedupe_key)
_ANSWERS = (
    select(answers)
    .where(answers.c.verification_id == _OF["id"], answers.c.tenant == _OF["tenant"], answers.c.version <= bindparam("up_to"))
    .order_by(answers.c.version)
)
_OF_SUBJECT = (
    select(subjects.c.verification_id)
    .where(subjects.c.tenant == bindparam("tenant"), subjects.c.blind_index == bindparam("blind_index"))
    .order_by(subjects.c.verification_id)
)
_ANY_VERSION = 2**31 - 1


def add_client(connection: Connection, client: Client, *, actor: str) -> None:
    """Add a client; its id must be new."""
    row = {field.name: getattr(client, field.name) for field in fields(client)}
    connection.execute(insert(clients), row)
    audit.record(connection, audit.Act(client.tenant, client.created_at, actor, "client.added", client.id))


def client(connection: Connection, client_id: str) -> Client:
    """Return a client, disabled or not. Raises NotFound."""
    return _client(_one(connection, _CLIENT, {"id": client_id}))


def clients_of_all_tenants(connection: Connection) -> Sequence[Client]:
    """Return every client, by tenant and age."""
    return [_client(row) for row in connection.execute(_CLIENTS).mappings()]


def disable_client(connection: Connection, client_id: str, now: datetime, actor: str) -> None:
    """Disable a client unless it is disabled already. Raises NotFound."""
    tenant = connection.execute(_DISABLE, {"of_client": client_id, "now": now}).scalar_one_or_none()
    if tenant is None:
        client(connection, client_id)
        return
    audit.record(connection, audit.Act(tenant, now, actor, "client.disabled", client_id))


def _client(row: RowMapping) -> Client:
    return Client(**{**row, **{name: tuple(row[name]) for name in _LISTS}})


def verification(connection: Connection, cipher: FieldCipher, key: dict[str, str]) -> VerificationRow:
    """Return a verification with its request. Raises NotFound."""
    return read_verification(cipher, _one(connection, _VERIFICATION, key))


def numbered(connection: Connection, cipher: FieldCipher, tenant: str, number: str) -> VerificationRow:
    """Return the verification with a request number. Raises NotFound."""
    return read_verification(cipher, _one(connection, _NUMBERED, {"tenant": tenant, "number": number}))


def read_verification(cipher: FieldCipher, row: RowMapping) -> VerificationRow:
    """Open the request and name the state."""
    plain = {field.name: row[field.name] for field in fields(VerificationRow) if field.name not in {"request", "state"}}
    request = cipher.open(request_place(row["id"]), row["sealed_request"])
    return VerificationRow(request=request, state=VerificationState(row["state"]), **plain)


def report(connection: Connection, cipher: FieldCipher, key: dict[str, str], *, actor: str, now: datetime) -> ReportRow:
    """Return a report with its signed bytes; the audit row is durable before anyone sees them. Raises NotFound."""
    row = _one(connection, _REPORT, key)
    audit.record(connection, audit.Act(key["tenant"], now, actor, "report.read", row["id"], {"version": row["version"]}))
    jws = rows.read_jws(cipher, row["verification_id"], row["id"], row["sealed_jws"])
    return ReportRow(**{name: row[name] for name in _VERSION_FIELDS}, jws=jws, is_current=row["current_report_id"] == row["id"])


def versions(connection: Connection, key: dict[str, str]) -> Sequence[ReportVersion]:
    """Return every version of the chain this report belongs to, oldest first. Raises NotFound."""
    found = [ReportVersion(**row) for row in connection.execute(_VERSIONS, key).mappings()]
    if not found:
        raise NotFound
    return found


def evidence(connection: Connection, cipher: FieldCipher, key: dict[str, str]) -> Sequence[StoredExchange]:
    """Return every kept exchange, in the order they were made within each call. Raises NotFound."""
    return [rows.read_exchange(cipher, row) for row in _of_verification(connection, _EXCHANGES, key)]


def shares_of(connection: Connection, cipher: FieldCipher, key: dict[str, str]) -> Sequence[StoredShare]:
    """Return a verification's parts in shared calls, by version and call. Raises NotFound."""
    return [rows.read_share(cipher, row) for row in _of_verification(connection, _SHARES, key)]


def current_answers(connection: Connection, cipher: FieldCipher, key: dict[str, str], up_to: int | None) -> Sequence[Answer]:
    """Return one answer per cell: the newest, or the newest as of a report version. Raises NotFound."""
    wanted = {**key, "up_to": _ANY_VERSION if up_to is None else up_to}
    issued = [rows.read_answers(cipher, row) for row in _of_verification(connection, _ANSWERS, wanted)]
    newest = {rows.cell_of(answer): answer for version in issued for answer in version}
    return list(newest.values())


def tickets_of(connection: Connection, key: dict[str, str]) -> Sequence[StoredTicket]:
    """Return a verification's tickets in every state. Raises NotFound."""
    return [rows.read_ticket(row) for row in _of_verification(connection, _TICKETS, key)]


def verifications_of(connection: Connection, tenant: str, blind_index: str) -> Sequence[str]:
    """Return the ids of the verifications a person is a member of."""
    return list(connection.execute(_OF_SUBJECT, {"tenant": tenant, "blind_index": blind_index}).scalars())


def _one(connection: Connection, statement: Select[Any], key: dict[str, Any]) -> RowMapping:
    row = connection.execute(statement, key).mappings().first()
    if row is None:
        raise NotFound
    return row


def _of_verification(connection: Connection, statement: Select[Any], key: dict[str, Any]) -> Sequence[RowMapping]:
    found = connection.execute(statement, key).mappings().all()
    if not found:
        _one(connection, _VERIFICATION, key)
    return found
