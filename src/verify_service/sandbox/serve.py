"""Serve the simulated registers on loopback sockets, each in its own protocol, and say where they are."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from verify_service.sandbox.delivery import Delivery
from verify_service.sandbox.faults import Faults, Profile
from verify_service.sandbox.http import serve_http
from verify_service.sandbox.journal import Journal
from verify_service.sandbox.pgwire import serve_database
from verify_service.sandbox.population import Population
from verify_service.sandbox.registry import registers
from verify_service.sandbox.world import CHINA, World
from verify_service.sources.cases import Case, by_person
from verify_service.sources.definition import Endpoint
from verify_service.sources.register import DatabaseRegister, HttpRegister

GENEROUS = {"per_second": 1_000_000, "per_day": 1_000_000_000}  # nobody's contract: a simulated register may be asked at full load
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """How the sandbox behaves. `ready_after_seconds` is how long the deferred registers take; `journal`: a folder for journals."""

    seed: int = 1
    faults: Profile = "none"
    latency_seconds: float = 0.0
    ready_after_seconds: float = 3.0
    first_port: int = 0
    journal: Path | None = None


@asynccontextmanager
async def serve_registers(
    cases: Mapping[str, Mapping[str, Case]], options: SandboxOptions, *, clock: Callable[[], datetime]
) -> AsyncIterator[dict[str, Endpoint]]:
    """Serve the register of every source in `cases` until the block ends; yield how to reach each. `first_port` 0 takes free ports.

    A source without a simulated register is not served, hence not connected.
    """
    population = Population(options.seed, as_of=clock().astimezone(CHINA).date())
    faults = Faults(options.faults, options.seed)
    endpoints: dict[str, Endpoint] = {}
    with ExitStack() as stack:
        served = {source: kind for source, kind in registers().items() if source in cases}
        for number, (source, kind) in enumerate(served.items()):
            world = World(source, clock, population, by_person(cases[source].values()), kind.credentials, faults.spoil)
            delivery = Delivery(source, faults, options.latency_seconds, _journal(stack, options, source, clock))
            port = options.first_port + number if options.first_port else 0
            register = kind.build(world, options.ready_after_seconds)
            server = await _serve(register, delivery, port)
            stack.callback(server.close)
            address = f"{kind.scheme}://{LOOPBACK}:{server.sockets[0].getsockname()[1]}{kind.path}"
            secrets = {name: SecretStr(value) for name, value in kind.credentials.items()}
            endpoints[source] = Endpoint(base_url=address, credentials=secrets, overrides={"quota": dict(GENEROUS)})
        yield endpoints


def _journal(stack: ExitStack, options: SandboxOptions, source: str, clock: Callable[[], datetime]) -> Journal | None:
    """Return a source's journal if the run keeps any; it is closed with the stack."""
    if options.journal is None:
        return None
    journal = Journal(options.journal, source, clock=clock)
    stack.callback(journal.close)
    return journal


async def _serve(register: HttpRegister | DatabaseRegister, delivery: Delivery, port: int) -> asyncio.Server:
    if isinstance(register, DatabaseRegister):
        return await serve_database(register, host=LOOPBACK, port=port, deliver=delivery.deliver)
    return await serve_http(register, delivery, host=LOOPBACK, port=port)
