"""Policies: which rules are in force where and when."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from verify_service.api.auth import ReadsReports
from verify_service.api.describe import JSON, json_answer, problems
from verify_service.api.headers import accepted
from verify_service.api.state import services_of
from verify_service.api.wire import Wire
from verify_service.domain.policy import Policies, Rules, Version, forebears
from verify_service.errors import InvalidInput

router = APIRouter(tags=["policies"])
_REGION = re.compile(r"[0-9]{6}", re.ASCII)
_PROGRAMME = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)


class PolicyView(Wire):
    """The rules of one area in one dated version. `rules` are told, whole, when one region is asked for."""

    pack: str
    pack_name: str
    version: str
    in_force_from: date
    in_force_to: date | None
    region: str
    region_name: str
    inherits_from: tuple[str, ...] = Field(description="the areas whose rules this one changes, the nearest last")
    programmes: dict[str, tuple[str, ...]] = Field(description="programme -> purposes")
    rules_digest: str = Field(description="the SHA-256 that a report made by these rules carries")
    rules: Rules | None


class PoliciesView(Wire):
    """Every set of rules that fits what was asked, by region and date."""

    policies: list[PolicyView]


def _query(name: str, description: str, example: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": {"type": "string"}, "example": example}


_PARAMETERS = [
    _query("region", "GB/T 2260 code; its rules are then told whole", "990101"),
    _query("programme", "a programme's code, or a purpose (01 to 12)", "01"),
    _query("on", "a day: only what is in force then", "2026-11-20"),
]


@router.get(
    "/v1/policies",
    summary="See which rules are in force",
    openapi_extra={"parameters": _PARAMETERS},
    responses={200: json_answer("PoliciesView"), **problems("unauthenticated", "insufficient-scope", "not-acceptable", "invalid-request")},
)
async def every(request: Request, _client: ReadsReports) -> Response:
    """Tell which rules hold in which region from when to when, with their standards, lines, deductions and clauses."""
    accepted(request, JSON)
    wanted = _wanted(request.query_params)
    found = PoliciesView(policies=list(_views(services_of(request).policies, **wanted)))
    return Response(found.model_dump_json(), media_type=JSON)


def _wanted(given: Mapping[str, str]) -> dict[str, Any]:
    """Read the filters. Raises InvalidInput with the parameter's name as its place; the value is not repeated."""
    for name in given:
        if name not in {"region", "programme", "on"}:
            raise InvalidInput.at(f"/{name[:40]}", "unknown_parameter", "region, programme or on")
    region, programme = given.get("region"), given.get("programme")
    if region is not None and not _REGION.fullmatch(region):
        raise InvalidInput.at("/region", "region", "six digits (GB/T 2260)")
    if programme is not None and not _PROGRAMME.fullmatch(programme):
        raise InvalidInput.at("/programme", "programme", "a programme's code or a purpose")
    try:
        on = date.fromisoformat(given["on"]) if "on" in given else None
    except ValueError:
        raise InvalidInput.at("/on", "date", "a day, YYYY-MM-DD") from None
    return {"region": region, "programme": programme, "on": on}


def _views(policies: Policies, region: str | None, programme: str | None, on: date | None) -> Iterator[PolicyView]:
    for area in sorted(policies.regions) if region is None else [region]:
        for version in policies.versions:
            if area in version.areas and (on is None or version.in_force(on)):
                view = _view(version, area, whole=region is not None)
                if programme is None or any(programme == code or programme in of for code, of in view.programmes.items()):
                    yield view


def _view(version: Version, area: str, *, whole: bool) -> PolicyView:
    rules = version.areas[area]
    return PolicyView(
        pack=version.pack,
        pack_name=version.pack_name_zh,
        version=version.version,
        in_force_from=version.in_force_from,
        in_force_to=version.in_force_to,
        region=area,
        region_name=rules.name_zh,
        inherits_from=tuple(a for a in forebears(area) if a in version.areas and a != area),
        programmes={code: tuple(p.value for p in programme.purposes) for code, programme in rules.programmes.items()},
        rules_digest=version.digests[area],
        rules=rules if whole else None,
    )
