"""No call outlives its deadline, whatever a register does; how closely it is kept is measured in bench/, not here.

Each test is guarded by a limit far above the deadline and far below what the misbehaviour would take.
"""

import asyncio

import pytest
from pydantic import SecretStr

from tests.contract.replay import Contract
from verify_adapters.housing_fund.adapter import HousingFundAdapter
from verify_service.bootstrap import utc_now
from verify_service.domain.outcome import OutcomeCode
from verify_service.sandbox.pgwire import serve_database
from verify_service.sandbox.registers.housing_fund import HousingFundRegister
from verify_service.sources.client import SourceRuntime, system_randomness
from verify_service.sources.definition import Endpoint
from verify_service.sources.failures import SourceFailure
from verify_service.sources.register import Table

GUARD_SECONDS = 3


async def never(writer: asyncio.StreamWriter, payload: bytes, table: Table) -> None:
    """Deliver nothing, and ignore that the client asks to cancel."""
    del writer, payload, table
    await asyncio.Event().wait()


async def test_a_database_that_ignores_cancel_requests_is_left_at_the_deadline() -> None:
    """Psycopg waits up to five seconds for a cancelled query; the pool must not."""
    contract = Contract.of(HousingFundAdapter(), HousingFundRegister)
    register = HousingFundRegister(contract.world())
    server = await serve_database(register, host="127.0.0.1", port=0, deliver=never)
    address = f"postgresql://127.0.0.1:{server.sockets[0].getsockname()[1]}/{register.database}"
    secrets = {name: SecretStr(value) for name, value in contract.credentials.items()}
    endpoint = Endpoint(base_url=address, credentials=secrets)
    runtime = SourceRuntime(contract.adapter.source, endpoint, clock=utc_now, randomness=system_randomness())
    try:
        client = runtime.bind(deadline=asyncio.get_running_loop().time() + 0.6)
        async with asyncio.timeout(GUARD_SECONDS):
            with pytest.raises(SourceFailure) as failure:
                await contract.adapter.ask(contract.questions("found"), client)  # type: ignore[union-attr]
    finally:
        await runtime.close()
        server.close()
    assert failure.value.code is OutcomeCode.TIMEOUT
