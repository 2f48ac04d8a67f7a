"""Whether the service can do its work now: each need looked at, none longer than a moment."""

import asyncio
from collections.abc import Awaitable

import structlog

from verify_service.api.wire import Readiness
from verify_service.services import Services
from verify_service.telemetry import without_values

_log = structlog.get_logger("verify_service.api")
_MOMENT_SECONDS = 2.0


async def readiness(services: Services) -> Readiness:
    """Look at the store, its schema, the policies and the signing key."""
    checks = {
        "store": await _holds("store", services.store.ping()),
        "schema": await _holds("schema", services.store.migration_is_current()),
        "policies": bool(services.policies.regions),
        "signing_key": services.keyring().active.private is not None,
    }
    return Readiness(ready=all(checks.values()), checks=checks)


async def _holds(name: str, looking: Awaitable[object]) -> bool:
    """Say whether it ends in a moment, without an error and not with False. Whatever goes wrong is the answer, and in the log by type."""
    try:
        async with asyncio.timeout(_MOMENT_SECONDS):
            return await looking is not False
    except Exception as error:  # noqa: BLE001 - a need that cannot be looked at is not met, whatever the reason
        _log.warning("readiness.not_met", need=name, **without_values(error))
        return False
