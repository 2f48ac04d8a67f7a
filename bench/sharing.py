"""What sharing calls saves: the fan-out of many households at once, apart and shared, against registers in another process.

    python -m bench.sharing [--households 160] [--rounds 4]

Planning and asking only: no HTTP in front, no merge, no storage. Both ways take turns on the same households; told is the
least CPU time of the rounds (this process alone), the calls to immediate registers, and how long a household waited.
"""

import argparse
import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from bench.households import bodies
from bench.processes import running
from verify_service.bodies import read_request
from verify_service.bootstrap import open_services
from verify_service.services import Services
from verify_service.settings import load_settings
from verify_service.sources.definition import Endpoint
from verify_service.verification.fanout import Ask, Call, apart, fan_out
from verify_service.verification.grouping import Grouping
from verify_service.verification.plan import Plan

_DEADLINE_SECONDS = 30.0
_NO_QUOTA = {"quota": {"per_second": 100_000, "per_day": 1_000_000_000}}
AT_ONCE = (1, 16, 64)


async def ask_all(services: Services, plans: Iterator[Plan], ask: Ask, *, at_once: int) -> tuple[list[Call], list[float]]:
    """Ask about all households, so many at once; return the calls and each household's seconds."""
    calls: list[Call] = []
    waited: list[float] = []

    async def caller() -> None:
        loop = asyncio.get_running_loop()
        for plan in plans:
            began = perf_counter()
            calls.extend(await fan_out(plan.asked, channels=services.channels, deadline=loop.time() + _DEADLINE_SECONDS, ask=ask))
            waited.append(perf_counter() - began)

    await asyncio.gather(*(caller() for _ in range(at_once)))
    return calls, waited


def made(calls: list[Call]) -> int:
    """Count the calls that were really made: a shared one once."""
    shared = {id(call.share.call) for call in calls if call.share is not None}
    return len(shared) + sum(call.share is None and call.ticket is None for call in calls)


async def measure(services: Services, households: int, rounds: int) -> None:
    """Print a line for each way and concurrency."""
    source, now = bodies(), services.clock()
    requests = [read_request(next(source)) for _ in range(households)]
    print(f"{'at once':>8} {'':8}{'CPU ms per household':>22}{'calls':>8}{'p50 ms':>9}{'p99 ms':>9}")
    for at_once in AT_ONCE:
        taken: dict[str, list[tuple[float, int, list[float]]]] = {"apart": [], "shared": []}
        for number in range(rounds):
            for name, ask in (("apart", apart), ("shared", Grouping().asker("bench"))):
                marks = (f"{name}-{at_once}-{number}-{i}" for i in range(households))
                plans = [services.verifier.plan(r, tenant="bench", verification_id=m, at=now) for r, m in zip(requests, marks, strict=True)]
                began = process_time()
                calls, waited = await ask_all(services, iter(plans), ask, at_once=at_once)
                taken[name].append((process_time() - began, made(calls), sorted(waited)))
        for name, runs in taken.items():
            seconds, calls_made, waited = min(runs)
            percentiles = [1000 * waited[len(waited) * percent // 100] for percent in (50, 99)]
            line = f"{1000 * seconds / households:22.2f}{calls_made / households:8.2f}{percentiles[0]:9.1f}{percentiles[1]:9.1f}"
            print(f"{at_once:8} {name:8}{line}", flush=True)


async def run(folder: Path, households: int, rounds: int) -> None:
    """Open a service over the registers and measure."""
    file = folder / "sources.json"
    endpoints = {name: Endpoint(**{**given, "overrides": _NO_QUOTA}) for name, given in json.loads(file.read_bytes()).items()}
    async with open_services(load_settings(state_dir=folder / "var"), endpoints=endpoints) as services:
        await measure(services, households, rounds)


def main() -> None:
    """Serve the registers and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--households", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=4)
    given = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "sources.json"
        with running(folder, "verify_service", "sandbox", "--first-port", "0", "--out", str(file)) as registers:
            registers.await_that(lambda: file.exists() and file.read_bytes().endswith(b"}"))
            asyncio.run(run(folder, given.households, given.rounds))


if __name__ == "__main__":
    main()
