"""The commands. Each is a few lines over the parts it composes; help texts are for a new operator."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from verify_service import running
from verify_service.api.auth import OPERATOR, WELFARE_SYSTEM, Scope
from verify_service.bulk import webhook_client
from verify_service.bulk.access import Access
from verify_service.bulk.batch_client import BatchClient
from verify_service.certification.command import Judged
from verify_service.certification.command import run as run_certify
from verify_service.errors import VerifyError
from verify_service.process import new_event_loop
from verify_service.sandbox.faults import Profile
from verify_service.sandbox.serve import SandboxOptions
from verify_service.settings import load_settings
from verify_service.storage.webhook_records import EventKind

# No pretty tracebacks: they print local variables, which may speak of people.
app = typer.Typer(
    help="Household economic-status verification: ask every register, sign one report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
clients = typer.Typer(help="Client systems that may call the API.", no_args_is_help=True)
keys = typer.Typer(help="The keys that sign reports.", no_args_is_help=True)
app.add_typer(clients, name="client")
app.add_typer(keys, name="keys")
batches = typer.Typer(help="Many households in one file.", no_args_is_help=True)
app.add_typer(batches, name="batch")
webhooks = typer.Typer(help="Where a client is told what happens.", no_args_is_help=True)
app.add_typer(webhooks, name="webhook")

Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. [VERIFY_PORT, 8000]")]
Host = Annotated[str | None, typer.Option(help="Address to listen on. [VERIFY_HOST, 127.0.0.1]")]
Faults = Annotated[Profile, typer.Option(help="What goes wrong in the simulated registers: none, realistic or storm.")]
ContractDay = Annotated[bool, typer.Option("--contract-day", help="Today's time of day on the day for which the cases were written.")]
Seed = Annotated[int, typer.Option(help="Seed of the synthetic population and of the faults.")]
_out = Console()
_err = Console(stderr=True)


@app.command()
def serve(*, sandbox: bool = False, host: Host = None, port: Port = None, faults: Faults = "none", seed: Seed = 1) -> None:
    """Serve the API. With --sandbox: the simulated registers, the API and the worker in one go.

    The sandbox writes base_url, client_id, client_secret and a ready access_token to var/sandbox-client.json.
    """
    settings = load_settings(host=host, port=port)
    _run(running.serve_sandbox(settings, faults=faults, seed=seed, console=_err) if sandbox else running.serve(settings, console=_err))


@app.command()
def sandbox(  # noqa: PLR0913 - one option for each thing that may differ
    *,
    first_port: int = 9101,
    faults: Faults = "none",
    seed: Seed = 1,
    out: Path = Path("var/sandbox-sources.json"),
    contract_day: ContractDay = False,
    ready_after: Annotated[float, typer.Option(min=0, help="Seconds that the deferred registers take.")] = 3.0,
    journal: Annotated[Path | None, typer.Option(help="Folder in which every register writes what it was asked and told.")] = None,
) -> None:
    """Serve only the simulated registers, on loopback, and write where they are for VERIFY_SOURCES_FILE."""
    options = SandboxOptions(seed=seed, faults=faults, ready_after_seconds=ready_after, first_port=first_port, journal=journal)
    _run(running.serve_registers_only(load_settings(), options, contract_day=contract_day, out=out, console=_err))


@app.command()
def work(*, concurrency: Annotated[int, typer.Option(min=1, max=64, help="Chunks of batches in work at a time.")] = 2) -> None:
    """Finish what was accepted and not completed, work on batches, and collect from deferred registers, until stopped."""
    _run(running.work(load_settings(), concurrency=concurrency, console=_err))


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema. The embedded SQLite default does it at start by itself."""
    _run(running.migrate_database(load_settings(), console=_err))


@app.command()
def demo(*, out: Path = Path("var/demo")) -> None:
    """Run the main job on the example family: every report version, verified, in var/demo/."""
    _run(running.demo(load_settings(port=0), out=out, console=_out))


