"""The synthetic population as a whole: pure, consistent from every side, within the rates of domain reference B10."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify_service.domain.identity import IdNumber, check_character
from verify_service.sandbox.population import CAMPAIGN, COUNTIES, SOURCES, Person, Population
from verify_service.sandbox.population.identifiers import unit_code_is_valid, uscc_is_valid, vin_is_valid
from verify_service.sandbox.population.subject import month_back

AS_OF = date(2026, 11, 24)
RUNS_OUT = {"inspection_valid_to", "scrap_due", "term_end", "term_to", "due"}

numbers = st.builds(
    lambda region, born, sequence: (body := f"99{region:04d}{born:%Y%m%d}{sequence:03d}") + check_character(body),
    st.integers(0, 9_999),
    st.dates(date(1900, 1, 1), date(2030, 1, 1)),
    st.integers(0, 999),
)


def known(population: Population, number: str) -> Person:
    person = population.person(number)
    assert person is not None
    return person


def crowd(hits: int = 1, households: int = 10_300, as_of: date = AS_OF) -> list[Person]:
    population = Population(seed=20, as_of=as_of, hits=hits)
    return [known(population, m) for i in range(households) for m in population.household(COUNTIES[i % len(COUNTIES)], i)]


@pytest.fixture(scope="module")
def people():
    return crowd()


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every scalar of the truth with the name of the field it is in."""
    if is_dataclass(value):
        for field in fields(value):
            yield from leaves(getattr(value, field.name), field.name)
    elif isinstance(value, tuple | frozenset):
        for item in value:
            yield from leaves(item, name)
    else:
        yield name, value


