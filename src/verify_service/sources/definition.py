"""The model of a `source.toml`: the facts of one register. Facts are data; reading is code (adapter.py).

Durations carry their unit in the name. The tables limits, timeouts, quota, breaker, retry, places and hours are the source's policy:
a deployment overrides single numbers of them beside its endpoint (`Endpoint.overrides`), never in code. Their defaults are
where to start from; what is measured at a register replaces them.
"""

import tomllib
from collections.abc import Mapping
from datetime import date, time, timedelta
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from verify_service.domain.catalogue import CATALOGUE, Kind, Resolver, Severity
from verify_service.domain.policy import Calendar
from verify_service.domain.records import BUILT_IN
from verify_service.errors import ConfigurationError

FindingCode = Annotated[str, Field(pattern=r"^[A-Z]{3}-[0-9]{2}$")]
SourceId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]


class Facts(BaseModel):
    """An immutable table of a source.toml; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(Facts):
    """How one call to this register is bounded."""

    attempts: int = Field(default=2, ge=1, le=5)
    attempt_timeout_ms: int = Field(default=3000, ge=50, le=30_000)
    connect_timeout_ms: int = Field(default=1000, ge=50, le=10_000)
    in_flight: int = Field(default=16, ge=1, le=1000)
    response_bytes: int = Field(default=2_000_000, ge=1000, le=64_000_000)
    records: int = Field(default=5000, ge=1, le=100_000)
    pages: int = Field(default=20, ge=1, le=1000)


class TimeoutRule(Facts):
    """Between what an attempt's timeout moves with the measured p99.9 (live) or twice that (bulk).

    `limits.attempt_timeout_ms` holds until so many attempts were measured; it widens bounds that exclude it.
    """

    least_ms: int = Field(default=500, ge=50, le=30_000)
    most_ms: int = Field(default=4000, ge=50, le=30_000)
    bulk_least_ms: int = Field(default=2000, ge=50, le=60_000)
    bulk_most_ms: int = Field(default=30_000, ge=50, le=60_000)
    least_attempts: int = Field(default=1000, ge=1000, le=1_000_000, description="fewer say nothing of one in a thousand")


class HedgingRule(Facts):
    """The register is replicated and its contract allows a question to be sent twice for speed, in `clause`.

    No deployment can add or widen this: it is a fact of the contract.
    """

    clause: str = Field(min_length=3)
    extra_percent: float = Field(default=2, gt=0, le=2, description="of second messages, among first ones")


class Quota(Facts):
    """What the register's contract allows, in any second and in any 24 hours, and how much of it we use."""

    per_second: int = Field(ge=1)
    per_day: int = Field(ge=1)
    use_percent: int = Field(default=90, ge=1, le=100)


class BreakerRule(Facts):
    """When the source is left alone, and how it is tried again. `slow_ms` is its p99; slower calls count as slow."""

    window_seconds: float = Field(default=20, gt=0, le=600)
    least_calls: int = Field(default=20, ge=1)
    failed_percent: int = Field(default=50, ge=1, le=100)
    slow_percent: int = Field(default=80, ge=1, le=100)
    slow_ms: int = Field(default=2000, ge=10)
    failures_in_a_row: int = Field(default=5, ge=1)
    open_seconds: float = Field(default=5, gt=0)
    open_max_seconds: float = Field(default=60, gt=0)
    jitter_percent: int = Field(default=20, ge=0, le=50)
    probes: int = Field(default=3, ge=1, le=100)


class RetryRule(Facts):
    """How long is waited between attempts (full jitter, doubling), and the budget that all retries of a process share."""

    first_ms: int = Field(default=100, ge=1)
    max_ms: int = Field(default=1000, ge=1)
    bulk_attempts: int = Field(default=3, ge=1, le=5)
    bulk_first_ms: int = Field(default=1000, ge=1)
    bulk_max_ms: int = Field(default=300_000, ge=1)
    tokens: float = Field(default=10, ge=1)
    tokens_kept: float = Field(default=5, ge=0, description="no retry while there are no more tokens than this")
    per_success: float = Field(default=0.1, gt=0, le=1)


class PlacesRule(Facts):
    """How the source's places are shared: `limits.in_flight` is the most, and their number follows how the register does."""

    first: int = Field(default=16, ge=1)
    least: int = Field(default=2, ge=1)
    decrease_percent: int = Field(default=25, ge=1, le=90)
    live_reserve_percent: int = Field(default=20, ge=0, le=90)
    bulk_share_percent: int = Field(default=10, ge=1, le=50)
    queue_percent: int = Field(default=25, ge=1, le=100, description="longest wait of live for place and quota, of the time left")


class Hours(Facts):
    """When the register is open, at +08:00; `closes` = 00:00 is the end of the day. Working days are those of its province (policies/)."""

    opens: time
    closes: time
    days: Literal["working", "all"] = "working"

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.closes != time(0) and self.closes <= self.opens:
            raise ValueError("closes before it opens: write hours over midnight as two entries")
        return self


