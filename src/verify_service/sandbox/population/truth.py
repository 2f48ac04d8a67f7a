"""What is true of one synthetic person, before any register turns it into its own format.

Fields carry the names, units and codes of `verify_service.domain.records`: money is an integer of fen, area an integer of
square centimetres, a rate basis points, a month `YYYY-MM`. Numbers of accounts and certificates are whole here: masking
is the register's work. `status` is the record status (current, historic, pending, cancelled).
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Status = Literal["current", "historic", "pending", "cancelled"]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of ownership as a fraction."""

    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """A change of a vehicle's owner, in or out as seen from this person."""

    day: date
    direction: Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle the person owns or has given away (`B` in status_letters) or had cancelled (`E`)."""

    status: Status
    plate_type: str
    plate_no: str
    vin: str
    engine_no: str
    brand: str
    model: str
    vehicle_type: str
    use_nature: str
    status_letters: str
    first_registered: date
    acquired: date
    acquire_mode: str
    certificate_issued: date
    certificate_no: str
    inspection_valid_to: date
    scrap_due: date | None
    displacement_ml: int
    power_kw: int
    fuel: str
    seats: int
    load_kg: int | None
    mortgaged: bool
    seized: bool
    purchase_price_fen: int
    original_value_fen: int
    transfers: tuple[Transfer, ...]
    issuing_office: str
    disabled_use: bool


@dataclass(frozen=True, slots=True)
class CoOwner:
    """Another right holder of the same home; she has the same home, with this person among her co-owners."""

    name: str = field(repr=False)
    id_number: str = field(repr=False)
    share: Share | None


@dataclass(frozen=True, slots=True)
class PresaleContract:
    """An on-line signed presale contract."""

    contract_no: str
    signed: date
    state: Literal["filed", "cancelled", "registered"]


@dataclass(frozen=True, slots=True)
class RealProperty:
    """One right in one unit; a presale has no certificate yet.

    `co_owners_known` false: the register holds an old certificate without the list, so it cannot tell `co_owners`.
    """

    status: Status
    unit_code: str
    certificate_no: str | None
    certificate_type: Literal["real_property_certificate", "house_ownership", "land_use", "registration_proof", "presale"]
    right_type: str
    location: str
    building_area_cm2: int
    inner_area_cm2: int
    shared_area_cm2: int
    land_area_cm2: int | None
    planned_use: Literal["residence", "commerce", "office", "garage", "storage", "industry", "other"]
    house_nature: str
    house_type: str
    structure: str
    floor: int
    total_floors: int
    completed_year: int
    co_ownership: Literal["sole", "joint", "shares", "other"]
    share: Share | None
    co_owners: tuple[CoOwner, ...]
    co_owners_known: bool
    registered: date
    registration_reason: Literal["purchase", "inheritance", "gift", "resettlement", "divorce", "built", "sale", "other"]
    right_ended: date | None
    term_end: date | None
    mortgaged: bool
    seized: bool
    preliminary_notice: bool
    objection: bool
    right_of_residence: bool
    price_fen: int | None
    assessed_fen: int
    registry_office: str
    region: str
    presale: PresaleContract | None
    residential: bool
    rural_homestead: bool


@dataclass(frozen=True, slots=True)
class SecuritiesTotal:
    """Totals of one account at one custodian on `price_date`, the last weekday up to the population's day."""

    status: Status
    one_code: str
    account: str
    market: Literal["shanghai", "shenzhen", "beijing", "neeq", "open_fund"]
    account_class: Literal["a_share", "b_share", "fund", "credit"]
    open_date: date
    account_state: Literal["normal", "dormant", "closed"]
    custodian: str
    stock_value_fen: int
    neeq_shares: int
    neeq_value_fen: int
    fund_value_fen: int
    bond_value_fen: int
    cash_balance_fen: int | None
    frozen_value_fen: int
    margin_debt_fen: int
    price_date: date
    suspended_valued_at_last_price: bool


@dataclass(frozen=True, slots=True)
class ContributedCapital:
    """What an investor subscribed and paid in."""

    subscribed_fen: int
    paid_in_fen: int
    share: Share
    due: date


@dataclass(frozen=True, slots=True)
class BusinessRole:
    """One entity with one role; one company in three roles is three of these with the same USCC."""

    status: Status
    uscc: str
    registration_no: str
    name: str
    entity_type: Literal["company", "sole_trader", "cooperative", "sole_proprietorship", "partnership"]
    role: Literal["legal_representative", "investor", "executive", "sole_trader", "cooperative_member"]
    position: str | None
    registered_capital_fen: int
    capital_currency: str
    contribution: ContributedCapital | None
    established: date
    approved: date
    term_from: date
    term_to: date | None
    registration_status: Literal["active", "revoked", "cancelled", "moved_out", "closed", "suspended"]
    status_since: date | None
    authority: str
    address: str
    scope: str
    industry: str
    annual_report_year: int | None
    employees: int
    abnormal_list: bool
    equity_frozen: bool
    name_borrow_claimed_on: date | None


