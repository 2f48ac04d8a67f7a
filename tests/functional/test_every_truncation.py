"""Cut what a register sends at every byte, on real sockets: no proper prefix is ever read as a fact.

A proxy stands between the client and each simulated register and closes both ways after the n-th byte of the register's
answer, for every n from nothing to all but the last byte, over every connection the adapter makes (log-in and token too).
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.contract.replay import ask_about
from verify_service.bootstrap import installed_adapters, installed_cases, utc_now
from verify_service.domain.outcome import Answer, Outcome, OutcomeClass, OutcomeCode, Question, Subject
from verify_service.sandbox.serve import SandboxOptions, serve_registers
from verify_service.sources.adapter import AnyAdapter, NotYet, Ticket
from verify_service.sources.cases import Case
from verify_service.sources.client import SourceRuntime, system_randomness
from verify_service.sources.definition import Endpoint, PolicyTable
from verify_service.sources.failures import SourceFailure
from verify_service.sources.transport import Transport
from verify_service.verification.fanout import Channel, fan_out, look

SAFE = {OutcomeClass.INVALID, OutcomeClass.UNAVAILABLE}
# Per source, somebody whose true answer has a record, so that a lost record would show: of the family, where one has any.
HAS_A_RECORD = {
    "vehicle": "family_father",
    "property": "family_father",
    "securities": "family_mother",
    "business_registration": "family_grandmother",
    "housing_fund": "family_father",
    "pension": "family_grandmother",
    "deposits": "found",
}
# A front-end database is reached by neither HTTP transport; the banks' answer is six times as long as any other, so one way will do.
WAYS: list[tuple[str, Transport]] = [(name, "fast") for name in HAS_A_RECORD] + [
    (name, "plain") for name in HAS_A_RECORD if name not in {"housing_fund", "deposits"}
]


@dataclass
class Proxy:
    """Forwards to a register and lets `budget` bytes of its answers through, over all connections; None lets all through."""

    target: tuple[str, int]
    budget: int | None = None
    passed: int = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection(*self.target)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forward(reader, behind_writer))
                group.create_task(self._answer(behind_reader, writer))
        except* ConnectionError:
            pass
        finally:
            for end in (writer, behind_writer):
                end.close()
                with suppress(ConnectionError):
                    await end.wait_closed()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        raise ConnectionError

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            allowed = data if self.budget is None else data[: self.budget - self.passed]
            self.passed += len(allowed)
            writer.write(allowed)
            await writer.drain()
            if len(allowed) < len(data) or self.passed == self.budget:
                raise ConnectionError
        raise ConnectionError


ONE_ATTEMPT_FOR_EVER: dict[PolicyTable, Any] = {
    "limits": {"attempts": 1},
    "breaker": {"failures_in_a_row": 10**9, "least_calls": 10**9},
}


@asynccontextmanager
async def proxied(endpoint: Endpoint) -> AsyncIterator[tuple[Proxy, Endpoint]]:
    address = urlsplit(endpoint.base_url)
    assert address.hostname is not None
    assert address.port is not None
    proxy = Proxy((address.hostname, address.port))
    server = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield proxy, Endpoint(base_url=f"{address.scheme}://127.0.0.1:{port}{address.path}", credentials=endpoint.credentials)
    finally:
        server.close()


def question(source: str, cases: dict[str, Case]) -> Question:
    person = cases[HAS_A_RECORD[source]].person
    return ask_about(Subject(person.id_number, person.name), source)


@asynccontextmanager
async def channel_of(adapter: AnyAdapter, endpoint: Endpoint, transport: Transport) -> AsyncIterator[Channel]:
    """Reach the source as the service does, with one attempt for each message and a breaker that never opens."""
    patient = Endpoint(base_url=endpoint.base_url, credentials=endpoint.credentials, overrides=ONE_ATTEMPT_FOR_EVER)
    runtime = SourceRuntime(adapter.source, patient, clock=utc_now, randomness=system_randomness(), transport=transport)
    try:
        yield Channel(adapter, runtime)
    finally:
        await runtime.close()


async def answers(channel: Channel, asked: Sequence[Question]) -> Sequence[Answer]:
    """Ask, logging in anew; a connection that was cut is not in the pool any more."""
    channel.runtime._remembered.clear()
    deadline = asyncio.get_running_loop().time() + 5
    (call,) = await fan_out({channel.source.id: asked}, channels={channel.source.id: channel}, deadline=deadline)
    return call.answers if call.ticket is None else await _collected(channel, call.ticket, asked, deadline)


async def _never() -> bool:
    return False


async def _collected(channel: Channel, ticket: Ticket, asked: Sequence[Question], deadline: float) -> Sequence[Answer]:
    """Look once; a look that fails leaves the ticket open, which is no answer at all."""
    try:
        found = await look(channel, ticket, asked, deadline=deadline, may_ask=_never)
    except SourceFailure as failure:
        return [Answer(q, Outcome(failure.code)) for q in asked]
    return [] if isinstance(found, NotYet) else found.answers


@pytest.mark.parametrize(("name", "transport"), WAYS)
async def test_no_prefix_of_an_answer_is_a_fact(name: str, transport: Transport) -> None:
    adapter, cases = installed_adapters()[name], installed_cases()
    asked = [question(name, cases[name])]
    registers = serve_registers(cases, SandboxOptions(ready_after_seconds=0), clock=utc_now)
    async with registers as endpoints, proxied(endpoints[name]) as (proxy, endpoint):
        async with channel_of(adapter, endpoint, transport) as whole:
            assert [a.outcome.code for a in await answers(whole, asked)] == [OutcomeCode.RECORDS]
        async with channel_of(adapter, endpoint, transport) as channel:
            await cut_at_every_byte(proxy, channel, asked)


async def cut_at_every_byte(proxy: Proxy, channel: Channel, asked: Sequence[Question]) -> None:
    length = proxy.passed
    for budget in range(length):
        proxy.budget, proxy.passed = budget, 0
        found = await answers(channel, asked)
        assert {a.outcome.code.outcome_class for a in found} <= SAFE, (budget, length)
        assert proxy.passed == budget, "the cut did not strike"
