"""The one membrane between us and a register: deadline, attempts, bulkhead, whole answers or a failure with a name.

`SourceRuntime` lives as long as the process, one per source. `BoundClient` is what an adapter gets for one call: bound
to the call's deadline, it keeps every exchange that is evidence. Nothing of what is sent or received is logged.
"""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeVar

import psycopg
import tenacity

from verify_service.domain.outcome import OutcomeCode
from verify_service.errors import ConfigurationError
from verify_service.sources.adapter import Exchange, WireRequest
from verify_service.sources.database import FrontEndDatabase
from verify_service.sources.definition import Endpoint, Source
from verify_service.sources.failures import SourceFailure
from verify_service.sources.membrane import FOREIGN, check_status, check_text, from_database, from_transport, read_whole
from verify_service.sources.policy import SourcePolicy
from verify_service.sources.status import SourceStatus
from verify_service.sources.transport import Transport, http_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

T = TypeVar("T")
Lane = Literal["live", "bulk"]
_AGAIN = frozenset({OutcomeCode.CONNECTION, OutcomeCode.TIMEOUT, OutcomeCode.RATE_LIMITED, OutcomeCode.HTTP_5XX, OutcomeCode.TRUNCATED})
_LEAST_SECONDS = 0.25  # no attempt starts with less time left than this
_BACKOFF_FIRST_SECONDS, _BACKOFF_MAX_SECONDS = 0.1, 1.0
_FINAL_DETAILS = frozenset({"status 500", "status 501", "length undeclared", "no time left to ask"})
_UNKEPT_HEADERS = frozenset({"set-cookie", "authorization"})
_QUEUE_SHARE = 0.25  # longest wait for a place, as a share of the time left; beyond it the call is shed


@dataclass(frozen=True, slots=True)
class Randomness:
    """Where nonces and jitter come from; tests pass their own."""

    nonce: Callable[[], str]
    uniform: Callable[[float, float], float]


def system_randomness() -> Randomness:
    """Return the operating system's randomness."""
    system = random.SystemRandom()
    return Randomness(nonce=lambda: f"{system.getrandbits(128):032x}", uniform=system.uniform)


class SourceRuntime:
    """One source's pool, places and remembered credentials. Build it inside the running event loop."""

    def __init__(
        self,
        source: Source,
        endpoint: Endpoint,
        *,
        clock: Callable[[], datetime],
        randomness: Randomness,
        transport: Transport = "fast",
    ) -> None:
        self.source = source
        self.endpoint = endpoint
        self.clock = clock
        self.randomness = randomness
        is_database = endpoint.base_url.startswith("postgresql://")
        self.http = None if is_database else http_client(source, endpoint, transport=transport)
        self.database = FrontEndDatabase(source, endpoint) if is_database else None
        self.policy = SourcePolicy(source, clock=clock)
        self.status = SourceStatus(source.id, clock=clock)
        self._places = asyncio.Semaphore(source.limits.in_flight)
        self._credentials = {name: secret.get_secret_value() for name, secret in endpoint.credentials.items()}
        self._remembered: dict[str, tuple[float, str]] = {}

    def bind(self, *, deadline: float, lane: Lane = "live") -> "BoundClient":
        """Return the client of one call. `deadline` is an instant of the event loop's clock, in seconds."""
        return BoundClient(self, deadline, lane)

    @asynccontextmanager
    async def place(self, deadline: float) -> "AsyncIterator[None]":
        """Hold one of the source's places. Raises unavailable.shed when none comes free in time."""
        if self._places.locked():
            now = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout_at(now + (deadline - now) * _QUEUE_SHARE):
                    await self._places.acquire()
            except TimeoutError:
                raise SourceFailure(OutcomeCode.SHED, failed_by="us", detail="no place free") from None
        else:
            await self._places.acquire()
        try:
            yield
        finally:
            self._places.release()

    def credential(self, name: str) -> str:
        """Return a configured credential. Raises ConfigurationError."""
        try:
            return self._credentials[name]
        except KeyError:
            raise ConfigurationError(f"source {self.source.id}: credential {name} is not set") from None

    def remember(self, name: str, value: str, *, for_seconds: float) -> None:
        """Keep a short-lived credential."""
        self._remembered[name] = (asyncio.get_running_loop().time() + for_seconds, value)

    def remembered(self, name: str) -> str | None:
        """Return a short-lived credential while it lives."""
        until, value = self._remembered.get(name, (0.0, ""))
        return value if asyncio.get_running_loop().time() < until else None

    async def close(self) -> None:
        """Close the pools."""
        if self.http is not None:
            await self.http.close()
        if self.database is not None:
            await self.database.close()


