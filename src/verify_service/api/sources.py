"""Sources: which registers there are, whose they are, on what legal basis they may be asked."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from verify_service.api.auth import ReadsSources
from verify_service.api.describe import JSON, json_answer, problems
from verify_service.api.headers import accepted
from verify_service.api.state import services_of
from verify_service.api.wire import ConnectedSource, Sources
from verify_service.errors import NotFound
from verify_service.services import Services

router = APIRouter(tags=["sources"])


@router.get(
    "/v1/sources",
    summary="List the sources",
    responses={200: json_answer("Sources"), **problems("unauthenticated", "insufficient-scope", "not-acceptable")},
)
async def every(request: Request, _client: ReadsSources) -> Response:
    """Tell the facts of every source, as its source.toml states them, and whether it is connected."""
    accepted(request, JSON)
    return Response(Sources(sources=list(_facts(services_of(request)).values())).model_dump_json(), media_type=JSON)


@router.get(
    "/v1/sources/{source_id}",
    summary="See one source",
    responses={200: json_answer("ConnectedSource"), **problems("unauthenticated", "insufficient-scope", "not-found", "not-acceptable")},
)
async def one(request: Request, source_id: str, _client: ReadsSources) -> Response:
    """Tell the facts of one source."""
    accepted(request, JSON)
    facts = _facts(services_of(request)).get(source_id)
    if facts is None:
        raise NotFound
    return Response(facts.model_dump_json(), media_type=JSON)


def _facts(services: Services) -> dict[str, ConnectedSource]:
    channels = services.channels
    return {name: ConnectedSource(**dict(source), connected=name in channels) for name, source in services.verifier.sources.items()}
