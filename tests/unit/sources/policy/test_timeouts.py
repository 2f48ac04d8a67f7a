"""The timeout of an attempt follows the measured p99.9, within the bounds of source.toml."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sources.policy.sources import answer, question, runtime
from tests.virtual_time import VirtualLoop, run
from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.adapter import Exchange, WireRequest
from verify_service.sources.definition import Limits, TimeoutRule
from verify_service.sources.failures import SourceFailure
from verify_service.sources.policy.timeouts import HALF_WINDOW_SECONDS, AttemptTimeouts

RULE, LIMITS = TimeoutRule(), Limits()
SECONDS = st.floats(0.001, 60)
STEP = 1.123  # two neighbouring buckets


def measured(*took: tuple[int, float], rule: TimeoutRule = RULE, limits: Limits = LIMITS) -> AttemptTimeouts:
    timeouts = AttemptTimeouts(rule, limits, now=0)
    for times, seconds in took:
        for _ in range(times):
            timeouts.took(seconds, 0)
    return timeouts


def test_until_a_thousand_were_measured_it_is_that_of_source_toml_and_twice_that_for_bulk() -> None:
    assert measured((999, 0.9)).seconds == {"live": 3.0, "bulk": 6.0}
    assert measured(limits=Limits(attempt_timeout_ms=20_000)).seconds == {"live": 20.0, "bulk": 30.0}
    assert measured((999, 0.9)).measured == 0


def test_it_is_what_one_in_a_thousand_exceeds_and_twice_that_for_bulk() -> None:
    timeouts = measured((2990, 0.1), (9, 1.2), (1, 9.0))
    assert timeouts.measured == 3000
    assert 1.2 <= timeouts.seconds["live"] <= 1.2 * STEP
    assert timeouts.seconds["bulk"] == pytest.approx(2 * timeouts.seconds["live"])


def test_it_stays_within_its_bounds() -> None:
    assert measured((1000, 0.01)).seconds == {"live": 0.5, "bulk": 2.0}
    assert measured((1000, 20.0)).seconds == {"live": 4.0, "bulk": 30.0}
    assert measured((1000, 20.0), limits=Limits(attempt_timeout_ms=8000)).seconds["live"] == 8.0
    assert measured((1000, 0.01), limits=Limits(attempt_timeout_ms=200)).seconds["live"] == 0.2


@given(st.lists(st.tuples(SECONDS, st.booleans(), st.integers(1, 400)), max_size=20))
def test_whatever_a_register_does_the_timeout_is_within_its_bounds_and_bulk_waits_no_less(acts: list[tuple[float, bool, int]]) -> None:
    timeouts, now = AttemptTimeouts(RULE, LIMITS, now=0), 0.0
    for seconds, in_time, times in acts:
        for _ in range(times):
            now += seconds
            (timeouts.took if in_time else timeouts.ran_out)(seconds if in_time else timeouts.seconds["live"], now)
            assert 0.5 <= timeouts.seconds["live"] <= 4.0
            assert timeouts.seconds["live"] <= timeouts.seconds["bulk"] <= 30.0


@given(st.integers(0, 2**32), st.integers(10, 30))
def test_in_bounds_it_is_the_true_percentile_or_at_most_an_eighth_more(seed: int, hundreds: int) -> None:
    draws = random.Random(seed)
    took = sorted(draws.uniform(0.6, 3.5) for _ in range(hundreds * 100))
    truth = took[-(-len(took) * 999 // 1000) - 1]
    assert truth <= measured(*((1, seconds) for seconds in took)).seconds["live"] <= truth * STEP


def test_a_register_that_became_slower_is_waited_for_longer_and_forgiven_when_it_is_well() -> None:
    timeouts = measured((1000, 0.2))
    assert timeouts.seconds["live"] == 0.5
    for _ in range(40):
        timeouts.ran_out(timeouts.seconds["live"], 10)
    assert timeouts.seconds["live"] == 4.0
    for place in range(3000):
        timeouts.took(0.2, 10 + HALF_WINDOW_SECONDS * (1 + place // 1000))
    assert timeouts.seconds["live"] == 0.5


def test_a_client_gives_an_attempt_up_when_the_measured_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    pace = [0.3]

    async def register(_: WireRequest) -> Exchange:
        await asyncio.sleep(pace[0])
        return answer()

    async def story() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        source = runtime(monkeypatch, loop, register, overrides={"limits": {"attempts": 1}, "retry": {"bulk_attempts": 1}})
        for _ in range(1000):
            await source.bind(deadline=loop.time() + 10).fetch(question)
        pace[0], began = 30.0, loop.time()
        with pytest.raises(SourceFailure) as failed:
            await source.bind(deadline=loop.time() + 10).fetch(question)
        assert failed.value.code is OutcomeCode.TIMEOUT
        live, bulk = loop.time() - began, loop.time()
        with pytest.raises(SourceFailure):
            await source.bind(deadline=loop.time() + 10, lane="bulk").fetch(question)
        assert source.policy.snapshot().attempts_measured >= 1000
        return live, loop.time() - bulk

    live, bulk = run(story())
    assert live == pytest.approx(0.5)
    assert 2.0 <= bulk <= 2.0 * STEP
