"""Sending a webhook over real sockets, to receivers that behave badly in every way that we know of."""

from ipaddress import ip_network

import pytest

from tests.receivers import receiver
from verify_service.bulk.webhooks.addresses import Network
from verify_service.bulk.webhooks.sender import Attempt, open_sender

LOOPBACK: list[Network] = [ip_network("127.0.0.0/8")]
SIGNED = {"webhook-id": "1", "webhook-timestamp": "2", "webhook-signature": "v1,x"}


async def sent(url: str, networks: list[Network] = LOOPBACK) -> Attempt:
    async with open_sender(networks, seconds=0.8) as sender:
        return await sender.send(url, b'{"a": 1}', SIGNED)


@pytest.mark.parametrize(
    ("does", "attempt"),
    [
        ("takes", Attempt("delivered")),
        ("fails", Attempt("http_5xx")),
        ("is busy", Attempt("http_4xx", 120)),
        ("is gone", Attempt("gone")),
        ("hangs", Attempt("timeout")),
        ("drips", Attempt("timeout")),
        ("closes", Attempt("connection")),
        ("raves", Attempt("connection")),
        ("has endless headers", Attempt("connection")),
        ("never ends", Attempt("delivered")),
    ],
)
async def test_receiver(does: str, attempt: Attempt) -> None:
    async with receiver(does) as there:
        assert await sent(there.url) == attempt
        (headers, content) = there.got[0]
    assert content == b'{"a": 1}'
    assert SIGNED.items() <= headers.items()
    assert headers["content-type"] == "application/json"


async def test_redirect_is_a_failure_and_not_followed() -> None:
    async with receiver("redirects") as there, receiver() as elsewhere:
        there.moved_to = elsewhere.port
        assert await sent(there.url) == Attempt("http_3xx")
        assert elsewhere.got == []


async def test_nobody_listens() -> None:
    async with receiver() as there:
        url = there.url
    assert await sent(url) == Attempt("connection")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "LOCALHOST", "localhost."]
)
async def test_no_way_of_writing_loopback_reaches_it(host: str) -> None:
    async with receiver() as there:
        for scheme in ("http", "https"):
            assert (await sent(f"{scheme}://{host}:{there.port}/", [])).outcome in {"forbidden_address", "connection"}
        assert there.got == []


async def test_name_is_judged_by_the_address_it_is_connected_to() -> None:
    async with receiver() as there:
        assert await sent(f"https://localhost:{there.port}/", []) == Attempt("forbidden_address")
        assert (await sent(f"https://localhost:{there.port}/")).outcome in {"connection", "tls", "timeout"}  # reached, and no TLS there
