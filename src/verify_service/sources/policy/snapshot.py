"""What an operator sees of one source's policy, at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from verify_service.sources.policy.lane import Lane


class SourceState(StrEnum):
    """Whether calls go out. Isolated: an operator holds the source, whatever the breaker would say."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    ISOLATED = "isolated"


@dataclass(frozen=True, slots=True)
class Isolation:
    """An operator holds a source back."""

    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """Calls of all processes: `limit` is our share of the contract, `used` is what may have been called within the window."""

    limit: int
    used: int

    @property
    def left(self) -> int:
        """Return how many calls may still be made now."""
        return max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class PolicySnapshot:
    """One source at one instant; instants are aware.

    State, places, timeouts and tokens are this process's; isolation and quota are shared by all and as of at most a few seconds ago.
    `timeouts` of an attempt are in seconds, by lane, and follow from so many measured attempts (0: from source.toml).
    `next_probe` is when an open breaker lets a call through again; `next_opening` is None while the register is open.
    """

    state: SourceState
    since: datetime
    reason: str
    next_probe: datetime | None
    in_flight: int
    limit: int
    waiting: int
    timeouts: Mapping[Lane, float]
    attempts_measured: int
    retry_tokens: float
    per_second: QuotaUse
    per_day: QuotaUse
    next_opening: datetime | None