@given(st.lists(numbers, min_size=1, max_size=8), st.integers(0, 2**63), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_a_person_depends_on_seed_and_number_only(asked, seed, shuffler):
    shuffled = shuffler.sample(asked, len(asked))
    first = {number: Population(seed, AS_OF).person(number) for number in asked}
    population = Population(seed, AS_OF)
    assert {number: population.person(number) for number in shuffled} == first


@given(numbers, st.integers(0, 1_000), st.dates(date(2012, 1, 1), date(2028, 12, 31)))
@settings(max_examples=300, deadline=None)
def test_household_and_homes_agree_from_both_sides(number, seed, as_of):
    population = Population(seed, as_of, CAMPAIGN)
    person = population.person(number)
    born = IdNumber.parse(number).birth
    assert person is not None or born > as_of or not date(1935, 1, 1) <= born <= date(2027, 6, 30)
    if person is None:
        return
    for other in (known(population, member) for member in person.co_members):
        assert other.household_id == person.household_id
        assert number in other.co_members
    check_homes(population, person)


def check_homes(population: Population, person: Person) -> None:
    for home in person.homes:
        for owner in home.co_owners:
            other = known(population, owner.id_number)
            assert other.name == owner.name
            [same] = [theirs for theirs in other.homes if theirs.unit_code == home.unit_code]
            assert same.share == owner.share
            assert person.id_number in {back.id_number for back in same.co_owners}
            assert (same.location, same.status, same.registered) == (home.location, home.status, home.registered)


def test_every_co_owner_has_the_same_home(people):
    population = Population(seed=20, as_of=AS_OF)
    shared = [person for person in people if any(home.co_owners for home in person.homes)]
    outside = [p for p in shared for h in p.homes for o in h.co_owners if o.id_number not in p.co_members]
    assert len(shared) > 300
    assert len(outside) > 20
    for person in shared:
        check_homes(population, person)


def test_shares_of_a_home_sum_to_one(people):
    homes = [home for person in people for home in person.homes if home.co_ownership == "shares"]
    assert len(homes) > 50
    for home in homes:
        shares = [home.share, *(owner.share for owner in home.co_owners)]
        denominator = shares[0].denominator
        assert sum(share.numerator * denominator // share.denominator for share in shares) == denominator


def test_another_process_with_another_hash_seed_says_the_same():
    script = (
        "import sys, json, datetime, hashlib\n"
        "from verify_service.sandbox.population import Population\n"
        "from verify_service.sandbox.population.truth import Person\n"
        "p = Population(5, datetime.date(2026, 11, 24), 3)\n"
        "ids = [m for i in range(300) for m in p.household('990101', i)]\n"
        "show = lambda x: sorted(x) if isinstance(x, frozenset) else x\n"
        "said = [[repr(show(getattr(p.person(m), f))) for f in Person.__dataclass_fields__] for m in ids]\n"
        "print(hashlib.sha256(json.dumps(said).encode()).hexdigest())\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "12345")
    ]
    assert said[0] == said[1]
    assert len(said[0].strip()) == 64


@pytest.mark.parametrize(
    ("fact", "low", "high"),
    [
        ("vehicles", 10.4, 11.9),
        ("business_roles", 3.3, 4.1),
        ("fund_accounts", 1.75, 2.25),
        ("homes", 4.5, 5.5),
        ("securities", 2.7, 3.3),
    ],
)
def test_hit_rates_in_percent(people, fact, low, high):
    assert len(people) >= 20_000
    assert low < 100 * sum(bool(getattr(person, fact)) for person in people) / len(people) < high


def test_a_campaign_finds_about_three_times_as_much(people):
    campaign = crowd(CAMPAIGN, 3_000)
    for fact in ("vehicles", "business_roles", "fund_accounts", "homes", "securities"):
        ordinary = sum(bool(getattr(person, fact)) for person in people) / len(people)
        assert 2.4 < sum(bool(getattr(person, fact)) for person in campaign) / len(campaign) / ordinary < 3.6


def test_three_in_a_thousand_are_unknown_to_each_source(people):
    for source in SOURCES:
        assert 0.0015 < sum(source in person.absent_from for person in people) / len(people) < 0.0045


def test_scalars_are_integers_texts_and_days_never_floats(people):
    kinds = {type(value) for person in people for _, value in leaves(person)}
    assert kinds == {int, str, bool, date, type(None)}


@pytest.mark.parametrize("as_of", [AS_OF, date(2012, 1, 1), date(2024, 2, 29), date(2028, 12, 31)])
def test_nothing_has_happened_after_the_day(as_of):
    for name, value in (leaf for person in crowd(CAMPAIGN, 1_500, as_of) for leaf in leaves(person)):
        if isinstance(value, date):
            assert value <= as_of or name in RUNS_OUT, name
        if name.endswith("month") and isinstance(value, str):
            assert re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", value)
            assert value <= month_back(as_of, 0)


def test_amounts_are_not_negative(people):
    for person in people:
        assert all(value >= 0 for name, value in leaves(person) if name.endswith(("_fen", "_cm2", "_bp")) and value is not None)


def test_every_check_character_holds(people):
    checks: dict[str, Callable[[str], bool]] = dict.fromkeys(("uscc", "unit_uscc", "employer_uscc"), uscc_is_valid)
    checks["vin"] = vin_is_valid
    checks["id_number"] = lambda number: IdNumber.parse(number).region.startswith("99")
    seen = set()
    for person in people:
        for name, value in leaves(person):
            if name in checks and value is not None:
                seen.add(name)
                assert checks[name](value), name
        assert all(unit_code_is_valid(home.unit_code) for home in person.homes)
    assert seen == set(checks)


def test_no_secret_in_a_representation(people):
    for person in people[:2_000]:
        shown = repr(person)
        assert person.id_number not in shown
        assert person.name not in shown
        assert not any(owner.id_number in shown or owner.name in shown for home in person.homes for owner in home.co_owners)


def test_kinds_that_registers_must_show_are_there(people):
    vehicles = [vehicle for person in people for vehicle in person.vehicles]
    assert {"A", "GQ", "E", "B", "K"} <= {vehicle.status_letters for vehicle in vehicles}
    assert {"01", "02", "07", "08", "13", "14", "15", "51", "52"} == {vehicle.plate_type for vehicle in vehicles}
    assert {"A", "D", "F"} <= {vehicle.use_nature for vehicle in vehicles}
    assert any(vehicle.disabled_use for vehicle in vehicles)
    assert all(vehicle.plate_no.startswith("示") for vehicle in vehicles)
    homes = [home for person in people for home in person.homes]
    assert {home.status for home in homes} == {"current", "historic", "cancelled", "pending"}
    assert {home.presale.state for home in homes if home.presale} == {"filed", "cancelled", "registered"}
    roles = [person.business_roles for person in people]
    assert any(len({role.role for role in mine}) == 3 and len({role.uscc for role in mine}) == 1 for mine in roles)
    assert {role.registration_status for mine in roles for role in mine} >= {"active", "revoked", "cancelled"}
    assert {role.entity_type for mine in roles for role in mine} >= {"company", "sole_trader", "cooperative"}
    accounts = [person.fund_accounts for person in people]
    assert any(len({account.centre_code for account in mine}) == 2 for mine in accounts)
    assert {account.account_state for mine in accounts for account in mine} == {"normal", "sealed", "closed", "frozen"}
    assert any(account.loans for mine in accounts for account in mine)
    assert any(account.withdrawals for mine in accounts for account in mine)


def test_fund_amounts_follow_base_and_rate(people):
    for account in (account for person in people for account in person.fund_accounts):
        assert 500 <= account.personal_rate_bp <= 1_200
        assert abs(account.personal_monthly_fen * 10_000 - account.base_fen * account.personal_rate_bp) <= 5_000
        assert abs(account.unit_monthly_fen * 10_000 - account.base_fen * account.unit_rate_bp) <= 5_000
        assert account.monthly_total_fen == account.personal_monthly_fen + account.unit_monthly_fen


def test_work_and_pensions_exclude_each_other_and_parts_sum(people):
    kinds = set()
    for person in people:
        categories = {row.person_category for row in person.contributions}
        kinds |= {benefit.benefit_type for benefit in person.benefits} | categories
        assert (person.employment is not None) == ("employee" in categories)
        for benefit in person.benefits:
            assert person.employment is None
            parts = benefit.split
            assert benefit.monthly_fen == sum(value for _, value in leaves(parts))
            assert (benefit.payment_state == "paused") == (benefit.pause_reason is not None)
            if benefit.benefit_type == "resident_pension":
                assert benefit.first_paid_month >= f"{person.birth.year + 60}-{person.birth.month:02d}"
    assert kinds >= {"employee", "flexible", "resident", "employee_pension", "resident_pension", "survivor", "unemployment"}