@dataclass(frozen=True, slots=True)
class FundWithdrawal:
    """Money taken out of the account."""

    day: date
    amount_fen: int
    reason: Literal["purchase", "repayment", "rent", "retirement", "illness", "leaving", "other"]


@dataclass(frozen=True, slots=True)
class FundLoan:
    """A loan of the fund; `house_address` is the location of one of the person's homes where she has one."""

    bank: str
    amount_fen: int
    term_months: int
    granted: date
    monthly_repayment_fen: int
    outstanding_fen: int
    state: Literal["repaying", "settled", "overdue"]
    house_address: str


@dataclass(frozen=True, slots=True)
class FundAccount:
    """One account at one centre; each monthly amount is base x rate rounded half up to the fen."""

    status: Status
    centre_code: str
    centre_name: str
    account: str
    employee_code: str
    unit_code: str
    unit_name: str
    unit_uscc: str
    account_state: Literal["normal", "sealed", "frozen", "closed"]
    remit_state: Literal["remitting", "stopped", "back_paying"]
    opened: date
    closed: date | None
    base_fen: int
    personal_rate_bp: int
    unit_rate_bp: int
    personal_monthly_fen: int
    unit_monthly_fen: int
    monthly_total_fen: int
    last_paid_month: str
    balance_fen: int
    balance_date: date
    frozen_fen: int
    supplement_fen: int
    withdrawals: tuple[FundWithdrawal, ...]
    loans: tuple[FundLoan, ...]


@dataclass(frozen=True, slots=True)
class SocialContribution:
    """One insurance (types of `domain.records.pension`) in its latest month."""

    status: Status
    insurance_type: Literal["110", "120", "170", "210", "310", "390", "410", "510"]
    person_category: Literal["employee", "flexible", "resident"]
    unit_name: str | None
    unit_uscc: str | None
    joined: date
    state: Literal["insured", "paused", "ended"]
    month: str
    base_fen: int
    personal_fen: int
    unit_fen: int
    arrears_fen: int
    last_paid_month: str
    months_total: int
    prior_year_monthly_income_fen: int | None
    region: str
    base_at_floor: bool


@dataclass(frozen=True, slots=True)
class BenefitSplit:
    """How a monthly pension is made up; the parts sum to the monthly amount."""

    basic_fen: int
    personal_account_fen: int
    transitional_fen: int
    increase_fen: int
    subsidy_fen: int


@dataclass(frozen=True, slots=True)
class PensionBenefit:
    """One benefit being drawn, paused or ended."""

    status: Status
    benefit_type: Literal["employee_pension", "civil_service_pension", "resident_pension", "survivor", "unemployment", "injury"]
    retired: date | None
    first_paid_month: str
    monthly_fen: int
    split: BenefitSplit
    payment_state: Literal["normal", "paused", "ended"]
    pause_reason: str | None
    last_paid_month: str
    paid_this_year_fen: int
    bank: str
    last_alive_check: date
    death_stop: date | None
    region: str
    back_pay_fen: int


@dataclass(frozen=True, slots=True)
class Employment:
    """The job a person has now; the gross monthly wage in fen."""

    employer: str
    employer_uscc: str
    unit_code: str
    since: date
    monthly_wage_fen: int


@dataclass(frozen=True, slots=True)
class Person:
    """Everything true of one person on the population's day.

    `name` is what `name_of` gives and a caller should post. `registered_name` is how registers spell it: for 1 % a variant
    (another middle dot, full width, a space) that is equal under `domain.identity.normalise_name`. `co_members` are the
    other people of the household. `absent_from` holds the ids of sources that do not know the person.
    """

    id_number: str = field(repr=False)
    name: str = field(repr=False)
    registered_name: str = field(repr=False)
    sex: Literal["male", "female"]
    birth: date = field(repr=False)
    region: str
    household_id: str
    co_members: tuple[str, ...] = field(repr=False)
    absent_from: frozenset[str]
    employment: Employment | None
    vehicles: tuple[Vehicle, ...]
    homes: tuple[RealProperty, ...]
    securities: tuple[SecuritiesTotal, ...]
    business_roles: tuple[BusinessRole, ...]
    fund_accounts: tuple[FundAccount, ...]
    contributions: tuple[SocialContribution, ...]
    benefits: tuple[PensionBenefit, ...]
