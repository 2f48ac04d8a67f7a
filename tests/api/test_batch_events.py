"""Watching a batch over a real socket: as bounded as following a verification, and let go of when the process leaves."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.api.house import House, bearer, household

ADDRESS = tuple[str, int]


@pytest.fixture(autouse=True)
def quick(house: House) -> None:
    streams = house.app.state.streams
    streams.batch_look_seconds, streams.heartbeat_seconds, streams.longest_seconds = 0.02, 0.1, 30


def http(address: ADDRESS, who: str = "full") -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url="http://{}:{}".format(*address), headers=bearer(who), trust_env=False, timeout=10)


async def handed_in(client: httpx.AsyncClient) -> str:
    answer = await client.post("/v1/batches", content=household(), headers={"Content-Type": "application/x-ndjson"})
    return str(answer.raise_for_status().json()["batch_id"])


@asynccontextmanager
async def watched(client: httpx.AsyncClient, batch: str) -> AsyncIterator[AsyncIterator[str]]:
    async with client.stream("GET", f"/v1/batches/{batch}/events") as response:
        assert response.status_code == 200
        yield response.aiter_lines()


async def first(lines: AsyncIterator[str]) -> dict[str, Any]:
    """Read up to the first event."""
    async for line in lines:
        if line.startswith("data: "):
            return dict(json.loads(line.removeprefix("data: ")))
    raise AssertionError("the stream ended without an event")


async def test_progress_comes_when_it_changes_and_the_stream_ends_with_the_batch(address: ADDRESS) -> None:
    async with http(address) as client:
        batch = await handed_in(client)
        async with watched(client, batch) as lines:
            assert (await first(lines))["state"] == "running"
            await client.post(f"/v1/batches/{batch}/cancel")
            rest = [json.loads(line[6:])["state"] async for line in lines if line.startswith("data: ")]
    assert rest == ["cancelled"]


async def test_one_client_may_not_take_all_streams(house: House, address: ADDRESS) -> None:
    streams = house.app.state.streams
    streams.most_of_client = 1
    async with http(address) as client, http(address, "welfare") as colleague:
        batch = await handed_in(client)
        async with watched(client, batch) as lines:
            await first(lines)
            refused = await client.get(f"/v1/batches/{batch}/events")
            assert (refused.status_code, refused.json()["code"]) == (503, "too-many-streams")
            async with watched(colleague, batch) as others:
                assert (await first(others))["id"] == batch
        await nothing_open(house)


async def nothing_open(house: House) -> None:
    """Wait until the server has seen that its callers left."""
    async with asyncio.timeout(5):
        while house.app.state.streams.open:  # noqa: ASYNC110 - what is waited for happens on the other side of the socket
            await asyncio.sleep(0.01)


async def test_leaving_process_lets_go_of_who_watches(house: House, address: ADDRESS) -> None:
    async with http(address) as client:
        async with watched(client, await handed_in(client)) as lines:
            await first(lines)
            house.app.state.streams.leaving.set()
            assert [line async for line in lines if line.startswith("data: ")] == []
        await nothing_open(house)


async def test_silence_is_filled_and_the_longest_stream_ends(house: House, address: ADDRESS) -> None:
    house.app.state.streams.longest_seconds = 0.5
    async with http(address) as client, watched(client, await handed_in(client)) as lines:
        said = [line async for line in lines]
    assert said.count(": still going on") >= 2
