"""One source's policy: whether, when and how often it is asked.

async with policy.attempt(lane, deadline) as attempt:  # isolated? closed? breaker? place? quota? or SourceFailure
...one exchange...                                  # what it raises is counted
attempt.settle(None)                                    # once the answer has been read: was it one?
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from opentelemetry.trace import Tracer

from verify_service.domain.outcome import OutcomeCode
from verify_service.domain.policy import Calendar
from verify_service.sources.definition import Source
from verify_service.sources.failures import SourceFailure
from verify_service.sources.policy.attempt import Attempt
from verify_service.sources.policy.breaker import Breaker
from verify_service.sources.policy.budget import RetryBudget
from verify_service.sources.policy.hours import ServiceHours
from verify_service.sources.policy.lane import Lane
from verify_service.sources.policy.ledger import PolicyLedger, Shared
from verify_service.sources.policy.places import Places
from verify_service.sources.policy.quota import Quota
from verify_service.sources.policy.snapshot import Isolation, PolicySnapshot, QuotaUse, SourceState
from verify_service.sources.policy.timeouts import AttemptTimeouts

_CLOCK_SECONDS = 0.01  # two clocks' readings of one timeout

_log = structlog.get_logger("verify_service.policy")
_PROBING_SECONDS = 1.0  # while probes are under way, come again so soon


@dataclass(frozen=True, slots=True)
class Common:
    """What all sources share.

    Without a ledger no quota is counted and an isolation is this process's alone: for tests and tools that ask a sandbox.
    `calendar` tells a region's working days, `tracer` is told of every attempt.
    """

    ledger: PolicyLedger | None = None
    calendar: Callable[[str], Calendar] = lambda _region: Calendar()
    tracer: Tracer | None = None


class SourcePolicy:
    """Lives as long as the process, one per source. Build it inside the running event loop."""

    def __init__(
        self,
        source: Source,
        *,
        clock: Callable[[], datetime],
        uniform: Callable[[float, float], float],
        common: Common,
    ) -> None:
        self.time = asyncio.get_running_loop().time
        self.source = source
        self.breaker = Breaker(source.breaker, uniform=uniform, now=self.time())
        self.budget = RetryBudget(source.retry)
        self.places = Places(source.places, most=source.limits.in_flight)
        self.timeouts = AttemptTimeouts(source.timeouts, source.limits, now=self.time())
        self.quota = Quota(source, common.ledger, loop_time=self.time)
        self.slow_seconds = source.breaker.slow_ms / 1000
        self.calendar = common.calendar(source.region)
        self._hours = ServiceHours(source.hours, self.calendar)
        self._clock = clock
        self._ledger = common.ledger
        self._shared = Shared()
        self._changes = 0

    @property
    def fair_seconds(self) -> float:
        """Return the time that the register usually needs: a timeout says something about it only if it had that."""
        return min(self.slow_seconds, self.timeouts.seconds["live"]) - _CLOCK_SECONDS

    def attempt(self, lane: Lane, deadline: float) -> Attempt:
        """Return one attempt. Entering it raises SourceFailure when the source must not be asked now."""
        return Attempt(self, lane, deadline)

    def may_retry(self, lane: Lane, attempts: int) -> bool:
        """Say whether, after so many attempts, another may be made."""
        most = self.source.limits.attempts if lane == "live" else self.source.retry.bulk_attempts
        return attempts < most and self.budget.allows(lane)

    def pause_ceiling(self, lane: Lane, attempts: int) -> float:
        """Return the longest pause before the next attempt, in seconds; the pause is drawn from 0 up to it."""
        rule = self.source.retry
        first, most = (rule.first_ms, rule.max_ms) if lane == "live" else (rule.bulk_first_ms, rule.bulk_max_ms)
        return float(min(most, first * 2 ** (attempts - 1))) / 1000

    def refusal(self) -> SourceFailure | None:
        """Return why nothing may be sent now (isolated, closed, breaker open), and in how many seconds that may change."""
        if self._shared.isolation is not None:
            return SourceFailure(OutcomeCode.BREAKER_OPEN, failed_by="us", detail="isolated by an operator")
        now = self.time()
        if not self.breaker.admits(now):
            wait = self.breaker.until - now if self.breaker.state is SourceState.OPEN else _PROBING_SECONDS
            return SourceFailure(OutcomeCode.BREAKER_OPEN, failed_by="us", detail="breaker open", retry_after_seconds=wait)
        return self._closed()

    def long_refusal(self, lane: Lane) -> SourceFailure | None:
        """Return why the source will not be asked for a long while (its hours, the quota of the day), and for how many seconds."""
        return self._closed() or self.quota.spent(lane, self._shared.used_day)

    def _closed(self) -> SourceFailure | None:
        opening = self._opening()
        if opening is None:
            return None
        wait = (opening - self._clock()).total_seconds()
        return SourceFailure(OutcomeCode.MAINTENANCE, failed_by="source", detail="outside its hours", retry_after_seconds=wait)

    def record(self, entered: int, at: float, *, failed: bool, slow: bool) -> None:
        """Count what a call said of the register, and log when that opens or closes the breaker."""
        breaker = self.breaker
        before = breaker.epoch
        breaker.record(entered, at, failed=failed, slow=slow)
        if breaker.epoch != before:
            _log.warning("source.breaker", source=self.source.id, state=breaker.state.value, reason=breaker.reason)

    def _opening(self) -> datetime | None:
        return self._hours.next_opening(self._clock()) if self.source.hours else None

    async def isolate(self, reason: str) -> None:
        """Hold the source back in every process until it is released; nothing is sent to it. Raises LedgerUnavailable."""
        isolation = Isolation(reason, self._clock())
        if self._ledger is not None:
            await self._ledger.isolate(self.source.id, isolation)
        self._changes += 1
        self._shared = Shared(isolation, self._shared.used_second, self._shared.used_day)

    async def release(self) -> None:
        """End the isolation in every process; the breaker goes on from where it was. Raises LedgerUnavailable."""
        if self._ledger is not None:
            await self._ledger.release(self.source.id)
        self._changes += 1
        self._shared = Shared(None, self._shared.used_second, self._shared.used_day)

    @property
    def changes(self) -> int:
        """Count the isolations and releases made here: what was read from the ledger before one must not undo it."""
        return self._changes

    def share(self, shared: Shared, *, changes: int) -> None:
        """Take over what the ledger said when `changes` was counted."""
        if changes == self._changes:
            self._shared = shared

    def snapshot(self) -> PolicySnapshot:
        """Return what an operator sees now."""
        breaker, held = self.breaker, self._shared.isolation
        now, at = self.time(), self._clock()
        return PolicySnapshot(
            state=breaker.state if held is None else SourceState.ISOLATED,
            since=at - timedelta(seconds=now - breaker.since) if held is None else held.since,
            reason=breaker.reason if held is None else held.reason,
            next_probe=at + timedelta(seconds=max(0.0, breaker.until - now)) if breaker.state is SourceState.OPEN else None,
            in_flight=self.places.in_flight,
            limit=self.places.limit,
            waiting=self.places.waiting,
            timeouts={lane: round(seconds, 3) for lane, seconds in self.timeouts.seconds.items()},
            attempts_measured=self.timeouts.measured,
            retry_tokens=round(self.budget.tokens, 1),
            per_second=QuotaUse(self.quota.per_second, self._shared.used_second),
            per_day=QuotaUse(self.quota.per_day, self._shared.used_day),
            next_opening=self._opening(),
        )

    async def close(self) -> None:
        """Give back what is in hand of the quota."""
        await self.quota.close()
