"""How each command runs: which parts it opens, in which order, and what it prints while a person waits."""

import asyncio
import json
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import orjson
import typer
import uvicorn
from rich.console import Console

from verify_service.api.app import create_app
from verify_service.api.auth import WELFARE_SYSTEM, Scope, hash_secret, new_secret
from verify_service.api.connections import LeavingServer, PunctualProtocol
from verify_service.api.generated import generated_files
from verify_service.bootstrap import installed_cases, open_services, shipped_folder, utc_now
from verify_service.bulk.batch_worker import work_batches_until
from verify_service.bulk.jobs import EngineOptions
from verify_service.bulk.purging import purge_until
from verify_service.bulk.recompute import recompute_report
from verify_service.bulk.webhooks.delivery import deliver_until
from verify_service.bulk.worker import work_until
from verify_service.process import lay_aside
from verify_service.sandbox.demo import run_demo
from verify_service.sandbox.faults import Profile
from verify_service.sandbox.serve import SandboxOptions, serve_registers
from verify_service.services import Services
from verify_service.settings import Settings
from verify_service.signing.keyring import SigningKey
from verify_service.signing.keys import KeyDirectory, load_keyring, rotate_keyring
from verify_service.signing.signed_file import read_signed_file
from verify_service.signing.verification import verify
from verify_service.sources.cases import on_contract_day
from verify_service.sources.client import system_randomness
from verify_service.sources.definition import Endpoint
from verify_service.storage.migrations import migrate as migrate_schema
from verify_service.storage.records import Client
from verify_service.telemetry import configure_logging

_BACKLOG, _GRACE_SECONDS = 2048, 20
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class Terms:
    """What a new client may do, and for whom."""

    tenant: str
    purposes: tuple[str, ...] = ("*",)
    regions: tuple[str, ...] = ("*",)
    scopes: tuple[Scope, ...] = WELFARE_SYSTEM


async def serve(settings: Settings, *, console: Console) -> None:
    """Serve the API against the registers of VERIFY_SOURCES_FILE."""
    configure_logging(level=settings.log_level)
    stop_signal()
    async with open_services(settings) as services:
        lay_aside()
        await _listen(services, _bound(settings), console)


async def serve_sandbox(settings: Settings, *, faults: Profile, seed: int, console: Console) -> None:
    """Serve registers, API and worker in one process, with a client made for whoever tries it."""
    configure_logging(level=settings.log_level)
    stop_signal()
    settings = settings.model_copy(update={"webhook_networks": (*settings.webhook_networks, *_LOOPBACK)})
    door = _bound(settings)
    async with _sandbox(settings, SandboxOptions(seed=seed, faults=faults)) as services:
        access = await _sandbox_client(services, f"http://{settings.host}:{door.getsockname()[1]}", settings.state_dir)
        console.print(f"credentials in {access}")
        stopping = asyncio.Event()
        worker = asyncio.create_task(_work(services, settings, stopping, concurrency=1))
        try:
            await _listen(services, door, console)
        finally:
            stopping.set()
            await worker


async def _work(services: Services, settings: Settings, stopping: asyncio.Event, *, concurrency: int) -> None:
    """Do all kinds of work: households one by one, batches in chunks, webhooks, and clearing away."""
    worker = f"{socket.gethostname()}-{services.new_id()}"
    options = EngineOptions(settings.effective_jobs_database_url, worker, concurrency, _GRACE_SECONDS)
    webhooks = deliver_until(services, stopping, uniform=system_randomness().uniform)
    batches = work_batches_until(services, options, stopping)
    await asyncio.gather(work_until(services, stopping), batches, webhooks, purge_until(services, stopping))


@asynccontextmanager
async def _sandbox(settings: Settings, options: SandboxOptions) -> AsyncIterator[Services]:
    async with (
        serve_registers(installed_cases(), options, clock=utc_now) as endpoints,
        open_services(settings, endpoints=endpoints) as services,
    ):
        yield services


def stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set, so that whoever waits for it can finish and close.

    uvicorn raises the signal it was stopped by once more when it has shut down; without a handler of ours that second
    one would end the process before the store is closed and background work is done.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


def _bound(settings: Settings) -> socket.socket:
    """Take the port before anything else starts, so that a port in use is told at once and 0 is known."""
    door = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind((settings.host, settings.port))
    door.listen(_BACKLOG)
    return door


async def _listen(services: Services, door: socket.socket, console: Console) -> None:
    host, port = door.getsockname()[:2]
    console.print(f"listening on http://{host}:{port} (documentation at /docs)")
    await _server(services).serve(sockets=[door])


def _server(services: Services) -> uvicorn.Server:
    app = create_app(services)
    config = uvicorn.Config(app, http=PunctualProtocol, log_config=None, access_log=False, backlog=_BACKLOG, server_header=False)
    config.timeout_graceful_shutdown = _GRACE_SECONDS
    return LeavingServer(config, app.state.streams.leaving)


async def _sandbox_client(services: Services, base_url: str, folder: Path) -> Path:
    """Make a client of tenant `sandbox` and write its credentials for curl and the examples (mode 0600)."""
    made = await _add_client(services, "sandbox", Terms("sandbox"))
    file = folder / "sandbox-client.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"base_url": base_url, **made}, indent=2) + "\n", encoding="utf-8")
    return file


