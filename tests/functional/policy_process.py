"""A process that asks one source as fast as its policy lets it, and writes down each call; it may be killed at any moment."""

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.unit.sources.policy.sources import source
from verify_service.sources.failures import SourceFailure
from verify_service.sources.policy import Common, Lane, SourcePolicy, watched
from verify_service.storage.encryption import new_cipher
from verify_service.storage.store import open_store

CALLERS: tuple[Lane, ...] = ("live", "live", "live", "live", "bulk", "bulk")
_CALL_SECONDS = 0.002
_PAUSE_SECONDS = 0.02


def run(database_url: str, quota: dict[str, int], log: Path) -> None:
    """Ask for ever. A line is an instant of the machine's monotonic clock and `sent`, or the outcome of what was not sent."""
    asyncio.run(_run(database_url, quota, log))


async def _run(database_url: str, quota: dict[str, int], log: Path) -> None:
    store = await open_store(database_url, cipher=new_cipher(), pool_size=4)
    facts = source(quota=quota, limits={"in_flight": 100}, places={"first": 100})
    policy = SourcePolicy(facts, clock=lambda: datetime.now(UTC), uniform=lambda _low, high: high, common=Common(store.ledger))
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    async with watched({facts.id: policy}, store.ledger), asyncio.TaskGroup() as asking:
        for lane in CALLERS:
            asking.create_task(_ask(policy, lane, out))


async def _ask(policy: SourcePolicy, lane: Lane, out: int) -> None:
    while True:
        try:
            async with policy.attempt(lane, policy.time() + 4) as attempt:
                os.write(out, f"{time.monotonic():.6f} sent\n".encode())
                await asyncio.sleep(_CALL_SECONDS)
            attempt.settle(None)
        except SourceFailure as failure:
            os.write(out, f"{time.monotonic():.6f} {failure.code}\n".encode())
            await asyncio.sleep(_PAUSE_SECONDS)
