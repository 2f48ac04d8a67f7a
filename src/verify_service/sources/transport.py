"""The one place that chooses how bytes travel to registers.

httpx is the interface everywhere; underneath, `fast` puts aiohttp's connection pool (a third of the CPU under
concurrency), `plain` keeps httpx's own. Each source has its own small pool, so that none can starve another.
Proxies, cookies, redirects and compression are off: what is asked for is what must come back.
"""

from functools import lru_cache
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from typing import Literal
from urllib.request import Request

import httpx
from aiohttp import ClientSession, DummyCookieJar, TCPConnector
from httpx_aiohttp import AiohttpTransport

from verify_service.sources.adapter import WireRequest
from verify_service.sources.definition import Endpoint, Source

Transport = Literal["fast", "plain"]
_HEADERS = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "verify-service"}


class _NoCookies(CookieJar):
    """Keeps none, so that no register can tie one person's question to another's."""

    def extract_cookies(self, response: HTTPResponse, request: Request) -> None:
        """Leave them."""


def http_client(source: Source, endpoint: Endpoint, *, transport: Transport) -> httpx.AsyncClient:
    """Build the pooled client of one source. Must be called inside the running event loop."""
    limits = source.limits
    timeout = httpx.Timeout(limits.attempt_timeout_ms / 1000, connect=limits.connect_timeout_ms / 1000)
    pool = httpx.Limits(max_connections=limits.in_flight, max_keepalive_connections=limits.in_flight, keepalive_expiry=30)
    uses_tls = endpoint.base_url.startswith("https:")
    return httpx.AsyncClient(
        base_url=endpoint.base_url,
        verify=uses_tls,  # loading the trusted certificates takes longer than a call; without TLS nobody would look at them
        cookies=_NoCookies(),
        timeout=timeout,
        limits=pool,
        follow_redirects=False,
        trust_env=False,
        transport=_fast(source, uses_tls=uses_tls) if transport == "fast" else None,
    )


def message(endpoint: Endpoint, request: WireRequest) -> httpx.Request:
    """Build the message as it is. The client's own builder would merge what no register needs, for a tenth of the call's time."""
    headers = {**_HEADERS, **{name.lower(): value for name, value in request.headers.items()}}
    return httpx.Request(request.method, _url(endpoint.base_url, request.path), headers=headers, content=request.body or None)


@lru_cache(maxsize=256)
def _url(base_url: str, path: str) -> httpx.URL:
    return httpx.URL(base_url.rstrip("/") + path)


def _fast(source: Source, *, uses_tls: bool) -> AiohttpTransport:
    def session() -> ClientSession:
        connector = TCPConnector(limit=source.limits.in_flight, keepalive_timeout=30, enable_cleanup_closed=False)
        return ClientSession(connector=connector, cookie_jar=DummyCookieJar(), auto_decompress=False, trust_env=False)

    return AiohttpTransport(client=session, verify=uses_tls, trust_env=False)
