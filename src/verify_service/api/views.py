"""Views of a report: who may have which, and how it is given. What a view shows is decided in verification.views."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson
from fastapi import Request
from pydantic import TypeAdapter, ValidationError

from verify_service.api.auth import Scope
from verify_service.api.refusals import InsufficientScope
from verify_service.domain.codes import Purpose
from verify_service.domain.view import VIEWS, View
from verify_service.errors import InvalidInput, NotPermitted
from verify_service.services import Services
from verify_service.storage.records import Client, ReportRow
from verify_service.storage.views import SignedView
from verify_service.verification.answer import payload_of
from verify_service.verification.views import view_of

_VIEW: TypeAdapter[View] = TypeAdapter(View)
_FULL = "full"
_OPENS: Mapping[View, Scope] = {"applicant": Scope.REPORT_READ_APPLICANT, "minimum": Scope.REPORT_READ_MINIMUM}
PARAMETER: dict[str, Any] = {
    "name": "view",
    "in": "query",
    "required": False,
    "description": "Which view: `full` (scope `report:read`), `applicant` (others' names and numbers masked), `minimum` (only on which "
    "side of each line). A view is signed in its own right and names the report by id and digest. The policy says which may be given.",
    "schema": {"type": "string", "enum": [_FULL, *sorted(VIEWS)], "default": _FULL},
}


def wanted_view(request: Request, client: Client) -> View | None:
    """Return which view is asked for, None for the whole report. Raises InvalidInput, InsufficientScope."""
    given = request.query_params.getlist("view") or [_FULL]
    if given == [_FULL]:
        if Scope.REPORT_READ not in client.scopes:
            raise InsufficientScope(Scope.REPORT_READ)
        return None
    try:
        (view,) = map(_VIEW.validate_python, given)
    except (ValidationError, ValueError):
        raise InvalidInput.at("/view", "known_view", "once: full, applicant or minimum, in the query") from None
    if {Scope.REPORT_READ, _OPENS[view]}.isdisjoint(client.scopes):
        raise InsufficientScope(_OPENS[view])
    return view


async def signed_view(services: Services, client: Client, row: ReportRow, view: View) -> SignedView:
    """Return a view as it was first signed; that it was given is in the audit log. Raises NotPermitted (policy)."""
    report = orjson.loads(payload_of(row.jws))
    asked = report["commission"]
    policy = services.policies.in_force(report["policy"]["region"], Purpose(asked["purpose"]), date.fromisoformat(asked["asset_as_of"]))
    if view not in policy.programme.views:
        raise NotPermitted("view")
    signed = services.verifier.sign(view_of(report, digest=row.digest, view=view))
    given = SignedView(client.tenant, row.id, view, signed.jws.encode("ascii"), signed.digest)
    return await services.store.give_view(given, actor=client.id, now=services.clock())
