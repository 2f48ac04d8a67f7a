"""Sources: which registers there are, on what legal basis they may be asked, how they do, and holding one back."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from verify_service.api.auth import OperatesSources, ReadsSources
from verify_service.api.body import read_body, require_json
from verify_service.api.describe import JSON, Responses, json_answer, json_body, problems
from verify_service.api.headers import accepted
from verify_service.api.source_view import Reason, Sources, SourceView, source_view
from verify_service.api.state import services_of
from verify_service.bodies import read_strictly
from verify_service.errors import NotFound
from verify_service.services import Services
from verify_service.storage.audit import Act
from verify_service.storage.records import Client
from verify_service.verification.fanout import Channel
from verify_service.verification.plan import local_day

router = APIRouter(tags=["sources"])
_ACTING: dict[str, Any] = {"requestBody": json_body("Reason", example="isolation")}
_ACTED: Responses = {
    200: json_answer("SourceView"),
    **problems(
        *("invalid-json", "unauthenticated", "insufficient-scope", "not-found", "not-acceptable", "request-timeout"),
        *("body-too-large", "unsupported-media-type", "invalid-request"),
    ),
}


@router.get(
    "/v1/sources",
    summary="List the sources",
    responses={200: json_answer("Sources"), **problems("unauthenticated", "insufficient-scope", "not-acceptable")},
)
async def every(request: Request, _client: ReadsSources) -> Response:
    """Tell of every source its facts, as its source.toml states them, whether it is connected, and how it does."""
    accepted(request, JSON)
    services = services_of(request)
    views = [_view(services, source_id) for source_id in services.verifier.sources]
    return Response(Sources(sources=views).model_dump_json(), media_type=JSON)


@router.get(
    "/v1/sources/{source_id}",
    summary="See one source",
    responses={200: json_answer("SourceView"), **problems("unauthenticated", "insufficient-scope", "not-found", "not-acceptable")},
)
async def one(request: Request, source_id: str, _client: ReadsSources) -> Response:
    """Tell the facts of one source and how it does. Breaker, places and what was seen are those of the process that answers."""
    return _told(request, source_id)


@router.post("/v1/sources/{source_id}/isolate", summary="Hold a source back", openapi_extra=_ACTING, responses=_ACTED)
async def isolate(request: Request, source_id: str, client: OperatesSources) -> Response:
    """Send nothing to the source, in any process, until it is released. Its cells become `unavailable.breaker_open`."""
    channel, reason = _connected(request, source_id), await _reason(request)
    await _recorded(request, client, "source.isolated", source_id, reason)
    await channel.runtime.policy.isolate(reason)
    return _told(request, source_id)


@router.post("/v1/sources/{source_id}/release", summary="Let a source be asked again", openapi_extra=_ACTING, responses=_ACTED)
async def release(request: Request, source_id: str, client: OperatesSources) -> Response:
    """End the isolation in every process; the breaker goes on from where it was."""
    channel, reason = _connected(request, source_id), await _reason(request)
    await _recorded(request, client, "source.released", source_id, reason)
    await channel.runtime.policy.release()
    return _told(request, source_id)


def _told(request: Request, source_id: str) -> Response:
    accepted(request, JSON)
    return Response(_view(services_of(request), source_id).model_dump_json(), media_type=JSON)


def _view(services: Services, source_id: str) -> SourceView:
    source, channel = services.verifier.sources.get(source_id), services.channels.get(source_id)
    if source is None:
        raise NotFound
    return source_view(source, None if channel is None else channel.runtime, today=local_day(services.clock()))


def _connected(request: Request, source_id: str) -> Channel:
    accepted(request, JSON)
    channel = services_of(request).channels.get(source_id)
    if channel is None:
        raise NotFound
    return channel


async def _reason(request: Request) -> str:
    require_json(request)
    body = await read_body(request, limit=services_of(request).limits.max_body_bytes)
    return read_strictly(Reason, body).reason


async def _recorded(request: Request, client: Client, action: str, source_id: str, reason: str) -> None:
    """Write who does what and why before it is done, so that nothing is done that is not written."""
    services = services_of(request)
    await services.store.record_act(Act(client.tenant, services.clock(), client.id, action, source_id, {"reason": reason}))
