"""The states of a verification as they come (server-sent events), until the last one.

The store is looked at twice a second, so it does not matter which process does the work. A stream ends after five minutes;
whoever comes back with Last-Event-ID misses nothing, and is told 204 when there is nothing more to come.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from verify_service.api.auth import ReadsReports
from verify_service.api.describe import EVENTS, LAST_EVENT_ID, event_stream, problems
from verify_service.api.headers import accepted
from verify_service.api.refusals import InvalidHeader, TooManyStreams
from verify_service.api.state import known_form, services_of
from verify_service.api.wire import StateEvent
from verify_service.storage.progress import StateChange
from verify_service.storage.store import Store

router = APIRouter(tags=["verifications"])
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(slots=True)
class Streams:
    """The open streams of this process, and their pace."""

    leaving: asyncio.Event
    most: int = 200
    look_seconds: float = 0.5
    heartbeat_seconds: float = 15.0
    longest_seconds: float = 300.0
    open: int = 0


@router.get(
    "/v1/verifications/{verification_id}/events",
    summary="Follow a verification",
    response_class=StreamingResponse,
    openapi_extra={"parameters": [LAST_EVENT_ID]},
    responses={
        200: event_stream("Each state with its number as `id`. The stream ends with the last state, or after five minutes: come back."),
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
    if streams.open >= streams.most:
        raise TooManyStreams
    return StreamingResponse(_stream(request, streams, follower), media_type=EVENTS, headers={"X-Accel-Buffering": "no"})


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


async def _stream(request: Request, streams: Streams, follower: _Follower) -> AsyncIterator[bytes]:
    streams.open += 1
    try:
        async for chunk in _told(request, streams, follower):
            yield chunk
    finally:
        streams.open -= 1


async def _told(request: Request, streams: Streams, follower: _Follower) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    ends_at, heartbeat_at = loop.time() + streams.longest_seconds, loop.time() + streams.heartbeat_seconds
    yield b"retry: 1000\n\n"
    while loop.time() < ends_at and not streams.leaving.is_set() and not await request.is_disconnected():
        changes, is_over = await follower.news()
        for change in changes:
            follower.told = change.number
            yield _event(follower.verification_id, change)
        if is_over:
            return
        if loop.time() >= heartbeat_at:
            heartbeat_at = loop.time() + streams.heartbeat_seconds
            yield b": still going on\n\n"
        await _pause(streams.leaving, streams.look_seconds)


async def _pause(leaving: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(leaving.wait(), seconds)
    except TimeoutError:
        return


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
