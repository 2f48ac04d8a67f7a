"""The client's promise on real sockets: an answer that did not arrive whole, as asked for, in time, is never an answer."""

import asyncio
import gzip
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from tests.functional.raw_server import Behaviour, answer, drips, hangs, resets, sends, serving
from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.adapter import Exchange, WireRequest
from verify_service.sources.client import Randomness, SourceRuntime
from verify_service.sources.definition import Endpoint, Limits, Quota, Source
from verify_service.sources.failures import SourceFailure
from verify_service.sources.transport import Transport

BODY = b'{"code":"0000","results":[]}'
JSON = b"content-type: application/json\r\n"
GZIP = JSON + b"content-encoding: gzip\r\n"
TRANSPORTS: list[Transport] = ["fast", "plain"]

DAMAGED = {
    "shorter than declared": (sends(answer(BODY, length=len(BODY) + 10)), OutcomeCode.TRUNCATED),
    "no length, closed": (sends(b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\n" + BODY), OutcomeCode.TRUNCATED),
    "chunked, no end": (
        sends(b"HTTP/1.1 200 OK\r\n" + JSON + b"transfer-encoding: chunked\r\n\r\n" + b"%x\r\n" % len(BODY) + BODY + b"\r\n"),
        OutcomeCode.TRUNCATED,
    ),
    "a gzip that was cut": (sends(answer(gzip.compress(BODY)[:-1], head=GZIP)), OutcomeCode.TRUNCATED),
    "a gzip that expands too far": (sends(answer(gzip.compress(bytes(1_000_000)), head=GZIP)), OutcomeCode.LIMIT),
    "another encoding": (sends(answer(BODY, head=JSON + b"content-encoding: br\r\n")), OutcomeCode.ENCODING),
    "two encodings": (sends(answer(gzip.compress(BODY), head=JSON + b"content-encoding: gzip, gzip\r\n")), OutcomeCode.ENCODING),
    "another digest": (sends(answer(BODY, head=JSON + b"content-digest: sha-256=:AAAA:\r\n")), OutcomeCode.SIGNATURE),
    "an HTML login page with 200": (sends(answer(b"<html>sign in</html>", head=b"content-type: text/html\r\n")), OutcomeCode.ENCODING),
    "another charset": (sends(answer(BODY, head=b"content-type: application/json; charset=gbk\r\n")), OutcomeCode.ENCODING),
    "invalid UTF-8": (sends(answer(b'{"a":"\xff"}')), OutcomeCode.ENCODING),
    "no content type": (sends(answer(BODY, head=b"")), OutcomeCode.ENCODING),
    "larger than allowed, declared": (sends(answer(b"x", length=50_000)), OutcomeCode.LIMIT),
    "a redirect": (sends(b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"), OutcomeCode.SCHEMA),
    "503": (sends(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"), OutcomeCode.HTTP_5XX),
    "429": (sends(b"HTTP/1.1 429 Slow down\r\ncontent-length: 0\r\n\r\n"), OutcomeCode.RATE_LIMITED),
    "403": (sends(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n"), OutcomeCode.NOT_AUTHORISED),
    "nothing at all": (sends(b""), OutcomeCode.CONNECTION),
    "reset at once": (resets(b""), OutcomeCode.CONNECTION),
    "reset inside the body": (resets(answer(BODY)[:-5]), OutcomeCode.TRUNCATED),
    "not HTTP": (sends(b"SSH-2.0-OpenSSH_9\r\n"), OutcomeCode.CONNECTION),
    "hang": (hangs, OutcomeCode.TIMEOUT),
    "drip": (drips(answer(BODY), 0.05), OutcomeCode.TIMEOUT),
}


def source() -> Source:
    return Source(
        id="example",
        title="Example",
        title_zh="示例",
        authority="示例局",
        legal_basis="示例办法",
        kinds=("vehicle",),
        mode="immediate",
        protocol="test",
        level="province",
        region="990000",
        contract_version="1",
        subjects_per_call=1,
        stale_after_days=31,
        limits=Limits(attempts=1, attempt_timeout_ms=400, connect_timeout_ms=300, response_bytes=20_000),
        quota=Quota(per_second=100, per_day=100_000),
    )


@asynccontextmanager
async def runtime(base_url: str, transport: Transport, limits: Limits | None = None) -> AsyncIterator[SourceRuntime]:
    facts = source() if limits is None else source().model_copy(update={"limits": limits})
    built = SourceRuntime(
        facts,
        Endpoint(base_url=base_url),
        clock=lambda: datetime(2026, 11, 24, tzinfo=UTC),
        randomness=Randomness(nonce=lambda: "0" * 32, uniform=lambda low, _high: low),
        transport=transport,
    )
    try:
        yield built
    finally:
        await built.close()


async def fetch(built: SourceRuntime, *, within: float = 5.0) -> Exchange:
    client = built.bind(deadline=asyncio.get_running_loop().time() + within)
    return await client.fetch(lambda: WireRequest("query", "POST", "/q", "application/json", {}, b"{}"))


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(("behaviour", "code"), DAMAGED.values(), ids=DAMAGED.keys())
async def test_damage_has_a_name(behaviour: Behaviour, code: OutcomeCode, transport: Transport) -> None:
    async with serving(behaviour) as url, runtime(url, transport) as built:
        with pytest.raises(SourceFailure) as failure:
            await fetch(built)
    assert failure.value.code is code, failure.value


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_every_truncation_of_a_good_answer_is_refused(transport: Transport) -> None:
    """Cut the whole answer, head and body, at every byte: not one proper prefix is accepted."""
    whole = answer(BODY)
    async with serving(sends(whole)) as url, runtime(url, transport) as built:
        assert (await fetch(built)).body == BODY
    for cut in range(len(whole)):
        async with serving(sends(whole[:cut])) as url, runtime(url, transport) as built:
            with pytest.raises(SourceFailure):
                await fetch(built)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_whole_gzip_is_read_although_identity_was_asked(transport: Transport) -> None:
    """A proxy before the register may compress; evidence and digest are of the content."""
    async with serving(sends(answer(gzip.compress(BODY), head=GZIP))) as url, runtime(url, transport) as built:
        exchange = await fetch(built)
    assert (exchange.body, exchange.answer_digest) == (BODY, hashlib.sha256(BODY).hexdigest())


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_digest_that_holds_is_accepted(transport: Transport) -> None:
    digest = b64encode(hashlib.sha256(BODY).digest())
    head = JSON + b"content-digest: sha-256=:" + digest + b":\r\n"
    async with serving(sends(answer(BODY, head=head))) as url, runtime(url, transport) as built:
        assert (await fetch(built)).body == BODY


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_chunked_answer_with_its_end_is_whole(transport: Transport) -> None:
    chunked = b"HTTP/1.1 200 OK\r\n" + JSON + b"transfer-encoding: chunked\r\n\r\n" + b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"
    async with serving(sends(chunked)) as url, runtime(url, transport) as built:
        assert (await fetch(built)).body == BODY


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_no_task_or_socket_is_left_when_the_deadline_strikes(transport: Transport) -> None:
    limits = Limits(attempts=1, attempt_timeout_ms=30_000)
    async with serving(hangs) as url, runtime(url, transport, limits) as built:
        before = len(asyncio.all_tasks())
        results = await asyncio.gather(*(fetch(built, within=0.5) for _ in range(16)), return_exceptions=True)
        assert {getattr(r, "code", None) for r in results} == {OutcomeCode.TIMEOUT}
        assert (built.policy.snapshot().in_flight, built.policy.snapshot().waiting) == (0, 0)
    assert len(asyncio.all_tasks()) <= before


async def test_a_momentary_failure_is_asked_again_and_a_permanent_one_is_not() -> None:
    calls: list[bytes] = []

    def counting(first: bytes, then: bytes) -> Behaviour:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            calls.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(first if len(calls) == 1 else then)
            await writer.drain()

        return behave

    limits = Limits(attempts=2, attempt_timeout_ms=2000)
    busy = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    async with serving(counting(busy, answer(BODY))) as url, runtime(url, "fast", limits) as built:
        exchange = await fetch(built)
    assert (exchange.body, exchange.attempts, len(calls)) == (BODY, 2, 2)
    calls.clear()
    refused = b"HTTP/1.1 403 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    async with serving(counting(refused, answer(BODY))) as url, runtime(url, "fast", limits) as built:
        with pytest.raises(SourceFailure):
            await fetch(built)
    assert len(calls) == 1
