"""What can be said of a signed report that somebody brings."""

import hashlib
from collections.abc import Sequence
from typing import cast

from verify_service.api.wire import Standing, Verdict
from verify_service.domain.view import FORMAT
from verify_service.errors import NotFound, SignatureInvalid
from verify_service.services import Services
from verify_service.signing.verification import Reason, VerifiedReport, verify
from verify_service.storage.records import Client, ReportVersion, VerificationState


async def verdict(services: Services, client: Client, jws: str) -> Verdict:
    """Say whether the signature is one of ours and, if the report is of this tenant, whether it still stands."""
    now = services.clock()
    try:
        signed = verify(jws, services.keyring().jwks())
    except SignatureInvalid as error:
        return Verdict(valid=False, reason=cast("Reason", error.reason), kid=None, state="unknown", replaced_by=None, as_of=now)
    versions = await _versions(services, client, signed)
    digest = signed.report["header"].get("digest") if _is_view(signed) else hashlib.sha256(signed.payload).hexdigest()
    stored = next((version for version in versions if version.digest == digest), None)
    if stored is None:
        return Verdict(valid=True, reason=None, kid=signed.kid, state="unknown", replaced_by=None, as_of=now)
    replaced_by = successor(versions, stored.id)
    withdrawn = versions[-1].state == VerificationState.WITHDRAWN
    state: Standing = "withdrawn" if withdrawn else "current" if replaced_by is None else "superseded"
    return Verdict(valid=True, reason=None, kid=signed.kid, state=state, replaced_by=replaced_by, as_of=now)


def _is_view(signed: VerifiedReport) -> bool:
    """Say whether it is a view; then it stands as long as the report does whose digest it names."""
    return signed.report.get("format") == FORMAT and isinstance(signed.report.get("header"), dict)


def successor(versions: Sequence[ReportVersion], report_id: str) -> str | None:
    """Return the id of the version that replaces a report, if there is one."""
    return next((version.id for version in versions if version.replaces == report_id), None)


async def _versions(services: Services, client: Client, signed: VerifiedReport) -> Sequence[ReportVersion]:
    """Return the versions of a report of this tenant; of another's there are none, as of one that does not exist."""
    header = signed.report.get("header")
    report_id = header.get("report_id") if isinstance(header, dict) else None
    try:
        return await services.versions(client, str(report_id))
    except NotFound:
        return []
