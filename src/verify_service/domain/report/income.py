"""What is received and spent. Amounts are of the whole income period unless they say monthly."""

from typing import Literal, NotRequired

from pydantic import with_config
from typing_extensions import TypedDict

from verify_service.domain.amendment import FindingState
from verify_service.domain.household import DeclaredExpenditure
from verify_service.domain.report.amendments import ResolutionLine
from verify_service.domain.report.assets import FurtherKindSection, Provenance, RecordLine
from verify_service.domain.report.base import CLOSED, Measure, MoneyInterval, PerCapita


@with_config(CLOSED)
class Deduction(TypedDict):
    """What was taken off a proven wage, and by which rule."""

    code: Literal["social_insurance_personal", "housing_fund_personal", "employment_cost"]
    amount_fen: int
    rule: str


@with_config(CLOSED)
class WageLine(TypedDict):
    """A wage estimate at one employer: one base, never a sum of bases (M17). Bases are monthly."""

    employer: str
    basis: Literal["housing_fund_base", "contribution_base"]
    months: int
    gross_fen: int
    deductions: list[Deduction]
    net_fen: int
    fund_base_fen: int | None
    contribution_base_fen: int | None
    evidence: list[Provenance]


@with_config(CLOSED)
class BenefitLine(TypedDict):
    """A benefit drawn. exempt_fen null: the register did not split it, any part may be exempt (M19)."""

    benefit_type: str
    months: int
    monthly_fen: int
    paid_fen: int
    exempt_fen: int | None
    back_pay_fen: int
    back_pay_counted_fen: int
    payment_state: Literal["normal", "paused", "ended"]
    pause_reason: str | None
    evidence: list[Provenance]


@with_config(CLOSED)
class ClassLine(TypedDict):
    """One class of one person: declared, proven, and what is counted. basis says which; imputed: the local minimum wage (M20)."""

    income_class: Literal["wage", "business", "property", "transfer", "other"]
    declared_fen: int | None
    proven: MoneyInterval | None
    counted: MoneyInterval
    basis: Literal["evidence", "declared", "imputed", "none"]


@with_config(CLOSED)
class EmploymentCost(TypedDict):
    """What the cost of working takes off the wage; an interval while the wage is one. upper_fen null: unknown."""

    code: Literal["employment_cost"]
    amount_fen: int
    upper_fen: int | None
    rule: str


@with_config(CLOSED)
class SupportLine(TypedDict):
    """What one supporter is taken to give this person (M21)."""

    supporter: str
    basis: Literal["agreed", "formula"]
    amount: MoneyInterval


@with_config(CLOSED)
class SpecialLine(TypedDict):
    """Money declared beside the five classes; counted: the rules take it as income (M22)."""

    kind: str
    amount_fen: int
    counted: bool


@with_config(CLOSED)
class MemberIncomeLine(TypedDict):
    """One person's income; that of persons who are not counted stands beside the total, never in it.

    income_tax: what may have been due on the proven wage, null where the rules or the evidence do not tell (M18).
    """

    member: str
    in_total: bool
    classes: list[ClassLine]
    wages: list[WageLine]
    income_tax: MoneyInterval | None
    employment_cost: EmploymentCost | None
    benefits: list[BenefitLine]
    support: list[SupportLine]
    special: list[SpecialLine]
    total: MoneyInterval


@with_config(CLOSED)
class OwnIncome(TypedDict):
    """The beneficiary's own income in single-person mode (单人户, M25)."""

    member: str
    total: MoneyInterval
    monthly: PerCapita


@with_config(CLOSED)
class IncomeSection(TypedDict):
    """收入核对. Means divide by all months of the period (M26) and by counted persons (M24)."""

    beneficiary: OwnIncome | None
    months: int
    persons: int
    members: list[MemberIncomeLine]
    total: MoneyInterval
    monthly: MoneyInterval
    per_capita_monthly: PerCapita


@with_config(CLOSED)
class ExpenditureSection(TypedDict):
    """支出: as declared; no register proves it yet. null: nothing was declared."""

    declared: DeclaredExpenditure | None


@with_config(CLOSED)
class BenefitsSection(TypedDict):
    """待遇与身份: the records of pensions and insurance as the register gave them, and of kinds that sources bring."""

    contributions: list[RecordLine]
    benefits: list[RecordLine]
    further: NotRequired[list[FurtherKindSection]]


@with_config(CLOSED)
class ComparedLine(TypedDict):
    """One line in force. within: at_most (a value equal to the line is within) or below. of: household, or one member's ref (M25)."""

    code: str
    title_zh: str
    figure: str
    clause: str
    unit: Literal["fen", "cm2", "pieces", "bp"]
    per: Literal["household", "capita"]
    standard: str | None
    multiple: str | None
    within: Literal["at_most", "below"]
    of: str
    line: int
    measured: Measure
    result: Literal["exceeds", "within", "cannot_say"]


@with_config(CLOSED)
class FindingLine(TypedDict):
    """Something a person should look at. It decides nothing. `id` is the same in every version in which the finding stands."""

    id: str
    code: str
    severity: Literal["I", "D", "L", "Q"]
    text_zh: str
    text_en: str
    member: str | None
    source: str | None
    about: str
    detail: str
    measured: Measure | None
    line: int | None
    unit: Literal["fen", "cm2", "pieces", "bp"] | None
    evidence: list[str]
    rule: str
    formula: str
    clause: str
    exemption: str
    resolver: Literal["applicant_explains", "home_visit", "source_corrects"]
    state: FindingState
    resolution: ResolutionLine | None


@with_config(CLOSED)
class DataNote(TypedDict):
    """What a reader must know of the data. about: a cell `member:source`, a figure or an asset.

    missing: what a lower bound lacks, cells `member:source`, or `*:kind` that no register serves; of other notes empty.
    """

    code: Literal[
        "no_answer",
        "too_old",
        "lower_bound",
        "conflict",
        "waiting",
        "partly_answered",
        "share_unknown",
        "share_presumed",
        "minority_share",
        "under_review",
        "encumbered",
        "consent_revoked",
        "former_name",
    ]
    about: str
    text_zh: str
    text_en: str
    missing: list[str]


@with_config(CLOSED)
class Objection(TypedDict):
    """异议: within how many days of receiving the report, and to whom."""

    days: int
    counts: Literal["working_days", "calendar_days"]
    to: str
    text_zh: str
