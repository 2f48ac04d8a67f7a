"""How long one attempt may take: the p99.9 of the source, as this process measured it, within the bounds of source.toml.

One in a thousand good answers is given up too early; that is the price of noticing a hanging register soon. Only whole
answers are measured, and attempts that ran out, as one step longer than they were given: else a register that became
slower would be cut off for ever. Half a window back everything is forgotten, so an outage is, too.
"""

from verify_service.sources.definition import Limits, TimeoutRule
from verify_service.sources.policy.lane import Lane
from verify_service.telemetry.durations import BOUNDS, Durations

HALF_WINDOW_SECONDS = 450.0
_SHARE, _USUAL_SHARE = 0.999, 0.95
_EVERY = 100  # attempts between two looks at the histogram
_STEP = BOUNDS[1] / BOUNDS[0]
_BULK_FACTOR = 2


class AttemptTimeouts:
    """One source's, in one process. `seconds` holds those in force, by lane; instants are of one monotonic clock, in seconds."""

    __slots__ = ("_before", "_now", "_rule", "_since", "_start", "_unread", "measured", "seconds", "usual")

    def __init__(self, rule: TimeoutRule, limits: Limits, *, now: float) -> None:
        self._rule = rule
        self._start = limits.attempt_timeout_ms
        self._before, self._now = Durations(), Durations()
        self._since, self._unread = now, 0
        self.measured = 0  # attempts that the present timeouts follow from; 0: they are those of source.toml
        self.usual: float | None = None  # p95, in seconds, once there are enough
        self.seconds = self._unmeasured()

    def took(self, seconds: float, now: float) -> None:
        """Count a whole answer."""
        self._now.add(seconds)
        self._unread += 1
        if self._unread >= _EVERY:
            self._measure(now)

    def ran_out(self, seconds: float, now: float) -> None:
        """Count an attempt that did not end within its timeout of so many seconds."""
        self._now.add(seconds * _STEP)
        self._measure(now)

    def _measure(self, now: float) -> None:
        self._unread = 0
        if now - self._since >= HALF_WINDOW_SECONDS:
            self._before, self._now, self._since = self._now, Durations(), now
        whole = Durations()
        whole.merge(self._before)
        whole.merge(self._now)
        longest = whole.quantile(_SHARE)
        is_enough = longest is not None and whole.count >= self._rule.least_attempts
        self.measured = whole.count if is_enough else 0
        self.usual = whole.quantile(_USUAL_SHARE) if is_enough else None
        self.seconds = self._bounded(longest * 1000) if longest and is_enough else self._unmeasured()

    def _unmeasured(self) -> dict[Lane, float]:
        """Return where timeouts start. A bulk call asks about hundreds and nobody waits for it: cut off too early it is asked in vain."""
        start, rule = self._start, self._rule
        bulk = min(max(start * _BULK_FACTOR, rule.bulk_least_ms), max(rule.bulk_most_ms, start))
        return {"live": start / 1000, "bulk": bulk / 1000}

    def _bounded(self, longest_ms: float) -> dict[Lane, float]:
        """Return the timeouts for a p99.9. Where a timeout starts is within its bounds, whatever they say."""
        rule, start = self._rule, self._start
        live = min(max(longest_ms, min(rule.least_ms, start)), max(rule.most_ms, start))
        bulk = min(max(longest_ms * _BULK_FACTOR, rule.bulk_least_ms), max(rule.bulk_most_ms, start))
        return {"live": live / 1000, "bulk": max(live, bulk) / 1000}
