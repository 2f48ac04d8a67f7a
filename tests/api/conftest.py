"""The real application over the real services and a real SQLite store; only the register is played, in memory."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from uuid_utils import uuid7

from tests.api.house import CLIENTS, LIMITS, NOW, Clock, House, Register
from verify_service.api.app import create_app
from verify_service.api.connections import PunctualProtocol
from verify_service.domain.policy import load_policies
from verify_service.services import Services
from verify_service.signing.keys import load_keyring
from verify_service.signing.signer import sign
from verify_service.sources.client import SourceRuntime, system_randomness
from verify_service.sources.definition import Endpoint, Source, load_source
from verify_service.storage.encryption import load_cipher
from verify_service.storage.migrations import migrate
from verify_service.storage.store import open_store
from verify_service.verification.fanout import Channel
from verify_service.verification.verify import Verifier


@dataclass(frozen=True)
class Template:
    """What every test starts from: a migrated database with the clients in it, the keys, and the facts of the sources."""

    database: Path
    keys: Path
    sources: dict[str, Source]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, repo_root: Path) -> Template:
    folder = tmp_path_factory.mktemp("template")
    database, keys = folder / "verify.db", folder / "keys"
    load_keyring(keys, now=NOW, create=True)
    cipher = load_cipher(keys / "field.key", create=True)
    migrate(f"sqlite+aiosqlite:///{database}")

    async def add_clients() -> None:
        store = await open_store(f"sqlite+aiosqlite:///{database}", cipher=cipher)
        for client in CLIENTS:
            await store.add_client(client)
        await store.close()

    asyncio.run(add_clients())
    sources = map(load_source, sorted(repo_root.glob("adapters/verify_adapters/*/source.toml")))
    return Template(database, keys, {source.id: source for source in sources})


@pytest.fixture
async def house(template: Template, tmp_path: Path, repo_root: Path) -> AsyncIterator[House]:
    database = tmp_path / "verify.db"
    shutil.copy(template.database, database)
    clock = Clock()
    keyring = load_keyring(template.keys, now=NOW, create=False)
    cipher = load_cipher(template.keys / "field.key", create=False)
    register = Register(template.sources["vehicle"])
    register.gate.set()
    runtime = SourceRuntime(
        register.source, Endpoint(base_url="http://127.0.0.1:9"), clock=clock, randomness=system_randomness(), transport="plain"
    )
    verifier = Verifier(
        sources=template.sources,
        channels={"vehicle": Channel(register, runtime)},
        policies=load_policies(repo_root / "policies"),
        sign=lambda report: sign(report, keyring.active),
        clock=clock,
        new_id=lambda: str(uuid7()),
        issuer="示例核对中心",
    )
    store = await open_store(f"sqlite+aiosqlite:///{database}", cipher=cipher)
    services = Services(LIMITS, store, verifier.policies, verifier, clock, verifier.new_id, lambda: keyring)
    app = create_app(services)
    app.state.streams.longest_seconds = 0.2  # a client without a socket sees a stream only when it has ended
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as http:
        yield House(services, app, http, register, clock, database)
    register.gate.set()
    if services.background:
        await asyncio.wait(services.background)
    await store.close()
    await runtime.close()


@pytest.fixture
async def address(house: House) -> AsyncIterator[tuple[str, int]]:
    """Serve as `verify-service serve` does, on a free port."""
    server = uvicorn.Server(uvicorn.Config(house.app, http=PunctualProtocol, log_config=None, access_log=False, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve([listening]))
        yield listening.getsockname()
        server.should_exit = True
        await serving