class Deferred(Facts):
    """When a deferred register is looked at, and when it is given up."""

    first_look_seconds: float = Field(gt=0)
    look_every_seconds: float = Field(gt=0)
    latest_after_seconds: float = Field(gt=0)


class FurtherKind(Facts):
    """A kind of record that a source brings with it: its titles, the section it is printed in, the figure it adds to (M14).

    An asset adds its worth to `figure`; a kind without one is listed and may raise findings.
    """

    title: str
    title_zh: str
    section: Literal["property", "benefits"]
    figure: Literal["financial_assets"] | None = None


class OwnFinding(Facts):
    """A finding code that a source brings: what it means, and whether a record raises it or an answer of some institutions only."""

    severity: Severity
    text_zh: str
    text_en: str
    rule: str
    formula: str = ""
    resolver: Resolver = "applicant_explains"
    raised_by: Literal["record", "partial_answer"] = "record"

    @property
    def kind(self) -> Kind:
        """Return the meaning as a finding carries it."""
        return Kind(self.severity, self.text_zh, self.text_en, self.rule, self.formula, self.resolver)


PolicyTable = Literal["limits", "timeouts", "quota", "breaker", "retry", "places", "hours"]


class Source(Facts):
    """One register: who runs it, on what legal basis it may be asked, how it is asked, how fresh it must be."""

    id: SourceId
    title: str
    title_zh: str
    authority: str
    legal_basis: str
    kinds: tuple[str, ...] = Field(min_length=1)
    mode: Literal["immediate", "deferred"]
    protocol: str
    level: Literal["ministry", "province", "city", "county"]
    registrar: bool = Field(default=True, description="keeps the register itself; false: passes on what others keep (M6)")
    region: str = Field(pattern=r"^[0-9]{6}$")
    contract_version: str
    subjects_per_call: int = Field(ge=1, le=100_000)
    stale_after_days: int = Field(ge=1, le=3660)
    stale_counts: Literal["days", "trading_days"] = Field(default="days", description="what `stale_after_days` counts")
    limits: Limits = Limits()
    timeouts: TimeoutRule = TimeoutRule()
    hedging: HedgingRule | None = Field(default=None, description="none: a question is never sent twice for speed")
    quota: Quota
    breaker: BreakerRule = BreakerRule()
    retry: RetryRule = RetryRule()
    places: PlacesRule = PlacesRule()
    hours: tuple[Hours, ...] = Field(default=(), description="none: always open")
    deferred: Deferred | None = None
    fields_not_carried: dict[str, str] = Field(default_factory=dict, description="record field -> why this protocol lacks it")
    further: dict[str, FurtherKind] = Field(default_factory=dict, description="kind -> what the service must know of it")
    findings: dict[FindingCode, OwnFinding] = Field(default_factory=dict, description="code -> what it means")

    @model_validator(mode="after")
    def _every_kind_is_known(self) -> Self:
        if {kind for kind in self.kinds if kind not in BUILT_IN} != self.further.keys():
            raise ValueError("every kind is built in, or has a table in `further`, not both")
        if self.findings.keys() & CATALOGUE.keys():
            raise ValueError("a code of the catalogue has its meaning already")
        return self

    @model_validator(mode="after")
    def _work_is_handed_in_once(self) -> Self:
        if self.hedging is not None and self.mode == "deferred":
            raise ValueError("a deferred source is never hedged")
        return self

    def oldest_as_of(self, today: date, calendar: Calendar) -> date:
        """Return the oldest day for which an answer of today may speak and still be a fact (M29)."""
        if self.stale_counts == "trading_days":
            return calendar.oldest_within(today, self.stale_after_days)
        return today - timedelta(days=self.stale_after_days)

    def own_finding(self, code: str, raised_by: Literal["record", "partial_answer"]) -> Kind | None:
        """Return the meaning of a code of this source, None if it is not one that is raised so."""
        found = self.findings.get(code)
        return found.kind if found is not None and found.raised_by == raised_by else None

    def overridden(self, tables: Mapping[PolicyTable, Any]) -> "Source":
        """Return the source with single numbers of its policy said otherwise. Raises ConfigurationError naming key and rule."""
        if not tables:
            return self
        said = {name: {**getattr(self, name).model_dump(), **table} if isinstance(table, dict) else table for name, table in tables.items()}
        try:
            return Source.model_validate({**self.model_dump(), **said})
        except ValidationError as error:
            raise ConfigurationError(f"source {self.id}: overrides: {error}") from error


class Endpoint(Facts):
    """Where a deployment reaches a register, with which credentials (names are the adapter's), and what its policy is here."""

    base_url: str
    credentials: dict[str, SecretStr] = Field(default_factory=dict)
    overrides: dict[PolicyTable, dict[str, Any] | list[dict[str, Any]]] = Field(default_factory=dict)


def load_source(file: Traversable) -> Source:
    """Read one source.toml. Raises ConfigurationError naming file, key and rule."""
    try:
        return Source.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigurationError(f"{file}: {error}") from error
