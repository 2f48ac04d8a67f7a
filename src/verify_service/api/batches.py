"""Batches: hand in many households as one file, see how far they are, pause, resume, cancel, retry."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime
from starlette.responses import Response, StreamingResponse

from verify_service.api.auth import ReadsReports, Verifies
from verify_service.api.batch_wire import Batch, BatchAnswer, BatchTrial
from verify_service.api.describe import EVENTS, IDEMPOTENCY_KEY, JSON, event_stream, file_answer, file_body, json_answer, problems
from verify_service.api.headers import accepted, idempotency_key
from verify_service.api.refusals import BodyTooSlow, TooManyBatches, UnsupportedMediaType
from verify_service.api.state import known_form, services_of
from verify_service.api.streams import Streams
from verify_service.bulk.forms import BY_MEDIA_TYPE, MEDIA_TYPES, READERS, template
from verify_service.bulk.intake import ROUTE, Intake, take_in, try_out
from verify_service.bulk.progress import progress_of
from verify_service.errors import NotFound
from verify_service.services import Services
from verify_service.storage.batch_records import FileForm, NewBatch
from verify_service.storage.records import Client

router = APIRouter(tags=["batches"])
_IDLE_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = "5"
_READ = ("unauthenticated", "insufficient-scope", "not-found", "not-acceptable")


@router.post(
    ROUTE,
    summary="Hand in a batch of households",
    openapi_extra={"parameters": [IDEMPOTENCY_KEY], "requestBody": file_body(MEDIA_TYPES)},
    responses={
        200: json_answer("BatchTrial", "Only tried out (`validate_only`): what would become of the file. Nothing was kept."),
        202: json_answer("BatchReceipt", "Accepted: the whole file is durable, counted and digested. Look at Location.", "Location"),
        **problems(
            *("bad-request", "invalid-header", "unauthenticated", "insufficient-scope", "not-acceptable", "request-timeout"),
            *(
                "body-too-large",
                "unsupported-media-type",
                "extra-not-installed",
                "invalid-request",
                "idempotency-mismatch",
                "too-many-batches",
            ),
        ),
    },
)
async def submit(
    request: Request,
    client: Verifies,
    *,
    validate_only: Annotated[bool, Query(description="try the file out and keep nothing")] = False,
    deadline: Annotated[AwareDatetime | None, Query(description="nothing is begun after this instant")] = None,
) -> Response:
    """Read the file while it comes in; tell bad rows by place and rule, and go on with the good ones."""
    accepted(request, JSON)
    services, form = services_of(request), _form(request)
    key = idempotency_key(request)
    await _expect_room(services, client)
    now = services.clock()
    batch = NewBatch(services.new_id(), client.tenant, client.id, form, now, deadline)
    intake = Intake(services, client, READERS[form](), batch, now)
    if validate_only:
        return Response(BatchTrial.of(await try_out(intake, _stream(request))).model_dump_json(), media_type=JSON)
    receipt = await take_in(intake, _stream(request), key)
    return Response(receipt.body, receipt.status, dict(receipt.headers), JSON)


@router.get(
    f"{ROUTE}/templates/{{form}}",
    summary="Download a template",
    response_class=StreamingResponse,
    responses={
        200: file_answer(MEDIA_TYPES, "A file with one invented household, accepted as it stands."),
        **problems(*_READ, "extra-not-installed"),
    },
)
async def download_template(form: str, _client: Verifies) -> Response:
    """Give a file with the columns and one household that nobody is."""
    known = next((name for name in MEDIA_TYPES if name == form), None)
    if known is None:
        raise NotFound
    headers = {"Content-Disposition": f'attachment; filename="batch.{known}"'}
    return Response(template(known), headers=headers, media_type=MEDIA_TYPES[known])


@router.get(
    f"{ROUTE}/{{batch_id}}",
    summary="See how far a batch is",
    responses={200: json_answer("BatchAnswer", "Retry-After is given until it is over.", "Retry-After"), **problems(*_READ)},
)
async def see(request: Request, batch_id: str, client: ReadsReports) -> Response:
    """Tell states, counts, outcomes by source, rate, and when it will end; nothing of a household."""
    accepted(request, JSON)
    return await _answer(services_of(request), client, known_form(batch_id))


@router.get(
    f"{ROUTE}/{{batch_id}}/events",
    summary="Watch a batch",
    response_class=StreamingResponse,
    responses={
        200: event_stream("Batch", "`progress` whenever it changed, until the batch is over, or for five minutes: come back."),
        **problems("unauthenticated", "insufficient-scope", "not-found", "not-acceptable", "too-many-streams"),
    },
)
async def watch(request: Request, batch_id: str, client: ReadsReports) -> Response:
    """Send how far the batch is whenever that changed."""
    accepted(request, EVENTS)
    services, known = services_of(request), known_form(batch_id)
    await services.store.batches.batch(tenant=client.tenant, batch_id=known)
    streams: Streams = request.app.state.streams
    watcher = _Watcher(services, client.tenant, known)
    return streams.answer(request, client.id, watcher.tell, look_seconds=streams.batch_look_seconds)


@dataclass(slots=True)
class _Watcher:
    """Looks at one batch; `told` is what was said last."""

    services: Services
    tenant: str
    batch_id: str
    told: str = ""

    async def tell(self) -> tuple[Sequence[bytes], bool]:
        """Return how far the batch is, if that is new, and whether it is over. Raises NotFound."""
        store, now = self.services.store.batches, self.services.clock()
        progress = await progress_of(store, tenant=self.tenant, batch_id=self.batch_id, now=now)
        before, self.told = self.told, Batch.of(progress).model_dump_json()
        return [] if self.told == before else [f"event: progress\ndata: {self.told}\n\n".encode()], progress.is_over


def _control(act: str, summary: str, does: str) -> None:
    async def control(request: Request, batch_id: str, client: Verifies) -> Response:
        accepted(request, JSON)
        services, known = services_of(request), known_form(batch_id)
        await services.store.batches.move(tenant=client.tenant, batch_id=known, act=act, actor=client.id, now=services.clock())
        return await _answer(services, client, known)

    control.__doc__ = does
    answers = {200: json_answer("BatchAnswer"), **problems(*_READ, "wrong-state")}
    router.post(f"{ROUTE}/{{batch_id}}/{act}", name=act.replace("-", "_"), summary=summary, responses=answers)(control)


_control("pause", "Pause a batch", "Begin no further chunk; those in work are finished.")
_control("resume", "Resume a batch", "Go on with a paused batch.")
_control("cancel", "Cancel a batch", "End it now: no question leaves a second later, what was finished stays.")
_control("retry-failed", "Ask again what failed", "Ask again, in a completed batch, what was unavailable, damaged or too old.")


async def _answer(services: Services, client: Client, batch_id: str) -> Response:
    progress = await progress_of(services.store.batches, tenant=client.tenant, batch_id=batch_id, now=services.clock())
    headers = {} if progress.is_over else {"Retry-After": _LOOK_AGAIN_SECONDS}
    return Response(BatchAnswer(batch=Batch.of(progress)).model_dump_json(), 200, headers, JSON)


def _form(request: Request) -> FileForm:
    """Return the form of the body by its media type. A charset is not believed but found. Raises UnsupportedMediaType."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in BY_MEDIA_TYPE or request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaType
    return BY_MEDIA_TYPE[media]


async def _expect_room(services: Services, client: Client) -> None:
    """Raise TooManyBatches when the client has as many open batches as it may have."""
    open_now = await services.store.batches.open_of(tenant=client.tenant, client_id=client.id)
    if open_now >= services.limits.max_open_batches:
        raise TooManyBatches


async def _stream(request: Request) -> AsyncIterator[bytes]:
    """Yield the body as it comes. Raises BodyTooSlow when nothing comes for a minute."""
    parts = request.stream()
    while True:
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                part = await anext(parts, None)
        except TimeoutError:
            raise BodyTooSlow from None
        if part is None:
            return
        yield part
