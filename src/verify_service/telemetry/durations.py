"""Durations counted in buckets: a fixed amount of memory, microseconds to add one, percentiles to an eighth."""

from bisect import bisect_left
from collections.abc import Iterator

_DECADES, _PER_DECADE = 6, 20
# 0.1 ms to 100 s, each 12 % above the one before, so that powers of ten are bounds themselves.
BOUNDS = tuple(10 ** (step / _PER_DECADE - 4) for step in range(_DECADES * _PER_DECADE + 1))
_TOLD_EVERY = 5


class Durations:
    """A histogram of seconds."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    def merge(self, other: "Durations") -> None:
        """Count all of the other's."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.seconds += other.seconds

    @property
    def count(self) -> int:
        """Return how many there are."""
        return sum(self.counts)

    def quantile(self, share: float) -> float | None:
        """Return seconds that this share of them did not exceed, at most 12 % too many; None when there are none.

        What lies beyond the last bound is told as that bound: 100 s.
        """
        wanted, seen = share * self.count, 0
        for bound, count in zip(BOUNDS, self.counts, strict=False):
            seen += count
            if seen and seen >= wanted:
                return bound
        return BOUNDS[-1] if self.count else None

    def cumulative(self) -> Iterator[tuple[str, float]]:
        """Give the buckets of a Prometheus histogram, every fifth bound, as (upper bound, how many at most that)."""
        seen = 0
        for step, count in enumerate(self.counts):
            seen += count
            if step % _TOLD_EVERY == 0 and step < len(BOUNDS):
                yield f"{BOUNDS[step]:.3g}", float(seen)
        yield "+Inf", float(seen)