@app.command("verify-report")
def verify_report(
    file: Path, *, jwks: Annotated[str | None, typer.Option(help="Key set: a file or an http(s) URL. Left out: var/keys.")] = None
) -> None:
    """Verify a signed report without asking the service: a compact JWS, or an answer that holds one."""
    _run(running.verify_report(load_settings(), file, jwks=jwks, console=_out))


@app.command()
def recompute(report_id: str, *, tenant: str = "sandbox") -> None:
    """Compute a report again from the stored raw answers and compare it byte for byte with the signed one."""
    _run(running.recompute(load_settings(), report_id, tenant=tenant, console=_out))


@app.command()
def certify(  # noqa: PLR0913 - one option for each thing that may differ
    source: str,
    *,
    base_url: Annotated[str, typer.Option(help="The endpoint: a register's own test endpoint, or the sandbox's.")],
    cases: Annotated[Path | None, typer.Option(help="Folder of cases; left out: those beside the adapter.")] = None,
    credentials: Annotated[Path | None, typer.Option(help='JSON: {"name": "value", ...}; mode 0600.')] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate as JSON.")] = False,
    contract_day: ContractDay = False,
    patience_seconds: Annotated[float, typer.Option(help="How long a deferred source is waited for.")] = 60.0,
) -> None:
    """Judge a source against an endpoint: every case, pages, binding, deadline, quota, damage. Exit 1 when anything failed."""
    what = Judged(source, base_url, cases, credentials, contract_day, patience_seconds)
    _run(run_certify(what, as_json=as_json, console=_out))


@app.command()
def generate(*, check: Annotated[bool, typer.Option("--check", help="Only compare; exit 1 when something differs.")] = False) -> None:
    """Write openapi.yaml and schemas/ from the models."""
    _run(running.generate(check=check, console=_out))


@clients.command("new")
def client_new(
    name: str,
    *,
    tenant: Annotated[str, typer.Option(help="The commissioning organisation; data never cross tenants.")],
    purpose: Annotated[list[str] | None, typer.Option(help="Purpose codes (01 to 12) the client may use; left out: all.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Regions (GB/T 2260) the client may use; left out: all.")] = None,
    operator: Annotated[bool, typer.Option("--operator", help="For who runs the service: sources and audit log, no households.")] = False,
    scope: Annotated[list[Scope] | None, typer.Option(help="Exactly these scopes; left out: a welfare system's.")] = None,
) -> None:
    """Make a client and print its credentials once; only a hash of the secret is kept."""
    scopes = tuple(scope or (OPERATOR if operator else WELFARE_SYSTEM))
    terms = running.Terms(tenant, tuple(purpose or ["*"]), tuple(region or ["*"]), scopes)
    _out.print_json(orjson.dumps(_run(running.new_client(load_settings(), name, terms))).decode())


@clients.command("list")
def client_list() -> None:
    """List the clients: tenant, id, name, since when, what they may do, and which are disabled."""
    for client in _run(running.list_clients(load_settings())):
        state = "enabled" if client.disabled_at is None else f"disabled {client.disabled_at.isoformat(timespec='seconds')}"
        made = client.created_at.isoformat(timespec="seconds")
        typer.echo(f"{client.tenant}  {client.id}  {client.name}  {made}  {','.join(client.scopes)}  {state}")


@clients.command("disable")
def client_disable(client_id: str) -> None:
    """Refuse a client's token from now on. A running API may still accept it for half a minute; its work goes on."""
    _run(running.disable_client(load_settings(), client_id))
    typer.echo(f"disabled {client_id}")


@keys.command("list")
def keys_list() -> None:
    """List the signing keys: which one signs, which are only published."""
    for key in running.list_keys(load_settings()):
        _out.print(f"{key.kid}  {key.state:8} {key.created_at.isoformat(timespec='seconds')}")


