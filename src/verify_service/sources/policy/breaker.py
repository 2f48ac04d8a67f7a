"""The circuit breaker of one source in one process. Pure: every instant is passed in, in seconds of one monotonic clock.

    closed ── too many failed or slow ──► open ── its time is over, a call arrives ──► half-open
       ▲                                   ▲                                               │
       │                                   └── a probe failed or was slow: twice as long ──┤
       └──────────────── all probes passed ────────────────────────────────────────────────┘

Probes are calls that were due anyway, never invented persons; at most `probes` are under way at a time. A result is counted
in the state in which its call began: what comes in later from a state gone by says nothing about this one.
"""

from collections import deque
from collections.abc import Callable

from verify_service.sources.definition import BreakerRule
from verify_service.sources.policy.snapshot import SourceState


class Breaker:
    """`enter` before a call, then exactly one of `record` and `void` with what it gave."""

    def __init__(self, rule: BreakerRule, *, uniform: Callable[[float, float], float], now: float) -> None:
        self._rule = rule
        self._uniform = uniform
        self._results: deque[tuple[float, bool, bool]] = deque()  # when, failed, slow
        self._openings = 0  # since it was last closed
        self.state = SourceState.CLOSED
        self.reason = ""
        self.since = now
        self.until = now
        self.epoch = 0
        self._reset()

    def _reset(self) -> None:
        self._results.clear()
        self._failed = self._slow = self._in_a_row = self._probes = self._passed = 0

    def admits(self, now: float) -> bool:
        """Say whether `enter` would let a call through; it changes nothing."""
        if self.state is SourceState.CLOSED:
            return True
        return now >= self.until or (self.state is SourceState.HALF_OPEN and self._probes < self._rule.probes)

    def enter(self, now: float) -> int | None:
        """Let a call through, or not (None). The number goes back with its result."""
        if self.state is not SourceState.CLOSED:
            if not self.admits(now):
                return None
            if now >= self.until:  # open long enough, or probes that never told anything
                self._become(SourceState.HALF_OPEN, now, "trying again", self._rule.open_max_seconds)
            self._probes += 1
        return self.epoch

    def void(self, entered: int) -> None:
        """Forget a call that told nothing of the register (its caller went away); a probe may be made in its place."""
        if entered == self.epoch and self._probes:
            self._probes -= 1

    def record(self, entered: int, now: float, *, failed: bool, slow: bool) -> None:
        """Count a call's result, and open or close."""
        if entered != self.epoch:
            return
        if self.state is SourceState.HALF_OPEN:
            self._probed(now, passed=not failed and not slow)
            return
        self._count(now, failed, slow)
        if (failed or slow) and (reason := self._too_bad()):
            self._open(now, reason)

    def _probed(self, now: float, *, passed: bool) -> None:
        if not passed:
            self._open(now, "a probe failed")
            return
        self._passed += 1
        self._probes -= 1  # a call of several messages goes on, its next one is a probe again
        if self._passed == self._rule.probes:
            self._openings = 0
            self._become(SourceState.CLOSED, now, "", 0)

    def _count(self, now: float, failed: bool, slow: bool) -> None:
        self._results.append((now, failed, slow))
        self._failed += failed
        self._slow += slow
        self._in_a_row = self._in_a_row + 1 if failed else 0
        while self._results[0][0] <= now - self._rule.window_seconds:
            _, was_failed, was_slow = self._results.popleft()
            self._failed -= was_failed
            self._slow -= was_slow

    def _too_bad(self) -> str:
        rule, calls = self._rule, len(self._results)
        if self._in_a_row >= rule.failures_in_a_row:
            return f"{self._in_a_row} failures in a row"
        if calls >= rule.least_calls and self._failed * 100 >= calls * rule.failed_percent:
            return f"{self._failed} of {calls} calls failed"
        if calls >= rule.least_calls and self._slow * 100 >= calls * rule.slow_percent:
            return f"{self._slow} of {calls} calls were slow"
        return ""

    def _open(self, now: float, reason: str) -> None:
        rule = self._rule
        seconds = min(rule.open_max_seconds, rule.open_seconds * 2 ** min(self._openings, 32))
        self._openings += 1
        self._become(SourceState.OPEN, now, reason, seconds * (1 + self._uniform(-rule.jitter_percent, rule.jitter_percent) / 100))

    def _become(self, state: SourceState, now: float, reason: str, seconds: float) -> None:
        self.state, self.since, self.reason, self.until = state, now, reason, now + seconds
        self.epoch += 1
        self._reset()
