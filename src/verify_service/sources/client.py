"""The one membrane between us and a register: deadline, attempts, policy, whole answers or a failure with a name.

`SourceRuntime` lives as long as the process, one per source. `BoundClient` is what an adapter gets for one call: bound
to the call's deadline, it keeps every exchange that is evidence. Nothing of what is sent or received is logged.
"""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import psycopg
import tenacity

from verify_service.domain.outcome import OutcomeCode
from verify_service.errors import ConfigurationError
from verify_service.sources.adapter import Exchange, WireRequest
from verify_service.sources.attempt_spans import traced
from verify_service.sources.database import FrontEndDatabase
from verify_service.sources.definition import Endpoint, Source
from verify_service.sources.failures import SourceFailure
from verify_service.sources.hedging import LOST, Hedges
from verify_service.sources.membrane import FOREIGN, check_status, check_text, from_database, from_transport, read_whole
from verify_service.sources.policy import Attempt, Common, Lane, SourcePolicy
from verify_service.sources.repeating import worth_repeating
from verify_service.sources.status import SourceStatus
from verify_service.sources.transport import Transport, http_client

T = TypeVar("T")
_LEAST_SECONDS = 0.25  # no attempt starts with less time left than this
_UNKEPT_HEADERS = frozenset({"set-cookie", "authorization"})


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
    """One source's pool, policy and remembered credentials. Build it inside the running event loop."""

    def __init__(
        self,
        source: Source,
        endpoint: Endpoint,
        *,
        clock: Callable[[], datetime],
        randomness: Randomness,
        transport: Transport = "fast",
        common: Common | None = None,
    ) -> None:
        self.source = source = source.overridden(endpoint.overrides)
        self.endpoint = endpoint
        self.clock = clock
        self.randomness = randomness
        self.tracer = common.tracer if common is not None else None
        is_database = endpoint.base_url.startswith("postgresql://")
        self.http = None if is_database else http_client(source, endpoint, transport=transport)
        self.database = FrontEndDatabase(source, endpoint) if is_database else None
        self.hedges = Hedges(source.hedging) if source.hedging is not None else None
        self.policy = SourcePolicy(source, clock=clock, uniform=randomness.uniform, common=common or Common())
        self.status = SourceStatus(source.id, clock=clock)
        self._credentials = {name: secret.get_secret_value() for name, secret in endpoint.credentials.items()}
        self._remembered: dict[str, tuple[float, str]] = {}

    def bind(self, *, deadline: float, lane: Lane = "live") -> "BoundClient":
        """Return the client of one call. `deadline` is an instant of the event loop's clock, in seconds."""
        return BoundClient(self, deadline, lane)

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
        """Give unused quota back and close the pools."""
        await self.policy.close()
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
    _answered: Attempt | None = field(default=None, repr=False)

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

        request, exchange = await self._with_retries(attempt, may_hedge=self.runtime.hedges is not None and build().idempotent)
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

    async def _with_retries(self, attempt: Callable[[], Awaitable[T]], *, may_hedge: bool = False) -> T:
        """Run attempts until one succeeds, none is worth making, or the time left is too short."""
        self.attempts = 0  # of this message: a page or a token before it is not an attempt at it
        try:
            return await (self._hedged(attempt) if may_hedge else self._bounded(attempt))
        except SourceFailure as failure:
            if not (worth_repeating(failure) and self.runtime.policy.may_retry(self.lane, self.attempts)):
                raise
            return await self._again(failure, attempt)

    async def _hedged(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Run a first attempt, and perhaps a second beside it: never for bulk, and not before enough were measured."""
        policy, hedges = self.runtime.policy, self.runtime.hedges
        if hedges is None or policy.timeouts.usual is None or self.lane == "bulk":
            return await self._bounded(attempt)
        may = lambda: self.attempts == 1 and policy.may_retry(self.lane, 1)  # noqa: E731 - asked when p95 is over
        return await hedges.run(lambda: self._bounded(attempt), after_seconds=policy.timeouts.usual, may=may)

    async def _again(self, first: SourceFailure, attempt: Callable[[], Awaitable[T]]) -> T:
        """Retry after a first failure. The first attempt runs without tenacity, which costs as much as sending the question."""
        policy = self.runtime.policy
        failed: list[SourceFailure] = [first]

        async def once() -> T:
            if failed:
                raise failed.pop()
            try:
                return await self._bounded(attempt)
            except SourceFailure as failure:
                # We would not ask again; what the register did is still what became of the question.
                raise first if failure.failed_by == "us" else failure from None

        retrying = tenacity.AsyncRetrying(
            stop=lambda state: self._too_late(state) or not policy.may_retry(self.lane, state.attempt_number),
            wait=self._pause,
            retry=tenacity.retry_if_exception(worth_repeating),
            reraise=True,
        )
        return await retrying(once)

    async def _bounded(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Run one attempt under the source's policy, within the attempt's own limit and the call's deadline."""
        came = asyncio.get_running_loop().time()
        if self.deadline - came < _LEAST_SECONDS:
            raise SourceFailure(OutcomeCode.TIMEOUT, failed_by="us", detail="no time left to ask")
        self.settle(None)
        async with self.runtime.policy.attempt(self.lane, self.deadline) as permitted:
            self.attempts += 1
            try:
                async with asyncio.timeout_at(min(self.deadline, permitted.began + permitted.seconds)):
                    answer = await self._told(self._observed(attempt, waited=permitted.began - came))
            except TimeoutError as error:
                raise from_transport(error, began=False) from None
        self.settle(None)  # a second message may have been answered in the same moment
        self._answered = permitted
        return answer

    def _told(self, attempt: Awaitable[T]) -> Awaitable[T]:
        tracer, source = self.runtime.tracer, self.runtime.source.id
        return attempt if tracer is None else traced(attempt, tracer, source=source, lane=self.lane, number=self.attempts)

    def settle(self, failure: SourceFailure | None) -> None:
        """Say what came of the last answer that arrived: None if it could be read. Whoever bound the client says it at the end."""
        answered, self._answered = self._answered, None
        if answered is not None:
            answered.settle(failure)

    async def _observed(self, attempt: Callable[[], Awaitable[T]], *, waited: float) -> T:
        """Run an attempt and tell the source's status how it ended; what cancels it is the time that has run out."""
        loop, status = asyncio.get_running_loop(), self.runtime.status
        began, self.received = loop.time(), 0
        try:
            result = await attempt()
        except SourceFailure as failure:
            status.attempted(failure.code, seconds=loop.time() - began, waited=waited)
            raise
        except asyncio.CancelledError as error:
            code = OutcomeCode.CANCELLED if LOST in error.args else OutcomeCode.TIMEOUT
            status.attempted(code, seconds=loop.time() - began, waited=waited)
            raise
        status.attempted(None, seconds=loop.time() - began, waited=waited, bytes_received=self.received)
        return result

    def _pause(self, state: tenacity.RetryCallState) -> float:
        """Full jitter; the register's Retry-After when it names one."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, SourceFailure) and error.retry_after_seconds is not None:
            return error.retry_after_seconds
        return self.runtime.randomness.uniform(0, self.runtime.policy.pause_ceiling(self.lane, state.attempt_number))

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
