"""Issue a report version: everything it brings in one transaction, refused when another process holds the verification.

Order: the fence first (it locks the verification's row), then the version (its unique constraint decides between two),
then the rest. The rows are built before the transaction begins.
"""

from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from verify_service.errors import NotFound
from verify_service.storage import accepting, amending, audit, rows
from verify_service.storage.encryption import FieldCipher
from verify_service.storage.errors import LostLease
from verify_service.storage.hot import HotStatement
from verify_service.storage.records import Issue, VerificationState
from verify_service.storage.tables import answers, exchanges, idempotency, outbox, reports, shared_calls, shares, tickets, verifications

_HELD = (
    verifications.c.id == bindparam("of_verification"),
    verifications.c.tenant == bindparam("of_tenant"),
    verifications.c.fence == bindparam("mine"),
)
_SETTLE = HotStatement(
    update(verifications)
    .where(*_HELD)
    .values(
        state=bindparam("state"),
        updated_at=bindparam("now"),
        lease_until=None,
        due_at=bindparam("due_at"),
        current_report_id=bindparam("current_report_id"),
    )
)
_FAIL = HotStatement(
    update(verifications)
    .where(*_HELD)
    .values(state=VerificationState.FAILED.value, updated_at=bindparam("now"), lease_until=None, failure=bindparam("reason"))
)
_EXISTS = select(verifications.c.id).where(
    verifications.c.id == bindparam("of_verification"), verifications.c.tenant == bindparam("of_tenant")
)
_INSERT_REPORT = HotStatement(
    {"sqlite": sqlite.insert(reports).on_conflict_do_nothing(), "postgresql": postgresql.insert(reports).on_conflict_do_nothing()}
)
_SAME_REPORT = select(reports.c.id).where(
    reports.c.verification_id == bindparam("of_verification"),
    reports.c.version == bindparam("version"),
    reports.c.digest == bindparam("digest"),
)
_INSERT_ANSWERS, _INSERT_EXCHANGES = HotStatement(insert(answers)), HotStatement(insert(exchanges))
_INSERT_SHARED_CALL = HotStatement(
    {
        "sqlite": sqlite.insert(shared_calls).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(shared_calls).on_conflict_do_nothing(),
    }
)
_INSERT_SHARES = HotStatement(insert(shares))
_INSERT_TICKETS, _INSERT_OUTBOX = HotStatement(insert(tickets)), HotStatement(insert(outbox).inline())
_CLOSE_TICKET = HotStatement(
    update(tickets)
    .where(tickets.c.verification_id == bindparam("of_verification"), tickets.c.dedupe_key == bindparam("of_key"))
    .values(state=bindparam("state"))
)
_LOOK_AGAIN = HotStatement(
    update(tickets)
    .where(tickets.c.verification_id == bindparam("of_verification"), tickets.c.dedupe_key == bindparam("of_key"))
    .values(next_look=bindparam("next_look"))
)
_FREE_KEY = HotStatement(
    delete(idempotency).where(
        idempotency.c.verification_id == bindparam("of_verification"),
        idempotency.c.tenant == bindparam("of_tenant"),
        idempotency.c.status == "running",
    )
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An issue with its rows ready to write."""

    issue: Issue
    report: dict[str, Any]
    answers: dict[str, Any] | None
    exchanges: list[dict[str, Any]]
    shared_calls: list[dict[str, Any]]
    shares: list[dict[str, Any]]
    tickets: list[dict[str, Any]]


def prepare(cipher: FieldCipher, issue: Issue) -> Prepared:
    """Build the rows: serialise, compress, seal."""
    return Prepared(
        issue,
        rows.report(cipher, issue),
        rows.answers(cipher, issue) if issue.answers else None,
        [rows.exchange(cipher, issue, kept) for kept in issue.exchanges],
        # In one order for all: two that write the same calls must not wait for each other.
        sorted((rows.shared_call(cipher, issue, kept.call) for kept in issue.shares), key=itemgetter("id")),
        [rows.share(issue, kept) for kept in issue.shares],
        [rows.ticket(issue, kept) for kept in issue.tickets],
    )


def write(connection: Connection, cipher: FieldCipher, prepared: Prepared) -> None:
    """Write them. The same version with the same digest again changes nothing. Raises NotFound, LostLease."""
    issue = prepared.issue
    _settle(connection, issue)
    if not _INSERT_REPORT.run(connection, prepared.report):
        _expect_same(connection, issue)
        return
    if prepared.answers is not None:
        _INSERT_ANSWERS.run(connection, prepared.answers)
    _INSERT_EXCHANGES.run_many(connection, prepared.exchanges)
    _INSERT_SHARED_CALL.run_many(connection, prepared.shared_calls)
    _INSERT_SHARES.run_many(connection, prepared.shares)
    _INSERT_TICKETS.run_many(connection, prepared.tickets)
    _CLOSE_TICKET.run_many(connection, rows.closed(issue))
    _LOOK_AGAIN.run_many(connection, rows.next_looks(issue))
    amending.write(connection, cipher, issue)
    if issue.response is not None and issue.key is None:
        accepting.respond(connection, cipher, tenant=issue.tenant, verification_id=issue.verification_id, response=issue.response)
    _INSERT_OUTBOX.run(connection, rows.event(issue))
    audit.record(connection, _act(cipher, issue))


@dataclass(frozen=True, slots=True)
class Failure:
    """A verification that cannot be finished; `reason` is a code of ours."""

    tenant: str
    verification_id: str
    fence: int
    reason: str
    actor: str
    now: Any


def fail(connection: Connection, failure: Failure) -> None:
    """End the verification and free its key, so that the requester may try again. Raises NotFound, LostLease."""
    f = failure
    held = {"of_verification": f.verification_id, "of_tenant": f.tenant}
    changed = _FAIL.run(connection, {**held, "mine": f.fence, "now": f.now, "reason": f.reason})
    _expect_held(connection, changed, held)
    _FREE_KEY.run(connection, held)
    event = {
        "tenant": f.tenant,
        "kind": "verification.failed",
        "verification_id": f.verification_id,
        "report_id": None,
        "created_at": f.now,
    }
    _INSERT_OUTBOX.run(connection, event)
    audit.record(connection, audit.Act(f.tenant, f.now, f.actor, "verification.failed", f.verification_id, {"reason": f.reason}))


def _settle(connection: Connection, issue: Issue) -> None:
    held = {"of_verification": issue.verification_id, "of_tenant": issue.tenant}
    values = {"state": issue.state.value, "now": issue.now, "due_at": issue.due_at, "current_report_id": issue.report.id}
    _expect_held(connection, _SETTLE.run(connection, {**held, "mine": issue.fence, **values}), held)


def _expect_held(connection: Connection, changed: int, held: dict[str, str]) -> None:
    if changed == 1:
        return
    if connection.execute(_EXISTS, held).first() is None:
        raise NotFound
    raise LostLease(held["of_verification"])


def _expect_same(connection: Connection, issue: Issue) -> None:
    """Accept a repeated issue; refuse other content under a version that exists, which undoes the settling."""
    wanted = {"of_verification": issue.verification_id, "version": issue.report.version, "digest": issue.report.digest}
    if connection.execute(_SAME_REPORT, wanted).first() is None:
        raise LostLease(issue.verification_id)


def _act(cipher: FieldCipher, issue: Issue) -> audit.Act:
    detail: dict[str, object] = {"verification": issue.verification_id, "version": issue.report.version, "digest": issue.report.digest}
    if issue.made is not None:
        detail |= amending.audited(cipher, issue.tenant, issue.made)
    return audit.Act(issue.tenant, issue.now, issue.actor, "report.issued", issue.report.id, detail)
