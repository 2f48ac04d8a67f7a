"""One source's policy: whether, when and how often it is asked."""

from collections.abc import Callable
from datetime import datetime

from verify_service.sources.definition import Source
from verify_service.sources.policy.snapshot import Isolation, PolicySnapshot, QuotaUse, SourceState


class SourcePolicy:
    """Lives as long as the process, one per source. Build it inside the running event loop."""

    def __init__(self, source: Source, *, clock: Callable[[], datetime]) -> None:
        self._source = source
        self._clock = clock
        self._since = clock()
        self._isolation: Isolation | None = None

    async def isolate(self, reason: str) -> None:
        """Hold the source back in every process until it is released; nothing is sent to it."""
        self._isolation = Isolation(reason, self._clock())

    async def release(self) -> None:
        """End the isolation in every process; the breaker goes on from where it was."""
        self._isolation, self._since = None, self._clock()

    def snapshot(self) -> PolicySnapshot:
        """Return what an operator sees now."""
        held, quota = self._isolation, self._source.quota
        return PolicySnapshot(
            state=SourceState.CLOSED if held is None else SourceState.ISOLATED,
            since=self._since if held is None else held.since,
            reason="" if held is None else held.reason,
            next_probe=None,
            in_flight=0,
            limit=self._source.limits.in_flight,
            waiting=0,
            retry_tokens=10.0,
            per_second=QuotaUse(quota.per_second, 0),
            per_day=QuotaUse(quota.per_day, 0),
            next_opening=None,
        )
