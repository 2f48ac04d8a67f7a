"""What officers do to an issued report. Each act makes a new signed version; the one before stays as it was signed."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from verify_service.amending import acts
from verify_service.amending.cancelling import cancel as cancel_
from verify_service.amending.cancelling import revoke as revoke_
from verify_service.amending.objecting import object_to
from verify_service.api.auth import AmendsReports, Verifies
from verify_service.api.body import read_body, require_json
from verify_service.api.describe import IDEMPOTENCY_KEY, JSON, Responses, json_answer, json_body, problems
from verify_service.api.headers import accepted, idempotency_key
from verify_service.api.state import known_form, services_of
from verify_service.bodies import read_strictly
from verify_service.domain.amendment import ActRequest, CorrectionRequest, ObjectionRequest, ResolutionRequest, RevocationRequest
from verify_service.services import Finished, VerificationView
from verify_service.storage.records import Client, Key, Replay
from verify_service.verification.answer import answer_bytes, payload_of

router = APIRouter()
M = TypeVar("M", bound=BaseModel)
_MADE: Responses = {
    201: json_answer("FinishedVerification", "The new version, which replaces the one named.", "Location"),
    **problems(
        *("invalid-json", "invalid-header", "unauthenticated", "insufficient-scope", "not-found", "not-acceptable", "request-timeout"),
        *("still-running", "superseded", "wrong-state", "body-too-large", "unsupported-media-type", "invalid-request"),
        *("idempotency-mismatch",),
    ),
}
_ASKING: Responses = _MADE | problems("unauthenticated", "insufficient-scope", "not-permitted", "no-consent")


def _taking(name: str, *, example: str) -> dict[str, Any]:
    return {"parameters": [IDEMPOTENCY_KEY], "requestBody": json_body(name, example=example)}


@router.post(
    "/v1/reports/{report_id}/findings/{finding}/resolution",
    summary="Say what became of a finding",
    status_code=201,
    tags=["reports"],
    openapi_extra=_taking("ResolutionRequest", example="resolution"),
    responses=_MADE,
)
async def resolve(request: Request, report_id: str, finding: str, client: AmendsReports) -> Response:
    """Mark a finding as explained, confirmed, withdrawn or open again; later versions carry it as long as the finding stands."""

    async def act(asked: ResolutionRequest, key: Key | None) -> Finished:
        return await acts.resolve(services_of(request), client, known_form(report_id), finding, asked, key=key)

    return await _amended(request, client, ResolutionRequest, act)


@router.post(
    "/v1/reports/{report_id}/objections",
    summary="Object to what a register said (异议)",
    status_code=201,
    tags=["reports"],
    openapi_extra=_taking("ObjectionRequest", example="objection"),
    responses=_ASKING,
)
async def object_(request: Request, report_id: str, client: AmendsReports) -> Response:
    """Ask the disputed cells again, and no others, within the objection window that the report names."""

    async def act(asked: ObjectionRequest, key: Key | None) -> Finished:
        return await object_to(services_of(request), client, known_form(report_id), asked, key=key)

    return await _amended(request, client, ObjectionRequest, act)


@router.post(
    "/v1/reports/{report_id}/corrections",
    summary="Correct declared facts",
    status_code=201,
    tags=["reports"],
    openapi_extra=_taking("CorrectionRequest", example="correction"),
    responses=_MADE,
)
async def correct(request: Request, report_id: str, client: AmendsReports) -> Response:
    """Compare again with what should have been declared; no register is asked."""

    async def act(asked: CorrectionRequest, key: Key | None) -> Finished:
        return await acts.correct(services_of(request), client, known_form(report_id), asked, key=key)

    return await _amended(request, client, CorrectionRequest, act)


@router.post(
    "/v1/reports/{report_id}/close-gaps",
    summary="Close the gaps of a partial report",
    status_code=201,
    tags=["reports"],
    openapi_extra=_taking("ActRequest", example="gap_closure"),
    responses=_MADE,
)
async def close_gaps(request: Request, report_id: str, client: AmendsReports) -> Response:
    """Make the report `final_with_gaps`: every open gap is listed with the officer who closed it. A late answer still makes a version."""

    async def act(asked: ActRequest, key: Key | None) -> Finished:
        return await acts.close_gaps(services_of(request), client, known_form(report_id), asked, key=key)

    return await _amended(request, client, ActRequest, act)


@router.post(
    "/v1/reports/{report_id}/withdraw",
    summary="Withdraw a report",
    status_code=201,
    tags=["reports"],
    openapi_extra=_taking("ActRequest", example="withdrawal"),
    responses=_MADE,
)
async def withdraw(request: Request, report_id: str, client: AmendsReports) -> Response:
    """Issue a last version that says it must not be used. Nothing is waited for any more; every former version stays readable."""

    async def act(asked: ActRequest, key: Key | None) -> Finished:
        return await acts.withdraw(services_of(request), client, known_form(report_id), asked, key=key)

    return await _amended(request, client, ActRequest, act)


@router.post(
    "/v1/verifications/{verification_id}/cancel",
    summary="Stop asking",
    tags=["verifications"],
    openapi_extra=_taking("ActRequest", example="cancellation"),
    responses={200: json_answer("VerificationAnswer", "It ended without a report."), **_MADE},
)
async def cancel(request: Request, verification_id: str, client: Verifies) -> Response:
    """After the answer no question leaves. What still waited becomes `not_asked.cancelled` in a new version."""

    async def act(asked: ActRequest, key: Key | None) -> Finished | VerificationView:
        return await cancel_(services_of(request), client, known_form(verification_id), asked, key=key)

    return await _amended(request, client, ActRequest, act)


@router.post(
    "/v1/verifications/{verification_id}/consents/revoke",
    summary="Take consents back",
    status_code=201,
    tags=["verifications"],
    openapi_extra=_taking("RevocationRequest", example="revocation"),
    responses=_MADE,
)
async def revoke(request: Request, verification_id: str, client: Verifies) -> Response:
    """Ask nothing more under these consents; what still waited under them becomes `refused.no_consent` in a new version."""

    async def act(asked: RevocationRequest, key: Key | None) -> Finished:
        return await revoke_(services_of(request), client, known_form(verification_id), asked, key=key)

    return await _amended(request, client, RevocationRequest, act)


async def _amended(
    request: Request, client: Client, model: type[M], act: Callable[[M, Key | None], Awaitable[Finished | VerificationView]]
) -> Response:
    """Read the body, act once, and answer with the version that was made; the same key gives the same bytes again."""
    accepted(request, JSON)
    require_json(request)
    services = services_of(request)
    given = idempotency_key(request)
    body = await read_body(request, limit=services.limits.max_body_bytes)
    key = None if given is None else _key(request, given, body)
    if key is not None and (kept := await services.store.replay(tenant=client.tenant, key=key)) is not None:
        row = await services.report(client, orjson.loads(kept.body)["report_id"])
        return _answer(kept, payload_of(row.jws), row.jws)
    made = await act(read_strictly(model, body), key)
    if isinstance(made, VerificationView):
        return Response(orjson.dumps({"verification": made.verification}), media_type=JSON)
    return _answer(Replay(201, {}, orjson.dumps(made.verification)), made.payload, made.jws.encode("ascii"))


def _key(request: Request, given: str, body: bytes) -> Key:
    """Return the key; what it stands for is the whole request, the path with its ids included."""
    digest = hashlib.sha256(request.url.path.encode() + b"\n" + body).hexdigest()
    return Key("POST", request.scope["route"].path, given, digest)


def _answer(made: Replay, payload: bytes, jws: bytes) -> Response:
    headers = {"Location": f"/v1/reports/{orjson.loads(made.body)['report_id']}"}
    return Response(answer_bytes(made.body, payload, jws), made.status, headers, JSON)
