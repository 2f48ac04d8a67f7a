"""The worker's share in webhooks: route what the outbox holds, and keep deliveries under way without letting one receiver hold all."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from verify_service.bulk.webhooks import message, schedule
from verify_service.bulk.webhooks.sender import SECONDS, Sender, open_sender
from verify_service.services import Services
from verify_service.storage.webhook_records import DeliveryClaim
from verify_service.telemetry import without_values

_log = structlog.get_logger("verify_service.webhooks")
_UNDER_WAY = 32
_HELD = timedelta(seconds=4 * SECONDS)


async def deliver_until(services: Services, stopping: asyncio.Event, *, uniform: schedule.Uniform) -> None:
    """Deliver until told to stop; what is under way is finished first."""
    async with open_sender(services.limits.webhook_networks) as sender:
        courier = Courier(services, sender, uniform)
        while not stopping.is_set():
            done = await _quietly(courier.round()) or 0
            if done == 0:
                await _pause(stopping, services.limits.poll_seconds)
        await courier.finish()


@dataclass(slots=True)
class Courier:
    """Takes what is due and makes the deliveries side by side; an endpoint with some under way gets no more meanwhile."""

    services: Services
    sender: Sender
    uniform: schedule.Uniform
    _tasks: set[asyncio.Task[int | None]] = field(default_factory=set)
    _busy: Counter[str] = field(default_factory=Counter)

    async def round(self) -> int:
        """Route and take what is due now; return how many events and deliveries there were."""
        webhooks, now = self.services.store.webhooks, self.services.clock()
        if len(self._tasks) >= _UNDER_WAY or not await webhooks.is_due(now=now):
            return 0
        routed = await webhooks.route(now=now)
        claims = await webhooks.claim(now=now, until=now + _HELD, busy=set(+self._busy))
        for claim in claims:
            self._busy[claim.endpoint_id] += 1
            task = asyncio.create_task(_quietly(self._deliver(claim)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return routed + len(claims)

    async def finish(self) -> None:
        """Wait for the deliveries under way; each ends by itself in seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _deliver(self, claim: DeliveryClaim) -> int:
        """Make one attempt and write what came of it."""
        try:
            content = message.body(claim)
            headers = message.headers(claim, content, now=self.services.clock())
            attempt = await self.sender.send(claim.url, content, headers)
            settled = schedule.settled(claim, attempt, now=self.services.clock(), uniform=self.uniform)
            await self.services.store.webhooks.settle(claim, settled)
        finally:
            self._busy[claim.endpoint_id] -= 1
        _log.info("webhook.attempted", delivery=claim.id, attempt=claim.attempts, outcome=attempt.outcome, state=settled.state.value)
        return 1


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return


async def _quietly(work: Awaitable[int]) -> int | None:
    """Await one piece of work; what it does not survive is logged, and comes round again."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - one delivery, or a database that is away, must not stop the worker
        _log.error("webhooks.failed", **without_values(error))
        return None
