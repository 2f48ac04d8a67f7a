"""The worker: again and again take what is due, finish it, and wait. Any number of workers may run; leases keep them apart."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from itertools import groupby

import structlog

from verify_service.bodies import read_request
from verify_service.bulk.deferred import look_at
from verify_service.errors import NoConsent
from verify_service.services import Services
from verify_service.storage.errors import LostLease
from verify_service.storage.records import TicketClaim, VerificationRow
from verify_service.telemetry import without_values
from verify_service.verification.verify import Job

_log = structlog.get_logger("verify_service.worker")
_AT_ONCE = 16


async def work_until(services: Services, stopping: asyncio.Event) -> None:
    """Work until told to stop; what has been started is finished first. Never raises for one piece of work."""
    while not stopping.is_set():
        done = await _quietly(work_once(services)) or 0
        if done == 0:
            await _pause(stopping, services.limits.poll_seconds)


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return


async def work_once(services: Services) -> int:
    """Take what is due now and finish it; return how many pieces there were."""
    now = services.clock()
    until = now + timedelta(seconds=services.limits.lease_seconds)
    unfinished = await services.store.unfinished(now=now, lease_until=until, limit=_AT_ONCE)
    due = await services.store.tickets_due(now=now, lease_until=until, limit=_AT_ONCE)
    looks = (_quietly(look_at(services, list(claims))) for _, claims in groupby(sorted(due, key=_of), key=_of))
    await asyncio.gather(*(_quietly(_finish(services, row)) for row in unfinished), *looks)
    return len(unfinished) + len(due)


def _of(claim: TicketClaim) -> str:
    return claim.verification_id


async def _finish(services: Services, row: VerificationRow) -> None:
    """Complete a verification that was accepted by a process that is gone."""
    job = Job(row.tenant, row.client_id, row.id, read_request(row.request), row.fence, row.created_at, row.request_no)
    try:
        await services.complete(job, deadline_seconds=services.limits.max_deadline_ms / 1000)
    except NoConsent:
        # Consents can end between acceptance and this moment; then nothing may be asked any more.
        await services.store.fail(tenant=row.tenant, verification_id=row.id, fence=row.fence, reason="no_consent", now=services.clock())


async def _quietly(work: Awaitable[int | None]) -> int | None:
    """Await one piece of work; log what it raises by type and place, and go on with the others."""
    try:
        return await work
    except LostLease:
        return None  # another worker went on with it
    except Exception as error:  # noqa: BLE001 - one piece of work must not stop the worker
        _log.error("worker.failed", **without_values(error))
        return None
