"""The worked example of the domain reference (C5), to the fen."""

from fractions import Fraction

import pytest

from tests.households import declaring, example_request, merged, report, worked_example
from tests.records import contribution, employee, fund, home, resident_pension
from verify_service.domain.money import yuan
from verify_service.domain.outcome import OutcomeCode


def _codes(region: str) -> set[str]:
    request = declaring(example_request(region=region), vehicles=0)  # as found
    found = report(request, worked_example(request, father={"property": [home()]}))["findings"]
    return {f["code"] for f in found}


@pytest.mark.parametrize(
    ("region", "exact", "shown", "edge"),
    [
        ("990101", Fraction(565_313, 4), "1,413.28", "exceeds"),
        ("990201", Fraction(5_244_317, 40), "1,311.08", "within"),
    ],
    ids=["without work cost", "with 10 % work cost"],
)
def test_per_capita_income(region: str, exact: Fraction, shown: str, edge: str) -> None:
    request = example_request(region=region)
    whole = report(request, worked_example(request))
    mean = whole["income"]["per_capita_monthly"]
    assert Fraction(int(mean["exact_numerator_fen"]), int(mean["exact_denominator"])) == exact
    assert yuan(mean["lower_fen"]) == shown
    assert mean["lower_fen"] == mean["upper_fen"]
    assert {line["code"]: line["result"] for line in whole["lines"]}["income_edge"] == edge


def test_bases_are_never_added() -> None:
    request = example_request()
    assert merged(request, worked_example(request)).income.per_capita.lower < 350_400


def test_every_deduction_is_printed() -> None:
    request = example_request(region="990201")
    father = next(m for m in report(request, worked_example(request))["income"]["members"] if m["member"] == "father")
    assert [(d["code"], d["amount_fen"]) for d in father["wages"][0]["deductions"]] == [
        ("social_insurance_personal", 12 * 47_187),
        ("housing_fund_personal", 12 * 24_000),
    ]
    assert father["wages"][0]["net_fen"] == 12 * 408_813
    assert father["employment_cost"] == {"code": "employment_cost", "amount_fen": 490_576, "upper_fen": 490_576, "rule": "B5"}


def test_the_self_paid_base_is_no_wage() -> None:
    request = example_request()
    mother = merged(request, worked_example(request)).income.members["mother"]
    assert not mother.wages
    assert (mother.classes[0].basis, mother.classes[0].counted.lower) == ("declared", 1_800_000)


def test_the_exempt_base_of_the_resident_pension_is_no_income() -> None:
    request = example_request()
    grandmother = merged(request, worked_example(request)).income.members["grandmother"]
    assert grandmother.total.lower == 12 * 6_500
    assert grandmother.benefits[0].exempt_fen == 12 * 16_300


def test_only_the_passed_lines_are_findings() -> None:
    assert _codes("990101") == {"INC-01", "INC-02"}
    assert _codes("990201") == {"INC-01"}


@pytest.mark.parametrize(
    ("said", "per_capita", "why"),
    [
        (
            {"father": {"housing_fund": [fund(480_000, employer=None, unit_name="另一写法")]}},
            "1,413.28",
            "no employer code",
        ),
        ({"father": {"housing_fund": [fund(480_000), fund(480_000)]}}, "1,413.28", "the same account twice is one"),
        ({"father": {"pension": [*employee(449_400), *employee(449_400)]}}, "1,413.28", "the same insurance twice is one"),
        ({"father": {"housing_fund": ()}}, "1,396.78", "the insurance base speaks where there is no account"),
        ({"grandmother": {"pension": [resident_pension(back_pay_fen=999_900)]}}, "1,413.28", "back pay is not monthly income"),
        ({"grandmother": {"pension": [resident_pension(payment_state="paused")]}}, "1,413.28", "what is declared stays"),
        ({"mother": {"pension": [contribution("390", 50_000, 0, employer=None, person_category="resident")]}}, "1,413.28", "no wage"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_variations(said: dict[str, dict[str, object]], per_capita: str, why: str) -> None:
    request = example_request()
    assert yuan(merged(request, worked_example(request, **said)).income.per_capita.lower) == per_capita, why  # type: ignore[arg-type]


def test_a_job_that_ended_counts_for_its_months_and_divides_by_all() -> None:
    request = example_request()
    ended = worked_example(
        request,
        father={
            "housing_fund": [fund(480_000, account_state="sealed", remit_state="stopped", last_paid_month="2026-04")],
            "pension": [contribution("110", 480_000, 1000, state="ended", last_paid_month="2026-04")],
        },
    )
    wage = merged(request, ended).income.members["father"].wages[0]
    assert (wage.months, wage.net_fen) == (6, 6 * (480_000 - 48_000 - 24_000))


@pytest.mark.parametrize(
    ("member", "source", "open_members"),
    [("father", "housing_fund", {"father"}), ("father", "pension", {"father"}), ("grandmother", "pension", {"grandmother"})],
)
@pytest.mark.parametrize("code", [OutcomeCode.TIMEOUT, OutcomeCode.TRUNCATED, OutcomeCode.NO_CONSENT, OutcomeCode.PENDING])
def test_a_silent_register_opens_the_figure(member: str, source: str, open_members: set[str], code: OutcomeCode) -> None:
    request = example_request()
    income = merged(request, worked_example(request, **{member: {source: code}})).income
    assert {ref for ref, m in income.members.items() if not m.total.complete} == open_members
    assert income.per_capita.upper is None
    assert income.per_capita.missing == {f"{member}:{source}", "*:tax"}
    assert income.per_capita.lower <= Fraction(565_313, 4)


def test_a_resident_pension_without_split_is_bounded_by_the_whole() -> None:
    request = example_request()
    unsplit = worked_example(request, grandmother={"pension": [resident_pension(basic_fen=None)]})
    grandmother = merged(request, unsplit).income.members["grandmother"]
    assert (grandmother.total.lower, grandmother.total.upper) == (78_000, 12 * 22_800)
    assert grandmother.total.missing == {"grandmother:pension"}
