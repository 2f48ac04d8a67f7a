"""About the service itself: keys, health, readiness, metrics, the OpenAPI document and its page. Open to everybody, on purpose."""

import orjson
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from verify_service import __version__
from verify_service.api.describe import JSON, json_answer
from verify_service.api.metrics import MEDIA_TYPE, Metrics
from verify_service.api.readiness import readiness
from verify_service.api.state import services_of
from verify_service.api.wire import Health

router = APIRouter(tags=["service"])
_KEYS_FRESH_SECONDS = 300
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"


@router.get("/.well-known/jwks.json", summary="The public keys that verify reports", responses={200: json_answer("PublicKeys")})
async def jwks(request: Request) -> Response:
    """Give every key that ever signed. A key once seen stays; look again when a report names another."""
    headers = {"Cache-Control": f"public, max-age={_KEYS_FRESH_SECONDS}"}
    return Response(orjson.dumps(services_of(request).keyring().jwks()), 200, headers, JSON)


@router.get("/healthz", summary="Whether the process answers", responses={200: json_answer("Health")})
async def healthz() -> Response:
    """Say that the process answers; restart it when it does not."""
    return Response(Health(status="ok", version=__version__).model_dump_json(), media_type=JSON)


@router.get(
    "/readyz",
    summary="Whether the service can do its work",
    responses={200: json_answer("Readiness"), 503: json_answer("Readiness", "Do not send work here now.", "Retry-After")},
)
async def readyz(request: Request) -> Response:
    """Look at the store, its schema, the policies and the signing key."""
    state = await readiness(services_of(request))
    headers = {} if state.ready else {"Retry-After": "5"}
    return Response(state.model_dump_json(), 200 if state.ready else 503, headers, JSON)


@router.get("/metrics", summary="Metrics in the Prometheus text format", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Tell what this process has counted: requests, verifications, sources, what waits. Nothing of a person."""
    counted: Metrics = request.app.state.metrics
    return Response(await counted.exposition(), headers={"Content-Type": MEDIA_TYPE})


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """Give the OpenAPI document."""
    return Response(orjson.dumps(request.app.openapi()), media_type=JSON)


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """Give the document as a page that needs nothing from elsewhere."""
    return HTMLResponse(request.app.documentation, headers={"Content-Security-Policy": _PAGE_POLICY})
