"""Hedging on real sockets: only where the contract names it, after p95, once, within its budget, and what loses is cut off."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests.functional.raw_server import Behaviour, answer, hangs, sends, serving
from tests.unit.sources.policy.sources import question, source
from verify_service.bootstrap import utc_now
from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.adapter import WireRequest
from verify_service.sources.client import SourceRuntime, system_randomness
from verify_service.sources.definition import Endpoint
from verify_service.sources.failures import SourceFailure
from verify_service.sources.policy import Lane

ALLOWED = {"hedging": {"clause": "the contract, § 7"}}
WHOLE, REFUSED, BUSY = (
    sends(answer(b'{"ok":true}')),
    sends(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n"),
    sends(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"),
)


@dataclass
class Replicas:
    """A register whose connections behave one after the other; `gone` is set when the first was closed by its caller."""

    behaviours: list[Behaviour]
    connections: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.behaviours[min(self.connections, len(self.behaviours)) - 1](reader, writer)
        finally:
            self.gone.set()


@asynccontextmanager
async def measured(replicas: Replicas, *, tables: object = None, tokens: float = 1.0) -> AsyncIterator[SourceRuntime]:
    """Reach the register as one whose p95 is known to be short."""
    async with serving(replicas) as url:
        facts = source(**(ALLOWED if tables is None else tables))  # type: ignore[arg-type]
        runtime = SourceRuntime(facts, Endpoint(base_url=url), clock=utc_now, randomness=system_randomness())
        for _ in range(1000):
            runtime.policy.timeouts.took(0.05, 0.0)
        if runtime.hedges is not None:
            runtime.hedges.tokens = tokens
        yield runtime
        await runtime.close()


async def ask(runtime: SourceRuntime, build: Callable[[], WireRequest] = question, lane: Lane = "live") -> int:
    client = runtime.bind(deadline=asyncio.get_running_loop().time() + 0.8, lane=lane)
    return len((await client.fetch(build)).body) and client.attempts


async def test_what_answers_first_holds_and_the_other_is_cut_off_and_counted() -> None:
    replicas = Replicas([hangs, WHOLE])
    async with measured(replicas) as runtime:
        assert await ask(runtime) == 2
        await replicas.gone.wait()
        assert runtime.policy.places.in_flight == 0
        assert runtime.status.total().attempts == {None: 1, OutcomeCode.CANCELLED: 1}
        assert runtime.hedges is not None
        assert runtime.hedges.tokens < 0.1
    assert replicas.connections == 2


@pytest.mark.parametrize("behaviours", [[hangs, REFUSED], [hangs, sends(answer(b"\xff"))]], ids=["refused", "broken"])
async def test_a_refusal_or_a_broken_contract_is_not_outvoted(behaviours: list[Behaviour]) -> None:
    replicas = Replicas(behaviours)
    async with measured(replicas) as runtime:
        with pytest.raises(SourceFailure) as failure:
            await ask(runtime)
    assert failure.value.code in {OutcomeCode.NOT_AUTHORISED, OutcomeCode.ENCODING}
    assert replicas.connections == 2


async def test_when_both_fail_nothing_is_sent_a_third_time() -> None:
    replicas = Replicas([hangs, BUSY])
    async with measured(replicas) as runtime:
        with pytest.raises(SourceFailure) as failure:
            await ask(runtime)
    assert failure.value.code is OutcomeCode.TIMEOUT
    assert replicas.connections == 2


def not_idempotent() -> WireRequest:
    return WireRequest("query", "POST", "/query", "application/json", idempotent=False)


@pytest.mark.parametrize(
    ("tables", "tokens", "build", "lane"),
    [
        pytest.param({}, 1, question, "live", id="the contract does not name it"),
        pytest.param(None, 0.9, question, "live", id="the budget is used up"),
        pytest.param(None, 1, not_idempotent, "live", id="a message that is not idempotent"),
        pytest.param(None, 1, question, "bulk", id="bulk"),
    ],
)
async def test_otherwise_a_question_is_sent_once(tables: object, tokens: float, build: Callable[[], WireRequest], lane: Lane) -> None:
    replicas = Replicas([hangs, WHOLE])
    async with measured(replicas, tables=tables, tokens=tokens) as runtime:
        with pytest.raises((SourceFailure, TimeoutError)):
            async with asyncio.timeout(0.45):
                await ask(runtime, build, lane)
    assert replicas.connections == 1


async def test_a_quick_answer_is_not_asked_for_twice_and_earns_a_fiftieth() -> None:
    replicas = Replicas([WHOLE])
    async with measured(replicas, tokens=0.0) as runtime:
        for _ in range(10):
            assert await ask(runtime) == 1
        assert runtime.hedges is not None
        assert runtime.hedges.tokens == pytest.approx(0.2)
    assert replicas.connections == 10
