"""Durations in buckets: percentiles that are never too low and at most an eighth too high, sums that add up."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify_service.telemetry.durations import BOUNDS, Durations

SECONDS = st.floats(min_value=BOUNDS[0], max_value=BOUNDS[-1])


def counted(values: list[float]) -> Durations:
    durations = Durations()
    for value in values:
        durations.add(value)
    return durations


@given(st.lists(SECONDS, min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_percentile_is_the_true_one_or_a_little_more(values: list[float], share: float) -> None:
    true = sorted(values)[math.ceil(share * len(values)) - 1]
    told = counted(values).quantile(share)
    assert told is not None
    assert true <= told * (1 + 1e-9)
    assert told <= true * 1.1221


@given(st.lists(SECONDS), st.lists(SECONDS))
def test_merging_is_counting_all(one: list[float], two: list[float]) -> None:
    merged = counted(one)
    merged.merge(counted(two))
    assert merged.counts == counted(one + two).counts
    assert merged.seconds == pytest.approx(sum(one) + sum(two))


@given(st.lists(st.floats(min_value=0, max_value=1000), max_size=100))
def test_buckets_for_prometheus_rise_to_the_count(values: list[float]) -> None:
    told = list(counted(values).cumulative())
    counts = [count for _, count in told]
    assert counts == sorted(counts)
    assert told[-1] == ("+Inf", float(len(values)))
    assert [bound for bound, _ in told if bound in {"0.001", "0.01", "0.1", "1", "10"}] == ["0.001", "0.01", "0.1", "1", "10"]
    for bound, count in told[:-1]:
        # A printed bound has three digits; nothing that lies beside the true one is looked at.
        assert sum(value <= float(bound) * 0.999 for value in values) <= count <= sum(value <= float(bound) * 1.001 for value in values)


def test_nothing_counted_has_no_percentile_and_the_slowest_is_capped() -> None:
    assert Durations().quantile(0.5) is None
    assert counted([5000.0]).quantile(0.99) == BOUNDS[-1]
    assert counted([0.0]).quantile(0.5) == BOUNDS[0]
