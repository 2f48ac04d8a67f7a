"""What one hanging register costs the other five: open-loop load on two services that differ in nothing else.

    python -m bench.bulkhead [--rate 8] [--seconds 12] [--rounds 3]

Households arrive at a fixed rate, whether or not earlier ones are answered. In one service the vehicle register hangs, and
its breaker is out of reach, so that only its places stand between it and the others. The services are loaded in turns.
Printed: how long after its acceptance a household had the last answer of each of the other immediate registers, by the service's
own clock, so that a late load generator is not in it; how late that was is printed, too.
"""

import argparse
import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from bench.households import bodies
from bench.processes import command, free_port, running

HANGING = "vehicle"
OTHERS = ("business_registration", "housing_fund", "pension", "property")
SENT_LATE = "sent late"
_OUT_OF_REACH = 1_000_000
_NO_BREAKER = {"breaker": {"least_calls": _OUT_OF_REACH, "failures_in_a_row": _OUT_OF_REACH}}
_NO_QUOTA = {"quota": {"per_second": 1000, "per_day": _OUT_OF_REACH}}
Seconds = dict[str, list[float]]


@contextmanager
def service(folder: Path, sources: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Serve with these registers; yield its address and a token."""
    folder.mkdir()
    file, port = folder / "sources.json", free_port()
    file.write_text(json.dumps(sources))
    settings = {"VERIFY_STATE_DIR": str(folder / "var"), "VERIFY_SOURCES_FILE": str(file)}
    made = json.loads(command(folder, "verify_service", "client", "new", "bench", "--tenant", "bench", environment=settings))
    with running(folder, "verify_service", "serve", "--port", str(port), environment=settings) as process:
        process.await_port(port)
        yield f"http://127.0.0.1:{port}", made["access_token"]


async def load(address: str, token: str, households: Iterator[bytes], *, rate: float, seconds: float) -> Seconds:
    """Post at a fixed rate, and return for each register how long the last answer of each household took.

    Under SENT_LATE stands by how much each post left after the instant that the rate gives it.
    """
    found: Seconds = defaultdict(list)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    async def post(session: aiohttp.ClientSession) -> None:
        async with session.post("/v1/verifications", data=next(households), headers=headers) as response:
            answer = await response.json()
        if response.status != 200:
            raise RuntimeError(answer)
        for source, taken in _taken(answer).items():
            found[source].append(taken)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(address, connector=connector) as session, asyncio.TaskGroup() as posts:
        began = (loop := asyncio.get_running_loop()).time()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(began + number / rate - loop.time())
            found[SENT_LATE].append(loop.time() - began - number / rate)
            posts.create_task(post(session))
    return found


def _taken(answer: Mapping[str, Any]) -> dict[str, float]:
    accepted = datetime.fromisoformat(answer["verification"]["accepted_at"])
    taken: dict[str, float] = {}
    for cell in answer["report"]["coverage"]:
        if cell["source"] in OTHERS:
            if cell["outcome_class"] in {"unavailable", "invalid"}:
                raise RuntimeError(f"{cell['source']}: {cell['outcome']}")
            seconds = (datetime.fromisoformat(cell["feedback_at"]) - accepted).total_seconds()
            taken[cell["source"]] = max(taken.get(cell["source"], 0.0), seconds)
    return taken


def measure(folder: Path, *, rate: float, seconds: float, rounds: int) -> tuple[Seconds, Seconds]:
    """Load both services in turns; return what the other registers took without and with the hanging one."""
    with ExitStack() as stack:
        file, ports = folder / "registers.json", [str(free_port()) for _ in range(3)]
        registers = stack.enter_context(running(folder, "verify_service", "sandbox", "--first-port", "0", "--out", str(file)))
        registers.await_that(lambda: file.exists() and file.read_bytes().endswith(b"}"))
        stack.enter_context(running(folder, "bench.hostile", *ports)).await_port(int(ports[-1]))
        sources = {name: {**endpoint, "overrides": _NO_QUOTA} for name, endpoint in json.loads(file.read_bytes()).items()}
        hanging = {**sources[HANGING], "base_url": f"http://127.0.0.1:{ports[0]}", "overrides": {**_NO_QUOTA, **_NO_BREAKER}}
        calm = stack.enter_context(service(folder / "calm", sources))
        hung = stack.enter_context(service(folder / "hung", {**sources, HANGING: hanging}))
        households = bodies()
        pooled: tuple[Seconds, Seconds] = (defaultdict(list), defaultdict(list))
        asyncio.run(load(*calm, households, rate=rate, seconds=2))
        asyncio.run(load(*hung, households, rate=rate, seconds=2))
        for _ in range(rounds):
            for pool, place in zip(pooled, (calm, hung), strict=True):
                for source, taken in asyncio.run(load(*place, households, rate=rate, seconds=seconds)).items():
                    pool[source] += taken
        return pooled


def percentile_ms(taken: list[float], percent: int) -> float:
    """Return a percentile in milliseconds."""
    return 1000 * sorted(taken)[min(len(taken) - 1, len(taken) * percent // 100)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=8, help="households per second")
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        calm, hung = measure(Path(folder), rate=given.rate, seconds=given.seconds, rounds=given.rounds)
    late = [percentile_ms(pool.pop(SENT_LATE), 99) for pool in (calm, hung)]
    print(f"{given.rate:g} households/s, {sum(map(len, calm.values())) // len(OTHERS)} in each service; ms from acceptance to answer")
    print(f"{'':24}{'all answer':>18}{HANGING + ' hangs':>20}{'p99':>9}\n{'':24}{'p50':>9}{'p99':>9}{'p50':>11}{'p99':>9}{'ratio':>9}")
    rows = [(source, calm[source], hung[source]) for source in OTHERS]
    for name, before, after in [*rows, ("all of them", [*chain(*calm.values())], [*chain(*hung.values())])]:
        figures = [percentile_ms(taken, percent) for taken in (before, after) for percent in (50, 99)]
        print(f"{name:24}{figures[0]:9.1f}{figures[1]:9.1f}{figures[2]:11.1f}{figures[3]:9.1f}{figures[3] / figures[1]:9.2f}")
    print(f"target: p99 ratio <= 1.10; p99 of the load generator's lateness {late[0]:.1f} and {late[1]:.1f} ms")


if __name__ == "__main__":
    main()
