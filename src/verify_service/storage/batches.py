"""The store of batches: one method per thing that intake, workers and the API need, each one transaction."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial

from verify_service.domain.outcome import Answer
from verify_service.storage import batch_chunks, batch_claims, batch_control, batch_issuing, batch_reading, batch_staging
from verify_service.storage.batch_records import (
    BatchRow,
    ChunkCount,
    ChunkIssue,
    ChunkKey,
    ChunkWork,
    Known,
    Look,
    NewBatch,
    PutOff,
    Rejection,
    ResultRow,
    Staged,
    Upload,
)
from verify_service.storage.encryption import FieldCipher
from verify_service.storage.executor import Executor
from verify_service.storage.records import Replay, Response, StoredTicket


class BatchStore:
    """All durable state of batches. Everything that a client asks for is asked for by tenant."""

    def __init__(self, executor: Executor, cipher: FieldCipher) -> None:
        self._executor = executor
        self._cipher = cipher

    async def open(self, batch: NewBatch) -> None:
        """Begin an upload."""
        await self._executor.write(partial(batch_staging.open_batch, batch=batch))

    async def stage(self, batch: NewBatch, staged: Staged) -> None:
        """Make some rows of an upload durable."""
        await self._executor.write(partial(batch_staging.stage, cipher=self._cipher, batch=batch, staged=staged))

    async def accept(self, upload: Upload, response: Response) -> Replay | None:
        """Accept an upload; or give the kept response, and forget the upload. Raises IdempotencyMismatch."""
        return await self._executor.write(partial(batch_staging.accept, cipher=self._cipher, upload=upload, response=response))

    async def settle_references(self, batch_id: str) -> int:
        """Reject rows whose reference comes again, without accepting anything; return how many rows are rejected."""
        return await self._executor.write(partial(batch_staging.settle_references, batch_id=batch_id))

    async def discard(self, batch_id: str) -> None:
        """Forget an upload that was not accepted."""
        await self._executor.write(partial(batch_staging.discard, batch_id=batch_id))

    async def abandoned(self, *, before: datetime) -> Sequence[str]:
        """Return uploads that began before an instant and were never accepted."""
        return await self._executor.read(partial(batch_staging.abandoned, before=before))

    async def batch(self, *, tenant: str, batch_id: str) -> BatchRow:
        """Return a batch. Raises NotFound."""
        return await self._executor.read(partial(batch_reading.batch, key=_key(tenant, batch_id)))

    async def chunk_counts(self, *, tenant: str, batch_id: str) -> Sequence[ChunkCount]:
        """Return how far every chunk is."""
        return await self._executor.read(partial(batch_reading.chunk_counts, key=_key(tenant, batch_id)))

    async def rejections(self, *, tenant: str, batch_id: str, after: int = 0, most: int = 1000) -> Sequence[Rejection]:
        """Return what is wrong with the next rejected rows after row `after`."""
        return await self._executor.read(partial(batch_reading.rejections, key=_key(tenant, batch_id), after=after, most=most))

    async def results(self, *, tenant: str, batch_id: str, after: int = 0, most: int = 200) -> Sequence[ResultRow]:
        """Return the next rows after row `after` with their reports. Call `log_read` before any of it leaves."""
        read = partial(batch_reading.results, cipher=self._cipher, key=_key(tenant, batch_id), after=after, most=most)
        return await self._executor.read(read)

    async def log_read(self, *, tenant: str, batch_id: str, actor: str, now: datetime) -> None:
        """Write into the audit log that the results are read. Raises NotFound."""
        await self._executor.write(partial(batch_reading.log_read, key=_key(tenant, batch_id), actor=actor, now=now))

    async def digests(self, *, tenant: str, batch_id: str, after: int, most: int = 10_000) -> Sequence[tuple[int, str, str | None]]:
        """Return (row, state, digest of its report) of the next rows after row `after`."""
        return await self._executor.read(partial(batch_reading.digests, key=_key(tenant, batch_id), after=after, most=most))

    async def move(self, *, tenant: str, batch_id: str, act: str, actor: str, now: datetime) -> None:
        """Do one of `pause`, `resume`, `cancel`, `retry-failed`. Raises NotFound, WrongState."""
        await self._executor.write(partial(batch_control.move, tenant=tenant, batch_id=batch_id, act=act, actor=actor, now=now))

    async def open_of(self, *, tenant: str, client_id: str) -> int:
        """Return how many batches of a client have not ended."""
        return await self._executor.read(partial(batch_reading.open_of, tenant=tenant, client_id=client_id))

    async def end_overdue(self, *, now: datetime) -> int:
        """Let nothing begin in batches whose deadline has passed."""
        return await self._executor.write(partial(batch_control.end_overdue, now=now))

    async def look(self, *, now: datetime) -> Look:
        """Return what there is to do, in one look that needs no writer: an idle worker does it several times a second."""
        return await self._executor.read(partial(batch_reading.look, now=now))

    async def count_rows(self, *, batch_id: str) -> dict[str, int]:
        """Return how many rows have each result."""
        return await self._executor.read(partial(batch_control.count_rows, batch_id=batch_id))

    async def complete(self, *, batch_id: str, manifest: str, counts: Mapping[str, int], now: datetime) -> bool:
        """Complete a batch if the accounting holds; say whether it was."""
        done = partial(batch_control.complete, batch_id=batch_id, manifest=manifest, counts=counts, now=now)
        return await self._executor.write(done)

    async def queue_due(self, *, now: datetime, most: int) -> Sequence[ChunkKey]:
        """Choose due chunks in fair turns, so that at most `most` are queued."""
        return await self._executor.write(partial(batch_chunks.queue_due, now=now, most=most))

    async def still_queued(self) -> Sequence[ChunkKey]:
        """Return every chunk that a job engine should know of."""
        return await self._executor.read(batch_chunks.still_queued)

    async def chunk_keys(self, *, batch_id: str) -> Sequence[ChunkKey]:
        """Return every attempt at every chunk of a batch."""
        return await self._executor.read(partial(batch_chunks.keys_of, batch_id=batch_id))

    async def begin(self, key: ChunkKey) -> ChunkWork | None:
        """Take a queued chunk under a new fence; None if there is nothing to do."""
        return await self._executor.write(partial(batch_chunks.begin, cipher=self._cipher, key=key))

    async def put_back(self, key: ChunkKey, *, due_at: datetime | None, fence: int | None = None) -> None:
        """Let go of a chunk that could not be worked on."""
        await self._executor.write(partial(batch_chunks.put_back, key=key, due_at=due_at, fence=fence))

    async def is_wanted(self, work: ChunkWork) -> bool:
        """Say whether this process still holds the chunk."""
        return await self._executor.read(partial(batch_chunks.is_wanted, work=work))

    async def issue(self, issue: ChunkIssue) -> None:
        """Write everything one piece of work on a chunk brings. Raises LostLease."""
        prepared = await asyncio.to_thread(batch_issuing.prepare, self._cipher, issue)
        await self._executor.write(partial(batch_issuing.write, prepared=prepared))

    async def put_off(self, off: PutOff) -> None:
        """Let a chunk wait before any of its rows is verified. Raises LostLease."""
        await self._executor.write(partial(batch_issuing.put_off, cipher=self._cipher, off=off))

    async def known(self, work: ChunkWork) -> Sequence[Known]:
        """Return the partial households of a chunk with what their current version was made from."""
        return await self._executor.read(partial(batch_reading.known, cipher=self._cipher, work=work))

    async def claim(self, work: ChunkWork, people: Collection[tuple[str, str]]) -> bool:
        """Claim people, as (identity number, purpose), for a chunk in work; False, and nothing is claimed, when another chunk has one."""
        blind = {(self._cipher.blind(work.tenant, number), purpose) for number, purpose in people}
        return await self._executor.write(partial(batch_claims.claim, work=work, people=blind))

    async def told(self, work: ChunkWork, numbers: Collection[str], *, since: datetime) -> Sequence[Answer]:
        """Return what the same client's batches were told of these identity numbers in reports made since then."""
        blinds = [self._cipher.blind(work.tenant, number) for number in numbers]
        return await self._executor.read(partial(batch_reading.told, cipher=self._cipher, work=work, blinds=blinds, since=since))

    async def waiting(self, work: ChunkWork) -> Sequence[StoredTicket]:
        """Return the tickets of a chunk that have not been answered."""
        return await self._executor.read(partial(batch_reading.waiting, work=work))

    async def beat(self, worker: str, *, now: datetime) -> None:
        """Say that a worker is alive."""
        await self._executor.write(partial(batch_reading.beat, worker=worker, now=now))

    async def silent(self, *, before: datetime) -> Sequence[str]:
        """Return the workers that have not been heard of since."""
        return await self._executor.read(partial(batch_reading.silent, before=before))

    async def forget(self, worker: str) -> None:
        """Take a worker out."""
        await self._executor.write(partial(batch_reading.forget, worker=worker))


def _key(tenant: str, batch_id: str) -> dict[str, str]:
    return {"tenant": tenant, "id": batch_id}
