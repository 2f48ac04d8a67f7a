"""The housing provident fund over a real socket: the service's own client, the driver and the simulated database."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from tests.contract.replay import Contract
from verify_adapters.housing_fund.adapter import HousingFundAdapter
from verify_service.domain.outcome import OutcomeCode
from verify_service.sandbox.delivery import Deliver
from verify_service.sandbox.pgwire import serve_database, write
from verify_service.sandbox.registers.housing_fund import CREDENTIALS, HousingFundRegister
from verify_service.sources.cases import CONTRACT_CLOCK
from verify_service.sources.client import SourceRuntime, system_randomness
from verify_service.sources.definition import Endpoint
from verify_service.sources.failures import SourceFailure
from verify_service.sources.register import Table


@pytest.fixture
def contract() -> Contract:
    return Contract.of(HousingFundAdapter(), HousingFundRegister)


@asynccontextmanager
async def runtime(contract: Contract, deliver: Deliver = write, **wrong: str) -> AsyncIterator[SourceRuntime]:
    server = await serve_database(HousingFundRegister(contract.world()), host="127.0.0.1", port=0, deliver=deliver)
    credentials = {name: SecretStr(value) for name, value in (CREDENTIALS | wrong).items()}
    endpoint = Endpoint(base_url=f"postgresql://127.0.0.1:{server.sockets[0].getsockname()[1]}/housing_fund", credentials=credentials)
    running = SourceRuntime(contract.adapter.source, endpoint, clock=lambda: CONTRACT_CLOCK, randomness=system_randomness())
    try:
        yield running
    finally:
        await running.close()
        server.close()


async def asked(contract: Contract, running: SourceRuntime, name: str, *, seconds: float = 5) -> OutcomeCode:
    client = running.bind(deadline=asyncio.get_running_loop().time() + seconds)
    try:
        (answer,) = await HousingFundAdapter().ask([contract.question(name)], client)
    except SourceFailure as failure:
        return failure.code
    return answer.outcome.code


async def test_every_case_comes_out_as_without_sockets(contract: Contract) -> None:
    async with runtime(contract) as running:
        for name, case in contract.cases.items():
            assert await asked(contract, running, name) is case.expected.code, name


async def test_wrong_password_is_no_answer(contract: Contract) -> None:
    async with runtime(contract, password="wrong") as running:
        # The driver tells no SQLSTATE of a refused log-in, so that it looks like any connection that did not come about.
        assert await asked(contract, running, "nothing_found") is OutcomeCode.CONNECTION


async def test_result_cut_in_the_middle_is_no_answer(contract: Contract) -> None:
    async def cut(writer: asyncio.StreamWriter, payload: bytes, _table: Table) -> None:
        writer.write(payload[: len(payload) // 2])
        await writer.drain()
        raise ConnectionResetError

    async with runtime(contract, cut) as running:
        assert await asked(contract, running, "nothing_found") is OutcomeCode.CONNECTION


async def test_hanging_database_does_not_hold_the_deadline_up(contract: Contract) -> None:
    async def hang(_writer: asyncio.StreamWriter, _payload: bytes, _table: Table) -> None:
        await asyncio.Event().wait()

    async with runtime(contract, hang) as running:
        began = time.monotonic()
        assert await asked(contract, running, "nothing_found", seconds=1) is OutcomeCode.TIMEOUT
        assert time.monotonic() - began < 2
