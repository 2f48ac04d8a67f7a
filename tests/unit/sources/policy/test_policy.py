"""One source's policy as a call meets it: who is let through, what counts, what the operator sees. In virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.sources.policy.sources import MONDAY, answer, question, runtime, source
from tests.virtual_time import VirtualLoop, run
from verify_service.bootstrap import installed_adapters
from verify_service.domain.outcome import OutcomeCode
from verify_service.errors import ConfigurationError
from verify_service.sources.adapter import Exchange, WireRequest
from verify_service.sources.client import SourceRuntime
from verify_service.sources.definition import Endpoint, PolicyTable, Source
from verify_service.sources.failures import NotThere, SourceFailure
from verify_service.sources.policy import Lane, MemoryLedger, SourceState
from verify_service.sources.policy.quota import Quota

Work = Callable[[SourceRuntime], Awaitable[None]]
INVALID = SourceFailure(OutcomeCode.SIGNATURE, failed_by="source", detail="digest")


def meeting(
    monkeypatch: pytest.MonkeyPatch,
    work: Work,
    *,
    raises: SourceFailure | list[SourceFailure] | None = None,
    takes: float = 0.01,
    overrides: dict[PolicyTable, Any] | None = None,
) -> None:
    """Do the work against a register that takes so long and then answers or fails: always, or as often as there are failures."""

    async def behave(_request: WireRequest) -> Exchange:
        await asyncio.sleep(takes)
        if isinstance(raises, list) and raises:
            raise raises.pop()
        if isinstance(raises, SourceFailure):
            raise raises
        return answer()

    async def whole() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        built = runtime(monkeypatch, loop, behave, overrides={"limits": {"attempts": 1}, **(overrides or {})})
        await work(built)
        assert built.policy.snapshot().in_flight == 0
        await built.close()

    run(whole())


async def ask(
    built: SourceRuntime, *, within: float = 10, lane: Lane = "live", reading: SourceFailure | None = None
) -> SourceFailure | None:
    client = built.bind(deadline=asyncio.get_running_loop().time() + within, lane=lane)
    failure: SourceFailure | None = None
    try:
        async with asyncio.timeout(within):
            await client.fetch(question)
        failure = reading
    except SourceFailure as error:
        failure = error
    except TimeoutError:
        failure = SourceFailure(OutcomeCode.TIMEOUT, failed_by="source", detail="deadline")
    client.settle(failure)
    return failure


def failure(code: OutcomeCode) -> SourceFailure:
    return SourceFailure(code, failed_by="source", detail="status 500")


COUNTED = [
    *(OutcomeCode.CONNECTION, OutcomeCode.HTTP_5XX, OutcomeCode.TRUNCATED, OutcomeCode.ENCODING),
    *(OutcomeCode.SCHEMA, OutcomeCode.SIGNATURE, OutcomeCode.BINDING, OutcomeCode.LIMIT, OutcomeCode.CONTRADICTION),
]
UNCOUNTED = [OutcomeCode.NOT_AUTHORISED, OutcomeCode.RATE_LIMITED]


@pytest.mark.parametrize("code", COUNTED)
def test_what_counts_against_a_register(code: OutcomeCode, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(built: SourceRuntime) -> None:
        for _ in range(5):
            assert await ask(built) is not None
        refused = await ask(built)
        assert refused is not None
        assert (refused.code, refused.failed_by) == (OutcomeCode.BREAKER_OPEN, "us")
        assert refused.retry_after_seconds == pytest.approx(6.0)

    meeting(monkeypatch, work, raises=failure(code))


@pytest.mark.parametrize("code", UNCOUNTED)
def test_what_never_counts(code: OutcomeCode, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(built: SourceRuntime) -> None:
        for _ in range(50):
            await ask(built)
        assert built.policy.snapshot().state is SourceState.CLOSED

    meeting(monkeypatch, work, raises=failure(code))


def test_an_answer_that_breaks_the_contract_counts_once_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(built: SourceRuntime) -> None:
        for _ in range(5):
            assert await ask(built, reading=INVALID) is INVALID
        assert built.policy.snapshot().state is SourceState.OPEN
        await asyncio.sleep(6)
        await ask(built, reading=INVALID)  # a probe that arrives and cannot be read does not pass
        snapshot = built.policy.snapshot()
        assert (snapshot.state, snapshot.reason) == (SourceState.OPEN, "a probe failed")
        await asyncio.sleep(12)
        for _ in range(3):
            await ask(built)
        assert built.policy.snapshot().state is SourceState.CLOSED

    meeting(monkeypatch, work)


def test_a_surprise_in_our_own_reader_is_not_the_registers_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = SourceFailure(OutcomeCode.SCHEMA, failed_by="us", detail="reader: KeyError")

    async def work(built: SourceRuntime) -> None:
        for _ in range(20):
            await ask(built, reading=ours)
        assert built.policy.snapshot().state is SourceState.CLOSED

    meeting(monkeypatch, work)


def test_a_register_that_hangs_counts_and_an_impatient_caller_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(built: SourceRuntime) -> None:
        for _ in range(20):
            timed_out = await ask(built, within=0.4)
            assert timed_out is not None
            assert timed_out.code is OutcomeCode.TIMEOUT
        assert built.policy.snapshot().state is SourceState.CLOSED
        for _ in range(5):
            await ask(built, within=2.5)  # longer than the register's p99, shorter than an attempt
        assert built.policy.snapshot().state is SourceState.OPEN

    meeting(monkeypatch, work, takes=100)


def test_a_ticket_that_the_register_has_forgotten_never_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(built: SourceRuntime) -> None:
        for _ in range(50):
            await ask(built)
        assert built.policy.snapshot().state is SourceState.CLOSED

    meeting(monkeypatch, work, raises=NotThere(OutcomeCode.SCHEMA, failed_by="source", detail="status 404"))


def test_bulk_pauses_while_the_breaker_is_open_and_live_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    weather: list[SourceFailure] = [failure_503()] * 5

    async def work(built: SourceRuntime) -> None:
        for _ in range(5):
            await ask(built)
        began = built.policy.time()
        bulk = [asyncio.create_task(ask(built, lane="bulk", within=60)) for _ in range(40)]
        live = await ask(built)
        assert live is not None
        assert (live.code, built.policy.time()) == (OutcomeCode.BREAKER_OPEN, began)
        assert await asyncio.gather(*bulk) == [None] * 40
        assert 6 <= built.policy.time() - began < 10
        assert built.policy.snapshot().state is SourceState.CLOSED

    meeting(monkeypatch, work, raises=weather)


def test_bulk_does_not_pause_beyond_its_deadline_nor_for_an_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(built: SourceRuntime) -> None:
        for _ in range(5):
            await ask(built)
        began = built.policy.time()
        refused = await ask(built, lane="bulk", within=5)
        assert refused is not None
        assert (refused.code, built.policy.time()) == (OutcomeCode.BREAKER_OPEN, began)
        await built.policy.isolate("the register asked for it")
        refused = await ask(built, lane="bulk", within=500)
        assert refused is not None
        assert (refused.detail, built.policy.time()) == ("isolated by an operator", began)

    meeting(monkeypatch, work, raises=failure_503())


def test_slow_answers_open_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(built: SourceRuntime) -> None:
        async with asyncio.TaskGroup() as asking:
            for _ in range(20):
                asking.create_task(ask(built))
        assert built.policy.snapshot().reason == "20 of 20 calls were slow"

    meeting(monkeypatch, work, takes=2.1, overrides={"places": {"first": 20}, "limits": {"in_flight": 20}})


def test_calls_that_wait_for_a_place_are_not_sent_when_the_breaker_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(built: SourceRuntime) -> None:
        results = await asyncio.gather(*(ask(built) for _ in range(100)))
        codes = [r.code for r in results if r is not None]
        assert codes.count(OutcomeCode.BREAKER_OPEN) >= 80
        assert codes.count(OutcomeCode.HTTP_5XX) <= 20

    meeting(monkeypatch, work, raises=failure(OutcomeCode.HTTP_5XX))


def test_live_waits_a_quarter_of_its_time_for_a_place_and_bulk_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(built: SourceRuntime) -> None:
        first = asyncio.create_task(ask(built, within=20))
        await asyncio.sleep(0.5)
        began = built.policy.time()
        bulk = asyncio.create_task(ask(built, lane="bulk", within=8))
        told = await ask(built, within=8)
        assert told is not None
        assert told.code is OutcomeCode.SHED
        assert built.policy.time() - began == pytest.approx(2.0)
        assert await first is None
        assert await bulk is None

    meeting(monkeypatch, work, takes=2.8, overrides={"places": {"first": 1, "least": 1}, "limits": {"in_flight": 1}})


def test_bulk_that_waits_for_quota_stands_in_nobodys_place(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(built: SourceRuntime) -> None:
        ledger = MemoryLedger(built.policy.time)
        built.policy.quota = Quota(built.source, ledger, loop_time=built.policy.time)
        bulk = [asyncio.create_task(ask(built, lane="bulk", within=60)) for _ in range(100)]
        await asyncio.sleep(0.5)
        assert built.policy.snapshot().in_flight <= 1
        assert await ask(built) is None
        results = await asyncio.gather(*bulk)
        assert results == [None] * 100, "8 a second, and time enough"

    meeting(monkeypatch, work, overrides={"quota": {"per_second": 10, "use_percent": 100}, "places": {"first": 4}})


def test_isolated_by_an_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(built: SourceRuntime) -> None:
        await asyncio.sleep(3)
        await built.policy.isolate("the register asked for it")
        refused = await ask(built)
        assert refused is not None
        assert (refused.code, refused.detail) == (OutcomeCode.BREAKER_OPEN, "isolated by an operator")
        seen = built.policy.snapshot()
        assert (seen.state, seen.reason, seen.since) == (
            SourceState.ISOLATED,
            "the register asked for it",
            MONDAY + timedelta(seconds=3),
        )
        await built.policy.release()
        assert await ask(built) is None
        assert built.policy.snapshot().state is SourceState.CLOSED

    meeting(monkeypatch, work)


@pytest.mark.parametrize("lane", ["live", "bulk"])
def test_outside_its_hours(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(built: SourceRuntime) -> None:
        refused = await ask(built, lane=lane)
        assert refused is not None
        assert (refused.code, refused.failed_by, refused.retry_after_seconds) == (OutcomeCode.MAINTENANCE, "source", 4 * 3600)
        assert built.policy.snapshot().next_opening == MONDAY + timedelta(hours=4)
        await asyncio.sleep(4 * 3600)
        assert await ask(built, lane=lane) is None
        assert built.policy.snapshot().next_opening is None

    meeting(monkeypatch, work, overrides={"hours": [{"opens": "14:00", "closes": "17:30"}]})


def test_what_the_operator_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(built: SourceRuntime) -> None:
        asking = [asyncio.create_task(ask(built)) for _ in range(3)]
        await asyncio.sleep(0.5)
        seen = built.policy.snapshot()
        assert (seen.state, seen.in_flight, seen.limit, seen.waiting) == (SourceState.CLOSED, 2, 2, 1)
        assert (seen.per_second.limit, seen.per_day.limit) == (90, 90_000)
        await asyncio.gather(*asking)
        await asyncio.sleep(1)
        assert built.policy.snapshot().in_flight == 0

    meeting(monkeypatch, work, takes=1, overrides={"places": {"first": 2}})


def test_a_retry_that_we_refuse_leaves_what_the_register_did(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(built: SourceRuntime) -> None:
        for _ in range(2):
            await ask(built)  # two failures each
        third = await ask(built)  # its first attempt is the fifth failure, so its own retry is not sent
        assert third is not None
        assert third.code is OutcomeCode.HTTP_5XX
        assert built.policy.snapshot().state is SourceState.OPEN

    overrides: dict[PolicyTable, Any] = {"limits": {"attempts": 2}, "retry": {"tokens": 1000}}
    meeting(monkeypatch, work, raises=failure_503(), overrides=overrides)


def failure_503() -> SourceFailure:
    return SourceFailure(OutcomeCode.HTTP_5XX, failed_by="source", detail="status 503")


def test_a_deployment_changes_single_numbers() -> None:
    facts = source(breaker={"slow_ms": 700})
    changed = facts.overridden({"quota": {"per_second": 7}, "breaker": {"probes": 1}})
    assert (changed.quota.per_second, changed.quota.per_day) == (7, 100_000)
    assert (changed.breaker.slow_ms, changed.breaker.probes) == (700, 1)
    assert facts.overridden({}) is facts


@pytest.mark.parametrize("tables", [{"quota": {"per_second": 0}}, {"quota": {"per_minute": 5}}, {"hours": [{"opens": "9:00"}]}])
def test_a_wrong_override_stops_the_start_and_names_the_source(tables: dict[PolicyTable, Any]) -> None:
    with pytest.raises(ConfigurationError, match="source example: overrides"):
        source().overridden(tables)


def test_hedging_needs_a_clause_of_the_contract_and_no_deployment_can_switch_it_on() -> None:
    for wrong in ({}, {"after_ms": 100}, {"clause": "§ 7", "extra_percent": 3}):
        with pytest.raises(ValueError, match="hedging"):
            Source.model_validate({**source().model_dump(), "hedging": wrong})
    with pytest.raises(ValueError, match="never hedged"):
        Source.model_validate({**source().model_dump(), "hedging": {"clause": "§ 7"}, "mode": "deferred"})
    with pytest.raises(ValueError, match="overrides"):
        Endpoint.model_validate({"base_url": "http://127.0.0.1:9", "overrides": {"hedging": {"clause": "§ 7"}}})
    assert all(adapter.source.hedging is None for adapter in installed_adapters().values())
