"""Views: what others than the commissioning authority may see of a report. Each is signed in its own right and names the report."""

from typing import Any, Literal

from pydantic import with_config
from typing_extensions import TypedDict

from verify_service.domain.report.base import CLOSED, Day, Digest, Instant
from verify_service.domain.report.header import RequestNumber, State

FORMAT: Literal["verify-service/view/1"] = "verify-service/view/1"
View = Literal["applicant", "minimum"]
VIEWS: frozenset[View] = frozenset({"applicant", "minimum"})


@with_config(CLOSED)
class ViewHeader(TypedDict):
    """Which report version this is a view of, by id and by the SHA-256 of its canonical bytes, and what holds of that version."""

    view: View
    request_no: RequestNumber | None
    report_id: str
    version: int
    digest: Digest
    title: str
    title_zh: str
    state: State
    usable_for: Literal["decision", "information", "nothing"]
    issued_at: Instant
    valid_until: Day
    issuer: str
    disclaimer: str


@with_config(CLOSED)
class ApplicantView(TypedDict):
    """The report in the form of its schema, but for what is masked (numbers and names of others) and left out (digests)."""

    format: Literal["verify-service/view/1"]
    header: ViewHeader
    report: dict[str, Any]


@with_config(CLOSED)
class MinimumLine(TypedDict):
    """One line in force, and on which side of it the household lies."""

    code: str
    title_zh: str
    clause: str
    result: Literal["exceeds", "within", "cannot_say"]


@with_config(CLOSED)
class MinimumView(TypedDict):
    """Whether lines are exceeded, and no value: no person, no amount, no register's answer."""

    format: Literal["verify-service/view/1"]
    header: ViewHeader
    commission: str
    purpose: str
    policy_version: str
    lines: list[MinimumLine]
    use_restriction: str
