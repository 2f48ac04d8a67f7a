"""The application behind the real server on a real socket, where a body is really on its way when it is refused."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest

from tests.api.house import LIMITS, House, bearer, household

JSON = {"Content-Type": "application/json"}


async def talk(address: tuple[str, int], *parts: bytes) -> bytes:
    """Send the parts; return everything that came back."""
    reader, writer = await asyncio.open_connection(*address)
    for part in parts:
        writer.write(part)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


def client(address: tuple[str, int]) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url="http://{}:{}".format(*address), headers={**bearer("full"), **JSON}, trust_env=False)


def head(*lines: str) -> bytes:
    usual = (
        "POST /v1/verifications HTTP/1.1",
        "Host: x",
        f"Authorization: {bearer('full')['Authorization']}",
        "Content-Type: application/json",
    )
    return "\r\n".join((*usual, *lines, "", "")).encode()


async def test_main_job_over_a_socket(house: House, address: tuple[str, int]) -> None:
    async with client(address) as http:
        first = await http.post("/v1/verifications", content=household(), headers={"Idempotency-Key": "k"})
        again = await http.post("/v1/verifications", content=household(), headers={"Idempotency-Key": "k"})
        read = await http.get(f"/v1/reports/{first.json()['verification']['report_id']}", headers={"Accept": "application/jose"})
        verdict = await http.post("/v1/reports/verify", content=read.content, headers={"Content-Type": "application/jose"})
    assert first.status_code == 200
    assert again.content == first.content
    assert verdict.json()["state"] == "current"
    assert house.stored() == 1


async def test_twenty_megabytes_get_413_before_they_are_sent(house: House, address: tuple[str, int]) -> None:
    answer = await talk(address, head("Content-Length: 20000000", "Connection: close"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"body-too-large"' in answer
    assert house.stored() == 0


async def twenty_megabytes() -> AsyncIterator[bytes]:
    for _ in range(20):
        yield b" " * 1_000_000


@pytest.mark.parametrize("length", [{"Content-Length": "20000000"}, {}], ids=["stated length", "chunked"])
async def test_twenty_megabytes_that_come_are_refused_and_the_caller_learns_why(
    house: House, address: tuple[str, int], length: dict[str, str]
) -> None:
    async with client(address) as http:
        answer = await http.post("/v1/verifications", content=twenty_megabytes(), headers=length)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert house.stored() == 0


async def test_body_within_the_limit_may_come_in_chunks(address: tuple[str, int]) -> None:
    body = household()
    assert len(body) < LIMITS.max_body_bytes
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:100], body[100:2000], body[2000:])]
    answer = await talk(address, head("Transfer-Encoding: chunked", "Connection: close"), *chunks, b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_caller_that_leaves_in_the_middle_of_its_body_leaves_nothing(house: House, address: tuple[str, int]) -> None:
    _, writer = await asyncio.open_connection(*address)
    writer.write(head("Content-Length: 5000") + household()[:1000])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    answer = await talk(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert house.stored() == 0


def named(body: dict[str, Any], *, name: str) -> None:
    body["client_reference"] = name


async def test_callers_at_once_each_get_their_own(house: House, address: tuple[str, int]) -> None:
    async with client(address) as http:
        calls = [http.post("/v1/verifications", content=household(partial(named, name=f"REF-{n}"))) for n in range(20)]
        answers = [answer.json() for answer in await asyncio.gather(*calls)]
    assert [answer["verification"]["client_reference"] for answer in answers] == [f"REF-{n}" for n in range(20)]
    assert len({answer["jws"] for answer in answers}) == house.stored("reports") == 20


async def test_same_key_at_once_is_one_verification(house: House, address: tuple[str, int]) -> None:
    async with client(address) as http:
        calls = [http.post("/v1/verifications", content=household(), headers={"Idempotency-Key": "k"}) for _ in range(10)]
        answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert house.stored() == 1
