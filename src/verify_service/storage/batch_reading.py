"""Look-ups of batches. Every one asks for the tenant, and what is not accepted yet is NotFound."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from verify_service.domain.amendment import Made
from verify_service.domain.outcome import Answer
from verify_service.errors import NotFound
from verify_service.storage import amending, audit, batch_chunks, batch_control, rows
from verify_service.storage.accepting import request_place
from verify_service.storage.batch_records import (
    BatchRow,
    BatchState,
    ChunkCount,
    ChunkRow,
    ChunkState,
    ChunkWork,
    Known,
    Look,
    Rejection,
    ResultRow,
    RowState,
)
from verify_service.storage.batch_tables import batch_chunks as chunks
from verify_service.storage.batch_tables import batch_rejections, batch_rows, batch_tickets, batches, workers
from verify_service.storage.encryption import FieldCipher
from verify_service.storage.records import StoredTicket, TicketState
from verify_service.storage.tables import amendments, answers, reports, subjects, verifications

_b, _c, _r, _e, _v, _p = batches.c, chunks.c, batch_rows.c, batch_rejections.c, verifications.c, reports.c
_BATCH = select(batches).where(_b.id == bindparam("id"), _b.tenant == bindparam("tenant"), _b.state != BatchState.RECEIVING.value)
_COUNTED = ("final", "partial", "rejected", "cancelled", "outcomes", "finished_at", "due_at", "waits_for")
_CHUNKS = select(*(_c[name] for name in ("state", "first_row", "last_row", *_COUNTED))).where(
    _c.batch_id == bindparam("id"), _c.tenant == bindparam("tenant")
)
_REJECTIONS = (
    select(_e.no, _e.line, _e.place, _e.rule)
    .where(_e.batch_id == bindparam("id"), _e.tenant == bindparam("tenant"), _e.no > bindparam("after"))
    .order_by(_e.no, _e.ordinal)
)
_RESULTS = (
    select(_r.no, _r.line, _r.reference, _r.state, _r.verification_id, _v.request_no, _r.report_id, _p.version, _p.digest, _p.sealed_jws)
    .join(verifications, _v.id == _r.verification_id, isouter=True)
    .join(reports, _p.id == _r.report_id, isouter=True)
    .where(_r.batch_id == bindparam("id"), _r.tenant == bindparam("tenant"), _r.no > bindparam("after"))
    .order_by(_r.no)
    .limit(bindparam("most"))
)
_DIGESTS = (
    select(_r.no, _r.state, _p.digest)
    .join(reports, _p.id == _r.report_id, isouter=True)
    .where(_r.batch_id == bindparam("id"), _r.tenant == bindparam("tenant"), _r.no > bindparam("after"))
    .order_by(_r.no)
    .limit(bindparam("most"))
)
_OF_CHUNK = (
    _r.batch_id == bindparam("of_batch"),
    _r.chunk_no == bindparam("of_no"),
    _r.report_id.is_not(None),
)
_KNOWN = (
    select(_r.no, _r.line, _r.verification_id, _r.reference, _v.request_no, _v.sealed_request, _p.id, _p.version)
    .join(verifications, _v.id == _r.verification_id)
    .join(reports, _p.id == _v.current_report_id)
    .where(*_OF_CHUNK)
    .order_by(_r.no)
)
_KNOWN_ANSWERS = (
    select(answers)
    .join(batch_rows, _r.verification_id == answers.c.verification_id)
    .where(*_OF_CHUNK)
    .order_by(answers.c.verification_id, answers.c.version)
)
_OF_PERSONS = (
    select(subjects.c.verification_id)
    .join(verifications, _v.id == subjects.c.verification_id)
    .join(batch_rows, _r.verification_id == subjects.c.verification_id)
    .where(
        subjects.c.tenant == bindparam("of_tenant"),
        subjects.c.blind_index.in_(bindparam("blinds", expanding=True)),
        _v.client_id == bindparam("of_client"),
        _v.updated_at >= bindparam("since"),
    )
)
_TOLD = (
    select(answers)
    .where(answers.c.tenant == bindparam("of_tenant"), answers.c.verification_id.in_(bindparam("ids", expanding=True)))
    .order_by(answers.c.verification_id, answers.c.version)
)
_AMENDED = (
    select(amendments).join(batch_rows, _r.verification_id == amendments.c.verification_id).where(*_OF_CHUNK).order_by(amendments.c.version)
)
_WAITING = select(batch_tickets).where(
    batch_tickets.c.batch_id == bindparam("of_batch"),
    batch_tickets.c.chunk_no == bindparam("of_no"),
    batch_tickets.c.state == TicketState.WAITING.value,
)
_ALIVE = select(func.count()).select_from(workers)
_SQLITE_BEAT, _POSTGRESQL_BEAT = sqlite.insert(workers), postgresql.insert(workers)
_BEAT = {
    "sqlite": _SQLITE_BEAT.on_conflict_do_update(index_elements=["id"], set_={"seen_at": _SQLITE_BEAT.excluded.seen_at}),
    "postgresql": _POSTGRESQL_BEAT.on_conflict_do_update(index_elements=["id"], set_={"seen_at": _POSTGRESQL_BEAT.excluded.seen_at}),
}


def batch(connection: Connection, key: dict[str, str]) -> BatchRow:
    """Return a batch. Raises NotFound."""
    row = connection.execute(_BATCH, key).mappings().first()
    if row is None:
        raise NotFound
    return BatchRow(**{f.name: row[f.name] for f in fields(BatchRow) if f.name != "state"}, state=BatchState(row["state"]))


def open_of(connection: Connection, tenant: str, client_id: str) -> int:
    """Return how many batches of a client have not ended."""
    ended = [BatchState.COMPLETED.value, BatchState.CANCELLED.value]
    mine = select(func.count()).select_from(batches).where(_b.tenant == tenant, _b.client_id == client_id, _b.state.not_in(ended))
    return int(connection.execute(mine).scalar_one())


def chunk_counts(connection: Connection, key: dict[str, str]) -> Sequence[ChunkCount]:
    """Return how far every chunk of a batch is."""
    found = []
    for row in connection.execute(_CHUNKS, key).mappings():
        values = {name: row[name] for name in _COUNTED}
        found.append(ChunkCount(state=ChunkState(row["state"]), rows=row["last_row"] - row["first_row"] + 1, **values))
    return found


def rejections(connection: Connection, key: dict[str, str], *, after: int, most: int) -> Sequence[Rejection]:
    """Return what is wrong with the next `most` rejected rows after row `after`; a row comes whole."""
    mine = (_e.batch_id == key["id"], _e.tenant == key["tenant"], _e.no > after)
    numbers = select(_e.no).where(*mine).distinct().order_by(_e.no).limit(most)
    last = connection.execute(select(func.max(numbers.subquery().c.no))).scalar_one()
    if last is None:
        return []
    found = connection.execute(_REJECTIONS.where(_e.no <= last), {**key, "after": after})
    return [Rejection(row.no, row.line, row.place, row.rule) for row in found]


def results(connection: Connection, cipher: FieldCipher, key: dict[str, str], *, after: int, most: int) -> Sequence[ResultRow]:
    """Return the next rows with their current signed reports."""
    return [_result(cipher, row) for row in connection.execute(_RESULTS, {**key, "after": after, "most": most})]


def log_read(connection: Connection, key: dict[str, str], *, actor: str, now: datetime) -> None:
    """Write that `actor` reads a batch's results, before any of them leave. Raises NotFound."""
    found = batch(connection, key)
    audit.record(connection, audit.Act(key["tenant"], now, actor, "batch.results_read", found.id))


