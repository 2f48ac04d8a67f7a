"""What was asked, under which rules and consents, about whom, and what became of every question."""

from typing import Literal

from pydantic import with_config
from typing_extensions import TypedDict

from verify_service.domain.report.base import CLOSED, Day, Digest, Instant, Level, Month


@with_config(CLOSED)
class PolicyReference(TypedDict):
    """The rules that were used, frozen: rules_digest is over all rules of the region, canonical. Then what decides on deductions.

    null: the rules have no such deduction.
    """

    pack: str
    pack_name: str
    version: str
    rules_digest: Digest
    region: str
    region_name: str
    programme: str
    purpose: str
    in_force_from: Day
    in_force_to: Day | None
    dibao_monthly_fen: int
    minimum_wage_monthly_fen: int
    employment_cost_applies: bool
    employment_cost_rate_bp: int
    employment_cost_of: Literal["wage", "minimum_wage"]
    income_tax_allowance_monthly_fen: int | None
    back_pay: Literal["excluded", "spread"]
    minimum_wage_imputed: bool
    monthly_mean: Literal["period", "months_in_work"]
    special_income_excluded: list[str]
    support_exempt_per_person_yearly_fen: int | None
    business_capital: Literal["subscribed", "paid_in"]
    resident_basic_pension_exempt: bool
    declared_is_floor: bool


@with_config(CLOSED)
class Person(TypedDict):
    """A named officer."""

    staff_id: str
    name: str


@with_config(CLOSED)
class Commissioned(TypedDict):
    """Who asked for the verification, for what, about which time."""

    number: str
    organisation: str
    region: str
    handler: Person
    reviewer: Person
    organisation_code: str | None
    level: str | None
    client_reference: str | None
    purpose: str
    trigger: str
    income_first: Month
    income_last: Month
    expenditure_first: Month
    expenditure_last: Month
    asset_as_of: Day


@with_config(CLOSED)
class Institutions(TypedDict):
    """How many institutions of how many answered."""

    answered: int
    of: int


@with_config(CLOSED)
class CoverageCell(TypedDict):
    """One question and its one outcome."""

    member: str
    source: str
    outcome: str
    outcome_class: str
    is_fact: bool
    required: bool
    records: int
    failed_by: Literal["us", "network", "source"] | None
    detail: str
    as_of: Day | None
    asked_at: Instant | None
    feedback_at: Instant | None
    attempts: int
    question_digest: Digest
    answer_digests: list[Digest]
    institutions: Institutions | None
    next_look: Instant | None
    latest: Instant | None


@with_config(CLOSED)
class SourceFacts(TypedDict):
    """Who runs a source that was asked."""

    id: str
    title: str
    title_zh: str
    authority: str
    legal_basis: str
    level: Level
    region: str
    contract_version: str


@with_config(CLOSED)
class Signer(TypedDict):
    """Who signed for another, as guardian or under a power of attorney. relation: GB/T 4761, to the member."""

    name: str
    id_number: str
    relation: str
    basis: str


@with_config(CLOSED)
class Proof(TypedDict):
    """How it was made sure who signed electronically. score_bp: likeness in basis points, where the method has one."""

    method: str
    score_bp: int | None
    compared_at: Instant


@with_config(CLOSED)
class ConsentLine(TypedDict):
    """What permitted asking about one person. asked: the cells whose questions rest on it; revoked_at: nothing was asked after it.

    family: the persons for whose household it was signed, null: any. Of a legal basis what only a signed form has is null.
    """

    member: str
    kind: Literal["consent", "legal_basis"]
    number: str
    form_version: str | None
    signed_on: Day | None
    valid_from: Day
    valid_until: Day | None
    valid_rule: str
    purposes: list[str]
    sources: list[str]
    covers_monitoring: bool
    signature_mode: str | None
    signed_by: Literal["self", "guardian", "agent"] | None
    guardian: Signer | None
    agent: Signer | None
    signing_proof: Proof | None
    family: list[str] | None
    matter_ended: Day | None
    revoked_at: Instant | None
    provision: str | None
    document_digest: str | None
    document_digest_algorithm: Literal["sha256", "sm3"] | None
    asked: list[str]


@with_config(CLOSED)
class MemberLine(TypedDict):
    """One person of the request. Only counted ones are in totals and in the divisor (M24)."""

    ref: str
    name: str
    former_names: list[str]
    id_number: str
    role: str
    relation: str
    counted: bool
    excluded: str | None
    returned: str | None
    belonging: str | None
    died_on: Day | None
    marital: str | None
    occupation: str | None
    student: bool
    labour: str | None
    capacity: str
    hukou_region: str | None
    disability_type: str | None
    disability_level: int | None
    serious_disease: bool


@with_config(CLOSED)
class HouseholdSection(TypedDict):
    """Who lives together, who supports them, who is left out and why."""

    mode: Literal["whole", "single_person"]
    beneficiary: str | None
    ground: str | None
    head: str | None
    hukou: Literal["01", "02", "09"]
    hukou_region: str | None
    residence_region: str | None
    housing_nature: str | None
    counted_persons: int
    members: list[MemberLine]
    supporters: list[MemberLine]
    not_counted: list[MemberLine]
