"""Pause, resume, cancel, end at the deadline, retry what failed, and complete: the life of a batch as a whole."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Update, bindparam, exists, func, insert, or_, select, update

from verify_service.errors import NotFound, WrongState
from verify_service.storage import audit, batch_claims
from verify_service.storage.batch_records import BatchState, ChunkState, ChunkTask, RowState
from verify_service.storage.batch_tables import batch_chunks, batch_rows, batch_tickets, batches
from verify_service.storage.records import TicketState
from verify_service.storage.tables import outbox

_b, _c, _r, _t = batches.c, batch_chunks.c, batch_rows.c, batch_tickets.c
RESULTS = (RowState.FINAL, RowState.PARTIAL, RowState.REJECTED, RowState.CANCELLED)
_OPEN = (ChunkState.STAGED.value, ChunkState.QUEUED.value, ChunkState.RUNNING.value, ChunkState.WAITING.value)
_NOT_BEGUN = (ChunkState.STAGED.value, ChunkState.QUEUED.value)
_HAS_OPEN = exists().where(_c.batch_id == _b.id, _c.state.in_(_OPEN))
_FINISHED = select(_b.id, _b.tenant).where(_b.state == BatchState.RUNNING.value, ~_HAS_OPEN)
_OVERDUE = select(_b.id, _b.tenant).where(
    _b.state.in_([BatchState.RUNNING.value, BatchState.PAUSED.value]),
    _b.deadline_at <= bindparam("now"),
    exists().where(_c.batch_id == _b.id, or_(_c.state.in_(_NOT_BEGUN), _c.state == ChunkState.WAITING.value)),
)
_MOVES: Mapping[str, tuple[tuple[BatchState, ...], BatchState]] = {
    "pause": ((BatchState.RUNNING,), BatchState.PAUSED),
    "resume": ((BatchState.PAUSED,), BatchState.RUNNING),
    "cancel": ((BatchState.RUNNING, BatchState.PAUSED), BatchState.CANCELLED),
    "retry-failed": ((BatchState.COMPLETED,), BatchState.RUNNING),
}


def move(connection: Connection, *, tenant: str, batch_id: str, act: str, actor: str, now: datetime) -> None:
    """Do one of `pause`, `resume`, `cancel`, `retry-failed`. Repeating it changes nothing. Raises NotFound, WrongState."""
    before, after = _MOVES[act]
    mine = (_b.id == batch_id, _b.tenant == tenant)
    changed = connection.execute(update(batches).where(*mine, _b.state.in_([s.value for s in before])).values(state=after.value))
    if changed.rowcount != 1:
        _expect(connection, mine, None if act == "retry-failed" else after)
        return
    if act == "cancel":
        _cancel(connection, batch_id, now)
    elif act == "retry-failed":
        _retry(connection, batch_id)
    audit.record(connection, audit.Act(tenant, now, actor, f"batch.{act}", batch_id))


def end_overdue(connection: Connection, now: datetime) -> int:
    """Let nothing begin in batches whose deadline has passed; return how many there were."""
    overdue = connection.execute(_OVERDUE, {"now": now}).all()
    for batch in overdue:
        _close(connection, batch.id, _NOT_BEGUN, now)
        _give_tickets_up(connection, batch.id)
        audit.record(connection, audit.Act(batch.tenant, now, "service", "batch.deadline", batch.id))
    return len(overdue)


def finished(connection: Connection) -> Sequence[tuple[str, str]]:
    """Return (tenant, id) of running batches of which nothing is left to do."""
    return [(row.tenant, row.id) for row in connection.execute(_FINISHED)]


def complete(connection: Connection, *, batch_id: str, manifest: str, counts: Mapping[str, int], now: datetime) -> bool:
    """Complete a batch if every row has its result, and the counts are those of the manifest; say whether it was."""
    found = count_rows(connection, batch_id)
    if found != dict(counts) or not _adds_up(connection, batch_id, found):
        return False
    done = update(batches).where(_b.id == batch_id, _b.state == BatchState.RUNNING.value, ~_HAS_OPEN)
    row = connection.execute(
        done.values(state=BatchState.COMPLETED.value, completed_at=now, manifest=manifest, **found).returning(_b.tenant)
    ).one_or_none()
    if row is not None:
        batch_claims.release(connection, batch_id)
        _tell(connection, row.tenant, batch_id, {"state": BatchState.COMPLETED.value, "results": found}, now)
    return row is not None


def count_rows(connection: Connection, batch_id: str) -> dict[str, int]:
    """Return how many rows have each result."""
    counted = select(_r.state, func.count()).where(_r.batch_id == batch_id).group_by(_r.state)
    found = {row[0]: row[1] for row in connection.execute(counted)}
    return {state.value: found.get(state.value, 0) for state in RESULTS}


def _adds_up(connection: Connection, batch_id: str, counts: Mapping[str, int]) -> bool:
    """Say whether rows_in = final + partial + rejected + cancelled."""
    return bool(connection.execute(select(_b.rows_in).where(_b.id == batch_id)).scalar_one() == sum(counts.values()))


def _cancel(connection: Connection, batch_id: str, now: datetime) -> None:
    """Take every chunk away from whoever works on it: its write will be refused, and its questions stop."""
    _close(connection, batch_id, (*_NOT_BEGUN, ChunkState.RUNNING.value), now)
    _give_tickets_up(connection, batch_id)
    batch_claims.release(connection, batch_id)
    counts = count_rows(connection, batch_id)
    if not _adds_up(connection, batch_id, counts):
        raise ValueError("rows without a result in a cancelled batch")
    connection.execute(update(batches).where(_b.id == batch_id).values(completed_at=now, **counts))
    tenant = connection.execute(select(_b.tenant).where(_b.id == batch_id)).scalar_one()
    _tell(connection, tenant, batch_id, {"state": BatchState.CANCELLED.value, "results": counts}, now)


def _close(connection: Connection, batch_id: str, states: tuple[str, ...], now: datetime) -> None:
    """Cancel the rows that were not verified in chunks of these states; what was verified stays."""
    chunk = (_c.batch_id == batch_id, _c.state.in_(states))
    rows = update(batch_rows).where(_r.batch_id == batch_id, _r.state == RowState.STAGED.value)
    connection.execute(rows.where(_r.chunk_no.in_(select(_c.no).where(*chunk))).values(state=RowState.CANCELLED.value))
    staged = select(func.count()).where(_r.batch_id == batch_id, _r.chunk_no == _c.no, _r.state == RowState.CANCELLED.value)
    closed: Update = update(batch_chunks).where(*chunk)
    values = {"state": ChunkState.CANCELLED.value, "fence": _c.fence + 1, "finished_at": now, "sealed_requests": None}
    connection.execute(closed.values(**values, cancelled=staged.scalar_subquery()))


def _give_tickets_up(connection: Connection, batch_id: str) -> None:
    waiting: ColumnElement[bool] = _t.state == TicketState.WAITING.value
    connection.execute(update(batch_tickets).where(_t.batch_id == batch_id, waiting).values(state=TicketState.EXPIRED.value))
    chunks = update(batch_chunks).where(_c.batch_id == batch_id, _c.state == ChunkState.WAITING.value)
    connection.execute(chunks.values(state=ChunkState.DONE.value, due_at=None))


def _retry(connection: Connection, batch_id: str) -> None:
    """Set the chunks with partial households to be asked again for what failed."""
    partial = select(_r.chunk_no).where(_r.batch_id == batch_id, _r.state == RowState.PARTIAL.value)
    again = update(batch_chunks).where(_c.batch_id == batch_id, _c.state == ChunkState.DONE.value, _c.no.in_(partial))
    connection.execute(again.values(state=ChunkState.STAGED.value, task=ChunkTask.RETRY.value, due_at=None))
    connection.execute(update(batches).where(_b.id == batch_id).values(completed_at=None, manifest=None))


def _tell(connection: Connection, tenant: str, batch_id: str, data: Mapping[str, Any], now: datetime) -> None:
    """Write the event with what it tells of; what it is about is named by the batch's id."""
    row: dict[str, Any] = {"tenant": tenant, "kind": "batch.completed", "verification_id": batch_id, "report_id": None, "created_at": now}
    connection.execute(insert(outbox), {**row, "data": dict(data)})
    audit.record(connection, audit.Act(tenant, now, "service", "batch.completed", batch_id))


def _expect(connection: Connection, mine: tuple[ColumnElement[bool], ...], after: BatchState | None) -> None:
    """Let a repeated act pass. Raises NotFound, WrongState."""
    state = connection.execute(select(_b.state).where(*mine)).scalar_one_or_none()
    if state is None or state == BatchState.RECEIVING.value:
        raise NotFound
    if after is None or state != after.value:
        raise WrongState("batch_state", f"the batch is {state}")