@keys.command("rotate")
def keys_rotate() -> None:
    """Make a new signing key. Reports signed before still verify: the old key stays published."""
    _out.print(f"now signing with {running.rotate_key(load_settings()).kid}")


AccessFile = Annotated[Path, typer.Option("--access", help="JSON with base_url and access_token.")]
_ACCESS = Path("var/sandbox-client.json")


@batches.command("submit")
def batch_submit(file: Path, *, validate_only: bool = False, watch: bool = False, access: AccessFile = _ACCESS) -> None:
    """Hand in a file (.csv, .ndjson, …). With --validate-only: say what would become of it, and keep nothing."""
    client = BatchClient(Access.read(access), _err)
    told = client.submit(file, validate_only=validate_only)
    if watch and not validate_only:
        told = client.watch(told["batch_id"])
    _out.print_json(orjson.dumps(told).decode())


@batches.command("watch")
def batch_watch(batch_id: str, *, access: AccessFile = _ACCESS) -> None:
    """Show how far a batch is until it is over."""
    _out.print_json(orjson.dumps(BatchClient(Access.read(access), _err).watch(batch_id)).decode())


@batches.command("results")
def batch_results(batch_id: str, out: Path, *, access: AccessFile = _ACCESS) -> None:
    """Write the results into a file; its name says in which form."""
    BatchClient(Access.read(access), _err).fetch(batch_id, "results", out)


@batches.command("errors")
def batch_errors(batch_id: str, out: Path, *, access: AccessFile = _ACCESS) -> None:
    """Write what is wrong with rejected rows into a file; its name says in which form."""
    BatchClient(Access.read(access), _err).fetch(batch_id, "errors", out)


@batches.command("cancel")
def batch_cancel(batch_id: str, *, access: AccessFile = _ACCESS) -> None:
    """End a batch now; what was finished stays."""
    _out.print_json(orjson.dumps(BatchClient(Access.read(access), _err).act(batch_id, "cancel")).decode())


@webhooks.command("list")
def webhook_list(*, access: AccessFile = _ACCESS) -> None:
    """List the endpoints: id, URL, state, failures in a row, and until when an old secret signs along."""
    for each in webhook_client.endpoints(Access.read(access)):
        old = f"  old secret until {each['old_secret_until']}" if each["old_secret_until"] else ""
        typer.echo(f"{each['id']}  {each['url']}  {each['state']}  {each['failures']}{old}")


@webhooks.command("new")
def webhook_new(
    url: str,
    *,
    event: Annotated[list[EventKind] | None, typer.Option(help="Only these events; left out: all.")] = None,
    access: AccessFile = _ACCESS,
) -> None:
    """Register a URL and print its secret, this once."""
    _out.print_json(orjson.dumps(webhook_client.register(Access.read(access), url, event or [])).decode())


@webhooks.command("rotate")
def webhook_rotate(endpoint_id: str, *, access: AccessFile = _ACCESS) -> None:
    """Give an endpoint another secret and print it, this once. For a day the old one signs along."""
    _out.print_json(orjson.dumps(webhook_client.act(Access.read(access), endpoint_id, "rotate-secret")).decode())


@webhooks.command("disable")
def webhook_disable(endpoint_id: str, *, access: AccessFile = _ACCESS) -> None:
    """Send nothing more to an endpoint; what waits for it is given up, and may be redelivered."""
    webhook_client.act(Access.read(access), endpoint_id, "disable")
    typer.echo(f"disabled {endpoint_id}")


def _run(story: Coroutine[Any, Any, Any]) -> Any:
    """Run a command; an interrupt is an ordinary end."""
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(story)
    except KeyboardInterrupt:
        return None


def main() -> None:
    """Run the command line; an error of ours is one sentence on stderr and exit code 1."""
    try:
        app()
    except VerifyError as error:
        _err.print(f"[red]{error}[/red]", highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
