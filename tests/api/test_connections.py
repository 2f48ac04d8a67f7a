"""Connections on which a request does not come, comes in drips, or comes behind another one: over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.api.house import House, household
from tests.api.test_socket import head
from verify_service.api.connections import PunctualProtocol

SECONDS = 0.5
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PunctualProtocol, "header_seconds", SECONDS)


async def drips(part: bytes) -> AsyncIterator[bytes]:
    """Yield bytes one by one, for ever, faster than anybody's patience ends."""
    while True:
        yield part
        await asyncio.sleep(SECONDS / 10)


async def everything(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the connection ends, in whatever way: a drip that meets a closed one is answered with a reset."""
    said = b""
    with suppress(ConnectionResetError):
        while part := await reader.read(65_536):
            said += part
    return said


async def until_closed(address: tuple[str, int], first: bytes, drip: bytes = b"") -> bytes:
    """Send something, then drips if there are any, until the server closes; return what it said."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(first)

    async def send() -> None:
        async for part in drips(drip):
            writer.write(part)

    sending = asyncio.create_task(send())
    said = await asyncio.wait_for(everything(reader), 20)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    writer.close()
    return said


@pytest.mark.parametrize(
    ("first", "drip"),
    [
        pytest.param(b"", b"", id="silent"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"", id="half of the headers"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nX: ", b"x", id="headers that drip"),
        pytest.param(b"", b"\r\n", id="empty lines that drip"),
    ],
)
async def test_request_that_does_not_come_ends_the_connection(address: tuple[str, int], first: bytes, drip: bytes) -> None:
    assert await until_closed(address, first, drip) == b""


@pytest.mark.parametrize(("behind", "drip"), [(b"", b"\r\n"), (b"GET /", b"a")], ids=["empty lines", "a long path"])
async def test_second_request_has_no_more_time_than_the_first(address: tuple[str, int], behind: bytes, drip: bytes) -> None:
    said = await until_closed(address, HEALTH + behind, drip)
    assert said.startswith(b"HTTP/1.1 200 ")


async def test_answer_that_takes_long_is_given_although_another_request_drips_behind_it(house: House, address: tuple[str, int]) -> None:
    house.register.gate.clear()
    body = household()
    request = head(f"Content-Length: {len(body)}") + body
    answer = asyncio.create_task(until_closed(address, request + b"GET /", b"a"))
    await house.register.entered.wait()
    await asyncio.sleep(3 * SECONDS)  # in which the patience with the second request ends, and nothing may come of it
    assert not answer.done()
    house.register.gate.set()
    assert (await answer).startswith(b"HTTP/1.1 200 ")