def digests(connection: Connection, key: dict[str, str], *, after: int, most: int) -> Sequence[tuple[int, str, str | None]]:
    """Return (row, state, digest of its report) of the next rows."""
    return [(row.no, row.state, row.digest) for row in connection.execute(_DIGESTS, {**key, "after": after, "most": most})]


def known(connection: Connection, cipher: FieldCipher, work: ChunkWork) -> Sequence[Known]:
    """Return the households of a chunk that have a report, with what their current version was made from."""
    key = {"of_batch": work.key.batch_id, "of_no": work.key.no}
    newest: dict[str, dict[tuple[str, str], Answer]] = {}
    for row in connection.execute(_KNOWN_ANSWERS, key).mappings():
        of_verification = newest.setdefault(row["verification_id"], {})
        of_verification |= {rows.cell_of(answer): answer for answer in rows.read_answers(cipher, row)}
    made: dict[str, list[Made]] = {}
    for row in connection.execute(_AMENDED, key).mappings():
        made.setdefault(row["verification_id"], []).append(amending.made(cipher, row))
    found = connection.execute(_KNOWN, key).all()
    return [_known(cipher, row, newest[row.verification_id].values(), made.get(row.verification_id, ())) for row in found]


def told(connection: Connection, cipher: FieldCipher, work: ChunkWork, blinds: Sequence[str], since: datetime) -> Sequence[Answer]:
    """Return the newest answers of every household of this client's batches in which one of these persons is, since then."""
    mine = {"of_tenant": work.tenant, "of_client": work.client_id, "blinds": blinds, "since": since}
    ids = sorted(set(connection.execute(_OF_PERSONS, mine).scalars()))
    if not ids:
        return []
    newest: dict[tuple[str, str, str], Answer] = {}
    for row in connection.execute(_TOLD, {"of_tenant": work.tenant, "ids": ids}).mappings():
        newest |= {(row["verification_id"], *rows.cell_of(answer)): answer for answer in rows.read_answers(cipher, row)}
    return list(newest.values())


