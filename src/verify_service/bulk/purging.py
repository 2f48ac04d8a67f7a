"""The worker's broom: now and then it removes what was told and answered so long ago that nobody asks for it any more."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from verify_service.services import Services
from verify_service.storage.purging import ROWS
from verify_service.telemetry import without_values

_log = structlog.get_logger("verify_service.purging")
_EVERY_SECONDS = 300.0
_BETWEEN_SECONDS = 1.0  # turns, while there is more: the work of others comes first


async def purge_until(services: Services, stopping: asyncio.Event) -> None:
    """Purge until told to stop. Any number of workers may do it; each turn's rows are one's alone."""
    broom = Broom(services)
    while not stopping.is_set():
        is_more = await _quietly(broom.turn())
        try:
            await asyncio.wait_for(stopping.wait(), _BETWEEN_SECONDS if is_more else _EVERY_SECONDS)
        except TimeoutError:
            continue


@dataclass(slots=True)
class Broom:
    """Knows up to which event it has looked in this pass."""

    services: Services
    _after: int = 0

    async def turn(self) -> bool:
        """Remove a few rows of each kind; say whether there may be more."""
        purging, limits, now = self.services.store.purging, self.services.limits, self.services.clock()
        events_before, keys_before = now - timedelta(days=limits.keep_events_days), now - timedelta(days=limits.keep_keys_days)
        self._after = await purging.events(after=self._after, before=events_before, now=now)
        keys = await purging.keys(before=keys_before, now=now)
        return self._after > 0 or keys == ROWS


async def _quietly(turn: Awaitable[bool]) -> bool:
    """Await one turn; what it does not survive is logged, and comes round again."""
    try:
        return await turn
    except Exception as error:  # noqa: BLE001 - a database that is away must not stop the worker
        _log.error("purging.failed", **without_values(error))
        return False
