"""Verifications: ask for one, and see where it stands."""

import asyncio
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from verify_service.api.auth import ReadsReports, Verifies
from verify_service.api.body import read_body, require_json
from verify_service.api.describe import DEADLINE, IDEMPOTENCY_KEY, JSON, PREFER, json_answer, json_body, problems
from verify_service.api.headers import Preference, accepted, deadline_seconds, idempotency_key, preference
from verify_service.api.state import known_form, services_of
from verify_service.domain.request_number import PATTERN, request_number_holds
from verify_service.services import Finished, Services
from verify_service.storage.records import Client, Replay, VerificationState
from verify_service.verification.answer import answer_bytes, payload_of

router = APIRouter(tags=["verifications"])
_UNFINISHED = {VerificationState.ACCEPTED, VerificationState.RUNNING}
_LOOK_AGAIN_SECONDS = "1"


def _whole(number: str) -> str:
    """Refuse a number whose check character does not hold; the number is not repeated."""
    if not request_number_holds(number):
        raise PydanticCustomError("iso_7064", "the check character does not hold")
    return number


RequestNo = Annotated[str, Query(pattern=PATTERN, description="核对编号 as on the report"), AfterValidator(_whole)]


@router.post(
    "/v1/verifications",
    summary="Verify a household",
    openapi_extra={"parameters": [IDEMPOTENCY_KEY, PREFER, DEADLINE], "requestBody": json_body("VerificationRequest", example="household")},
    responses={
        200: json_answer("FinishedVerification", "The report is issued. `jws` signs exactly the bytes of `report`."),
        202: json_answer("VerificationAnswer", "Accepted and durable; the work goes on. Look at Location.", "Location", "Retry-After"),
        **problems(
            *("invalid-json", "invalid-header", "unauthenticated", "insufficient-scope", "not-permitted", "no-consent", "not-acceptable"),
            *("request-timeout", "still-running", "body-too-large", "unsupported-media-type", "invalid-request", "idempotency-mismatch"),
        ),
    },
)
async def verify(request: Request, client: Verifies) -> Response:
    """Ask every permitted source about every member, and answer with one signed report."""
    services = services_of(request)
    accepted(request, JSON)
    require_json(request)
    key, preferred = idempotency_key(request), preference(request, services.limits)
    deadline = deadline_seconds(request, services.limits)
    body = await read_body(request, limit=services.limits.max_body_bytes)
    admitted = services.admit(client, body)
    job = await services.accept(client, admitted, body, idempotency_key=key)
    if isinstance(job, Replay):
        return await _again(services, client, job)
    task = services.spawn(job, deadline_seconds=deadline)
    await asyncio.wait({task}, timeout=deadline if preferred.wait_seconds is None else preferred.wait_seconds)
    return (
        _issued(task.result(), preferred)
        if task.done() and not task.cancelled()
        else await _going_on(services, client, job.verification_id, preferred)
    )


@router.get(
    "/v1/verifications",
    summary="Find a verification by its request number",
    responses={
        200: json_answer("VerificationAnswer", "It stands so now."),
        **problems("unauthenticated", "insufficient-scope", "not-found", "not-acceptable", "invalid-request"),
    },
)
async def find(request: Request, client: ReadsReports, *, request_no: RequestNo) -> Response:
    """Tell which verification bears the 核对编号 that stands on a report; what is mistyped is refused, not sought."""
    accepted(request, JSON)
    view = await services_of(request).numbered(client, request_no)
    return Response(orjson.dumps({"verification": view.verification}), media_type=JSON)


@router.get(
    "/v1/verifications/{verification_id}",
    summary="See where a verification stands",
    responses={
        200: json_answer("VerificationAnswer", "Retry-After is given while it is not finished.", "Retry-After"),
        **problems("unauthenticated", "insufficient-scope", "not-found", "not-acceptable"),
    },
)
async def see(request: Request, verification_id: str, client: ReadsReports) -> Response:
    """Tell state, times and the id of the current report version; no data of the household."""
    accepted(request, JSON)
    view = await services_of(request).view(client, known_form(verification_id))
    headers = {"Retry-After": _LOOK_AGAIN_SECONDS} if view.verification["state"] in _UNFINISHED else {}
    return Response(orjson.dumps({"verification": view.verification}), 200, headers, JSON)


def _issued(finished: Finished, preferred: Preference) -> Response:
    body = answer_bytes(orjson.dumps(finished.verification), finished.payload, finished.jws.encode("ascii"))
    return Response(body, 200, _applied(preferred), JSON)


async def _going_on(services: Services, client: Client, verification_id: str, preferred: Preference) -> Response:
    view = await services.view(client, verification_id)
    headers = {"Location": f"/v1/verifications/{verification_id}", "Retry-After": _LOOK_AGAIN_SECONDS, **_applied(preferred)}
    return Response(orjson.dumps({"verification": view.verification}), 202, headers, JSON)


async def _again(services: Services, client: Client, replay: Replay) -> Response:
    """Give the bytes of the first answer again: the stored verification, and the report version that it names."""
    report_id = orjson.loads(replay.body)["report_id"]
    if report_id is None:  # it was cancelled before there was a report
        return Response(b'{"verification":' + replay.body + b"}", replay.status, dict(replay.headers), JSON)
    row = await services.report(client, report_id)
    return Response(answer_bytes(replay.body, payload_of(row.jws), row.jws), replay.status, dict(replay.headers), JSON)


def _applied(preferred: Preference) -> dict[str, str]:
    return {"Preference-Applied": preferred.applied} if preferred.applied else {}
