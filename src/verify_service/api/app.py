"""The application: routers, the one middleware, and every failure turned into a problem."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response

from verify_service import __version__
from verify_service.api import (
    amendments,
    audit,
    batch_results,
    batches,
    differences,
    events,
    meta,
    policies,
    reports,
    sources,
    verifications,
    webhooks,
)
from verify_service.api.auth import Authenticator
from verify_service.api.envelope import Continued, Envelope
from verify_service.api.metrics import Metrics
from verify_service.api.openapi import document
from verify_service.api.page import page
from verify_service.api.problems import problem
from verify_service.api.streams import Streams
from verify_service.errors import VerifyError
from verify_service.services import Services

ROUTERS = (
    verifications.router,
    events.router,
    reports.router,
    amendments.router,
    differences.router,
    audit.router,
    batches.router,
    batch_results.router,
    webhooks.router,
    sources.router,
    policies.router,
    meta.router,
)


class Application(FastAPI):
    """FastAPI with our own OpenAPI document, and none of its default answers, which repeat what was sent."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = document(self.routes)
        return self.openapi_schema

    @cached_property
    def documentation(self) -> str:
        """Return the OpenAPI document as a page, made once."""
        return page(self.openapi())


def create_app(services: Services) -> Application:
    """Return the application that serves these services; who made them closes them."""
    metrics = Metrics(services)
    tracing = [] if services.tracing is None else [Middleware(Continued, tracing=services.tracing)]
    app = _routed(Middleware(Envelope, new_id=services.new_id, metrics=metrics), *tracing)
    app.state.services = services
    app.state.metrics = metrics
    app.state.streams = Streams(asyncio.Event())
    app.state.authenticator = Authenticator(services.store, services.clock)
    return app


@asynccontextmanager
async def _watching(app: FastAPI) -> AsyncIterator[None]:
    """Watch the event loop while the server runs."""
    watching = asyncio.create_task(app.state.metrics.lag.watch())
    yield
    watching.cancel()


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document without a running service."""
    return _routed().openapi()


def _routed(*middleware: Middleware) -> Application:
    app = Application(
        title="verify-service",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: f"{route.tags[0]}_{route.name}",
        middleware=list(middleware),
        lifespan=_watching,
        exception_handlers={VerifyError: _refused, HTTPException: _refused, RequestValidationError: _refused},
    )
    for router in ROUTERS:
        app.include_router(router)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    return problem(error, request_id=request.state.request_id)
