"""Compose the report from the merged picture: plain dictionaries in the form of domain.report, ready for canonical bytes.

Everything but the header, and the finding that speaks of its days (TIM-01), is a pure function of request, answers and policy (M30).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from verify_service.domain.amendment import Made
from verify_service.domain.policy import Policy
from verify_service.domain.report import FORMAT, Report, ReportHeader
from verify_service.domain.report.header import HeaderBase, Reason
from verify_service.domain.report.income import Objection
from verify_service.domain.request import VerificationRequest
from verify_service.errors import VerifyError
from verify_service.sources.definition import Source
from verify_service.verification import amend
from verify_service.verification.compare import compare
from verify_service.verification.findings import findings
from verify_service.verification.findings.timeliness import overdue
from verify_service.verification.merge import Merged
from verify_service.verification.sections import amendments, consents, income, lines, origin, ownership
from verify_service.verification.sections.texts import instant, maybe_day

USE_RESTRICTION = "本报告仅供本行政区域内社会救助审核使用,不作其他用途。"


class ReportOverreach(VerifyError):
    """A report that is not final may not be usable for a decision."""


@dataclass(frozen=True, slots=True)
class Header:
    """What changes from issue to issue. `issued_at` is aware; `replaces` is the report id of the version before.

    The request was accepted on `accepted_on`; the report is due on `due_on` and was there on `concluded_on`, after which an
    officer's acts make further versions. None: not known, as of reports that were issued before they told it.
    """

    report_id: str
    verification_id: str
    version: int
    issued_at: datetime
    issuer: str
    valid_until: date
    objection_until: date
    replaces: str | None = None
    request_no: str | None = None
    reason: Reason = "first_issue"
    accepted_on: date | None = None
    due_on: date | None = None
    concluded_on: date | None = None


def compose(
    request: VerificationRequest,
    merged: Merged,
    *,
    header: Header,
    policy: Policy,
    sources: Mapping[str, Source],
    made: Sequence[Made] = (),
) -> Report:
    """Return the report. `request` holds what the amendments `made` so far have changed in it.

    Raises ReportOverreach rather than let a report with gaps be used for a decision.
    """
    compared = compare(merged, policy)
    found = findings(request, merged, policy, compared, overdue(header.due_on, header.concluded_on))
    gaps = [f"{member}:{source}" for member, source in merged.gaps]
    report: Report = {
        "format": FORMAT,
        "header": _header(header, gaps, made),
        "coverage": origin.coverage(merged),
        "gaps": gaps,
        "sources": origin.asked(merged, sources),
        "policy": origin.policy_reference(policy, request),
        "commission": origin.commission(request),
        "consents": consents.consents(request, merged),
        "household": origin.household(request, merged),
        "income": income.income(merged),
        "property": ownership.ownership(request, merged),
        "expenditure": {"declared": request.household.declared_expenditure and income.declared(request.household.declared_expenditure)},
        "benefits": ownership.benefits(merged),
        "lines": lines.lines(compared),
        "findings": amendments.findings(found, request, header.verification_id, made),
        "data_notes": lines.data_notes(request, merged),
        "objection": _objection(request, policy),
        "amendments": amendments.amendments(made),
        "use_restriction": USE_RESTRICTION,
    }
    refuse_overreach(report["header"], merged)
    return report


def refuse_overreach(header: ReportHeader, merged: Merged) -> None:
    """Raise ReportOverreach when a report with gaps calls itself final, or one that is not final is for decisions."""
    complete = not merged.gaps and header["state"] != "withdrawn"
    if (header["state"] == "final") != complete or (header["usable_for"] == "decision") != complete:
        raise ReportOverreach(header["report_id"])


def _header(header: Header, gaps: Sequence[str], made: Sequence[Made]) -> ReportHeader:
    """Return the header. A withdrawn report stays so; without gaps it is final; gaps that an officer closed stay visible."""
    base: HeaderBase = {
        "title": "Household economic-status verification report",
        "title_zh": "居民家庭经济状况核对报告",
        "request_no": header.request_no,
        "report_id": header.report_id,
        "verification_id": header.verification_id,
        "version": header.version,
        "reason": header.reason,
        "replaces": header.replaces,
        "issued_at": instant(header.issued_at),
        "accepted_on": maybe_day(header.accepted_on),
        "due_on": maybe_day(header.due_on),
        "concluded_on": maybe_day(header.concluded_on),
        "valid_until": header.valid_until.isoformat(),
        "objection_until": header.objection_until.isoformat(),
        "issuer": header.issuer,
        "disclaimer": "仅作对照,不作认定",
    }
    if (withdrawn := amend.withdrawal(made)) is not None:
        return {**base, "state": "withdrawn", "usable_for": "nothing", "withdrawal": amendments.act_line(*withdrawn)}
    if not gaps:
        return {**base, "state": "final", "usable_for": "decision"}
    if (closed := amend.closure(made, gaps)) is not None:
        return {**base, "state": "final_with_gaps", "usable_for": "information", "closure": amendments.act_line(*closed)}
    return {**base, "state": "partial", "usable_for": "information"}


def _objection(request: VerificationRequest, policy: Policy) -> Objection:
    rules = policy.rules.report
    days, unit = rules.objection_days, "个工作日" if rules.objection_counts == "working_days" else "日"
    text = f"如有疑问或与事实不符,请在收到本报告后{days}{unit}内通知委托单位。"
    return {"days": days, "counts": rules.objection_counts, "to": request.commission.organisation, "text_zh": text}
