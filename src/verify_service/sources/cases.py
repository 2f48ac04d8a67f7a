"""The model of `cases/*.yaml`: each case is a contract test, the sandbox's answer for its person, and an example at once.

A case names one invented person, what the register would say about her (`wire`, in the register's own terms, a fragment
that the simulated register puts into its envelope) or what goes wrong on the socket (`fault`), and the outcome and
records that the adapter must read from it at the contract clock below.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from importlib.resources.abc import Traversable
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from verify_service.domain.identity import IdNumber
from verify_service.domain.outcome import OutcomeCode, Subject
from verify_service.errors import ConfigurationError

try:  # libyaml reads all the cases in a tenth of the time: half a second of the sandbox's start
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # a build of PyYAML without it
    from yaml import SafeLoader  # type: ignore[assignment]

CONTRACT_CLOCK = datetime(2026, 11, 24, 10, 0, tzinfo=timezone(timedelta(hours=8))).astimezone(UTC)


_ZONE = timezone(timedelta(hours=8))


def on_contract_day(now: datetime) -> datetime:
    """Return the same time of day on the contract clock's day (+08:00): the calendar that the cases were written for."""
    days = now.astimezone(_ZONE).date() - CONTRACT_CLOCK.astimezone(_ZONE).date()
    return now - days


class CasePart(BaseModel):
    """An immutable part of a case; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CasePerson(CasePart):
    """The invented person: region 99xxxx, valid check digit."""

    id_number: IdNumber
    name: str = Field(min_length=1, repr=False)
    former_names: tuple[str, ...] = Field(default=(), repr=False)

    @property
    def subject(self) -> Subject:
        """Return the person as a register is asked about her."""
        return Subject(self.id_number, self.name, self.former_names)


class Fault(CasePart):
    """What happens on the socket instead of a good answer.

    status: answer with `status` and `body`. body: 200 with `body` in place of the envelope. truncate: cut the true
    answer after `after_bytes` although more was declared. reset: close with RST after `after_bytes`. hang: accept and
    never answer. drip: one byte every `seconds`. close_delimited: no length, connection closed half-way.
    """

    kind: Literal["status", "body", "truncate", "reset", "hang", "drip", "close_delimited"]
    status: int = 503
    body: str = ""
    content_type: str | None = None
    after_bytes: int = 0
    seconds: float = 0.2


class Expected(CasePart):
    """What the adapter must make of it. `count` stands for records that are too many to write out."""

    code: OutcomeCode
    as_of: date | None = None
    records: list[dict[str, Any]] = Field(default_factory=list)
    count: int | None = None


class Case(CasePart):
    """One case. `data_age_days` is how old the register's data are when asked; `wire` is None when a fault replaces it."""

    title: str
    person: CasePerson
    data_age_days: int = Field(default=1, ge=0)
    wire: dict[str, Any] | None = None
    fault: Fault | None = None
    expected: Expected


def load_cases(folder: Traversable) -> dict[str, Case]:
    """Read every case of a source, by file name without ending. Raises ConfigurationError naming file and rule."""
    return dict(_read(file) for file in sorted(folder.iterdir(), key=lambda f: f.name) if file.name.endswith(".yaml"))


def _read(file: Traversable) -> tuple[str, Case]:
    try:
        return file.name.removesuffix(".yaml"), Case.model_validate(yaml.load(file.read_text(encoding="utf-8"), Loader=SafeLoader))
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigurationError(f"{file.name}: {error}") from error


def by_person(cases: Iterable[Case]) -> dict[str, Case]:
    """Index cases by identity number. Raises ConfigurationError when two cases share a person."""
    found: dict[str, Case] = {}
    for case in cases:
        if found.setdefault(case.person.id_number.reveal(), case) is not case:
            raise ConfigurationError(f"two cases share a person: {case.title}")
    return found
