"""How late an answer can be: questions against registers that hang, drip and reset, each with a deadline of its own.

    python -m bench.deadline [--requests 20000] [--at-once 200]

The whole way from the fan-out down is the real one, with shared calls; only the breaker is out of reach, since it would
answer at once. Deadlines are drawn from 0.3 to 1 s. Printed: how much later than its deadline the last answer came, and
the tasks and sockets that are left when all is over.
"""

import argparse
import asyncio
import random
from collections import Counter
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import SecretStr

from bench.households import REGION
from bench.processes import free_port, running
from verify_adapters.vehicle.adapter import VehicleAdapter
from verify_service.domain.identity import IdNumber
from verify_service.domain.outcome import Question, Subject
from verify_service.sandbox.population import Population, name_of
from verify_service.sandbox.registers.vehicle import CREDENTIALS
from verify_service.sources.client import SourceRuntime, system_randomness
from verify_service.sources.definition import Endpoint, PolicyTable, load_source
from verify_service.verification.fanout import Channel, fan_out
from verify_service.verification.grouping import Grouping

_DAY = date(2026, 11, 24)
_LEAST_SECONDS, _MOST_SECONDS = 0.3, 1.0
_WATCH_SECONDS = 0.005
_OUT_OF_REACH = 1_000_000
_OVERRIDES: dict[PolicyTable, Any] = {
    "limits": {"in_flight": 500, "attempt_timeout_ms": 30_000},
    "places": {"first": 500, "least": 500},
    "breaker": {"least_calls": _OUT_OF_REACH, "failures_in_a_row": _OUT_OF_REACH},
    "quota": {"per_second": _OUT_OF_REACH, "per_day": 1000 * _OUT_OF_REACH},
}
BEHAVIOURS = ("hanging", "dripping", "resetting")


def channel(port: int) -> Channel:
    """Reach one hostile register as if it were the vehicle register."""
    credentials = {name: SecretStr(value) for name, value in CREDENTIALS.items()}
    endpoint = Endpoint(base_url=f"http://127.0.0.1:{port}", credentials=credentials, overrides=_OVERRIDES)
    source = load_source(files("verify_adapters.vehicle") / "source.toml")
    return Channel(VehicleAdapter(), SourceRuntime(source, endpoint, clock=lambda: datetime.now(UTC), randomness=system_randomness()))


def question(number: int, people: Population) -> Question:
    """Return one question about a synthetic person."""
    text = people.household(REGION, number)[0]
    marks = {"id": str(number), "digest": str(number), "member": "m0", "consent": f"SQ-{number}"}
    period = {"income_from": "2025-11", "income_to": "2026-10", "as_of": _DAY}
    subject = Subject(IdNumber.parse(text), name_of(text))
    return Question(subject=subject, source="vehicle", tenant="bench", purpose="01", **marks, **period)  # type: ignore[arg-type]


class Load:
    """Asks so many times, so many at once; every other one alone under its own client, the rest in shared calls."""

    def __init__(self, channels: list[Channel], requests: int, at_once: int) -> None:
        self._channels = channels
        # Built before anything is asked: inventing a person takes the loop's time, and would make others' answers late.
        people = Population(1, as_of=_DAY)
        self._questions = iter([(number, question(number, people)) for number in range(requests)])
        self._at_once = at_once
        self._grouping = Grouping()
        self._draws = random.Random(1)
        self.late: list[float] = []
        self.lag: list[float] = []
        self.outcomes: Counter[tuple[str, str]] = Counter()

    async def run(self) -> None:
        """Ask until all are asked."""
        watching = asyncio.create_task(self._watch())
        await asyncio.gather(*(self._caller() for _ in range(self._at_once)))
        watching.cancel()

    async def _watch(self) -> None:
        """See how late the loop itself comes to anything: what the machine does to every timer, ours or not."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _WATCH_SECONDS
            await asyncio.sleep(_WATCH_SECONDS)
            self.lag.append(loop.time() - due)

    async def _caller(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._draws.uniform(0, _MOST_SECONDS))
        for number, asking in self._questions:
            which = number % len(self._channels)
            ask = self._grouping.asker(f"shared-{which}" if number % 2 else f"client-{number}")
            asked = {"vehicle": [asking]}
            deadline = loop.time() + self._draws.uniform(_LEAST_SECONDS, _MOST_SECONDS)
            calls = await fan_out(asked, channels={"vehicle": self._channels[which]}, deadline=deadline, ask=ask)
            self.late.append(loop.time() - deadline)
            self.outcomes.update((BEHAVIOURS[which], a.outcome.code.value) for call in calls for a in call.answers)
            await asyncio.sleep(deadline - loop.time())  # or those that are reset at once would take the whole processor


def sockets() -> int:
    """Count this process's open sockets (Linux)."""
    return sum(link.is_symlink() and str(link.readlink()).startswith("socket:") for link in Path("/proc/self/fd").iterdir())


async def measure(ports: list[int], requests: int, at_once: int) -> None:
    """Ask, and print what came of it."""
    tasks, open_sockets = len(asyncio.all_tasks()), sockets()
    channels = [channel(port) for port in ports]
    load = Load(channels, requests, at_once)
    await load.run()
    await asyncio.sleep(0.1)  # cancelled calls end in the next turns of the loop
    tasks_left = len(asyncio.all_tasks()) - tasks
    in_flight = sum(c.runtime.policy.snapshot().in_flight for c in channels)
    for one in channels:
        await one.runtime.close()
    await asyncio.sleep(0.1)
    late = sorted(load.late)
    print(f"{len(late)} requests, {at_once} at once, deadlines {_LEAST_SECONDS} to {_MOST_SECONDS} s")
    print(f"later than the deadline: p50 {1000 * late[len(late) // 2]:.1f} ms, p99 {1000 * late[len(late) * 99 // 100]:.1f} ms, ", end="")
    print(f"max {1000 * late[-1]:.1f} ms   (target: max <= 100 ms)")
    lag = sorted(load.lag)
    print(f"lag of the event loop meanwhile: p99 {1000 * lag[len(lag) * 99 // 100]:.1f} ms, max {1000 * lag[-1]:.1f} ms")
    for (behaviour, outcome), number in sorted(load.outcomes.items()):
        print(f"  {behaviour:10} {outcome:26} {number:7}")
    print(f"left: {tasks_left} tasks, {in_flight} calls in flight, {sockets() - open_sockets} sockets   (target: 0)")


def main() -> None:
    """Serve the hostile registers and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--at-once", type=int, default=200)
    given = parser.parse_args()
    ports = [free_port() for _ in BEHAVIOURS]
    with TemporaryDirectory() as folder, running(Path(folder), "bench.hostile", *map(str, ports)) as registers:
        registers.await_port(ports[-1])
        asyncio.run(measure(ports, given.requests, given.at_once))


if __name__ == "__main__":
    main()
