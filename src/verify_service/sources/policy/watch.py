"""Bring what other processes decided and used into this one's policies, every few seconds."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import structlog

from verify_service.sources.policy.ledger import PolicyLedger, Shared
from verify_service.sources.policy.policy import SourcePolicy
from verify_service.telemetry import without_values

EVERY_SECONDS = 2.0
_log = structlog.get_logger("verify_service.policy")


@asynccontextmanager
async def watched(
    policies: Mapping[str, SourcePolicy], ledger: PolicyLedger, *, every_seconds: float = EVERY_SECONDS
) -> AsyncIterator[None]:
    """Look once before anything is asked, then again and again until the end."""
    await refresh(policies, ledger)
    task = asyncio.create_task(_again_and_again(policies, ledger, every_seconds))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _again_and_again(policies: Mapping[str, SourcePolicy], ledger: PolicyLedger, every_seconds: float) -> None:
    while True:
        await asyncio.sleep(every_seconds)
        await refresh(policies, ledger)


async def refresh(policies: Mapping[str, SourcePolicy], ledger: PolicyLedger) -> None:
    """Look once. While the ledger cannot be reached, what was known last stays in force: an isolated source stays isolated."""
    changes = {source: policy.changes for source, policy in policies.items()}
    try:
        known = await ledger.look()
    except Exception as error:  # noqa: BLE001 - whatever the database does, the service goes on with what it knows
        _log.warning("policy.ledger_unavailable", **without_values(error))
        return
    for source, policy in policies.items():
        policy.share(known.get(source, Shared()), changes=changes[source])
