"""What a batch at full speed costs a live request: its latency calm, and while the batch runs.

python -m bench.live_beside_batch [--households 2000] [--requests 300] [--per-second 5] [--url postgresql+psycopg://…]

Requests leave at a fixed rate, answered or not, so that a stall is felt by everybody who comes meanwhile.
"""

import argparse
import asyncio
import os
import platform
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx

from bench.bulk import Place, database, service
from bench.households import bodies

FIRST_LIVE = 1_000_000  # other people than the batch's


async def latencies(place: Place, requests: Iterator[bytes], number: int, per_second: float) -> list[float]:
    """Post households at a fixed rate; return the seconds until each whole answer. Raises HTTPStatusError."""
    headers = {**place.http.headers, "content-type": "application/json"}
    async with httpx.AsyncClient(base_url=place.http.base_url, headers=headers, timeout=60, trust_env=False) as http:

        async def one(body: bytes, after: float) -> float:
            await asyncio.sleep(after)
            began = perf_counter()
            (await http.post("/v1/verifications", content=body)).raise_for_status()
            return perf_counter() - began

        return list(await asyncio.gather(*(one(body, i / per_second) for i, body in enumerate(islice(requests, number)))))


async def beside_batch(place: Place, households: int, requests: Iterator[bytes], number: int, per_second: float) -> tuple[list[float], int]:
    """Hand a batch in and post beside it; return the latencies and how many of the batch's households were done at the end."""
    content = b"\n".join(islice(bodies(members=None), households))
    async with httpx.AsyncClient(base_url=place.http.base_url, headers=place.http.headers, timeout=600, trust_env=False) as http:
        answer = await http.post("/v1/batches", content=content, headers={"content-type": "application/x-ndjson"})
        batch_id = answer.raise_for_status().json()["batch_id"]
        found = await latencies(place, requests, number, per_second)
        batch = (await http.get(f"/v1/batches/{batch_id}")).raise_for_status().json()["batch"]
    return found, sum(batch["results"].values())


def percentile_ms(seconds: list[float], percent: int) -> float:
    """Return a percentile, in milliseconds."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def line(name: str, seconds: list[float]) -> str:
    figures = "  ".join(f"p{percent} {percentile_ms(seconds, percent):8.1f} ms" for percent in (50, 95, 99))
    return f"{name:14} {len(seconds):5} requests  {figures}"


async def measure(place: Place, given: argparse.Namespace) -> None:
    """Measure calm and beside a batch, and print both and their ratio."""
    requests = bodies(first_household=FIRST_LIVE)
    await latencies(place, requests, 20, given.per_second)  # connections, caches
    calm = await latencies(place, requests, given.requests, given.per_second)
    busy, done = await beside_batch(place, given.households, requests, given.requests, given.per_second)
    print(line("calm", calm))
    print(line("beside a batch", busy))
    print(f"p99 ratio {percentile_ms(busy, 99) / percentile_ms(calm, 99):.2f} (target: at most 2)")
    print(f"{done} of the batch's {given.households} households were done when the last request was answered")


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--households", type=int, default=2_000)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--per-second", type=float, default=5.0)
    parser.add_argument("--url", help="PostgreSQL server; left out: SQLite")
    given = parser.parse_args()
    engine = "SQLite" if given.url is None else "PostgreSQL"
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {engine}"
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        url = None if given.url is None else stack.enter_context(database(given.url))
        asyncio.run(measure(stack.enter_context(service(folder, url, 1)), given))


if __name__ == "__main__":
    main()
