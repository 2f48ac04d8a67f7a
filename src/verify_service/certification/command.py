"""The command `certify`: choose adapter, endpoint and cases, judge, print."""

from dataclasses import dataclass
from pathlib import Path

import orjson
import typer
from rich.console import Console

from verify_service.bootstrap import installed_adapters, installed_cases, read_endpoint, utc_now
from verify_service.certification.asking import Asker
from verify_service.certification.certify import certify
from verify_service.certification.checks import Bench
from verify_service.certification.showing import show
from verify_service.errors import ConfigurationError
from verify_service.sources.cases import load_cases, on_contract_day
from verify_service.sources.client import system_randomness
from verify_service.telemetry import configure_logging


@dataclass(frozen=True, slots=True)
class Judged:
    """What is judged: a source at an endpoint, by the cases of a folder or those beside its adapter.

    contract_day: on the day for which the cases were written, where the endpoint is on that day, too.
    patience_seconds: how long a deferred source is waited for.
    """

    source: str
    base_url: str
    cases: Path | None
    credentials: Path | None
    contract_day: bool
    patience_seconds: float


async def run(what: Judged, *, as_json: bool, console: Console) -> None:
    """Judge a source and print the certificate. Raises ConfigurationError; ends the command with 1 when anything failed."""
    configure_logging(level="CRITICAL")
    adapter = installed_adapters().get(what.source)
    if adapter is None:
        raise ConfigurationError(f"no adapter for source {what.source}")
    clock = (lambda: on_contract_day(utc_now())) if what.contract_day else utc_now
    asker = Asker(adapter, clock, system_randomness(), what.patience_seconds)
    bench = Bench.of(asker, read_endpoint(what.base_url, what.credentials))
    certificate = await certify(bench, installed_cases()[what.source] if what.cases is None else load_cases(what.cases))
    if as_json:
        typer.echo(orjson.dumps(certificate.to_json(), option=orjson.OPT_INDENT_2).decode())
    else:
        show(certificate, console)
    if not certificate.passed:
        raise typer.Exit(1)
