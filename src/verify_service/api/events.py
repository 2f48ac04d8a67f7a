"""The states of a verification as they come (server-sent events), until the last one.

Whoever comes back with Last-Event-ID misses nothing, and is told 204 when there is nothing more to come.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from verify_service.api.auth import ReadsReports
from verify_service.api.describe import EVENTS, LAST_EVENT_ID, event_stream, problems
from verify_service.api.examples import STATE_EVENTS
from verify_service.api.headers import accepted
from verify_service.api.refusals import InvalidHeader
from verify_service.api.state import known_form, services_of
from verify_service.api.streams import Streams
from verify_service.api.wire import StateEvent
from verify_service.storage.progress import StateChange
from verify_service.storage.store import Store

router = APIRouter(tags=["verifications"])
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


@router.get(
    "/v1/verifications/{verification_id}/events",
    summary="Follow a verification",
    response_class=StreamingResponse,
    openapi_extra={"parameters": [LAST_EVENT_ID]},
    responses={
        200: event_stream(
            "StateEvent",
            "Each state with its number as `id`. The stream ends with the last state, or after five minutes: come back.",
            example=STATE_EVENTS,
        ),
        204: {"description": "The state in Last-Event-ID was the last one; there is nothing more to follow."},
        **problems("invalid-header", "unauthenticated", "insufficient-scope", "not-found", "not-acceptable", "too-many-streams"),
    },
)
async def follow(request: Request, verification_id: str, client: ReadsReports) -> Response:
    """Tell every state of a verification, those that were and those that come. No data of the household."""
    accepted(request, EVENTS)
    streams: Streams = request.app.state.streams
    known = _last_event_id(request)
    follower = _Follower(services_of(request).store, client.tenant, known_form(verification_id), known)
    changes, is_over = await follower.news()
    if is_over and not changes and known >= 0:
        return Response(status_code=204)
    return streams.answer(request, client.id, follower.tell, look_seconds=streams.look_seconds)


@dataclass(slots=True)
class _Follower:
    """Looks at one verification; `told` is the number of the last state that was told."""

    store: Store
    tenant: str
    verification_id: str
    told: int

    async def news(self) -> tuple[list[StateChange], bool]:
        """Return the states that were not told yet, and whether the last of all is among them or before. Raises NotFound."""
        progress = await self.store.progress(tenant=self.tenant, verification_id=self.verification_id)
        return [change for change in progress.changes if change.number > self.told], progress.is_over

    async def tell(self) -> tuple[Sequence[bytes], bool]:
        """Return the states that were not told yet as events, and whether they are the last. Raises NotFound."""
        changes, is_over = await self.news()
        self.told = max([self.told, *(change.number for change in changes)])
        return [_event(self.verification_id, change) for change in changes], is_over


def _event(verification_id: str, change: StateChange) -> bytes:
    told = StateEvent(verification_id=verification_id, state=change.state, at=change.at, report_id=change.report_id)
    return f"id: {change.number}\nevent: state\ndata: {told.model_dump_json()}\n\n".encode()


def _last_event_id(request: Request) -> int:
    """Return the number of the state that the caller knows already; -1 for none. Raises InvalidHeader."""
    given = request.headers.getlist("last-event-id")
    if not given:
        return -1
    if len(given) > 1 or not _NUMBER.fullmatch(given[0]):
        raise InvalidHeader("Last-Event-ID", "number", "once, the id of an event of this stream")
    return int(given[0])
