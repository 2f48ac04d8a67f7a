"""CPU, latency and throughput of one household at a time and many at once, beside a textbook implementation.

python -m bench.interactive [--windows 3] [--seconds 3.0] [--only verify-service]
"""

import argparse
import asyncio
import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.households import bodies
from bench.load import Run, Target, Window
from bench.processes import command, free_port, running
from bench.stub_registers import SOURCES

CONCURRENCY = (1, 16, 64)
Opened = Callable[[Path], AbstractContextManager[Target]]


@contextmanager
def service(folder: Path, *, serve: str = "verify_service") -> Iterator[Target]:
    """Serve the real thing: its own process, SQLite with synchronous=FULL, six simulated registers in another process."""
    sources, port = folder / "sources.json", free_port()
    settings = {"VERIFY_STATE_DIR": str(folder / "var"), "VERIFY_SOURCES_FILE": str(sources)}
    with running(folder, "verify_service", "sandbox", "--first-port", "0", "--out", str(sources)) as registers:
        registers.await_that(lambda: sources.exists() and sources.read_bytes().endswith(b"}"))
        made = json.loads(command(folder, "verify_service", "client", "new", "bench", "--tenant", "bench", environment=settings))
        with running(folder, serve, "serve", "--port", str(port), environment=settings) as process:
            process.await_port(port)
            yield Target(port, process, made["access_token"])


@contextmanager
def textbook(folder: Path, *, client: str) -> Iterator[Target]:
    """Serve the textbook with its stub registers."""
    port, registers = free_port(), [str(free_port()) for _ in SOURCES]
    with running(folder, "bench.stub_registers", *registers) as stub:
        stub.await_port(int(registers[-1]))
        with running(folder, "bench.textbook", str(port), *registers, "--client", client) as process:
            process.await_port(port)
            yield Target(port, process)


SUBJECTS: dict[str, Opened] = {
    "verify-service": service,
    "one subject": partial(service, serve="bench.one_subject"),
    "textbook httpx": partial(textbook, client="httpx"),
    "textbook aiohttp": partial(textbook, client="aiohttp"),
}


def measure(name: str, opened: Opened, *, windows: int, least_seconds: float) -> None:
    """Measure one implementation at every concurrency and print a line for each."""
    with TemporaryDirectory() as folder, opened(Path(folder)) as target:
        households = bodies()
        for concurrency in CONCURRENCY:
            run = Run(target, households, concurrency, windows, least_seconds)
            measured = asyncio.run(run.measure())
            print(line(name, concurrency, measured, target.process.peak_mib()), flush=True)


def line(name: str, concurrency: int, measured: list[Window], peak_mib: float) -> str:
    """Return the line of a run: least CPU of its windows, latencies and rate of the window with the best rate."""
    best = max(measured, key=lambda window: window.per_second)
    latency = " ".join(f"{best.percentile_ms(p):8.1f}" for p in (50, 95, 99))
    added = " ".join(f"{best.percentile_ms(p, added=True):8.1f}" for p in (50, 99))
    cpu = min(window.cpu_ms for window in measured)
    finished = sum(len(window.samples) for window in measured)
    failed = sum(window.failed for window in measured)
    return f"{name:17} {concurrency:5} {cpu:9.2f} {latency} {added} {best.per_second:8.1f} {peak_mib:7.0f} {finished:7} {failed:6}"


HEADER = """\
                        CPU ms         latency ms              added ms       house-    peak
implementation    conc. per hh.     p50      p95      p99      p50      p99  holds/s     MiB    done failed"""

NOTES = """
CPU ms: user + system time of the serving process alone (registers and load are other processes), least of the windows.
latency: until the whole answer. added: latency minus the time from its first question sent to its last answer read.
one subject: verify-service with sources that take one subject in a call, so nothing is grouped. verify-service: as source.toml says.
  It does the full work: strict request, consents, six protocols with their checks, merge, report, signature,
  evidence encrypted and stored, log, two durable commits (SQLite, synchronous=FULL). The securities register takes a ticket:
  version 1 is issued without it; its later collection and version 2 are not in these figures.
textbook asks stub registers (one JSON POST each, three persons x six), because it cannot speak the six protocols: no
  checks, no rules, no storage. It is the easier job. inf: no household was finished (httpx's default pool gives up after 5 s).
Registers, load and service share this machine's cores: compare the CPU times; rates and latencies depend on the rest.
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--windows", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="least length of a window")
    parser.add_argument("--only", choices=SUBJECTS)
    given = parser.parse_args()
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"3 members x 6 sources, {datetime.now(UTC):%Y-%m-%d}, {machine}")
    print(HEADER, flush=True)
    for name, opened in SUBJECTS.items():
        if given.only in {None, name}:
            measure(name, opened, windows=given.windows, least_seconds=given.seconds)
    print(NOTES)


if __name__ == "__main__":
    main()
