"""Draws from a digest: the same for the same key, within their bounds, and even."""

from collections import Counter
from datetime import date

from verify_service.sandbox.population.stream import DigestStream, spread


def test_same_key_same_draws_and_another_key_others():
    first, again, other = DigestStream(7, "vehicle", "a"), DigestStream(7, "vehicle", "a"), DigestStream(7, "vehicle", "b")
    draws = [first.below(1_000_000) for _ in range(500)]
    assert draws == [again.below(1_000_000) for _ in range(500)]
    assert draws != [other.below(1_000_000) for _ in range(500)]


def test_draws_are_known_on_every_machine():
    assert [DigestStream("known").below(10**9), DigestStream("known", 2).below(10**9)] == [680377749, 381765151]


def test_draws_are_even_across_refills():
    stream = DigestStream("even")
    counts = Counter(stream.below(10) for _ in range(20_000))
    assert set(counts) == set(range(10))
    assert all(1_850 < count < 2_150 for count in counts.values())


def test_bounds_are_included():
    stream = DigestStream("bounds")
    assert {stream.between(3, 5) for _ in range(100)} == {3, 4, 5}
    days = {stream.day_before(date(2026, 3, 2), 1, 2) for _ in range(50)}
    assert days == {date(2026, 3, 1), date(2026, 2, 28)}
    assert all(len(stream.digits(4)) == 4 for _ in range(200))


def test_spread_repeats_by_weight():
    assert spread((2, "a"), (1, "b")) == ("a", "a", "b")
