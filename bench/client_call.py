"""CPU time of one question over HTTP: through SourceClient with all its checks, and without it.

    python -m bench.client_call [--calls 1500] [--rounds 5]

A stub register in another process answers; 16 callers at a time; least of the rounds, in microseconds of this process.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time, time

import aiohttp
import httpx
import orjson

from bench.processes import free_port, running
from verify_service.sandbox.serve import GENEROUS
from verify_service.sources.adapter import WireRequest
from verify_service.sources.client import SourceRuntime, system_randomness
from verify_service.sources.definition import Endpoint, load_source
from verify_service.sources.policy import Common, MemoryLedger
from verify_service.sources.transport import Transport

_BODY = orjson.dumps({"persons": [{"sfzmhm": "990101197905120019", "xm": "王示范"}] * 3})
_TYPE = {"content-type": "application/json"}
_CALLERS = 16
_SOURCE = load_source(files("verify_adapters.vehicle") / "source.toml")
Call = Callable[[], Awaitable[object]]


def source_client(runtime: SourceRuntime) -> Call:
    """Return one question through the service's own client."""
    request = WireRequest("query", "POST", "/query", "application/json", _TYPE, _BODY)

    async def call() -> bytes:
        client = runtime.bind(deadline=asyncio.get_running_loop().time() + 10)
        body = (await client.fetch(lambda: request)).body
        client.settle(None)
        return body

    return call


def policy_alone(runtime: SourceRuntime) -> Call:
    """Return what the source's policy takes of that: permission, place, quota, result."""

    async def call() -> None:
        async with runtime.policy.attempt("live", asyncio.get_running_loop().time() + 10) as attempt:
            pass
        attempt.settle(None)

    return call


def bare_httpx(client: httpx.AsyncClient, url: str) -> Call:
    """Return the same with httpx alone."""

    async def call() -> bytes:
        return (await client.post(url, content=_BODY, headers=_TYPE)).content

    return call


def bare_aiohttp(session: aiohttp.ClientSession, url: str) -> Call:
    """Return the same with aiohttp alone."""

    async def call() -> bytes:
        async with session.post(url, data=_BODY, headers=_TYPE) as response:
            return await response.read()

    return call


async def microseconds(call: Call, calls: int) -> float:
    """Return the CPU time of a call, `_CALLERS` at a time."""

    async def caller() -> None:
        for _ in range(calls // _CALLERS):
            await call()

    began = process_time()
    await asyncio.gather(*(caller() for _ in range(_CALLERS)))
    return (process_time() - began) / (calls // _CALLERS * _CALLERS) * 1e6


async def compare(port: int, calls: int, rounds: int) -> dict[str, float]:
    """Return the least time of each way, the rounds of all taking turns."""
    base_url = f"http://127.0.0.1:{port}"
    async with AsyncExitStack() as stack:

        def runtime(transport: Transport) -> SourceRuntime:
            made = SourceRuntime(
                _SOURCE,
                Endpoint(base_url=base_url, overrides={"quota": dict(GENEROUS)}),
                clock=lambda: datetime.now(UTC),
                randomness=system_randomness(),
                transport=transport,
                common=Common(MemoryLedger(time)),
            )
            stack.push_async_callback(made.close)
            return made

        ways = {
            "SourceClient, fast": source_client(runtime("fast")),
            "SourceClient, plain": source_client(runtime("plain")),
            "policy alone": policy_alone(runtime("plain")),
            "httpx alone": bare_httpx(await stack.enter_async_context(httpx.AsyncClient()), f"{base_url}/query"),
            "aiohttp alone": bare_aiohttp(await stack.enter_async_context(aiohttp.ClientSession()), f"{base_url}/query"),
        }
        taken = [{name: await microseconds(call, calls) for name, call in ways.items()} for _ in range(rounds)]
    return {name: min(one[name] for one in taken) for name in ways}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    port = free_port()
    with TemporaryDirectory() as folder, running(Path(folder), "bench.stub_registers", str(port)) as stub:
        stub.await_port(port)
        for name, taken in asyncio.run(compare(port, given.calls, given.rounds)).items():
            print(f"{name:22} {taken:7.0f} us of CPU per question")


if __name__ == "__main__":
    main()
