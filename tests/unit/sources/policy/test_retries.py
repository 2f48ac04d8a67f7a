"""Retries cannot multiply an outage: ten minutes of failures at full load, in virtual time, every call counted."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.sources.policy.sources import answer, question, runtime
from tests.virtual_time import VirtualLoop, run
from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.adapter import Exchange, WireRequest
from verify_service.sources.client import SourceRuntime
from verify_service.sources.definition import PolicyTable, RetryRule
from verify_service.sources.failures import SourceFailure
from verify_service.sources.policy.budget import RetryBudget

SECONDS, RATE = 600, 20
DEMAND = SECONDS * RATE
NEVER_OPENS: dict[PolicyTable, Any] = {"breaker": {"failures_in_a_row": 10**9, "least_calls": 10**9}}
NO_BUDGET: dict[PolicyTable, Any] = {"retry": {"tokens": 10**9, "tokens_kept": 0}}
WIDE: dict[PolicyTable, Any] = {"places": {"first": 1000, "least": 1000}, "limits": {"in_flight": 1000}}


def failing(share: float, code: OutcomeCode = OutcomeCode.HTTP_5XX) -> Callable[[], None]:
    """Return what raises that often, seeded."""
    chance = random.Random(17)

    def answers_or_not() -> None:
        if chance.random() < share:
            raise SourceFailure(code, failed_by="source", detail="status 503")

    return answers_or_not


def ten_minutes(
    monkeypatch: pytest.MonkeyPatch, weather: Callable[[], None], overrides: dict[PolicyTable, Any], demand: int = DEMAND
) -> tuple[Counter[int], Counter[OutcomeCode | None]]:
    """Ask at a steady rate; return the calls by second, and what became of the questions."""
    calls: Counter[int] = Counter()
    became: Counter[OutcomeCode | None] = Counter()
    chance = random.Random(18)

    async def work() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)

        async def behave(_request: WireRequest) -> Exchange:
            calls[int(loop.time())] += 1
            await asyncio.sleep(0.02)
            weather()
            return answer()

        built = runtime(monkeypatch, loop, behave, overrides=overrides, uniform=chance.uniform)
        async with asyncio.TaskGroup() as asking:
            for _ in range(demand):
                asking.create_task(ask(built, became))
                await asyncio.sleep(1 / RATE)
        await built.close()

    run(work())
    return calls, became


async def ask(built: SourceRuntime, became: Counter[OutcomeCode | None]) -> None:
    client = built.bind(deadline=asyncio.get_running_loop().time() + 10)
    try:
        await client.fetch(question)
    except SourceFailure as failure:
        became[failure.code] += 1
    else:
        became[None] += 1
    client.settle(None)


@pytest.mark.parametrize("share", [1.0, 0.3, 0.05])
def test_calls_stay_within_a_tenth_of_the_demand(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, became = ten_minutes(monkeypatch, failing(share), {**NEVER_OPENS, **WIDE})
    assert became.total() == DEMAND
    assert calls.total() <= 1.1 * DEMAND
    assert calls.total() >= DEMAND, "nobody else held a call back"
    full = [calls[second] for second in range(1, SECONDS - 1)]
    assert max(full) <= 1.3 * sum(full) / len(full), "calls came in step"


def test_without_a_budget_they_would_not(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, _ = ten_minutes(monkeypatch, failing(1.0), {**NEVER_OPENS, **WIDE, **NO_BUDGET}, demand=1000)
    assert calls.total() == 2 * 1000


def test_with_the_breaker_a_dead_register_is_called_once_per_open_period(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, became = ten_minutes(monkeypatch, failing(1.0), {})
    assert calls.total() <= 10 + 3 * 16, "3 probes at most for each of 5, 10, 20, 40, 60, 60, ... seconds"
    assert became[OutcomeCode.BREAKER_OPEN] >= 0.99 * DEMAND
    assert became.keys() <= {OutcomeCode.HTTP_5XX, OutcomeCode.BREAKER_OPEN}


def test_a_storm_of_429_opens_no_breaker_and_is_not_multiplied(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, became = ten_minutes(monkeypatch, failing(1.0, OutcomeCode.RATE_LIMITED), {})
    assert calls.total() <= 1.1 * DEMAND
    assert became.keys() <= {OutcomeCode.RATE_LIMITED, OutcomeCode.SHED}


def test_tokens() -> None:
    budget = RetryBudget(RetryRule())
    for _ in range(4):
        budget.failed()
    assert (budget.tokens, budget.allows("live"), budget.allows("bulk")) == (6, True, False)
    budget.failed()
    assert (budget.tokens, budget.allows("live")) == (5, False)
    budget.succeeded()
    assert (budget.tokens, budget.allows("live")) == (5.1, True)
    for _ in range(1000):
        budget.succeeded()
    assert budget.tokens == 10
    for _ in range(1000):
        budget.failed()
    assert budget.tokens == 0
