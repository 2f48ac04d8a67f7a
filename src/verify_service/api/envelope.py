"""What every request gets: an id, safe headers, one log line, one count, and a problem instead of a traceback. Pure ASGI."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from verify_service.api.metrics import Metrics
from verify_service.api.problems import problem
from verify_service.telemetry import without_values
from verify_service.verification.tracing import Tracing

_log = structlog.get_logger("verify_service.api")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_CLIENT_WENT_AWAY = 499


@dataclass(slots=True)
class _Exchange:
    """One request on its way through."""

    scope: Scope
    request_id: str
    send: Send
    began: float = field(default_factory=time.perf_counter)
    status: int = 0

    async def answer(self, message: Message) -> None:
        """Send on, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.request_id
            headers["X-Content-Type-Options"] = "nosniff"
            if self.scope["path"].startswith("/v1/"):
                headers["Cache-Control"] = "no-store"
        await self.send(message)

    def facts(self) -> dict[str, Any]:
        """Return what the log line says: the template of the route, never the path."""
        method = self.scope["method"]
        client = self.scope["state"].get("client")
        return {
            "route": getattr(self.scope.get("route"), "path", "none"),
            "method": method if method in _METHODS else "other",
            "status": self.status,
            "ms": round((time.perf_counter() - self.began) * 1000, 1),
            "request_id": self.request_id,
            "tenant": None if client is None else client.tenant,
        }


class Envelope:
    """The outermost middleware, and the only one unless somebody traces."""

    def __init__(self, app: ASGIApp, *, new_id: Callable[[], str], metrics: Metrics) -> None:
        self.app = app
        self.new_id = new_id
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an HTTP request on; anything else goes through untouched."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, self.new_id(), send)
        scope["state"] = {**scope.get("state", {}), "request_id": exchange.request_id}
        try:
            await self._contained(exchange, receive)
        finally:
            self._tell(exchange)

    async def _contained(self, exchange: _Exchange, receive: Receive) -> None:
        try:
            await self.app(exchange.scope, receive, exchange.answer)
        except ClientDisconnect:
            exchange.status = _CLIENT_WENT_AWAY
        except Exception as error:  # noqa: BLE001 - the last wall: a traceback may quote what the caller sent
            _log.error("http.failed", request_id=exchange.request_id, **without_values(error))
            if exchange.status == 0:
                await problem(error, request_id=exchange.request_id)(exchange.scope, receive, exchange.answer)

    def _tell(self, exchange: _Exchange) -> None:
        facts = exchange.facts()
        _log.info("http.request", **facts)
        self.metrics.observe(route=facts["route"], method=facts["method"], status=facts["status"], seconds=facts["ms"] / 1000)


class Continued:
    """Lets what a request begins belong to the caller's trace; in the way only when somebody traces."""

    def __init__(self, app: ASGIApp, *, tracing: Tracing) -> None:
        self.app = app
        self.tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        headers = Headers(scope=scope) if scope["type"] == "http" else {}
        with self.tracing.continued(headers):
            await self.app(scope, receive, send)
