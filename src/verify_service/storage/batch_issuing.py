"""Write what one piece of work on a chunk brings: many report versions in one transaction, each statement for all of them.

Order: the chunk's fence first, then the verifications (new ones, or the next version of those that still have the version
this one was made from), then the rest. The rows are built before the transaction begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, select, update

from verify_service.storage import audit, batch_chunks, batch_claims, rows
from verify_service.storage.accepting import request_place
from verify_service.storage.batch_records import ChunkIssue, ChunkState, ChunkWork, PutOff, RowState, Wait
from verify_service.storage.batch_tables import batch_chunks as chunks
from verify_service.storage.batch_tables import batch_exchanges, batch_rejections, batch_rows, batch_tickets
from verify_service.storage.encryption import FieldCipher, Place
from verify_service.storage.errors import LostLease
from verify_service.storage.hot import HotStatement
from verify_service.storage.many import ManyRows
from verify_service.storage.records import Issue, StoredExchange, StoredTicket, VerificationState
from verify_service.storage.tables import answers, reports, subjects, verifications
from verify_service.storage.tables import audit as audit_table

_v, _r, _c = verifications.c, batch_rows.c, chunks.c
_NEXT_VERSION = HotStatement(
    update(verifications)
    .where(_v.id == bindparam("of_verification"), _v.tenant == bindparam("of_tenant"), _v.current_report_id == bindparam("before"))
    .values(state=bindparam("to_state"), updated_at=bindparam("now"), current_report_id=bindparam("to_report"), fence=_v.fence + 1)
)
_FINAL = [VerificationState.FINAL.value, VerificationState.FINAL_WITH_GAPS.value]
_OF_CHUNK = (_r.batch_id == bindparam("of_batch"), _r.chunk_no == bindparam("of_no"))
_SETTLE_ROWS = (
    update(batch_rows)
    .where(*_OF_CHUNK, _r.verification_id == _v.id, _r.state.in_([RowState.STAGED.value, RowState.PARTIAL.value]))
    .values(
        state=case(
            (_v.state == VerificationState.PARTIAL.value, RowState.PARTIAL.value),
            (_v.state.in_(_FINAL), RowState.FINAL.value),
            else_=RowState.CANCELLED.value,  # withdrawn by an officer in the meantime
        ),
        report_id=_v.current_report_id,
    )
)
_REJECT_ROW = (
    update(batch_rows).where(_r.batch_id == bindparam("of_batch"), _r.no == bindparam("of_no")).values(state=RowState.REJECTED.value)
)
_COUNTED = {RowState.FINAL.value, RowState.PARTIAL.value, RowState.CANCELLED.value}
_COUNT = select(_r.state, func.count()).where(*_OF_CHUNK).group_by(_r.state)
_THIS_CHUNK = (_c.batch_id == bindparam("of_batch"), _c.no == bindparam("of_no"))
_TICKET = (
    batch_tickets.c.batch_id == bindparam("of_batch"),
    batch_tickets.c.chunk_no == bindparam("of_no"),
    batch_tickets.c.dedupe_key == bindparam("of_key"),
)
_CLOSE_TICKET = update(batch_tickets).where(*_TICKET).values(state=bindparam("to_state"))
_POSTPONE_TICKET = (
    update(batch_tickets)
    .where(*_TICKET)
    .values(
        reference=bindparam("to_reference"),
        next_look=bindparam("to_look"),
        file_digest=bindparam("to_digest"),
        submissions=bindparam("to_number"),
    )
)


_TABLES = (verifications, subjects, reports, answers, batch_exchanges, batch_tickets, batch_rejections, audit_table)
_ADD = {table.name: ManyRows(table) for table in _TABLES}


@dataclass(frozen=True, slots=True)
class PreparedChunk:
    """A chunk's issue with its rows ready to write, by table."""

    issue: ChunkIssue
    rows: Mapping[str, Sequence[dict[str, Any]]]
    next_versions: list[dict[str, Any]]


