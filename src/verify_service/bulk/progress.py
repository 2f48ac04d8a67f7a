"""How far a batch is: results, outcomes by source, rate, and when it will end, with the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from verify_service.storage.batch_issuing import added
from verify_service.storage.batch_records import BatchRow, BatchState, ChunkCount, ChunkState
from verify_service.storage.batches import BatchStore

_RATE_OVER = timedelta(seconds=60)
_READY = frozenset({ChunkState.STAGED, ChunkState.WAITING})
_AHEAD = frozenset({ChunkState.STAGED, ChunkState.QUEUED, ChunkState.RUNNING})
ENDED = frozenset({BatchState.COMPLETED, BatchState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Estimate:
    """When the batch will end, as far as can be told, and why it is not over yet."""

    at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A batch with its counts: `results` by state, `open` rows without one, `outcomes` by source and code."""

    batch: BatchRow
    results: Mapping[str, int]
    open: int
    outcomes: Mapping[str, Mapping[str, int]] = field(repr=False)
    rows_per_minute: int
    estimate: Estimate | None

    @property
    def is_over(self) -> bool:
        """Say whether nothing will change any more."""
        return self.batch.state in ENDED


async def progress_of(batches: BatchStore, *, tenant: str, batch_id: str, now: datetime) -> Progress:
    """Return how far a batch is. Raises NotFound."""
    batch = await batches.batch(tenant=tenant, batch_id=batch_id)
    chunks = await batches.chunk_counts(tenant=tenant, batch_id=batch_id)
    results = _results(batch, chunks)
    outcomes: dict[str, dict[str, int]] = {}
    for chunk in chunks:
        outcomes = added(outcomes, chunk.outcomes)
    rate = _rows_per_minute(batch, chunks, now)
    left = batch.rows_in - sum(results.values())
    return Progress(batch, results, left, outcomes, rate, _estimate(batch, chunks, rate, now))


def _results(batch: BatchRow, chunks: Sequence[ChunkCount]) -> dict[str, int]:
    names = ("final", "partial", "rejected", "cancelled")
    if batch.state in ENDED:
        return {name: getattr(batch, name) for name in names}
    counted = {name: sum(getattr(chunk, name) for chunk in chunks) for name in names}
    return {**counted, "rejected": counted["rejected"] + batch.rejected}


def _rows_per_minute(batch: BatchRow, chunks: Sequence[ChunkCount], now: datetime) -> int:
    """Return the rate of the last minute, or since the batch began if that is less."""
    if batch.state in ENDED or batch.started_at is None:
        return 0
    over = max(timedelta(seconds=1), min(_RATE_OVER, now - batch.started_at))
    rows = sum(chunk.rows for chunk in chunks if chunk.finished_at is not None and chunk.finished_at > now - over)
    return int(rows * 60 / over.total_seconds())


def _estimate(batch: BatchRow, chunks: Sequence[ChunkCount], rate: int, now: datetime) -> Estimate | None:
    if batch.state in ENDED:
        return None
    if batch.state is BatchState.PAUSED:
        return Estimate(None, "paused")
    waiting = [chunk for chunk in chunks if chunk.state in _READY and chunk.due_at is not None and chunk.due_at > now]
    ahead = sum(chunk.rows for chunk in chunks if chunk.state in _AHEAD and chunk not in waiting)
    if ahead:
        at = now + timedelta(minutes=ahead / rate) if rate else None
        return Estimate(at, "asking" if rate else "waiting for a free worker")
    last = max(waiting, key=lambda chunk: chunk.due_at or now, default=None)
    return Estimate(now, "completing") if last is None else Estimate(last.due_at, last.waits_for or "trying again")
