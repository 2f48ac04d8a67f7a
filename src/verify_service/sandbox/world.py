"""What a simulated register knows about the person it is asked for: a case, a synthetic person, or nobody.

Cases win over the population, so the named example people always answer as documented. For everybody else the
population is a pure function of (seed, identity number), and the person-level errors of the fault profile (stale data,
duplicate rows, an unconnected region, an old 15-digit number) are pure functions of (seed, source, number) too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum

from verify_service.domain.identity import IdentityError, IdNumber, normalise_name
from verify_service.sandbox.population import Person, Population
from verify_service.sandbox.population.stream import DigestStream
from verify_service.sources.cases import Case

CHINA = timezone(timedelta(hours=8))


class Known(StrEnum):
    """How a register stands to the person asked about; `wire` of a case says it in its own terms."""

    YES = "yes"
    NOT_FOUND = "not_found"
    NAME_MISMATCH = "name_mismatch"
    NOT_CONNECTED = "not_connected"


@dataclass(frozen=True, slots=True)
class Spoilt:
    """Person-level errors of the fault profile (domain reference C9)."""

    stale_days: int = 0
    duplicate_rows: bool = False
    not_connected: bool = False
    old_number: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """What the register finds. Exactly one of case and person is set when known is YES."""

    id_number: str = field(repr=False)
    known: Known
    as_of: date
    case: Case | None = None
    person: Person | None = field(default=None, repr=False)
    spoilt: Spoilt = Spoilt()


SpoilFor = Callable[[str, str], Spoilt]


@dataclass(frozen=True, slots=True)
class World:
    """Everything a register may look at: the clock, the people, its own source id and credentials."""

    source: str
    now: Callable[[], datetime]
    population: Population
    cases: Mapping[str, Case] = field(repr=False)
    credentials: Mapping[str, str] = field(repr=False)
    spoil: SpoilFor = lambda _source, _id_number: Spoilt()

    def today(self) -> date:
        """Return the register's calendar day (+08:00)."""
        return self.now().astimezone(CHINA).date()

    def draws(self, *about: str | int) -> DigestStream:
        """Return the draws of this register about somebody or something."""
        return DigestStream(self.population.seed, self.source, *about)

    def entry(self, id_number: str, name: str | None) -> Entry:
        """Look a person up by number and name, as a register does; by number alone (None) where the caller compares names."""
        try:
            number = IdNumber.parse(id_number).reveal()
        except IdentityError:
            return Entry(id_number, Known.NOT_FOUND, self.today())
        case = self.cases.get(number)
        if case is not None:
            same = name is None or normalise_name(name) == normalise_name(case.person.name)
            known = Known.YES if same or case.expected.code.value.startswith("identity.") else Known.NAME_MISMATCH
            return Entry(number, known, self.today() - timedelta(days=case.data_age_days), case=case if known is Known.YES else None)
        return self._synthetic(number, name)

    def _synthetic(self, number: str, name: str | None) -> Entry:
        person = self.population.person(number)
        spoilt = self.spoil(self.source, number)
        as_of = self.today() - timedelta(days=1 + spoilt.stale_days)
        if person is None or self.source in person.absent_from:
            return Entry(number, Known.NOT_FOUND, as_of)
        if spoilt.not_connected:
            return Entry(number, Known.NOT_CONNECTED, as_of)
        if name is not None and normalise_name(name) != normalise_name(person.registered_name):
            return Entry(number, Known.NAME_MISMATCH, as_of)
        return Entry(number, Known.YES, as_of, person=person, spoilt=spoilt)
