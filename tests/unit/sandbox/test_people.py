"""Who lives with whom, and what they are called."""

from collections import Counter
from datetime import date

import pytest

from verify_service.domain.identity import IdNumber, check_character, normalise_name
from verify_service.sandbox.population import COUNTIES, HOUSEHOLDS_PER_REGION, REGIONS, Person, Population, household, name_of
from verify_service.sandbox.population.people import _PLANS, locate
from verify_service.sandbox.population.subject import age_on, birth_of

AS_OF = date(2026, 11, 24)
POPULATION = Population(seed=1, as_of=AS_OF)


def number(body: str) -> str:
    return body + check_character(body)


def known(id_number: str, population: Population = POPULATION) -> Person:
    person = population.person(id_number)
    assert person is not None
    return person


def test_every_plan_seats_all_forty_once_in_twenty_households():
    for plan in _PLANS:
        assert len(plan) == 20
        assert sorted(seat for seats in plan for seat in seats) == list(range(40))


@pytest.mark.parametrize("index", [0, 1, 19, 20, 123_456, HOUSEHOLDS_PER_REGION - 1])
def test_household_and_number_lead_to_each_other(index):
    members = household("990102", index, AS_OF)
    for member in members:
        person, place = known(member), locate(member)
        assert place is not None
        assert place.household == index
        assert person.household_id == f"990102-{index}"
        assert sorted((member, *person.co_members)) == sorted(members)


@pytest.mark.parametrize("index", [-1, HOUSEHOLDS_PER_REGION])
def test_no_household_beyond_the_last(index):
    with pytest.raises(IndexError):
        household("990102", index, AS_OF)


def test_sizes_and_ages_of_households():
    homes = [household(COUNTIES[i % len(COUNTIES)], i, AS_OF) for i in range(5_000)]
    sizes = Counter(map(len, homes))
    assert set(sizes) == {1, 2, 3, 4, 5, 6}
    assert 1.9 < sum(size * count for size, count in sizes.items()) / 5_000 < 2.1
    assert 0.16 < sizes[1] / 5_000 < 0.20
    assert all(age_on(birth_of(members[0]), AS_OF) >= 18 for members in homes)


@pytest.mark.parametrize(
    "nobody",
    [
        "110105194912310021",
        number("99010120261125001"),
        number("99010119300101001"),
        number("99010120010230001"),
        "990101197905120018",
        "99010119790512001",
        "",
        "990101７９05120019",
    ],
)
def test_numbers_that_nobody_has(nobody):
    assert POPULATION.person(nobody) is None


def test_born_on_the_day_is_known_and_a_day_later_is_not():
    born_today = number("99010120261124001")
    assert known(born_today).birth == AS_OF
    assert Population(1, date(2026, 11, 23)).person(born_today) is None


@pytest.mark.parametrize("nobody", ["11010519491231002X", "", number("99010119300101001")])
def test_nobody_has_no_name(nobody):
    with pytest.raises(LookupError, match="nobody"):
        name_of(nobody)


def test_children_carry_the_name_of_the_men_they_live_with():
    members = household("990102", 0, AS_OF)
    father, _, *children = map(name_of, members)
    assert len(children) == 2
    assert all(child[0] == father[0] for child in children)


def test_names_do_not_depend_on_the_seed():
    member = household("990102", 3, AS_OF)[0]
    assert {known(member, Population(seed, AS_OF)).name for seed in range(5)} == {name_of(member)}


def test_registered_names_are_the_same_name():
    people = [known(member) for i in range(1_500) for member in POPULATION.household("990201", i)]
    variants = [person for person in people if person.registered_name != person.name]
    assert 10 < len(variants) < 60
    assert all(normalise_name(person.registered_name) == normalise_name(person.name) for person in people)
    assert any("·" in person.name for person in variants)


def test_sex_birth_and_region_are_those_in_the_number():
    for member in household("990301", 17, AS_OF):
        person, parsed = known(member), IdNumber.parse(member)
        assert (person.sex, person.birth, person.region) == (parsed.sex, parsed.birth, parsed.region)


def test_regions_are_fictional():
    assert all(code.startswith("99") for code in REGIONS)
    assert 8 <= len(REGIONS) <= 12