@dataclass(slots=True)
class BoundClient:
    """SourceClient for one call of one source."""

    runtime: SourceRuntime
    deadline: float
    lane: Lane = "live"
    exchanges: list[Exchange] = field(default_factory=list, repr=False)
    attempts: int = 0
    received: int = 0  # bytes of the present attempt's answer

    def now(self) -> datetime:
        """Return the present instant."""
        return self.runtime.clock()

    def nonce(self) -> str:
        """Return 32 fresh hexadecimal characters."""
        return self.runtime.randomness.nonce()

    def credential(self, name: str) -> str:
        """Return a configured credential."""
        return self.runtime.credential(name)

    def remember(self, name: str, value: str, *, for_seconds: float) -> None:
        """Keep a short-lived credential for later calls."""
        self.runtime.remember(name, value, for_seconds=for_seconds)

    def remembered(self, name: str) -> str | None:
        """Return a short-lived credential while it lives."""
        return self.runtime.remembered(name)

    async def fetch(self, build: Callable[[], WireRequest]) -> Exchange:
        """Send with the source's retries and keep the exchange."""

        async def attempt() -> tuple[WireRequest, Exchange]:
            request = build()
            return request, await self._send(request)

        request, exchange = await self._with_retries(attempt)
        if request.evidence:
            self.exchanges.append(exchange)
        return exchange

    async def query(self, step: str, statement: str, parameters: Mapping[str, object]) -> Exchange:
        """Run one statement with the source's retries and keep the exchange."""

        async def attempt() -> Exchange:
            return await self._select(step, statement, parameters)

        exchange = await self._with_retries(attempt)
        self.exchanges.append(exchange)
        return exchange

    async def _with_retries(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Run attempts until one succeeds, none is worth making, or the time left is too short."""
        self.attempts = 0  # of this message: a page or a token before it is not an attempt at it
        try:
            return await self._bounded(attempt)
        except SourceFailure as failure:
            if not _worth_repeating(failure):
                raise
            return await self._again(failure, attempt)

    async def _again(self, first: SourceFailure, attempt: Callable[[], Awaitable[T]]) -> T:
        """Retry after a first failure. The first attempt runs without tenacity, which costs as much as sending the question."""
        limits = self.runtime.source.limits
        failed: list[SourceFailure] = [first]

        async def once() -> T:
            if failed:
                raise failed.pop()
            return await self._bounded(attempt)

        retrying = tenacity.AsyncRetrying(
            stop=lambda state: state.attempt_number >= limits.attempts or self._too_late(state),
            wait=self._pause,
            retry=tenacity.retry_if_exception(_worth_repeating),
            reraise=True,
        )
        return await retrying(once)

    async def _bounded(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Run one attempt within a place, the attempt's own limit and the call's deadline."""
        loop = asyncio.get_running_loop()
        if self.deadline - loop.time() < _LEAST_SECONDS:
            raise SourceFailure(OutcomeCode.TIMEOUT, failed_by="us", detail="no time left to ask")
        async with self.runtime.place(self.deadline):
            self.attempts += 1
            limit = loop.time() + self.runtime.source.limits.attempt_timeout_ms / 1000
            try:
                async with asyncio.timeout_at(min(self.deadline, limit)):
                    return await self._observed(attempt)
            except TimeoutError as error:
                raise from_transport(error, began=False) from None

    async def _observed(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Run an attempt and tell the source's status how it ended; what cancels it is the time that has run out."""
        loop, status = asyncio.get_running_loop(), self.runtime.status
        began, self.received = loop.time(), 0
        try:
            result = await attempt()
        except SourceFailure as failure:
            status.attempted(failure.code, seconds=loop.time() - began)
            raise
        except asyncio.CancelledError:
            status.attempted(OutcomeCode.TIMEOUT, seconds=loop.time() - began)
            raise
        status.attempted(None, seconds=loop.time() - began, bytes_received=self.received)
        return result

    def _pause(self, state: tenacity.RetryCallState) -> float:
        """Full jitter up to 0.1 s x 2^n, at most 1 s; the register's Retry-After when it names one."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, SourceFailure) and error.retry_after_seconds is not None:
            return error.retry_after_seconds
        ceiling = min(_BACKOFF_MAX_SECONDS, _BACKOFF_FIRST_SECONDS * 2 ** (state.attempt_number - 1))
        return self.runtime.randomness.uniform(0, ceiling)

    def _too_late(self, state: tenacity.RetryCallState) -> bool:
        """Say whether after the pause there would be no time for another attempt."""
        return asyncio.get_running_loop().time() + state.upcoming_sleep + _LEAST_SECONDS > self.deadline

    async def _send(self, request: WireRequest) -> Exchange:
        http = self.runtime.http
        if http is None:
            raise ConfigurationError(f"source {self.runtime.source.id}: base_url is not an HTTP address")
        asked_at, reply = self.now(), None
        try:
            reply = await http.send(request)
            # A refused status needs no body, so a hostile one is not even read.
            check_status(reply, request)
            body = await read_whole(reply, limit=self.runtime.source.limits.response_bytes)
            check_text(reply, body, request)
        except FOREIGN as error:
            raise from_transport(error, began=reply is not None) from error
        finally:
            if reply is not None:
                await reply.close()
        headers = {name: value for name, value in reply.headers.items() if name not in _UNKEPT_HEADERS}
        return self._exchange(request.step, reply.status, headers, request.body, body, asked_at)

    def _exchange(self, step: str, status: int, headers: Mapping[str, str], sent: bytes, body: bytes, asked_at: datetime) -> Exchange:
        self.received = len(body)
        return Exchange(
            step=step,
            status=status,
            headers=headers,
            body=body,
            request_digest=hashlib.sha256(sent).hexdigest(),
            answer_digest=hashlib.sha256(body).hexdigest(),
            asked_at=asked_at,
            answered_at=self.now(),
            attempts=self.attempts,
        )

    async def _select(self, step: str, statement: str, parameters: Mapping[str, object]) -> Exchange:
        database = self.runtime.database
        if database is None:
            raise ConfigurationError(f"source {self.runtime.source.id}: base_url is not a database address")
        asked_at = self.now()
        try:
            body = await database.rows(statement, parameters)
        except psycopg.Error as error:
            raise from_database(error) from error
        if len(body) > self.runtime.source.limits.response_bytes:
            raise SourceFailure(OutcomeCode.LIMIT, failed_by="source", detail="rows")
        sent = statement.encode() + repr(sorted(parameters.items())).encode()
        return self._exchange(step, 200, {"content-type": "application/json"}, sent, body, asked_at)


def _worth_repeating(error: BaseException) -> bool:
    """Retry what was not processed or not delivered; never what was refused or understood and wrong."""
    return isinstance(error, SourceFailure) and error.code in _AGAIN and error.detail not in _FINAL_DETAILS
