"""The same evidence in any order is one report, and a missing answer never makes anything look smaller or surer."""

import random
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.households import KINDS, answers, example_request, merged, report, worked_example
from tests.records import CANCELLED, HISTORIC, car, company, contribution, employee, fund, home, joint_home, resident_pension, shares
from verify_service.domain.outcome import Answer, OutcomeCode
from verify_service.domain.records import Record
from verify_service.signing.canonical import canonical_bytes

REQUEST = example_request()
WORK_COST = example_request(region="990201")
REFS = [m.ref for m in REQUEST.household.members]
MOTHER = REQUEST.household.members[1].id_number
OTHER_EMPLOYER = "91990101MA0000003P"
UNIT_2, UNIT_3, UNIT_4, UNIT_5 = (f"990101001001GB00001F0002000{n}" for n in range(2, 6))

# Each variant is a thing of its own: two registers that contradict each other about one thing are told apart by M6, not by bounds.
RECORDS: dict[str, list[Record]] = {
    "vehicle": [
        car(),
        car(vin="LSVAA49J132047373", status=HISTORIC, status_letters="B"),
        car(vin=None),
        car(vin="LSVAA49J132047372", use_nature="D"),
        car(vin="LSVAA49J132047374", disabled_use=True),
    ],
    "property": [
        home(),
        joint_home(MOTHER, unit=UNIT_2),
        joint_home(None, unit=UNIT_3),
        home(unit=None, location="示例一市乙区"),
        home(unit=UNIT_4, status=CANCELLED),
        home(unit=None, certificate_no="示证1"),
        home(unit=UNIT_5, residential=False),
    ],
    "securities": [shares(1_000), shares(90_000_000, account="B***2"), shares(0, account="C***3")],
    "business_registration": [
        company("investor", 5_000_000),
        company("legal_representative"),
        company("executive"),
        company("investor", 1, uscc="91990101MA0000004M"),
        company("investor", 7, uscc="91990101MA0000005K", capital_currency="USD"),
    ],
    "housing_fund": [
        fund(480_000),
        fund(300_000, employer=OTHER_EMPLOYER, account_masked="2"),
        fund(200_000, employer=None, account_masked="3"),
    ],
    "pension": [
        *employee(449_400),
        contribution("110", 600_000, 800, employer=OTHER_EMPLOYER, region="990200"),
        resident_pension(),
        resident_pension(basic_fen=None, region="990200"),
    ],
}
SILENT = [c for c in OutcomeCode if not c.is_fact and c is not OutcomeCode.NOT_APPLICABLE]
BLOCKING = [c for c in SILENT if c is not OutcomeCode.NOT_REQUIRED]


CELLS = st.sampled_from([(ref, name) for ref in REFS for name in KINDS])


@st.composite
def evidence(draw: st.DrawFn) -> list[Answer]:
    """Draw a whole household's answers, each a fact: some records or none."""
    said: dict[str, dict[str, Any]] = {ref: {} for ref in REFS}
    for ref, name in draw(st.lists(CELLS, max_size=6)):
        said[ref][name] = draw(st.lists(st.sampled_from(RECORDS[name]), max_size=3, unique_by=id))
    return answers(REQUEST, **said)


def _shuffled(given: list[Answer], seed: int) -> list[Answer]:
    chance = random.Random(seed)
    return chance.sample([replace(a, records=tuple(chance.sample(a.records, len(a.records)))) for a in given], len(given))


@settings(max_examples=1000)
@given(st.integers(0, 2**32))
def test_a_thousand_arrival_orders_are_one_report(seed: int) -> None:
    assert canonical_bytes(report(REQUEST, _shuffled(RICH, seed))) == WHOLE


@settings(max_examples=100)
@given(evidence(), st.integers(0, 2**32))
def test_any_evidence_in_any_order_is_one_report(given: list[Answer], seed: int) -> None:
    assert canonical_bytes(report(REQUEST, given)) == canonical_bytes(report(REQUEST, _shuffled(given, seed)))


@settings(max_examples=150)
@given(evidence(), CELLS, st.sampled_from(SILENT), st.sampled_from([REQUEST, WORK_COST]))
def test_an_answer_narrows_every_figure(given: list[Answer], cell: tuple[str, str], code: OutcomeCode, request: Any) -> None:
    """Whatever one register might have said, what we said without it was true."""
    silent = [
        replace(a, records=(), outcome=replace(a.outcome, code=code)) if (a.question.member, a.question.source) == cell else a
        for a in given
    ]
    before, after = merged(request, silent), merged(request, given)
    for figure, known in after.figures.items():
        guess = before.figures[figure]
        assert guess.lower <= known.lower, figure
        assert guess.upper is None or (known.upper is not None and known.upper <= guess.upper), figure
        assert known.missing <= guess.missing
    for member in REFS:
        assert before.income.members[member].total.lower <= after.income.members[member].total.lower


DEPENDS = {
    "vehicle": {"vehicles"},
    "property": {"homes", "home_area_per_capita", "non_residential"},
    "securities": {"financial_assets"},
    "business_registration": {"business_capital"},
    "housing_fund": {"income_per_capita_monthly"},
    "pension": {"income_per_capita_monthly"},
}


@settings(max_examples=150)
@given(evidence(), st.dictionaries(CELLS, st.sampled_from(BLOCKING), min_size=1, max_size=4))
def test_no_final_report_and_no_complete_figure_with_a_gap(given: list[Answer], silenced: dict[tuple[str, str], OutcomeCode]) -> None:
    told = [
        replace(a, records=(), outcome=replace(a.outcome, code=silenced[pair]))
        if (pair := (a.question.member, a.question.source)) in silenced
        else a
        for a in given
    ]
    whole = report(REQUEST, told)
    assert (whole["header"]["state"], whole["header"]["usable_for"]) == ("partial", "information")
    assert set(whole["gaps"]) == {f"{ref}:{name}" for ref, name in silenced}
    for _, name in silenced:
        assert not any(merged(REQUEST, told).figures[figure].complete for figure in DEPENDS[name])  # type: ignore[index]
    assert not any(line["result"] == "within" for line in whole["lines"] if any(line["figure"] in DEPENDS[name] for _, name in silenced))


RICH = worked_example(
    REQUEST,
    father={name: RECORDS[name] for name in ("vehicle", "property", "securities", "business_registration")},
    mother={"property": RECORDS["property"], "housing_fund": RECORDS["housing_fund"], "vehicle": OutcomeCode.TIMEOUT},
    grandmother={"pension": RECORDS["pension"], "securities": OutcomeCode.PENDING},
)
WHOLE = canonical_bytes(report(REQUEST, RICH))