def prepare(cipher: FieldCipher, issue: ChunkIssue) -> PreparedChunk:
    """Build the rows: serialise, compress, seal."""
    first = [each for each in issue.issues if each.report.version == 1]
    return PreparedChunk(
        issue,
        {
            verifications.name: [_verification(cipher, issue, each) for each in first],
            subjects.name: [row for each in first for row in _subjects(cipher, issue, each)],
            reports.name: [rows.report(cipher, each) for each in issue.issues],
            answers.name: [rows.answers(cipher, each) for each in issue.issues if each.answers],
            batch_exchanges.name: [_exchange(cipher, issue.work, kept) for kept in issue.exchanges],
            batch_tickets.name: [_ticket(issue.work, kept) for kept in issue.tickets],
            batch_rejections.name: [_rejection(issue, i) for i in range(len(issue.rejections))],
            audit_table.name: [_act(each).row() for each in issue.issues],
        },
        [_next_version(each) for each in issue.issues if each.report.version > 1],
    )


def write(connection: Connection, prepared: PreparedChunk) -> None:
    """Write them. Raises LostLease when another process has the chunk, or a household has a newer version by now."""
    issue = prepared.issue
    batch_chunks.release(connection, issue.work, _after(issue))
    if issue.requests:
        batch_claims.release(connection, issue.work.key.batch_id, issue.work.key.no)
    if _NEXT_VERSION.run_many(connection, prepared.next_versions) != len(prepared.next_versions):
        raise LostLease(issue.work.key.batch_id)
    for table, rows_of_table in prepared.rows.items():
        _ADD[table].add(connection, rows_of_table)
    _settle(connection, issue)


def put_off(connection: Connection, cipher: FieldCipher, off: PutOff) -> None:
    """Let a chunk wait; its rows stay staged, so that it can be cancelled as if it had not begun. Raises LostLease."""
    begun = {} if off.begun_at is None else {"begun_at": off.begun_at}
    batch_chunks.release(connection, off.work, {"state": ChunkState.STAGED.value, **_waiting(off.wait), **begun})
    _ADD[batch_exchanges.name].add(connection, [_exchange(cipher, off.work, kept) for kept in off.exchanges])
    _ADD[batch_tickets.name].add(connection, [_ticket(off.work, kept) for kept in off.tickets])
    _postpone(connection, {"of_batch": off.work.key.batch_id, "of_no": off.work.key.no}, off.postponed)


def _postpone(connection: Connection, chunk: dict[str, Any], tickets: Sequence[StoredTicket]) -> None:
    for kept in tickets:
        to = {"to_reference": kept.ticket.reference, "to_look": kept.ticket.next_look}
        counted = {"to_digest": kept.file_digest, "to_number": kept.submissions}
        connection.execute(_POSTPONE_TICKET, {**chunk, "of_key": kept.ticket.dedupe_key, **to, **counted})


def _settle(connection: Connection, issue: ChunkIssue) -> None:
    """Bring the batch's rows, tickets and counts to what was written."""
    chunk = {"of_batch": issue.work.key.batch_id, "of_no": issue.work.key.no}
    connection.execute(_SETTLE_ROWS, chunk)
    for number in sorted({rejection.no for rejection in issue.rejections}):
        connection.execute(_REJECT_ROW, {**chunk, "of_no": number})
    for key, state in issue.closed.items():
        connection.execute(_CLOSE_TICKET, {**chunk, "of_key": key, "to_state": state.value})
    _postpone(connection, chunk, issue.postponed)
    counted = {row[0]: row[1] for row in connection.execute(_COUNT, chunk) if row[0] in _COUNTED}
    if issue.rejections:
        counted["rejected"] = len({rejection.no for rejection in issue.rejections})  # those of the upload are counted there
    known = connection.execute(select(_c.outcomes).where(*_THIS_CHUNK), chunk).scalar_one()
    values = {"outcomes": added(known, issue.outcomes), **dict.fromkeys(_COUNTED, 0), **counted}
    connection.execute(update(chunks).where(*_THIS_CHUNK).values(**values), chunk)


