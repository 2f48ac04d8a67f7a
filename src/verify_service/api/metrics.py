"""Prometheus metrics of this process: by route template, source, outcome and state, never by person, client or path.

The catalogue is in docs/operations.md; a test holds the two against each other. What sources and services count in their
own way is read when somebody looks, so that counting costs nothing more.
"""

import asyncio

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from verify_service.api.service_metrics import ServiceMetrics
from verify_service.services import Services
from verify_service.storage.backlog import Backlog
from verify_service.telemetry import without_values
from verify_service.telemetry.loop_lag import LoopLag

MEDIA_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_BACKLOG_FRESH_SECONDS, _MOMENT_SECONDS = 15.0, 2.0
_log = structlog.get_logger("verify_service.api")


class Metrics:
    """The metrics of one application, in a registry of its own."""

    def __init__(self, services: Services) -> None:
        self.lag = LoopLag()
        self._services = services
        self._looked_at = float("-inf")
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._of_services = ServiceMetrics(services, self.lag)
        self._registry.register(self._of_services)
        self._requests = Counter("verify_http_requests", "HTTP requests answered.", ("route", "method", "status"), registry=self._registry)
        self._seconds = Histogram(
            "verify_http_request_seconds",
            "Seconds from the head of a request to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )

    def observe(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    async def exposition(self) -> bytes:
        """Return everything in the Prometheus text format; the store is looked at four times a minute at most."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at > _BACKLOG_FRESH_SECONDS:
            self._looked_at = now
            self._of_services.backlog = await self._backlog()
        return generate_latest(self._registry)

    async def _backlog(self) -> Backlog | None:
        """Return what waits in the store; None when it cannot be told, which must not hide the other metrics."""
        try:
            async with asyncio.timeout(_MOMENT_SECONDS):
                return await self._services.store.backlog(now=self._services.clock())
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the store is told by /readyz
            _log.warning("metrics.backlog_unknown", **without_values(error))
            return None
