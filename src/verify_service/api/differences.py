"""What a version changed, and what other rules would change. Nothing here issues or stores a report."""

import re
from datetime import date
from typing import Annotated

import orjson
from fastapi import APIRouter, Request
from pydantic import Field, StringConstraints
from starlette.responses import Response

from verify_service.api.auth import ReadsReports
from verify_service.api.body import read_body, require_json
from verify_service.api.describe import JSON, json_answer, json_body, problems
from verify_service.api.headers import accepted
from verify_service.api.state import known_form, services_of
from verify_service.api.wire import Wire
from verify_service.bodies import read_strictly
from verify_service.bulk.replay import Replayed, replay
from verify_service.domain.difference import Changes
from verify_service.errors import InvalidInput, NotFound
from verify_service.services import Services
from verify_service.storage.records import Client
from verify_service.verification.answer import payload_of
from verify_service.verification.diff import difference

router = APIRouter()
_NUMBER = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


class ReplayRequest(Wire):
    """Which reports to compose again, and under which rules: those of a day, or of a named policy version."""

    reports: tuple[Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")], ...] = Field(min_length=1, max_length=100)
    rules_of: date | None = Field(default=None, description="the rules in force on this day")
    policy_version: str | None = Field(default=None, min_length=1, max_length=32, description="instead of a day; see GET /v1/policies")


class ReplayedReport(Wire):
    """What the rules of that day would change in one report version."""

    report_id: str
    version: int
    changed: bool = Field(description="apart from which rules were used")
    changes: Changes


class ReplayAnswer(Wire):
    """Every report in the order asked for; nothing was issued."""

    rules_of: date | None
    policy_version: str | None
    reports: list[ReplayedReport]


@router.get(
    "/v1/reports/{report_id}/versions/{number}/diff",
    summary="See what a version changed",
    tags=["reports"],
    responses={
        200: json_answer("Difference", "Against the version that it replaces, with the reason. 404 for version 1, which replaces none."),
        **problems("unauthenticated", "insufficient-scope", "not-found", "not-acceptable"),
    },
)
async def diff(request: Request, report_id: str, number: str, client: ReadsReports) -> Response:
    """Compare a version with the one it replaces. The id may be that of any version; both reads are in the audit log."""
    accepted(request, JSON)
    services = services_of(request)
    versions = {v.version: v for v in await services.versions(client, known_form(report_id))}
    version = versions.get(int(number)) if _NUMBER.fullmatch(number) else None
    if version is None or version.replaces is None:
        raise NotFound
    before, after = await _body(services, client, version.replaces), await _body(services, client, version.id)
    return Response(orjson.dumps(difference(before, after)), media_type=JSON)


@router.post(
    "/v1/policies/replay",
    summary="See what other rules would change",
    tags=["policies"],
    openapi_extra={"requestBody": json_body("ReplayRequest", example="replay")},
    responses={
        200: json_answer("ReplayAnswer", "What would be another; nothing is issued or stored."),
        **problems(
            *("invalid-json", "unauthenticated", "insufficient-scope", "not-acceptable", "request-timeout", "body-too-large"),
            *("unsupported-media-type", "invalid-request"),
        ),
    },
)
async def replay_(request: Request, client: ReadsReports) -> Response:
    """Compose past reports again from their stored answers under the rules of another day or policy version."""
    accepted(request, JSON)
    require_json(request)
    services = services_of(request)
    asked = read_strictly(ReplayRequest, await read_body(request, limit=services.limits.max_body_bytes))
    rules_of = asked.rules_of or asked.policy_version
    if rules_of is None or (asked.rules_of and asked.policy_version):
        raise InvalidInput.at("/rules_of", "one_of", "either rules_of or policy_version")
    replayed = await replay(services, client, asked.reports, rules_of=rules_of)
    told = {"rules_of": asked.rules_of, "policy_version": asked.policy_version, "reports": [_told(one) for one in replayed]}
    return Response(orjson.dumps(told), media_type=JSON)


def _told(one: Replayed) -> dict[str, object]:
    return {"report_id": one.report_id, "version": one.version, "changed": one.changed, "changes": one.changes}


async def _body(services: Services, client: Client, report_id: str) -> dict[str, object]:
    body: dict[str, object] = orjson.loads(payload_of((await services.report(client, report_id)).jws))
    return body
