"""Sends one webhook: no redirect is followed, no body of an answer is read, and it ends within fifteen seconds."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from verify_service.bulk.webhooks.addresses import ForbiddenAddress, Network, expect_url, socket_factory
from verify_service.errors import InvalidInput

SECONDS = 15.0
OUTCOMES = (
    *("delivered", "gone", "http_1xx", "http_3xx", "http_4xx", "http_5xx"),
    *("timeout", "connection", "tls", "forbidden_address"),
)
_GONE = 410
_WHOLE_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)
_TYPE = {"Content-Type": "application/json", "User-Agent": "verify-service"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of sending: one of OUTCOMES, and for how long the receiver wants to be left alone."""

    outcome: str
    retry_after_seconds: int = 0

    @property
    def is_delivered(self) -> bool:
        """Say whether the receiver has it."""
        return self.outcome == "delivered"

    @property
    def is_gone(self) -> bool:
        """Say whether the receiver wants nothing more."""
        return self.outcome == "gone"


class Sender:
    """Sends to receivers. Use `open_sender`."""

    def __init__(self, session: aiohttp.ClientSession, networks: Sequence[Network], seconds: float) -> None:
        self._session = session
        self._networks = networks
        self._seconds = seconds

    async def send(self, url: str, content: bytes, headers: Mapping[str, str]) -> Attempt:
        """Send once and return what came of it. The URL is judged again: what a deployment allows may have changed."""
        try:
            expect_url(url, self._networks)
            async with asyncio.timeout(self._seconds):
                return await self._sent(url, content, headers)
        except InvalidInput:
            return Attempt("forbidden_address")
        except TimeoutError:
            return Attempt("timeout")
        except aiohttp.ClientConnectorError as error:
            return Attempt(_why(error))
        except (aiohttp.ClientError, ValueError, OSError):
            return Attempt("connection")

    async def _sent(self, url: str, content: bytes, headers: Mapping[str, str]) -> Attempt:
        async with self._session.post(url, data=content, headers={**_TYPE, **headers}, allow_redirects=False) as answer:
            wished = answer.headers.get("Retry-After", "")
            seconds = int(wished) if _WHOLE_SECONDS.fullmatch(wished) else 0
            answer.close()  # the status is all that counts; what follows it may never end
            return Attempt(_outcome(answer.status), seconds)


def _outcome(status: int) -> str:
    if status == _GONE:
        return "gone"
    return "delivered" if 200 <= status < 300 else f"http_{status // 100}xx"


def _why(error: aiohttp.ClientConnectorError) -> str:
    if isinstance(error.os_error, ForbiddenAddress):
        return "forbidden_address"
    return "tls" if isinstance(error.os_error, ssl.SSLError | ssl.CertificateError) else "connection"


@asynccontextmanager
async def open_sender(networks: Sequence[Network], *, seconds: float = SECONDS) -> AsyncIterator[Sender]:
    """Open a sender that connects only where webhooks may go; no proxy, no cookies, no connection kept."""
    connector = aiohttp.TCPConnector(force_close=True, use_dns_cache=False, socket_factory=socket_factory(networks))
    cookies = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, trust_env=False, cookie_jar=cookies, auto_decompress=False) as session:
        yield Sender(session, networks, seconds)
