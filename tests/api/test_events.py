"""Following a verification over a real socket: every state once, in order, until the last; only for its tenant."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.api.house import House, bearer, household

ADDRESS = tuple[str, int]
ASKED_ONLY = {"Content-Type": "application/json", "Prefer": "respond-async"}


@pytest.fixture(autouse=True)
def quick(house: House) -> None:
    streams = house.app.state.streams
    streams.look_seconds, streams.heartbeat_seconds, streams.longest_seconds = 0.02, 0.1, 30


def http(address: ADDRESS, who: str = "full") -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url="http://{}:{}".format(*address), headers=bearer(who), trust_env=False, timeout=10)


@asynccontextmanager
async def followed(client: httpx.AsyncClient, verification: str, **headers: str) -> AsyncIterator[AsyncIterator[str]]:
    """Open the stream and give its lines."""
    async with client.stream("GET", f"/v1/verifications/{verification}/events", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield response.aiter_lines()


async def events(lines: AsyncIterator[str]) -> list[tuple[int, dict[str, Any]]]:
    """Read the stream to its end."""
    found: list[tuple[int, dict[str, Any]]] = []
    number = -1
    async for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            number = int(value)
        elif name == "data":
            found.append((number, json.loads(value)))
    return found


async def asked(house: House, client: httpx.AsyncClient) -> str:
    """Post a household whose register does not answer until the gate is opened."""
    house.register.gate.clear()
    answer = await client.post("/v1/verifications", content=only_vehicle(), headers=ASKED_ONLY)
    assert answer.status_code == 202
    return str(answer.json()["verification"]["id"])


def only_vehicle() -> bytes:
    return household(lambda body: body.update(sources=["vehicle"]))


async def test_states_come_as_they_are_reached_and_the_stream_ends_with_the_last(house: House, address: ADDRESS) -> None:
    async with http(address) as client:
        verification = await asked(house, client)
        async with followed(client, verification) as lines:
            seen = [line async for line in until(lines, "data:")]
            assert '"state":"accepted"' in seen[-1]
            house.register.gate.set()
            rest = await events(lines)
    assert [(number, event["state"]) for number, event in rest] == [(1, "final")]
    assert rest[0][1]["verification_id"] == verification
    assert rest[0][1]["report_id"] is not None


async def until(lines: AsyncIterator[str], start: str) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line.startswith(start):
            return


async def test_who_comes_back_misses_nothing_and_is_told_when_it_is_over(house: House, address: ADDRESS) -> None:
    async with http(address) as client:
        verification = await asked(house, client)
        house.register.gate.set()
        async with followed(client, verification) as lines:
            everything = await events(lines)
        async with followed(client, verification, **{"Last-Event-ID": "0"}) as lines:
            later = await events(lines)
        over = await client.get(f"/v1/verifications/{verification}/events", headers={"Last-Event-ID": "1"})
    assert [number for number, _ in everything] == [0, 1]
    assert later == everything[1:]
    assert (over.status_code, over.content) == (204, b"")


async def test_silence_is_filled_and_the_longest_stream_ends(house: House, address: ADDRESS) -> None:
    house.app.state.streams.longest_seconds = 0.5
    async with http(address) as client:
        verification = await asked(house, client)
        async with followed(client, verification) as lines:
            said = [line async for line in lines]
    assert said.count(": still going on") >= 2
    assert house.app.state.streams.open == 0


async def test_failed_verification_ends_the_stream(house: House, address: ADDRESS) -> None:
    async with http(address) as client:
        verification = await asked(house, client)
        await house.services.store.fail(tenant="one", verification_id=verification, fence=1, reason="no_consent", now=house.clock())
        async with followed(client, verification) as lines:
            assert [event["state"] for _, event in await events(lines)] == ["accepted", "failed"]


async def test_another_tenant_and_a_malformed_number_get_a_problem(house: House, address: ADDRESS) -> None:
    async with http(address) as client, http(address, "other") as other:
        verification = await asked(house, client)
        path = f"/v1/verifications/{verification}/events"
        assert (await other.get(path)).json()["code"] == "not-found"
        for number in ("x", "-1", "1" * 30):
            assert (await client.get(path, headers={"Last-Event-ID": number})).json()["code"] == "invalid-header"
        assert (await client.get(path, headers={"Accept": "application/json"})).json()["code"] == "not-acceptable"


async def test_streams_are_counted_and_given_back_when_the_caller_leaves(house: House, address: ADDRESS) -> None:
    streams = house.app.state.streams
    streams.most = 1
    async with http(address) as client:
        verification = await asked(house, client)
        async with followed(client, verification) as lines:
            await anext(lines)
            refused = await client.get(f"/v1/verifications/{verification}/events")
        assert (refused.status_code, refused.json()["code"]) == (503, "too-many-streams")
        async with asyncio.timeout(5):
            while streams.open:  # noqa: ASYNC110 - what is waited for happens on the other side of the socket
                await asyncio.sleep(0.01)
        house.register.gate.set()
        async with followed(client, verification) as lines:
            assert len(await events(lines)) == 2


async def test_leaving_process_lets_go_of_its_streams(house: House, address: ADDRESS) -> None:
    async with http(address) as client:
        verification = await asked(house, client)
        async with followed(client, verification) as lines:
            await anext(lines)
            house.app.state.streams.leaving.set()
            assert len(await events(lines)) <= 1
