"""Every case of the two signed REST sources over real sockets, through the real client: what the contract tests promise holds."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from pydantic import SecretStr

from tests.contract.replay import Contract, assert_expected
from verify_adapters.business_registration.adapter import BusinessRegistrationAdapter
from verify_adapters.vehicle.adapter import VehicleAdapter
from verify_service.domain.outcome import Answer, Outcome
from verify_service.sandbox.delivery import Delivery
from verify_service.sandbox.faults import Faults
from verify_service.sandbox.http import serve_http
from verify_service.sandbox.registers.business_registration import BusinessRegistrationRegister
from verify_service.sandbox.registers.vehicle import VehicleRegister
from verify_service.sources.cases import CONTRACT_CLOCK
from verify_service.sources.client import SourceRuntime, system_randomness
from verify_service.sources.definition import Endpoint
from verify_service.sources.failures import SourceFailure

PAIRS: tuple[tuple[Any, Any], ...] = (
    (VehicleAdapter, VehicleRegister),
    (BusinessRegistrationAdapter, BusinessRegistrationRegister),
)


def at_contract_clock() -> datetime:
    return CONTRACT_CLOCK


def heard_from(contract: Contract) -> list[str]:
    """Return the cases that put anything on the socket: a register that hangs outlives the test, and is tested with the client."""
    return [name for name, case in contract.cases.items() if case.fault is None or case.fault.kind != "hang"]


async def asked(contract: Contract, endpoint: Endpoint, name: str) -> Answer:
    """Ask about one case's person, as the fan-out would. Each case has a runtime of its own: several that fail would open the breaker."""
    question = contract.question(name)
    runtime = SourceRuntime(contract.adapter.source, endpoint, clock=at_contract_clock, randomness=system_randomness())
    client = runtime.bind(deadline=asyncio.get_running_loop().time() + 5.0)
    try:
        (answer,) = await contract.adapter.ask([question], client)  # type: ignore[union-attr]  # both are immediate
    except SourceFailure as failure:
        return Answer(question, Outcome(failure.code, failed_by=failure.failed_by, detail=failure.detail))
    finally:
        await runtime.close()
    return answer


@pytest.mark.parametrize(("adapter", "register"), PAIRS, ids=lambda value: value.__name__)
async def test_every_case_over_a_socket(adapter: Any, register: Any) -> None:
    contract = Contract.of(adapter(), register)
    delivery = Delivery(contract.adapter.source.id, Faults("none", 1))
    server = await serve_http(register(contract.world()), delivery, host="127.0.0.1", port=0)
    endpoint = Endpoint(
        base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
        credentials={name: SecretStr(value) for name, value in contract.credentials.items()},
    )
    try:
        answers = {name: await asked(contract, endpoint, name) for name in heard_from(contract)}
    finally:
        server.close()
    assert len(answers) == len(contract.cases) - 1
    for name, answer in answers.items():
        assert_expected(contract.cases[name], answer)
