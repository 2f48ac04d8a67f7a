"""Both transports are one: what is sent, what is kept of an answer's head, and what is never carried to the next question."""

import asyncio

import pytest

from tests.functional.raw_server import Behaviour, answer, sends, serving
from tests.functional.test_damaged_answers import BODY, TRANSPORTS, fetch, runtime
from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.adapter import WireRequest
from verify_service.sources.failures import SourceFailure
from verify_service.sources.transport import Transport

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)
JSON = b"content-type: application/json\r\n"


def listens(heads: list[bytes], payload: bytes) -> Behaviour:
    """Give the same answer to every request of a connection, and note the heads of the requests."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            heads.append(head.lower())
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            writer.write(payload)
            await writer.drain()

    return behave


async def test_a_registers_cookies_are_not_kept(transport: Transport) -> None:
    """A cookie would tie one person's question to another's, and would stand in the evidence."""
    heads: list[bytes] = []
    payload = answer(BODY, head=JSON + b"set-cookie: session=1; Path=/\r\nset-cookie: track=2\r\n")
    async with serving(listens(heads, payload)) as url, runtime(url, transport) as built:
        exchanges = [await fetch(built), await fetch(built)]
    assert len(heads) == 2
    assert not any(b"\r\ncookie:" in head for head in heads)
    assert [set(e.headers) for e in exchanges] == [{"content-type", "content-length"}] * 2


async def test_what_is_sent(transport: Transport) -> None:
    heads: list[bytes] = []
    async with serving(listens(heads, answer(BODY))) as url, runtime(url, transport) as built:
        client = built.bind(deadline=asyncio.get_running_loop().time() + 5)
        headers = {"X-Road-Id": "1", "Content-Type": "application/json"}
        await client.fetch(lambda: WireRequest("query", "POST", "/q/a%2Fb?c=%E7%A4%BA", "application/json", headers, b"{}"))
    first, *lines = heads[0].decode("ascii").removesuffix("\r\n\r\n").split("\r\n")
    assert first == "post /q/a%2fb?c=%e7%a4%ba http/1.1"
    assert dict(line.split(": ") for line in lines if not line.startswith(("host", "connection"))) == {
        "accept": "*/*",
        "accept-encoding": "identity",
        "user-agent": "verify-service",
        "x-road-id": "1",
        "content-type": "application/json",
        "content-length": "2",
    }


async def test_headers_are_kept_as_text_whatever_their_bytes(transport: Transport) -> None:
    """Evidence is stored as JSON: a header in GBK must not make the whole household unstorable."""
    head = JSON + b"x-note: \xca\xbe\xc0\xfd\r\nX-Road-Part: 1\r\nx-road-part: 2\r\n"
    async with serving(sends(answer(BODY, head=head))) as url, runtime(url, transport) as built:
        headers = (await fetch(built)).headers
    assert headers["x-note"] == "Ê¾Àý"
    assert headers["x-road-part"] == "1, 2"


async def test_a_header_of_ours_that_cannot_be_sent_is_our_failure(transport: Transport) -> None:
    async with serving(sends(answer(BODY))) as url, runtime(url, transport) as built:
        client = built.bind(deadline=asyncio.get_running_loop().time() + 5)
        with pytest.raises(SourceFailure) as failure:
            await client.fetch(lambda: WireRequest("query", "POST", "/q", "application/json", {"x-id": "1\r\nx-evil: 2"}, b"{}"))
    assert (failure.value.code, failure.value.failed_by) == (OutcomeCode.ENCODING, "us")


async def test_a_register_that_is_not_there_is_a_failed_connection(transport: Transport) -> None:
    async with serving(sends(b"")) as url:
        pass
    async with runtime(url, transport) as built:
        with pytest.raises(SourceFailure) as failure:
            await fetch(built)
    assert (failure.value.code, failure.value.failed_by) == (OutcomeCode.CONNECTION, "network")