def waiting(connection: Connection, work: ChunkWork) -> Sequence[StoredTicket]:
    """Return the tickets of a chunk that have not been answered."""
    found = connection.execute(_WAITING, {"of_batch": work.key.batch_id, "of_no": work.key.no}).mappings()
    return [rows.read_ticket(row) for row in found]


def beat(connection: Connection, worker: str, now: datetime) -> None:
    """Say that a worker is alive."""
    connection.execute(_BEAT[connection.dialect.name], {"id": worker, "seen_at": now})


def silent(connection: Connection, before: datetime) -> Sequence[str]:
    """Return the workers that have not been heard of since."""
    return list(connection.execute(select(workers.c.id).where(workers.c.seen_at < before)).scalars())


def look(connection: Connection, now: datetime) -> Look:
    """Return what there is to do, and how many workers share in it."""
    alive = connection.execute(_ALIVE).scalar_one()
    return Look(int(alive), batch_chunks.is_due(connection, now), batch_control.finished(connection))


def forget(connection: Connection, worker: str) -> None:
    """Take a worker out, which has ended or whose work others have."""
    connection.execute(delete(workers).where(workers.c.id == worker))


def _result(cipher: FieldCipher, row: Any) -> ResultRow:
    jws = None
    if row.sealed_jws is not None:
        jws = rows.read_jws(cipher, row.verification_id, row.report_id, row.sealed_jws)
    ids = (row.verification_id, row.request_no, row.report_id)
    return ResultRow(row.no, row.line, row.reference, RowState(row.state), *ids, row.version, row.digest, jws)


def _known(cipher: FieldCipher, row: Any, answers_now: Iterable[Answer], made: Sequence[Made]) -> Known:
    request = cipher.open(request_place(row.verification_id), row.sealed_request)
    chunk_row = ChunkRow(row.no, row.line, row.verification_id, row.reference, request, row.request_no)
    return Known(chunk_row, row.id, row.version, list(answers_now), made)