def added(known: Mapping[str, Mapping[str, int]], more: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Return the sum of two counts of outcomes by source; what comes to nothing is left out."""
    total = {source: dict(codes) for source, codes in known.items()}
    for source, codes in more.items():
        of_source = total.setdefault(source, {})
        for code, number in codes.items():
            of_source[code] = of_source.get(code, 0) + number
    return {source: {code: number for code, number in sorted(codes.items()) if number} for source, codes in sorted(total.items())}


def _after(issue: ChunkIssue) -> dict[str, Any]:
    """Return how the chunk stands afterwards; its requests are verifications now and are not kept twice."""
    begun = {} if issue.begun_at is None else {"begun_at": issue.begun_at}
    ended = {"finished_at": issue.now, "sealed_requests": None, **begun}
    if issue.wait is not None:
        return {"state": ChunkState.WAITING.value, **_waiting(issue.wait), **ended}
    return {"state": ChunkState.DONE.value, "due_at": None, "waits_for": None, **ended}


def _waiting(wait: Wait) -> dict[str, Any]:
    return {"task": wait.task.value, "due_at": wait.due_at, "waits_for": wait.reason}


def _verification(cipher: FieldCipher, issue: ChunkIssue, each: Issue) -> dict[str, Any]:
    request = issue.requests[each.verification_id]
    return {
        "id": each.verification_id,
        "tenant": each.tenant,
        "client_id": issue.work.client_id,
        "client_reference": request.reference,
        "request_no": request.request_no,
        "state": each.state.value,
        "sealed_request": cipher.seal(request_place(each.verification_id), request.body),
        "request_digest": cipher.blind(each.tenant, request.fingerprint),
        "created_at": issue.work.accepted_at,
        "updated_at": issue.now,
        "fence": 1,
        "current_report_id": each.report.id,
    }


def _subjects(cipher: FieldCipher, issue: ChunkIssue, each: Issue) -> list[dict[str, str]]:
    blinds = {cipher.blind(each.tenant, number) for number in issue.requests[each.verification_id].subjects}
    return [{"tenant": each.tenant, "blind_index": blind, "verification_id": each.verification_id} for blind in sorted(blinds)]


def _next_version(each: Issue) -> dict[str, Any]:
    return {
        "of_verification": each.verification_id,
        "of_tenant": each.tenant,
        "before": each.report.replaces,
        "to_state": each.state.value,
        "to_report": each.report.id,
        "now": each.now,
    }


def _exchange(cipher: FieldCipher, work: ChunkWork, kept: StoredExchange) -> dict[str, Any]:
    key = work.key
    message = kept.exchange
    place = Place("batch_exchanges", "sealed_message", key.batch_id, f"{key.no}|{key.attempt}|{kept.source}|{kept.call_no}|{kept.ordinal}")
    plain = ("step", "status", "request_digest", "answer_digest", "asked_at", "answered_at", "attempts")
    return {
        "batch_id": key.batch_id,
        "chunk_no": key.no,
        "attempt": key.attempt,
        "source": kept.source,
        "call_no": kept.call_no,
        "ordinal": kept.ordinal,
        "tenant": work.tenant,
        "question_ids": kept.question_ids,
        "sealed_message": cipher.seal(place, rows.pack(message)),
        **{name: getattr(message, name) for name in plain},
    }


def _ticket(work: ChunkWork, kept: StoredTicket) -> dict[str, Any]:
    return {
        "batch_id": work.key.batch_id,
        "chunk_no": work.key.no,
        "dedupe_key": kept.ticket.dedupe_key,
        "tenant": work.tenant,
        "source": kept.source,
        "question_ids": kept.question_ids,
        "reference": kept.ticket.reference,
        "state": kept.state.value,
        "next_look": kept.ticket.next_look,
        "latest": kept.ticket.latest,
        "file_digest": kept.file_digest,
        "submissions": kept.submissions,
    }


def _rejection(issue: ChunkIssue, ordinal: int) -> dict[str, Any]:
    told = issue.rejections[ordinal]
    place = {"no": told.no, "ordinal": ordinal, "line": told.line, "place": told.place, "rule": told.rule}
    return {"batch_id": issue.work.key.batch_id, "tenant": issue.work.tenant, **place}


def _act(each: Issue) -> audit.Act:
    detail = {"verification": each.verification_id, "version": each.report.version, "digest": each.report.digest}
    return audit.Act(each.tenant, each.now, each.actor, "report.issued", each.report.id, detail)
