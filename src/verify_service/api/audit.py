"""The audit log of the client's tenant: who did or read what, oldest first, in pages."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from verify_service.api.auth import ReadsAudit
from verify_service.api.describe import JSON, json_answer, problems
from verify_service.api.headers import accepted
from verify_service.api.state import known_form, services_of
from verify_service.api.wire import AuditPage, AuditRecord

router = APIRouter(tags=["audit"])
MOST_ENTRIES = 1000

After = Annotated[int, Query(ge=0, le=2**62, description="the `id` of the last entry that is known already")]
Limit = Annotated[int, Query(ge=1, le=MOST_ENTRIES, description="most entries of a page")]
OfVerification = Annotated[str | None, Query(description="only what was done to this verification and its reports")]


@router.get(
    "/v1/audit",
    summary="Read the audit log",
    responses={
        200: json_answer("AuditPage", "`next` is the `after` of the next page; null when this is the last."),
        **problems("unauthenticated", "insufficient-scope", "not-found", "not-acceptable", "invalid-request"),
    },
)
async def read(
    request: Request, client: ReadsAudit, *, verification_id: OfVerification = None, after: After = 0, limit: Limit = 100
) -> Response:
    """Tell who did what, and who read which report. Entries hold ids and codes, nothing of a household."""
    accepted(request, JSON)
    store = services_of(request).store
    if verification_id is None:
        found = await store.audit_log(tenant=client.tenant, after=after, limit=limit)
    else:
        known_form(verification_id)
        found = await store.audit_of(tenant=client.tenant, verification_id=verification_id, after=after, limit=limit)
    entries = [AuditRecord.of(entry) for entry in found]
    page = AuditPage(entries=entries, next=entries[-1].id if len(entries) == limit else None)
    return Response(page.model_dump_json(), media_type=JSON)