async def _add_client(services: Services, name: str, terms: Terms) -> dict[str, str]:
    secret = new_secret()
    client_id = f"{terms.tenant}-{secrets.token_hex(4)}"
    scopes = tuple(scope.value for scope in terms.scopes)
    client = Client(client_id, terms.tenant, name, hash_secret(secret), scopes, terms.purposes, terms.regions, services.clock())
    await services.store.add_client(client)
    return {"client_id": client_id, "client_secret": secret, "access_token": f"{client_id}.{secret}"}


async def serve_registers_only(settings: Settings, options: SandboxOptions, *, contract_day: bool, out: Path, console: Console) -> None:
    """Serve the registers, today or on the day that the cases were written for, and write their endpoints."""
    configure_logging(level=settings.log_level)
    clock = (lambda: on_contract_day(utc_now())) if contract_day else utc_now
    async with serve_registers(installed_cases(), options, clock=clock) as endpoints:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(orjson.dumps({name: _plain(endpoint) for name, endpoint in endpoints.items()}, option=orjson.OPT_INDENT_2))
        for name, endpoint in endpoints.items():
            console.print(f"{name:22} {endpoint.base_url}")
        console.print(f"for VERIFY_SOURCES_FILE: {out}")
        await stop_signal().wait()


def _plain(endpoint: Endpoint) -> dict[str, object]:
    secrets = {name: value.get_secret_value() for name, value in endpoint.credentials.items()}
    return {"base_url": endpoint.base_url, "credentials": secrets, "overrides": endpoint.overrides}


async def work(settings: Settings, *, concurrency: int, console: Console) -> None:
    """Run the worker until interrupted."""
    configure_logging(level=settings.log_level)
    stopping = stop_signal()
    async with open_services(settings) as services:
        lay_aside()
        console.print("working; stop with Ctrl-C")
        await _work(services, settings, stopping, concurrency=concurrency)


async def migrate_database(settings: Settings, *, console: Console) -> None:
    """Migrate and say so."""
    await asyncio.to_thread(migrate_schema, settings.effective_database_url)
    console.print("the database has this version's schema")


async def demo(settings: Settings, *, out: Path, console: Console) -> None:
    """Serve a sandbox in this process on a free port, and be its client over HTTP."""
    configure_logging(level="ERROR")
    door = _bound(settings)
    async with _sandbox(settings, SandboxOptions()) as services:
        base_url = f"http://{settings.host}:{door.getsockname()[1]}"
        access = orjson.loads((await _sandbox_client(services, base_url, settings.state_dir)).read_bytes())
        server = _server(services)
        stopping = asyncio.Event()
        running = [asyncio.create_task(server.serve(sockets=[door])), asyncio.create_task(work_until(services, stopping))]
        try:
            await run_demo(access, (shipped_folder("examples") / "household.json").read_bytes(), out, console)
        finally:
            stopping.set()
            server.should_exit = True
            await asyncio.gather(*running)


async def verify_report(settings: Settings, file: Path, *, jwks: str | None, console: Console) -> None:
    """Verify a file against a key set. Raises SignatureInvalid."""
    verified = verify(read_signed_file(file.read_bytes()), await _key_set(settings, jwks))
    header = verified.report["header"]
    view = f"{header['view']} view of " if "view" in header else ""
    console.print(f"signature valid: key {verified.kid}, {view}report {header['report_id']} version {header['version']}, {header['state']}")
    console.print("whether a later version replaced it, only the service can say: GET /v1/reports/{id}/versions")


async def _key_set(settings: Settings, jwks: str | None) -> Mapping[str, Any]:
    if jwks is None:
        return load_keyring(settings.keys_dir, now=utc_now(), create=False).jwks()
    if jwks.startswith(("http://", "https://")):
        async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
            return dict(orjson.loads((await http.get(jwks)).raise_for_status().content))
    return dict(orjson.loads(Path(jwks).read_bytes()))


async def recompute(settings: Settings, report_id: str, *, tenant: str, console: Console) -> None:
    """Recompute one report and say whether it is the signed one, byte for byte."""
    async with open_services(settings) as services:
        same = await recompute_report(services, tenant=tenant, report_id=report_id)
    verdict = "identical, byte for byte" if same else "[red]DIFFERENT from the signed bytes[/red]"
    console.print(f"recomputed from the stored answers: {verdict}")
    if not same:
        raise typer.Exit(1)


async def new_client(settings: Settings, name: str, terms: Terms) -> dict[str, str]:
    """Make a client and return its credentials."""
    async with open_services(settings) as services:
        return await _add_client(services, name, terms)


async def list_clients(settings: Settings) -> Sequence[Client]:
    """Return every client of every tenant, disabled or not."""
    async with open_services(settings) as services:
        return await services.store.clients()


async def disable_client(settings: Settings, client_id: str) -> None:
    """Refuse the client's token from now on; a running API may go on for half a minute. Raises NotFound."""
    async with open_services(settings) as services:
        await services.store.disable_client(client_id, now=services.clock())


def list_keys(settings: Settings) -> Sequence[SigningKey]:
    """Return every key, newest first."""
    return load_keyring(settings.keys_dir, now=utc_now(), create=False).keys


def rotate_key(settings: Settings) -> SigningKey:
    """Make a new active key and return it."""
    return rotate_keyring(KeyDirectory(settings.keys_dir), now=utc_now()).active


async def generate(*, check: bool, console: Console) -> None:
    """Write or compare the generated files at the top of the checkout."""
    root = shipped_folder("schemas").parent
    differing = [name for name, content in generated_files().items() if _read(root / name) != content]
    for name in differing:
        console.print(f"{'differs' if check else 'written'}: {name}")
        if not check:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(generated_files()[name])
    if check and differing:
        raise typer.Exit(1)


def _read(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None
