"""Work on a chunk of households: do its task, and put it back when that fails.

The chunk is held under its fence. Whoever takes it away - a cancellation, or another worker after this one was silent -
makes the write at the end be refused, and within a second the questions stop.
"""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import structlog

from verify_service.bulk.first_versions import verify
from verify_service.bulk.renewal import ask_held_back, look_at_tickets, retry_failed
from verify_service.services import Services
from verify_service.storage.batch_records import ChunkKey, ChunkTask, ChunkWork
from verify_service.storage.errors import LostLease
from verify_service.telemetry import without_values

T = TypeVar("T")
_log = structlog.get_logger("verify_service.chunk")
_LOOK_UP_SECONDS = 0.4  # how often a chunk in work asks whether it is still wanted
_AGAIN_SECONDS = 5.0


async def work_on(services: Services, job_id: str) -> None:
    """Do what is to be done with a chunk, however long the database is away: a job that ended without that would be lost."""
    while not await _tried(services, ChunkKey.parse(job_id)):  # noqa: ASYNC110 - it is the database that we wait for
        await asyncio.sleep(_AGAIN_SECONDS)


async def _tried(services: Services, key: ChunkKey) -> bool:
    """Say whether the chunk was done, or put back to be due again soon."""
    fence = None
    try:
        work = await services.store.batches.begin(key)
        if work is not None:
            fence = work.fence
            await _watched(services, work, _task(services, work))
    except LostLease:
        _log.info("chunk.lost", batch=key.batch_id, chunk=key.no)
    except Exception as error:  # noqa: BLE001 - one chunk must not stop the worker, and must not be lost
        _log.error("chunk.failed", batch=key.batch_id, chunk=key.no, **without_values(error))
        return await _put_back(services, key, fence)
    return True


async def _put_back(services: Services, key: ChunkKey, fence: int | None) -> bool:
    again = services.clock() + timedelta(seconds=_AGAIN_SECONDS)
    try:
        await services.store.batches.put_back(key, due_at=again, fence=fence)
    except Exception as error:  # noqa: BLE001 - the database is away; nothing to do but try the whole again
        _log.error("chunk.not_put_back", batch=key.batch_id, chunk=key.no, **without_values(error))
        return False
    return True


def _task(services: Services, work: ChunkWork) -> Coroutine[Any, Any, None]:
    match work.task:
        case ChunkTask.VERIFY:
            return verify(services, work)
        case ChunkTask.LOOK:
            return look_at_tickets(services, work)
        case ChunkTask.RETRY:
            return retry_failed(services, work)
        case ChunkTask.GO_ON:
            return ask_held_back(services, work)


async def _watched(services: Services, work: ChunkWork, doing: Coroutine[Any, Any, T]) -> T:
    """Await it, and stop it as soon as the chunk is not wanted any more. Raises LostLease then."""
    task = asyncio.create_task(doing)
    try:
        while not (await asyncio.wait({task}, timeout=_LOOK_UP_SECONDS))[0]:
            if not await services.store.batches.is_wanted(work):
                raise LostLease(work.key.batch_id)
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
