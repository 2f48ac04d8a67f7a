"""The header: the only part that is no function of request, answers and policy. What is not final is not for decisions."""

from typing import Annotated, Literal

from pydantic import Field, with_config
from typing_extensions import TypedDict

from verify_service.domain.amendment import Kind
from verify_service.domain.report.amendments import ActLine
from verify_service.domain.report.base import CLOSED, Day, Instant
from verify_service.domain.request_number import PATTERN

RequestNumber = Annotated[str, Field(pattern=PATTERN, description="核对编号, its last character by ISO 7064 MOD 37,36")]
Reason = Literal["first_issue", "late_answer", "waiting_ended", "recheck"] | Kind
State = Literal["partial", "final", "final_with_gaps", "withdrawn"]


@with_config(CLOSED)
class HeaderBase(TypedDict):
    """What changes from issue to issue: numbers, times, who, what it replaces. request_no null: accepted before numbers were given.

    due_on: the last day for the report, in working days after accepted_on. concluded_on: when it was there; an officer's acts
    after that make versions, none of them late. Null in versions of reports that were first issued before these days were told.
    """

    title: str
    title_zh: Literal["居民家庭经济状况核对报告"]
    request_no: RequestNumber | None
    report_id: str
    verification_id: str
    version: int
    reason: Reason
    replaces: str | None
    issued_at: Instant
    accepted_on: Day | None
    due_on: Day | None
    concluded_on: Day | None
    valid_until: Day
    objection_until: Day
    issuer: str
    disclaimer: Literal["仅作对照,不作认定"]


@with_config(CLOSED)
class FinalHeader(HeaderBase):
    """Every required cell is a fact."""

    state: Literal["final"]
    usable_for: Literal["decision"]


@with_config(CLOSED)
class PartialHeader(HeaderBase):
    """Some required cell is no fact; figures that depend on it are intervals."""

    state: Literal["partial"]
    usable_for: Literal["information"]


@with_config(CLOSED)
class ClosedHeader(HeaderBase):
    """The gaps will not be filled: an officer closed them."""

    state: Literal["final_with_gaps"]
    usable_for: Literal["information"]
    closure: ActLine


@with_config(CLOSED)
class WithdrawnHeader(HeaderBase):
    """Not to be used for anything; nothing can be done to it any more."""

    state: Literal["withdrawn"]
    usable_for: Literal["nothing"]
    withdrawal: ActLine


ReportHeader = FinalHeader | PartialHeader | ClosedHeader | WithdrawnHeader
