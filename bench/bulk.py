"""Households in a batch: how many a second, and what one costs in processor, memory and bytes.

python -m bench.bulk [--households 20000] [--workers 1] [--url postgresql+psycopg://…]
"""

import argparse
import os
import platform
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import orjson
from sqlalchemy import create_engine, make_url, text

from bench.households import bodies
from bench.processes import Process, command, free_port, running

_TICKS = os.sysconf("SC_CLK_TCK")
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """A service under measurement: its processes and where it keeps its data."""

    http: httpx.Client
    api: Process
    registers: Process
    workers: list[Process]
    folder: Path
    database_url: str | None


@contextmanager
def service(folder: Path, database_url: str | None, workers: int, *, work: str = "verify_service") -> Iterator[Place]:
    """Serve registers, API and workers, each a process of its own; `work` is the module that workers run."""
    sources, port = folder / "sources.json", free_port()
    settings = {"VERIFY_STATE_DIR": str(folder / "var"), "VERIFY_SOURCES_FILE": str(sources), "VERIFY_LOG_LEVEL": "WARNING"}
    if database_url is not None:
        settings["VERIFY_DATABASE_URL"] = database_url
    with ExitStack() as stack:
        registers = stack.enter_context(running(folder, "verify_service", "sandbox", "--first-port", "0", "--out", str(sources)))
        registers.await_that(lambda: sources.exists() and sources.read_bytes().endswith(b"}"))
        unlimited(sources)
        if database_url is not None:
            command(folder, "verify_service", "migrate", environment=settings)
        made = orjson.loads(command(folder, "verify_service", "client", "new", "bench", "--tenant", "bench", environment=settings))
        api = stack.enter_context(running(folder, "verify_service", "serve", "--port", str(port), environment=settings))
        api.await_port(port)
        headers = {"Authorization": f"Bearer {made['access_token']}"}
        http = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=600, trust_env=False))
        yield Place(http, api, registers, [started(stack, folder / f"w{i}", settings, work) for i in range(workers)], folder, database_url)


def started(stack: ExitStack, folder: Path, settings: dict[str, str], module: str) -> Process:
    """Start a worker with a folder for its log."""
    folder.mkdir()
    return stack.enter_context(running(folder, module, "work", environment=settings))


def unlimited(sources: Path) -> None:
    """Take the quotas off: what is measured is the service, not the contract with a register."""
    endpoints = orjson.loads(sources.read_bytes())
    for endpoint in endpoints.values():
        endpoint["overrides"] = {"quota": {"per_second": 100_000, "per_day": 1_000_000_000}}
    sources.write_bytes(orjson.dumps(endpoints))


def measure(place: Place, households: int) -> dict[str, Any]:
    """Hand a batch in, wait until it is completed, and return the figures."""
    body = (line + b"\n" for line in islice(bodies(members=None), households))
    before = cpu(place)
    began = time.perf_counter()
    receipt = place.http.post("/v1/batches", content=body, headers={"Content-Type": "application/x-ndjson"}).raise_for_status().json()
    accepted = time.perf_counter()
    batch = await_completed(place, receipt["batch_id"])
    ended = time.perf_counter()
    spent = {name: after - before[name] for name, after in cpu(place).items()}
    return {
        "households": batch["rows_in"],
        "results": batch["results"],
        "outcomes": batch["outcomes"],
        "intake seconds": round(accepted - began, 1),
        "work seconds": round(ended - accepted, 1),
        "households/s": round(households / (ended - accepted)),
        **{f"CPU ms {name}": round(seconds * 1000 / households, 2) for name, seconds in spent.items()},
        "CPU ms service and database": round(sum(s for name, s in spent.items() if name != "registers") * 1000 / households, 2),
        "peak MiB a worker": round(max(worker.peak_mib() for worker in place.workers)),
        "peak MiB API": round(place.api.peak_mib()),
        "database bytes a household": round(stored(place) / households),
    }


def await_completed(place: Place, batch_id: str) -> dict[str, Any]:
    while True:
        batch: dict[str, Any] = place.http.get(f"/v1/batches/{batch_id}").raise_for_status().json()["batch"]
        if batch["state"] == "completed":
            return batch
        time.sleep(_LOOK_SECONDS)


def cpu(place: Place) -> dict[str, float]:
    """Return the processor time so far, in seconds, by part."""
    workers = sum(worker.cpu_seconds() for worker in place.workers)
    parts = {"API": place.api.cpu_seconds(), "workers": workers, "registers": place.registers.cpu_seconds()}
    return parts if place.database_url is None else {**parts, "PostgreSQL": postgresql_seconds()}


def postgresql_seconds() -> float:
    """Return the processor time of all server processes that live, ended backends in their parent's."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text(encoding="utf-8").partition("(")[2].rpartition(") ")
        except OSError:
            continue
        if name.startswith("postgres"):
            fields = rest.split()
            total += int(fields[11]) + int(fields[12]) + (int(fields[13]) + int(fields[14]) if fields[1] == "1" else 0)
    return total / _TICKS


def stored(place: Place) -> int:
    """Return the bytes of the database."""
    if place.database_url is None:
        return sum(file.stat().st_size for file in (place.folder / "var").glob("verify.db*"))
    engine = create_engine(place.database_url)
    with engine.connect() as connection:
        size = int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    engine.dispose()
    return size


@contextmanager
def database(server: str) -> Iterator[str]:
    """Make a database on a server, and drop it and the job engine's."""
    url, name = make_url(server), f"bench_{os.getpid()}"
    engine = create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
        try:
            yield url.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)
        finally:
            for each in (name, f"{name}_jobs"):
                connection.execute(text(f'DROP DATABASE IF EXISTS "{each}" WITH (FORCE)'))
    engine.dispose()


def main() -> None:
    """Measure once and print a line for each figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--households", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--url", help="PostgreSQL server; left out: SQLite")
    given = parser.parse_args()
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    engine = "SQLite" if given.url is None else "PostgreSQL"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine}; {engine}, {given.workers} worker(s)", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        url = None if given.url is None else stack.enter_context(database(given.url))
        for name, value in measure(stack.enter_context(service(folder, url, given.workers)), given.households).items():
            print(f"{name:28} {value}")


if __name__ == "__main__":
    main()
