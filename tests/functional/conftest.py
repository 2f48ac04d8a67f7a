"""A whole service in this process: real registers on real sockets, a real database, no HTTP in front."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from verify_service.bootstrap import installed_cases, open_services, utc_now
from verify_service.sandbox.serve import SandboxOptions, serve_registers
from verify_service.services import Services
from verify_service.settings import Settings, load_settings
from verify_service.sources.definition import Endpoint
from verify_service.storage.records import Client

Open = Callable[..., AbstractAsyncContextManager[Services]]


@pytest.fixture
def household(repo_root: Path) -> bytes:
    """Return the family of four, as a welfare system would post it."""
    return (repo_root / "examples" / "household.json").read_bytes()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(state_dir=tmp_path / "var", poll_seconds=0.05)


@pytest.fixture
def opened(settings: Settings) -> Open:
    """Return a function that opens a service over the sandbox; `instead` puts other addresses in the place of registers."""

    @asynccontextmanager
    async def open_(
        *, instead: Mapping[str, Endpoint] | None = None, options: SandboxOptions | None = None, state: Settings = settings
    ) -> AsyncIterator[Services]:
        chosen = options or SandboxOptions(ready_after_seconds=0.2)
        async with (
            serve_registers(installed_cases(), chosen, clock=utc_now) as endpoints,
            open_services(state, endpoints={**endpoints, **(instead or {})}) as services,
        ):
            yield services

    return open_


async def client_of(services: Services, tenant: str = "example") -> Client:
    """Make a client that may do everything within its tenant."""
    client = Client(services.new_id(), tenant, "test", "no secret", ("verify:write",), ("*",), ("*",), services.clock())
    await services.store.add_client(client)
    return client
