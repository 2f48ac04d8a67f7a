"""Compose the report from the merged picture: plain dictionaries in the form of domain.report, ready for canonical bytes.

Everything but the header is a pure function of request, answers and policy (M30).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from verify_service.domain.policy import Policy
from verify_service.domain.report import FORMAT, Report, ReportHeader
from verify_service.domain.report.header import Closure, HeaderBase, Reason, State
from verify_service.domain.report.income import Objection
from verify_service.domain.request import VerificationRequest
from verify_service.errors import VerifyError
from verify_service.sources.definition import Source
from verify_service.verification.compare import compare
from verify_service.verification.findings import findings
from verify_service.verification.merge import Merged
from verify_service.verification.sections import income, lines, origin, ownership
from verify_service.verification.sections.texts import CHINA, instant

USE_RESTRICTION = "本报告仅供本行政区域内社会救助审核使用,不作其他用途。"


class ReportOverreach(VerifyError):
    """A report that is not final may not be usable for a decision."""


@dataclass(frozen=True, slots=True)
class GapClosure:
    """The named officer who closed the gaps of a report, why and when."""

    officer: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Header:
    """What changes from issue to issue. `issued_at` is aware; `replaces` is the report id of the version before."""

    report_id: str
    verification_id: str
    version: int
    issued_at: datetime
    issuer: str
    valid_until: date
    replaces: str | None = None
    reason: Reason = "first_issue"
    closure: GapClosure | None = None


def compose(request: VerificationRequest, merged: Merged, *, header: Header, policy: Policy, sources: Mapping[str, Source]) -> Report:
    """Return the report. Raises ReportOverreach rather than let a report with gaps be used for a decision."""
    compared = compare(merged, policy)
    found = findings(request, merged, policy, compared)
    report: Report = {
        "format": FORMAT,
        "header": _header(header, merged, policy),
        "coverage": origin.coverage(merged),
        "gaps": [f"{member}:{source}" for member, source in merged.gaps],
        "sources": origin.asked(merged, sources),
        "policy": origin.policy_reference(policy, request),
        "commission": origin.commission(request),
        "consents": origin.consents(request),
        "household": origin.household(request, merged),
        "income": income.income(merged),
        "property": ownership.ownership(request, merged),
        "expenditure": {"declared": request.household.declared_expenditure and income.declared(request.household.declared_expenditure)},
        "benefits": ownership.benefits(merged),
        "lines": lines.lines(compared),
        "findings": lines.findings(found),
        "data_notes": lines.data_notes(merged),
        "objection": _objection(request, policy),
        "use_restriction": USE_RESTRICTION,
    }
    refuse_overreach(report["header"], merged)
    return report


def state_of(merged: Merged, closure: GapClosure | None) -> State:
    """Return final exactly when every required cell is a fact; gaps that an officer closed stay visible."""
    if not merged.gaps:
        return "final"
    return "partial" if closure is None else "final_with_gaps"


def refuse_overreach(header: ReportHeader, merged: Merged) -> None:
    """Raise ReportOverreach when a report with gaps calls itself final, or one that is not final is for decisions."""
    complete = not merged.gaps
    if (header["state"] == "final") != complete or (header["usable_for"] == "decision") != complete:
        raise ReportOverreach(header["report_id"])


def _header(header: Header, merged: Merged, policy: Policy) -> ReportHeader:
    base: HeaderBase = {
        "title": "Household economic-status verification report",
        "title_zh": "居民家庭经济状况核对报告",
        "report_id": header.report_id,
        "verification_id": header.verification_id,
        "version": header.version,
        "reason": header.reason,
        "replaces": header.replaces,
        "issued_at": instant(header.issued_at),
        "valid_until": header.valid_until.isoformat(),
        "objection_until": (header.issued_at.astimezone(CHINA).date() + timedelta(days=policy.objection_window_days)).isoformat(),
        "issuer": header.issuer,
        "disclaimer": "仅作对照,不作认定",
    }
    state = state_of(merged, header.closure)
    if state == "final":
        return {**base, "state": "final", "usable_for": "decision"}
    if header.closure is None:
        return {**base, "state": "partial", "usable_for": "information"}
    closure: Closure = {"officer": header.closure.officer, "reason": header.closure.reason, "at": instant(header.closure.at)}
    return {**base, "state": "final_with_gaps", "usable_for": "information", "closure": closure}


def _objection(request: VerificationRequest, policy: Policy) -> Objection:
    days = policy.objection_window_days
    text = f"如有疑问或与事实不符,请在收到本报告后{days}日内通知委托单位。"
    return {"days": days, "to": request.commission.organisation, "text_zh": text}
