from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify_service.domain.interval import NOTHING, Interval, total
from verify_service.domain.money import LARGEST_EXACT, half_up, yuan

GAP = frozenset({"father:pension"})
amounts = st.integers(0, 10**12)
intervals = st.builds(
    lambda low, extra, missing: Interval(low, None if extra is None else low + extra, missing),
    amounts,
    st.none() | amounts,
    st.frozensets(st.sampled_from(["a:x", "b:x", "a:y"]), min_size=1),
) | st.builds(Interval.of, amounts)


@pytest.mark.parametrize(
    ("interval", "line", "equal_is_within", "says"),
    [
        (Interval.of(100), 100, True, "within"),
        (Interval.of(100), 100, False, "exceeds"),
        (Interval.of(101), 100, True, "exceeds"),
        (Interval.of(Fraction(201, 2)), 100, True, "exceeds"),
        (Interval.of(100, GAP), 100, True, "cannot_say"),
        (Interval.of(100, GAP), 100, False, "exceeds"),
        (Interval.of(101, GAP), 100, True, "exceeds"),
        (Interval.of(0, GAP), 10**15, True, "cannot_say"),
        (Interval(0, 100, GAP), 100, True, "within"),
        (Interval(0, 101, GAP), 100, True, "cannot_say"),
    ],
)
def test_a_line_is_passed_only_by_the_whole_interval(interval: Interval, line: int, equal_is_within: bool, says: str) -> None:
    assert interval.against(line, equal_is_within=equal_is_within) == says


def test_per_capita_is_compared_unrounded() -> None:
    mean = Interval.of(400_001).per(4)
    assert mean.against(100_000) == "exceeds"
    assert mean.to_json("fen") == {"lower_fen": 100_000, "upper_fen": 100_000, "complete": True, "missing": []}


@pytest.mark.parametrize(("lower", "upper", "missing"), [(1, None, frozenset()), (1, 2, frozenset()), (2, 1, GAP)])
def test_an_interval_that_is_no_point_names_what_is_missing(lower: int, upper: int | None, missing: frozenset[str]) -> None:
    with pytest.raises(ValueError):
        Interval(lower, upper, missing)


def test_a_negative_factor_is_refused() -> None:
    with pytest.raises(ValueError):
        NOTHING.scaled(-1)


def test_what_json_cannot_carry_exactly_stays_true() -> None:
    beyond = Interval.of(LARGEST_EXACT + 1).to_json("fen")
    assert (beyond["lower_fen"], beyond["upper_fen"], beyond["complete"]) == (LARGEST_EXACT, None, False)


@given(st.lists(intervals, max_size=6))
def test_a_total_is_complete_only_if_every_part_is(parts: list[Interval]) -> None:
    whole = total(parts)
    assert whole.complete == all(p.complete for p in parts)
    assert whole.lower == sum(p.lower for p in parts)
    assert whole == sum(parts, NOTHING)


@given(intervals, st.integers(1, 30), amounts)
def test_division_and_scaling_keep_the_comparison(interval: Interval, parts: int, line: int) -> None:
    assert interval.per(parts).against(line) == interval.against(line * parts)
    assert interval.scaled(parts).per(parts) == interval


@given(intervals, amounts)
def test_a_known_answer_never_widens(interval: Interval, known: int) -> None:
    open_, answered = interval + Interval.of(0, GAP), interval + Interval.of(known)
    assert open_.lower <= answered.lower
    assert open_.upper is None
    assert answered.missing <= open_.missing


@pytest.mark.parametrize(
    ("exact", "rounded"), [(Fraction(1, 2), 1), (Fraction(-1, 2), -1), (Fraction(5, 2), 3), (Fraction(49, 99), 0), (7, 7)]
)
def test_display_rounds_half_up(exact: Fraction, rounded: int) -> None:
    assert half_up(exact) == rounded


@pytest.mark.parametrize(("fen", "shown"), [(Fraction(565_313, 4), "1,413.28"), (-5, "-0.05"), (100_000_000, "1,000,000.00")])
def test_yuan(fen: Fraction, shown: str) -> None:
    assert yuan(fen) == shown
