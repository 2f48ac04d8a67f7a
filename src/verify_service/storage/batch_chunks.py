"""Chunks: which are due, in fair turns between tenants; who works on one; putting one back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select, tuple_, update

from verify_service.storage.batch_records import BatchState, ChunkKey, ChunkRow, ChunkState, ChunkTask, ChunkWork, RowState
from verify_service.storage.batch_staging import open_requests
from verify_service.storage.batch_tables import batch_chunks, batch_rows, batches
from verify_service.storage.encryption import FieldCipher
from verify_service.storage.errors import LostLease

_c, _b, _r = batch_chunks.c, batches.c, batch_rows.c
_READY = (ChunkState.STAGED.value, ChunkState.WAITING.value)
_TAKEN = (ChunkState.QUEUED.value, ChunkState.RUNNING.value)
_other = batch_chunks.alias("other")
_TAKEN_OF_TENANT = (
    select(func.count())
    .select_from(_other)
    .where(_other.c.tenant == batch_chunks.c.tenant, _other.c.state.in_(_TAKEN))
    .correlate(batch_chunks)
    .scalar_subquery()
)
_TURN = func.row_number().over(partition_by=_c.tenant, order_by=(_b.started_at, _c.batch_id, _c.no)) + _TAKEN_OF_TENANT
_CANDIDATES = (
    select(_c.batch_id, _c.no)
    .join(batches, _b.id == _c.batch_id)
    .where(
        _b.state == BatchState.RUNNING.value,
        _c.state.in_(_READY),
        or_(_c.due_at.is_(None), _c.due_at <= bindparam("now")),
    )
    .order_by(_TURN, _b.started_at, _c.no)
    .limit(bindparam("most"))
)
_QUEUED = select(func.count()).select_from(batch_chunks).where(_c.state == ChunkState.QUEUED.value)
_QUEUE = (
    update(batch_chunks)
    .where(tuple_(_c.batch_id, _c.no).in_(_CANDIDATES), _c.state.in_(_READY))
    .values(state=ChunkState.QUEUED.value, attempt=_c.attempt + 1, waits_for=None)
    .returning(_c.batch_id, _c.no, _c.attempt)
)
_STILL_QUEUED = select(_c.batch_id, _c.no, _c.attempt).where(_c.state.in_(_TAKEN))
_THIS = (_c.batch_id == bindparam("of_batch"), _c.no == bindparam("of_no"))
_BEGIN = (
    update(batch_chunks)
    .where(*_THIS, _c.attempt == bindparam("of_attempt"), _c.state.in_(_TAKEN))
    .values(state=ChunkState.RUNNING.value, fence=_c.fence + 1)
    .returning(_c.tenant, _c.task, _c.fence, _c.sealed_requests, _c.begun_at)
)
_PUT_BACK = update(batch_chunks).where(*_THIS, _c.state.in_(_TAKEN))
_ROWS = (
    select(_r.no, _r.line, _r.verification_id, _r.reference, _r.state)
    .where(_r.batch_id == bindparam("of_batch"), _r.chunk_no == bindparam("of_no"))
    .order_by(_r.no)
)
_OWNER = select(_b.client_id, _b.state, _b.started_at, _b.deadline_at).where(_b.id == bindparam("of_batch"))


def queue_due(connection: Connection, *, now: datetime, most: int) -> Sequence[ChunkKey]:
    """Choose due chunks of running batches so that at most `most` are queued at a time, tenants taking turns."""
    free = most - int(connection.execute(_QUEUED).scalar_one())
    if free <= 0:
        return []
    return [_key(row) for row in connection.execute(_QUEUE, {"now": now, "most": free})]


def is_due(connection: Connection, now: datetime) -> bool:
    """Say whether there is anything to queue; a look that needs no writer."""
    return connection.execute(_CANDIDATES, {"now": now, "most": 1}).first() is not None


def still_queued(connection: Connection) -> Sequence[ChunkKey]:
    """Return every chunk that a job engine should know of."""
    return [_key(row) for row in connection.execute(_STILL_QUEUED)]


def keys_of(connection: Connection, batch_id: str) -> Sequence[ChunkKey]:
    """Return every attempt at every chunk of a batch."""
    found = connection.execute(select(_c.batch_id, _c.no, _c.attempt).where(_c.batch_id == batch_id))
    return [ChunkKey(row.batch_id, row.no, attempt) for row in found for attempt in range(1, row.attempt + 1)]


def begin(connection: Connection, cipher: FieldCipher, key: ChunkKey) -> ChunkWork | None:
    """Take a queued chunk, or take it over from a process that is gone, under a new fence. None if there is nothing to do."""
    owner = connection.execute(_OWNER, {"of_batch": key.batch_id}).one_or_none()
    if owner is None or owner.state != BatchState.RUNNING.value:
        put_back(connection, key, None)  # paused; the chunks of a cancelled batch are closed already
        return None
    taken = connection.execute(_BEGIN, {**_of(key), "of_attempt": key.attempt}).one_or_none()
    return None if taken is None else _work(connection, cipher, key, owner, taken)


def put_back(connection: Connection, key: ChunkKey, due_at: datetime | None, *, fence: int | None = None) -> None:
    """Let go of a chunk that could not be worked on; it is due again then. Nothing happens if another has it by now."""
    statement = _PUT_BACK.where(_c.attempt == key.attempt)
    if fence is not None:
        statement = statement.where(_c.fence == fence)
    connection.execute(statement.values(state=ChunkState.STAGED.value, due_at=due_at), _of(key))


def is_wanted(connection: Connection, work: ChunkWork) -> bool:
    """Say whether this process still holds the chunk; a cancelled batch has taken it away."""
    statement = select(_c.fence).where(*_THIS, _c.state == ChunkState.RUNNING.value)
    return bool(connection.execute(statement, _of(work.key)).scalar_one_or_none() == work.fence)


def release(connection: Connection, work: ChunkWork, values: dict[str, Any]) -> None:
    """End work on a chunk under its fence. Raises LostLease."""
    held = update(batch_chunks).where(*_THIS, _c.fence == work.fence, _c.state == ChunkState.RUNNING.value)
    if connection.execute(held.values(**values), _of(work.key)).rowcount != 1:
        raise LostLease(work.key.batch_id)


def _work(connection: Connection, cipher: FieldCipher, key: ChunkKey, owner: Any, taken: Any) -> ChunkWork:
    rows: Sequence[ChunkRow] = ()
    if taken.sealed_requests is not None:
        requests = open_requests(cipher, key.batch_id, key.no, taken.sealed_requests)
        pairs = zip(connection.execute(_ROWS, _of(key)), requests, strict=True)
        staged = RowState.STAGED.value
        rows = [ChunkRow(r.no, r.line, r.verification_id, r.reference, request) for r, request in pairs if r.state == staged]
    task = ChunkTask(taken.task)
    return ChunkWork(key, taken.tenant, owner.client_id, task, taken.fence, owner.started_at, owner.deadline_at, rows, taken.begun_at)


def _key(row: Any) -> ChunkKey:
    return ChunkKey(row.batch_id, row.no, row.attempt)


def _of(key: ChunkKey) -> dict[str, Any]:
    return {"of_batch": key.batch_id, "of_no": key.no}
