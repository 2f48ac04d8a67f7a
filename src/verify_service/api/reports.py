"""Reports: read one, see its versions, verify one that somebody brings."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from verify_service.api.auth import ReadsReports, ReadsViews
from verify_service.api.body import content_type, read_body
from verify_service.api.describe import JOSE, JSON, json_answer, jws_answer, problems, signed_body
from verify_service.api.headers import accepted
from verify_service.api.state import known_form, services_of
from verify_service.api.verdict import successor, verdict
from verify_service.api.views import PARAMETER, signed_view, wanted_view
from verify_service.api.wire import ReportState, SignedReport, Version, Versions
from verify_service.bodies import read_strictly
from verify_service.services import Services
from verify_service.storage.records import Client, ReportRow
from verify_service.verification.answer import payload_of

router = APIRouter(tags=["reports"])


@router.get(
    "/v1/reports/{report_id}",
    summary="Read a report, or a view of it",
    openapi_extra={"parameters": [PARAMETER]},
    responses={
        200: jws_answer(
            "ReportOrView", "JSON: what was signed, the signature, whether it still stands. JOSE: the compact JWS alone.", "ETag", "Link"
        ),
        **problems("unauthenticated", "insufficient-scope", "not-permitted", "not-found", "not-acceptable", "invalid-request"),
    },
)
async def read(request: Request, report_id: str, client: ReadsViews) -> Response:
    """Give one version, as it was signed, or a view of it. The read is in the audit log before the data leave."""
    form, view = accepted(request, JSON, JOSE), wanted_view(request, client)
    services = services_of(request)
    row = await services.report(client, known_form(report_id))
    name, jws, digest = b"report", row.jws, row.digest
    if view is not None:
        signed = await signed_view(services, client, row, view)
        name, jws, digest = b"view", signed.jws, signed.digest
    state = await _state(services, client, row)
    headers = {"ETag": f'"{digest}"', "Vary": "Accept"}
    if state.replaced_by is not None:
        headers["Link"] = f'</v1/reports/{state.replaced_by}>; rel="successor-version"'
    return Response(jws if form == JOSE else _readable(name, jws, state), 200, headers, form)


@router.get(
    "/v1/reports/{report_id}/versions",
    summary="See the versions of a report",
    responses={200: json_answer("Versions"), **problems("unauthenticated", "insufficient-scope", "not-found", "not-acceptable")},
)
async def versions(request: Request, report_id: str, client: ReadsReports) -> Response:
    """List every version of the report's verification, without content."""
    accepted(request, JSON)
    rows = await services_of(request).versions(client, known_form(report_id))
    return Response(Versions(versions=[Version.of(row) for row in rows]).model_dump_json(), media_type=JSON)


@router.post(
    "/v1/reports/verify",
    summary="Verify a signed report",
    openapi_extra={"requestBody": signed_body()},
    responses={
        200: json_answer("Verdict", "A forged report is an answer, not an error: `valid` is false and `reason` says why."),
        **problems(
            *("invalid-json", "unauthenticated", "insufficient-scope", "not-acceptable", "request-timeout", "body-too-large"),
            *("unsupported-media-type", "invalid-request"),
        ),
    },
)
async def verify(request: Request, client: ReadsReports) -> Response:
    """Say whether the signature is one of ours and, if the report is of this tenant, whether it still stands."""
    accepted(request, JSON)
    form = content_type(request, JOSE, JSON)
    services = services_of(request)
    body = await read_body(request, limit=services.limits.max_body_bytes)
    jws = body.decode("ascii", "replace").strip() if form == JOSE else read_strictly(SignedReport, body).jws
    return Response((await verdict(services, client, jws)).model_dump_json(), media_type=JSON)


async def _state(services: Services, client: Client, row: ReportRow) -> ReportState:
    replaced_by = None if row.is_current else successor(await services.versions(client, row.id), row.id)
    return ReportState(is_current=row.is_current, replaced_by=replaced_by)


def _readable(name: bytes, jws: bytes, state: ReportState) -> bytes:
    return b"".join((b'{"', name, b'":', payload_of(jws), b',"jws":"', jws, b'","state":', state.model_dump_json().encode(), b"}"))
