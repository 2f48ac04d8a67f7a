"""What every worker does beside its jobs: feed the engine, complete batches, and take over what the dead have left.

A chunk is chosen in the database first and started in the engine afterwards; starting is idempotent by the chunk's key, and
what was chosen and not started is started by the next one who looks.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from verify_service.bulk.chunk import work_on
from verify_service.bulk.jobs import EngineOptions, JobEngine, open_engine
from verify_service.bulk.manifest import make_manifest
from verify_service.services import Services
from verify_service.telemetry import without_values

_log = structlog.get_logger("verify_service.batches")
KIND = "chunk"
_TICK_SECONDS = 0.2
_BEAT_SECONDS = 5.0
DEAD_AFTER_SECONDS = 30.0
_ABANDONED_AFTER = timedelta(hours=6)


async def work_batches_until(services: Services, options: EngineOptions, stopping: asyncio.Event) -> None:
    """Work on batches until told to stop; chunks in work are finished first."""
    await services.store.batches.beat(options.worker, now=services.clock())

    async def carry_out(job_id: str) -> None:
        await work_on(services, job_id)

    async with open_engine(options, {KIND: carry_out}) as engine:
        feeder = Feeder(services, engine, options)
        while not stopping.is_set():
            await _quietly(feeder.tick())
            try:
                await asyncio.wait_for(stopping.wait(), _TICK_SECONDS)
            except TimeoutError:
                continue
    await _quietly(services.store.batches.forget(options.worker))


@dataclass(slots=True)
class Feeder:
    """One worker's share in keeping batches going; any number of them may do it at once."""

    services: Services
    engine: JobEngine
    options: EngineOptions
    _next_beat: datetime | None = field(default=None)

    async def tick(self) -> None:
        """Do what is due now."""
        now = self.services.clock()
        if self._next_beat is None or now >= self._next_beat:
            self._next_beat = now + timedelta(seconds=_BEAT_SECONDS)
            await self._beat(now)
        look = await self.services.store.batches.look(now=now)
        if look.is_due:
            await self._feed(now, look.workers)
        for tenant, batch_id in look.finished:
            await self._complete(tenant, batch_id)

    async def _feed(self, now: datetime, workers: int) -> None:
        """Keep enough chunks queued for all workers, and no more: what is not queued can still be paused or take its fair turn."""
        most = 2 * self.options.concurrency * max(1, workers)
        for key in await self.services.store.batches.queue_due(now=now, most=most):
            await self.engine.start(KIND, str(key))

    async def _beat(self, now: datetime) -> None:
        """Say that this worker lives; end what is overdue; take over what dead workers and lost starts have left."""
        batches = self.services.store.batches
        await batches.beat(self.options.worker, now=now)
        await batches.end_overdue(now=now)
        for dead in await batches.silent(before=now - timedelta(seconds=DEAD_AFTER_SECONDS)):
            resumed = await self.engine.resume(dead)
            await batches.forget(dead)
            _log.warning("worker.taken_over", worker=dead, jobs=resumed)
        for key in await batches.still_queued():
            await self.engine.start(KIND, str(key))
        for upload in await batches.abandoned(before=now - _ABANDONED_AFTER):
            await batches.discard(upload)

    async def _complete(self, tenant: str, batch_id: str) -> None:
        """Complete a batch of which nothing is left to do, and let the engine forget its jobs."""
        batches = self.services.store.batches
        batch = await batches.batch(tenant=tenant, batch_id=batch_id)
        manifest, counts = await make_manifest(self.services, batch)
        if await batches.complete(batch_id=batch_id, manifest=manifest, counts=counts, now=self.services.clock()):
            _log.info("batch.completed", batch=batch_id, **counts)
            keys = await batches.chunk_keys(batch_id=batch_id)
            await self.engine.forget([(KIND, str(key)) for key in keys])


async def _quietly(work: Awaitable[None]) -> None:
    """Await one round; what it does not survive is logged, and the next round tries again."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - a database that is away for a while must not end the worker
        _log.error("batches.round_failed", **without_values(error))
