"""How bytes travel to registers: one small port, two ways through it, and the one place that chooses.

`fast` is aiohttp; `plain` is httpx, where respx can stand in for a register. Each source has its own small pool, so that
none can starve another. Proxies, cookies, redirects and decompression are off on both: what comes back is what was sent.
What a body must satisfy is decided in membrane.py, once for both.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from typing import Literal, Protocol
from urllib.request import Request

import httpx
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from yarl import URL

from verify_service.sources.adapter import WireRequest
from verify_service.sources.definition import Endpoint, Source

Transport = Literal["fast", "plain"]
_HEADERS = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "verify-service"}
_KEPT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Reply:
    """The head of an answer. `read` gives the next raw piece of the body, b"" at its end.

    `close` must be called: it gives the connection back, or ends it when the body was not read to its end.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    read: Callable[[], Awaitable[bytes]]
    close: Callable[[], Awaitable[object]]


class Http(Protocol):
    """One source's pool of connections."""

    async def send(self, request: WireRequest) -> Reply:
        """Send one message and return the head of its answer. Raises one of membrane.FOREIGN."""

    async def close(self) -> None:
        """Close every connection."""


def http_client(source: Source, endpoint: Endpoint, *, transport: Transport) -> Http:
    """Build the pool of one source. Must be called inside the running event loop."""
    return _Fast(source, endpoint) if transport == "fast" else _Plain(source, endpoint)


class _Fast:
    def __init__(self, source: Source, endpoint: Endpoint) -> None:
        limits = source.limits
        self._base_url = endpoint.base_url
        self._session = ClientSession(
            connector=TCPConnector(limit=limits.in_flight, keepalive_timeout=_KEPT_SECONDS),
            timeout=ClientTimeout(total=None, sock_connect=limits.connect_timeout_ms / 1000),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    async def send(self, request: WireRequest) -> Reply:
        url = _encoded_url(self._base_url, request.path)
        body = request.body or None
        response = await self._session.request(request.method, url, data=body, headers=_sent(request), allow_redirects=False)
        return Reply(response.status, _received(response.raw_headers), response.content.readany, response.release)

    async def close(self) -> None:
        await self._session.close()


class _NoCookies(CookieJar):
    """Keeps none, so that no register can tie one person's question to another's."""

    def extract_cookies(self, response: HTTPResponse, request: Request) -> None:
        """Leave them."""


class _Plain:
    def __init__(self, source: Source, endpoint: Endpoint) -> None:
        limits, self._base_url = source.limits, endpoint.base_url
        self._client = httpx.AsyncClient(
            # Loading the trusted certificates takes longer than a call; without TLS nobody would look at them.
            verify=endpoint.base_url.startswith("https:"),
            cookies=_NoCookies(),
            timeout=httpx.Timeout(None, connect=limits.connect_timeout_ms / 1000),
            limits=httpx.Limits(max_connections=limits.in_flight, keepalive_expiry=_KEPT_SECONDS),
            follow_redirects=False,
            trust_env=False,
        )

    async def send(self, request: WireRequest) -> Reply:
        url = _url(self._base_url, request.path)
        # Not the client's own builder, which merges headers that no register needs.
        message = httpx.Request(request.method, url, headers=_sent(request), content=request.body or None)
        response = await self._client.send(message, stream=True)
        return Reply(response.status_code, _received(response.headers.raw), partial(anext, response.aiter_raw(), b""), response.aclose)

    async def close(self) -> None:
        await self._client.aclose()


def _sent(request: WireRequest) -> dict[str, str]:
    return {**_HEADERS, **{name.lower(): value for name, value in request.headers.items()}}


def _received(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by name in lower case; a repeated one is joined with commas (RFC 9110 §5.3), bytes are as they are (§5.5)."""
    headers: dict[str, str] = {}
    for name_bytes, value_bytes in raw:
        name, value = name_bytes.decode("latin-1").lower(), value_bytes.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


@lru_cache(maxsize=256)
def _url(base_url: str, path: str) -> httpx.URL:
    return httpx.URL(base_url.rstrip("/") + path)


@lru_cache(maxsize=256)
def _encoded_url(base_url: str, path: str) -> URL:
    return URL(str(_url(base_url, path)), encoded=True)
