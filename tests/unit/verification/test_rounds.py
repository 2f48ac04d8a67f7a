"""Looks that are due at about the same time are made together, and none is held for longer than that."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from verify_service.verification.rounds import in_rounds

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
WITHIN = 5.0
SECONDS = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 60), max_size=8)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_what_is_due_in_the_same_round_is_looked_at_with_the_last_of_it() -> None:
    looks = {"depository": after(3), "banks": after(3.01), "tax": after(8.01), "far": after(600)}
    made = in_rounds(looks, within_seconds=WITHIN)
    assert made == {"depository": after(3.01), "banks": after(3.01), "tax": after(8.01), "far": after(600)}


def test_nothing_waits_when_rounds_have_no_length() -> None:
    looks = {"depository": after(3), "banks": after(3.01)}
    assert in_rounds(looks, within_seconds=0) == looks


@given(SECONDS)
def test_no_look_is_earlier_or_later_than_it_may_be_and_rounds_lie_apart(seconds: dict[str, int]) -> None:
    looks = {key: after(second) for key, second in seconds.items()}
    made = in_rounds(looks, within_seconds=WITHIN)
    assert made.keys() == looks.keys()
    assert all(timedelta(0) <= made[key] - looks[key] <= timedelta(seconds=WITHIN) for key in looks)
    rounds = {instant: min(looks[key] for key in looks if made[key] == instant) for instant in made.values()}
    begins = sorted(rounds.values())
    assert all(later - earlier > timedelta(seconds=WITHIN) for earlier, later in pairwise(begins))
