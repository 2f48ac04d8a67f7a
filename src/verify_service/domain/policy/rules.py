"""The rules of one area on one day, whole: standards, what counts as income, what counts as an asset, tolerances, programmes.

A line is `multiple x standard` (an exact number, never a float) or a fixed number in the unit of its figure.
"""

from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from verify_service.domain.codes import HomeClaim, Purpose, SpecialIncome
from verify_service.domain.findings import CATALOGUE
from verify_service.domain.policy.base import Code, Days, Figure, Hukou, Multiple, Pack
from verify_service.domain.records.base import BasisPoints, Cm2, Fen
from verify_service.domain.view import VIEWS, View

Standard = Literal["dibao_monthly", "minimum_wage_monthly", "home_area_per_capita"]
_LEAST_TEKUN = Fraction(13, 10)


class Standards(Pack):
    """The yearly published figures of one area."""

    dibao_monthly_fen: dict[Hukou, Fen] = Field(min_length=3, max_length=3)
    tekun_multiple: Multiple = Field(description="of the dibao standard; at least 1.3 (founding document)")
    minimum_wage_monthly_fen: Fen
    home_area_per_capita_cm2: Cm2

    @model_validator(mode="after")
    def _tekun(self) -> Self:
        if Fraction(self.tekun_multiple) < _LEAST_TEKUN:
            raise ValueError("tekun is at least 1.3 times dibao")
        return self

    def value(self, standard: Standard, hukou: Hukou) -> int:
        """Return one figure; the dibao standard depends on the kind of household registration."""
        if standard == "dibao_monthly":
            return self.dibao_monthly_fen[hukou]
        return self.minimum_wage_monthly_fen if standard == "minimum_wage_monthly" else self.home_area_per_capita_cm2


class Bracket(Pack):
    """One step of the income tax: the rate of what is over an amount of the year, up to the next step."""

    over_fen: Fen
    rate_bp: BasisPoints


