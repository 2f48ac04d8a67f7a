"""What an operator sees of a source: facts, whether and how it is asked, what this process observed of it."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from verify_service.api.wire import Wire
from verify_service.sources.client import SourceRuntime
from verify_service.sources.definition import Source
from verify_service.sources.policy import PolicySnapshot, QuotaUse, SourceState
from verify_service.sources.status import MINUTES, Observed, Tally
from verify_service.telemetry import speaks_of_a_person


class Breaker(Wire):
    """Whether calls go out. `isolated`: an operator holds the source back, whatever the breaker would say."""

    state: SourceState
    since: datetime
    reason: str | None = Field(description="why it is not closed")
    next_probe: datetime | None = Field(description="when an open breaker lets one call through")


class Quota(Wire):
    """Calls of all processes within one window; `limit` is our share of the contract."""

    limit: int
    used: int
    left: int

    @classmethod
    def of(cls, use: QuotaUse) -> "Quota":
        """Build it from the policy's count."""
        return cls(limit=use.limit, used=use.used, left=use.left)


class Places(Wire):
    """Calls of this process under way, how many may be, and how many wait."""

    in_flight: int
    limit: int
    waiting: int


class AttemptTimeouts(Wire):
    """Milliseconds after which this process gives an attempt up: p99.9 of `attempts_measured` attempts, within the source's bounds.

    Bulk is given twice as long. While too few were measured they are `limits.attempt_timeout_ms`, and the count is 0.
    """

    live: float
    bulk: float
    attempts_measured: int


class Latency(Wire):
    """Milliseconds that half, 95 % and 99 % of the attempts did not exceed; at most 12 % too high."""

    p50: float
    p95: float
    p99: float


class Seen(Wire):
    """What this process observed in the last `window_minutes`; `last_success` since it started at `since`."""

    since: datetime
    window_minutes: int
    last_success: datetime | None
    attempts: dict[str, int] = Field(description="attempts by how they ended: `whole`, or the outcome that they came to")
    answers: dict[str, int] = Field(description="questions by outcome")
    latency_ms: Latency | None
    bytes_received: int


class Freshness(Wire):
    """The days that answers of the window spoke for."""

    newest_as_of: date
    oldest_as_of: date
    oldest_days: int = Field(description="age of the oldest, in days; beyond `stale_after_days` an answer is history")


class Contract(Wire):
    """The version that the reader was written for, and fields that have come or gone since. Names only."""

    version: str
    new_fields: list[str]
    missing_fields: list[str]


class Operation(Wire):
    """How a connected source does."""

    breaker: Breaker
    quota: dict[Literal["per_second", "per_day"], Quota]
    next_window: datetime | None = Field(description="when the register opens again; null while it is open")
    places: Places
    attempt_timeout_ms: AttemptTimeouts
    seen: Seen
    freshness: Freshness | None
    contract: Contract


class SourceView(Source):
    """What `source.toml` says, whether this deployment reaches the source, and how it does."""

    connected: bool
    operation: Operation | None = Field(description="null when it is not connected")


class Sources(Wire):
    """Every source that this deployment knows."""

    sources: list[SourceView]


class Reason(Wire):
    """Why an operator acts, for the audit log and for whoever comes after. No person is named in it."""

    reason: str = Field(min_length=3, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["answers with another county's data"])

    @field_validator("reason")
    @classmethod
    def _names_nobody(cls, reason: str) -> str:
        if speaks_of_a_person(reason):
            raise PydanticCustomError("no_person", "no identity number may be in it")
        return reason


def source_view(source: Source, runtime: SourceRuntime | None, *, today: date) -> SourceView:
    """Return what is told of a source; `runtime` is None when it is not connected."""
    operation = None if runtime is None else _operation(source, runtime, today)
    return SourceView(**dict(source), connected=runtime is not None, operation=operation)


def _operation(source: Source, runtime: SourceRuntime, today: date) -> Operation:
    policy, observed = runtime.policy.snapshot(), runtime.status.observed()
    return Operation(
        breaker=_breaker(policy),
        quota={"per_second": Quota.of(policy.per_second), "per_day": Quota.of(policy.per_day)},
        next_window=policy.next_opening,
        places=Places(in_flight=policy.in_flight, limit=policy.limit, waiting=policy.waiting),
        attempt_timeout_ms=_timeouts(policy),
        seen=_seen(observed),
        freshness=_freshness(observed.window, today),
        contract=Contract(
            version=source.contract_version, new_fields=list(observed.new_fields), missing_fields=list(observed.missing_fields)
        ),
    )


def _timeouts(policy: PolicySnapshot) -> AttemptTimeouts:
    in_ms = {lane: 1000 * seconds for lane, seconds in policy.timeouts.items()}
    return AttemptTimeouts(live=in_ms["live"], bulk=in_ms["bulk"], attempts_measured=policy.attempts_measured)


def _breaker(policy: PolicySnapshot) -> Breaker:
    return Breaker(state=policy.state, since=policy.since, reason=policy.reason or None, next_probe=policy.next_probe)


def _seen(observed: Observed) -> Seen:
    window = observed.window
    return Seen(
        since=observed.since,
        window_minutes=MINUTES,
        last_success=observed.last_success,
        attempts={"whole" if code is None else code.value: n for code, n in window.attempts.items()},
        answers={code.value: n for code, n in window.answers.items()},
        latency_ms=_latency(window),
        bytes_received=window.bytes_received,
    )


def _latency(window: Tally) -> Latency | None:
    told: dict[str, Any] = {}
    for share in (50, 95, 99):
        seconds = window.durations.quantile(share / 100)
        if seconds is None:
            return None
        told[f"p{share}"] = round(seconds * 1000, 1)
    return Latency(**told)


def _freshness(window: Tally, today: date) -> Freshness | None:
    if window.as_of is None:
        return None
    oldest, newest = window.as_of
    return Freshness(newest_as_of=newest, oldest_as_of=oldest, oldest_days=(today - oldest).days)
