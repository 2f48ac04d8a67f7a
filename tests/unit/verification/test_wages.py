from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.households import example_request, merged, worked_example
from tests.records import EMPLOYER, contribution, employee, fund
from verify_service.domain.records import Record, SocialContribution
from verify_service.verification.wages import Wage, _Insurance, month_of

OTHER = "91990101MA0000003P"
REQUEST = example_request()


def _wages(funds: list[Record], insured: list[Record]) -> list[Wage]:
    given = worked_example(REQUEST, father={"housing_fund": funds, "pension": insured})
    return list(merged(REQUEST, given).income.members["father"].wages)


def test_the_fund_base_goes_before_the_insurance_base() -> None:
    [wage] = _wages([fund(480_000)], employee(449_400))
    assert (wage.basis, wage.gross_fen, wage.months) == ("housing_fund_base", 12 * 480_000, 12)


def test_two_employers_are_two_wages() -> None:
    found = _wages([fund(480_000), fund(200_000, employer=OTHER, account_masked="2")], employee(449_400))
    assert [(w.employer, w.gross_fen) for w in found] == [(EMPLOYER, 12 * 480_000), (OTHER, 12 * 200_000)]


@pytest.mark.parametrize("unit_name", ["示例制造有限公司", "另一写法", None])
def test_a_base_without_employer_code_is_never_added(unit_name: str | None) -> None:
    insured: list[Record] = [contribution("110", 449_400, 800, employer=None, unit_name=unit_name)]
    [wage] = _wages([fund(480_000)], insured)
    assert (wage.gross_fen, wage.social_insurance_fen) == (12 * 480_000, 12 * 35_952)


def test_a_job_changed_within_the_period_counts_each_month_once() -> None:
    left = fund(400_000, account_state="sealed", remit_state="stopped", last_paid_month="2026-03")
    new = fund(480_000, account_masked="2", opened=date(2026, 4, 1))
    [wage] = _wages([left, new], [])
    assert (wage.months, wage.gross_fen) == (12, 5 * 400_000 + 7 * 480_000)


@pytest.mark.parametrize(
    ("fields", "months"),
    [
        ({}, 12),
        ({"last_paid_month": "2026-09"}, 12),
        ({"remit_state": "back_paying", "last_paid_month": "2026-09"}, 11),
        ({"remit_state": "stopped", "last_paid_month": "2025-10"}, 0),
        ({"opened": date(2026, 9, 15)}, 2),
        ({"opened": date(2026, 11, 1)}, 0),
    ],
    ids=["running", "running, register a month behind", "back paying", "ended before", "opened in the period", "opened after"],
)
def test_months(fields: dict[str, Any], months: int) -> None:
    assert sum(w.months for w in _wages([fund(480_000, **fields)], [])) == months


def test_a_raise_within_the_period_counts_from_its_month() -> None:
    rows: list[Record] = [contribution("110", 400_000, 800, month="2025-11"), contribution("110", 500_000, 800, month="2026-07")]
    [wage] = _wages([], rows)
    assert wage.gross_fen == 8 * 400_000 + 4 * 500_000


def test_deductions_never_make_a_wage_negative() -> None:
    [wage] = _wages([fund(10_000)], employee(449_400))
    assert wage.net_fen == 0


MONTHS = st.integers(0, 17).map(lambda n: f"{2025 + n // 12:04d}-{n % 12 + 1:02d}")
ROWS = st.lists(
    st.builds(
        lambda month, joined, last, state: contribution(
            "110", 0, 0, month=month, joined=date(int(joined[:4]), int(joined[5:]), 9), last_paid_month=last, state=state
        ),
        MONTHS,
        MONTHS,
        MONTHS,
        st.sampled_from(["insured", "paused", "ended"]),
    ),
    max_size=6,
)


@given(ROWS, MONTHS)
def test_row_that_speaks_for_a_month_is_the_latest_up_to_it_else_the_first(rows: list[SocialContribution], month: str) -> None:
    running = [r for r in rows if month_of(r.joined) <= month and (r.state == "insured" or month <= r.last_paid_month)]
    up_to = [r for r in running if r.month <= month]
    expected = max(up_to, key=lambda r: r.month) if up_to else next(iter(running), None)
    assert _Insurance.of(rows).speaking_for(month) is expected
