"""Everybody at once: a person from her number."""

from dataclasses import dataclass
from datetime import date

from verify_service.sandbox.population.companies import business_roles_of
from verify_service.sandbox.population.fund import fund_accounts_of
from verify_service.sandbox.population.homes import homes_of
from verify_service.sandbox.population.names import name_at, spelling_variant
from verify_service.sandbox.population.pensions import benefits_of
from verify_service.sandbox.population.people import household, locate
from verify_service.sandbox.population.securities import securities_of
from verify_service.sandbox.population.subject import Subject, birth_of
from verify_service.sandbox.population.truth import Person
from verify_service.sandbox.population.vehicles import vehicles_of
from verify_service.sandbox.population.work import contributions_of, employment_of

SOURCES = ("vehicle", "property", "securities", "business_registration", "housing_fund", "pension")
ORDINARY = 1
CAMPAIGN = 3


@dataclass(frozen=True, slots=True)
class Population:
    """The synthetic population of a seed on a day from 2012 on; nothing in it happened after that day.

    Every valid number born from 1935 to mid-2027 has a person; births after the last era (people.py) are unknown.
    `hits` multiplies the chance of vehicles, homes, securities, companies and fund accounts: ORDINARY, or CAMPAIGN for a
    campaign against wrongful aid (domain reference C9). Who lives where and is called how depends on the number alone.
    """

    seed: int
    as_of: date
    hits: int = ORDINARY

    def person(self, id_number: str) -> Person | None:
        """Return everything true of a person, None for a number that nobody has: another region, a wrong check, not yet born."""
        place = locate(id_number)
        if place is None or birth_of(id_number) > self.as_of:
            return None
        members = tuple(household(place.region, place.household, self.as_of))
        return _person(Subject(self.seed, self.as_of, self.hits, id_number, place, birth_of(id_number), members))

    def household(self, region: str, index: int) -> list[str]:
        """Return the numbers of a household's members, an adult first. Raises IndexError beyond HOUSEHOLDS_PER_REGION."""
        return household(region, index, self.as_of)


def _person(subject: Subject) -> Person:
    stream, name = subject.stream("person"), name_at(subject.id_number, subject.place)
    employment, homes = employment_of(subject), homes_of(subject)
    return Person(
        id_number=subject.id_number,
        name=name,
        registered_name=spelling_variant(name, stream) if stream.happens(1, 100) else name,
        sex=subject.sex,
        birth=subject.birth,
        region=subject.region,
        household_id=f"{subject.region}-{subject.place.household}",
        co_members=tuple(member for member in subject.members if member != subject.id_number),
        absent_from=frozenset(source for source in SOURCES if stream.happens(3, 1_000)),
        employment=employment,
        vehicles=vehicles_of(subject),
        homes=homes,
        securities=securities_of(subject),
        business_roles=business_roles_of(subject),
        fund_accounts=fund_accounts_of(subject, employment, homes),
        contributions=contributions_of(subject, employment),
        benefits=benefits_of(subject),
    )