class IncomeTax(Pack):
    """Individual income tax of a year: the monthly allowance, then rising steps. It bounds what a wage may have been taxed (M18)."""

    allowance_monthly_fen: Fen
    brackets: tuple[Bracket, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _steps_rise(self) -> Self:
        if self.brackets[0].over_fen != 0 or any(b.over_fen <= a.over_fen for a, b in pairwise(self.brackets)):
            raise ValueError("the first step is over 0, and every step is over the one before")
        return self

    def highest(self, taxable_fen: int, months: int) -> int:
        """Return the most that is due on an income of some months, less social insurance and fund, in fen, rounded up."""
        rest = taxable_fen - self.allowance_monthly_fen * months
        tops = [*(b.over_fen for b in self.brackets[1:]), None]
        due = sum(
            max(0, (rest if top is None else min(rest, top)) - step.over_fen) * step.rate_bp
            for step, top in zip(self.brackets, tops, strict=True)
        )
        return -(-due // 10_000)


class SupportRule(Pack):
    """What a supporter is taken to give (M21): her household's income above this much for each of its persons, a year."""

    exempt_per_person_yearly_fen: Fen


class Deductions(Pack):
    """What is taken off income, and what never counts (M17 to M22, M26)."""

    employment_cost_rate_bp: BasisPoints = Field(description="就业成本")
    employment_cost_applies: bool
    employment_cost_of: Literal["wage", "minimum_wage"] = "wage"
    income_tax: IncomeTax | None = None
    resident_basic_pension_exempt: bool
    back_pay: Literal["excluded", "spread"] = "excluded"
    declared_is_floor: bool = Field(description="a wage or transfer proven lower than declared is taken as declared (就高)")
    minimum_wage_imputed: bool = Field(
        default=False, description="an able person without proven or higher declared wage is taken to earn it"
    )
    monthly_mean: Literal["period", "months_in_work"] = "period"
    special_income_excluded: frozenset[SpecialIncome] = Field(default=frozenset())
    support: SupportRule | None = Field(default=None, description="left out: support is what is declared")


class Depreciation(Pack):
    """Straight-line: so much of the price a year, never below the floor (M12)."""

    yearly_bp: BasisPoints
    electric_yearly_bp: BasisPoints
    floor_bp: BasisPoints


class AssetRules(Pack):
    """What counts as an asset, and how (M9, M12, M16)."""

    vehicle_depreciation: Depreciation
    business_capital: Literal["subscribed", "paid_in"] = "subscribed"
    family_shop_exempt: bool = Field(default=False, description="a sole trader without employees does not count (夫妻店)")
    home_share_counts_from: Multiple | None = Field(default=None, description="a smaller share is no home; left out: any share is one")
    name_borrow_suspends_days: Days = Field(description="after the day of the claim")
    fund_balance_counts: bool = Field(default=False, description="the housing fund's balance is a financial asset")


class Tolerances(Pack):
    """How far two statements may differ before a finding says so."""

    area_bp: BasisPoints
    money_fen: Fen
    death_days: int = Field(ge=0, le=60)
    wage_base_bp: BasisPoints
    declared_bp: BasisPoints
    declared_total_bp: BasisPoints


class ReportRules(Pack):
    """How long a report holds, how long one may object, until when it is due."""

    validity_days: Days
    objection_days: Days
    objection_counts: Literal["working_days", "calendar_days"]
    due_working_days: Days


class Lookback(Pack):
    """What happened lately, and when it is large."""

    months: int = Field(ge=1, le=60)
    divorce_months: int = Field(default=12, ge=1, le=120, description="a divorce is recent for so long (MEM-04)")
    large_withdrawal_months: int = Field(ge=1, le=240, description="of the dibao standard (FUN-02)")
    high_base_multiple: Multiple = Field(description="of the dibao standard (SOC-02)")


class Line(Pack):
    """One line: a multiple of a standard, or a fixed number in the figure's unit. `per: capita` multiplies by persons.

    single_person: whom the line measures in single-person mode (M25).
    """

    title_zh: str
    figure: Figure
    standard: Standard | None = None
    multiple: Multiple | None = None
    fixed: Annotated[int, Field(ge=0, le=10**15)] | None = None
    per: Literal["household", "capita"] = "household"
    within: Literal["at_most", "below"] = "at_most"
    single_person: Literal["household", "beneficiary"] = "household"
    finding: str
    clause: str = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _one_kind_of_limit(self) -> Self:
        if (self.standard is None) != (self.multiple is None) or (self.standard is None) == (self.fixed is None):
            raise ValueError("a line has a standard and a multiple, or a fixed number")
        if self.finding not in CATALOGUE:
            raise ValueError("finding is not a known code")
        return self

    @cached_property
    def factor(self) -> Fraction:
        """Return the multiple as a number, read from its text once."""
        return Fraction(self.multiple or 1)


class Programme(Pack):
    """One aid programme, for one or several purposes; `lines` by their codes, in the order of the report."""

    purposes: tuple[Purpose, ...] = Field(min_length=1)
    lines: dict[Code, Line] = Field(min_length=1)
    exempt_vehicles: frozenset[Literal["disabled_use", "motorcycle"]] = Field(default=frozenset())
    homestead_counts: bool = True
    exempt_on_review: frozenset[HomeClaim] = Field(default=frozenset(), description="claims about homes that an officer looks into (M10)")
    public_rental_counts: bool = Field(default=False, description="a public rental contract is a home (M10)")
    rigid_expenditure_from_bp: BasisPoints | None = Field(default=None, description="of income (EXP-01); left out: not looked at")
    views: frozenset[View] = Field(default=VIEWS, description="which views of a report may be given, beside the full one")


class Rules(Pack):
    """Everything that holds in one area."""

    name_zh: str
    standards: Standards
    deductions: Deductions
    assets: AssetRules
    tolerances: Tolerances
    report: ReportRules
    lookback: Lookback
    programmes: dict[Code, Programme] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_programme_a_purpose(self) -> Self:
        purposes = [p for programme in self.programmes.values() for p in programme.purposes]
        if len(purposes) != len(set(purposes)):
            raise ValueError("a purpose belongs to one programme only")
        return self
