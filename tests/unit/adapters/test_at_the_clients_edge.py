"""respx at the client's edge: each HTTP adapter through the real client, its register behind the mocked transport.

The contract tests use an in-memory client; here the same cases pass the real one (headers, statuses, media types,
charsets, retries), so that the two clients cannot drift apart.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import respx
from pydantic import SecretStr

from tests.contract.replay import Clock, Contract, assert_expected, collected
from verify_adapters.business_registration.adapter import BusinessRegistrationAdapter
from verify_adapters.pension.adapter import PensionAdapter
from verify_adapters.property.adapter import PropertyAdapter
from verify_adapters.securities.adapter import SecuritiesAdapter
from verify_adapters.vehicle.adapter import VehicleAdapter
from verify_service.domain.outcome import Answer, OutcomeClass, OutcomeCode
from verify_service.sandbox.registers.business_registration import BusinessRegistrationRegister
from verify_service.sandbox.registers.pension import PensionRegister
from verify_service.sandbox.registers.property import PropertyRegister
from verify_service.sandbox.registers.securities import SecuritiesRegister
from verify_service.sandbox.registers.vehicle import VehicleRegister
from verify_service.sources.adapter import DeferredAdapter
from verify_service.sources.client import BoundClient, Randomness, SourceRuntime
from verify_service.sources.definition import Endpoint
from verify_service.sources.failures import SourceFailure
from verify_service.sources.register import RegisterRequest

BASE = "http://register.example"
CONTRACTS = {
    contract.adapter.source.id: contract
    for contract in (
        Contract.of(VehicleAdapter(), VehicleRegister),
        Contract.of(PropertyAdapter(), PropertyRegister),
        Contract.of(SecuritiesAdapter(), SecuritiesRegister),
        Contract.of(BusinessRegistrationAdapter(), BusinessRegistrationRegister),
        Contract.of(PensionAdapter(), PensionRegister),
    )
}
ON_A_MOCK = {"status", "body"}  # other faults need a socket: tests/functional
CASES = [(s, n) for s, c in CONTRACTS.items() for n, case in c.cases.items() if case.fault is None or case.fault.kind in ON_A_MOCK]


class Clocked(BoundClient):
    """The real client with the test's clock in reach, for `collected` to move."""

    clock: Clock


@asynccontextmanager
async def bound(contract: Contract, always: httpx.Response | None = None) -> AsyncIterator[Clocked]:
    """Bind the real client of one source; respx answers with what the register says, or always with one response."""
    register = contract.register_type(contract.world())

    def answer(request: httpx.Request) -> httpx.Response:
        if always is not None:
            return always
        query = dict(request.url.params)
        reply = register.reply(RegisterRequest(request.method, request.url.path, query, dict(request.headers), request.content))
        fault = reply.fault
        if fault is None:
            return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body)
        media = {} if fault.content_type is None else {"content-type": fault.content_type}
        return httpx.Response(fault.status if fault.kind == "status" else 200, headers={**reply.headers, **media}, content=fault.body)

    counter = iter(range(1, 10**6))
    secrets = {name: SecretStr(value) for name, value in contract.credentials.items()}
    with respx.mock(base_url=BASE, assert_all_called=False) as router:
        router.route().mock(side_effect=answer)
        runtime = SourceRuntime(
            contract.adapter.source,
            Endpoint(base_url=BASE, credentials=secrets),
            clock=contract.clock.now,
            randomness=Randomness(nonce=lambda: f"{next(counter):032x}", uniform=lambda low, _high: low),
            transport="plain",
        )
        try:
            client = Clocked(runtime, asyncio.get_running_loop().time() + 10)
            client.clock = contract.clock
            yield client
        finally:
            await runtime.close()


async def asked(contract: Contract, client: Clocked, name: str) -> Answer | SourceFailure:
    questions = contract.questions(name)
    try:
        if isinstance(contract.adapter, DeferredAdapter):
            ticket = await contract.adapter.submit(questions, client, dedupe_key="edge")
            (answer,) = await collected(contract.adapter, ticket, questions, client)  # type: ignore[arg-type]
        else:
            (answer,) = await contract.adapter.ask(questions, client)
    except SourceFailure as failure:
        return failure
    return answer


@pytest.mark.parametrize(("source", "name"), CASES)
async def test_every_case_through_the_real_client(source: str, name: str) -> None:
    contract = CONTRACTS[source]
    async with bound(contract) as client:
        found = await asked(contract, client, name)
    if isinstance(found, SourceFailure):
        assert found.code is contract.cases[name].expected.code
    else:
        assert_expected(contract.cases[name], found)


@pytest.mark.parametrize("source", CONTRACTS)
async def test_read_again_from_kept_exchanges_is_the_same_answer(source: str) -> None:
    contract = CONTRACTS[source]
    async with bound(contract) as client:
        found = await asked(contract, client, "found")
    assert isinstance(found, Answer)
    assert list(contract.adapter.read(contract.questions("found"), client.exchanges)) == [found]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 401, 403, 404, 302, 204])
@pytest.mark.parametrize("source", CONTRACTS)
async def test_no_other_status_is_an_answer(source: str, status: int) -> None:
    contract = CONTRACTS[source]
    always = httpx.Response(status, content=b"{}", headers={"content-type": "application/json"})
    async with bound(contract, always) as client:
        found = await asked(contract, client, "found")
    assert isinstance(found, SourceFailure)
    assert found.code.outcome_class in {OutcomeClass.UNAVAILABLE, OutcomeClass.REFUSED, OutcomeClass.INVALID}
    assert found.code is not OutcomeCode.NO_RECORD


@pytest.mark.parametrize("source", CONTRACTS)
async def test_what_was_asked_once_says_one_attempt(source: str) -> None:
    """A token, an upload or a page before it is a message of its own, not an attempt."""
    contract = CONTRACTS[source]
    async with bound(contract) as client:
        found = await asked(contract, client, "found")
    assert isinstance(found, Answer)
    assert found.outcome.attempts == 1
