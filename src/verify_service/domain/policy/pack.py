"""The model of `policies/*.yaml`: one file per province, dated versions, local standards, programmes with their lines.

A line is `multiple x standard` (an exact number, never a float) or a fixed number in the unit of its figure.
"""

from datetime import date
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from verify_service.domain.codes import Purpose
from verify_service.domain.findings import CATALOGUE
from verify_service.domain.interval import Unit
from verify_service.domain.records.base import BasisPoints, Cm2, Fen

Region = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Hukou = Literal["01", "02", "09"]
Multiple = Annotated[str, Field(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4}|/[1-9][0-9]{0,3})?$", description='an exact number: "1.5", "24", "2/3"')]
Figure = Literal[
    "income_per_capita_monthly", "financial_assets", "vehicles", "homes", "home_area_per_capita", "non_residential", "business_subscribed"
]
UNITS: dict[Figure, Unit] = {
    "income_per_capita_monthly": "fen",
    "financial_assets": "fen",
    "vehicles": "pieces",
    "homes": "pieces",
    "home_area_per_capita": "cm2",
    "non_residential": "pieces",
    "business_subscribed": "fen",
}


class Pack(BaseModel):
    """An immutable part of a pack; an unknown key or a number in place of a string is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Standards(Pack):
    """The yearly published figures of one region."""

    dibao_monthly_fen: dict[Hukou, Fen] = Field(min_length=3, max_length=3)
    home_area_per_capita_cm2: Cm2

    def value(self, standard: Literal["dibao_monthly", "home_area_per_capita"], hukou: Hukou) -> int:
        """Return one figure; the dibao standard depends on the kind of household registration."""
        return self.dibao_monthly_fen[hukou] if standard == "dibao_monthly" else self.home_area_per_capita_cm2


class Deductions(Pack):
    """What is taken off income, and what never counts. The wage rules M17 to M20 are in verification/income.py."""

    employment_cost_rate_bp: BasisPoints = Field(description="就业成本 of a proven wage")
    employment_cost_applies: bool
    resident_basic_pension_exempt: bool
    declared_is_floor: bool = Field(description="a wage or transfer proven lower than declared is taken as declared (就高)")


class LocalRules(Pack):
    """One county: its name, standards and deductions."""

    name_zh: str
    standards: Standards
    deductions: Deductions


class Line(Pack):
    """One line: a multiple of a standard, or a fixed number in the figure's unit. `per: capita` multiplies by persons."""

    code: Code
    title_zh: str
    figure: Figure
    standard: Literal["dibao_monthly", "home_area_per_capita"] | None = None
    multiple: Multiple | None = None
    fixed: Annotated[int, Field(ge=0, le=10**15)] | None = None
    per: Literal["household", "capita"] = "household"
    within: Literal["at_most", "below"] = "at_most"
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
    """One aid programme, for one or several purposes."""

    purposes: tuple[Annotated[Purpose, Field(strict=False)], ...] = Field(min_length=1, strict=False)
    lines: tuple[Line, ...] = Field(min_length=1, strict=False)
    exempt_vehicles: frozenset[Literal["disabled_use", "motorcycle"]] = Field(default=frozenset(), strict=False)
    homestead_counts: bool = True


class Tolerances(Pack):
    """How far two statements may differ before a finding says so."""

    area_bp: BasisPoints
    wage_base_bp: BasisPoints
    declared_bp: BasisPoints


class PackVersion(Pack):
    """The rules in force from a day on; `in_force_to` is the last day, none while it lasts."""

    version: str = Field(min_length=1, max_length=32)
    in_force_from: date
    in_force_to: date | None = None
    report_validity_days: int = Field(ge=1, le=366)
    objection_window_days: int = Field(ge=1, le=366)
    lookback_months: int = Field(ge=1, le=60)
    large_withdrawal_months: int = Field(ge=1, le=240, description="of the dibao standard (FUN-02)")
    high_base_multiple: Multiple = Field(description="of the dibao standard (SOC-02)")
    tolerances: Tolerances
    regions: dict[Region, LocalRules] = Field(min_length=1)
    programmes: tuple[Programme, ...] = Field(min_length=1, strict=False)

    def in_force(self, day: date) -> bool:
        """Say whether the version holds on that day."""
        return self.in_force_from <= day and (self.in_force_to is None or day <= self.in_force_to)


class PolicyPack(Pack):
    """One province's file. Versions must not overlap."""

    region: Region
    name: str
    name_zh: str
    versions: tuple[PackVersion, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="after")
    def _no_overlap(self) -> Self:
        ordered = sorted(self.versions, key=lambda v: v.in_force_from)
        for earlier, later in pairwise(ordered):
            if earlier.in_force_to is None or earlier.in_force_to >= later.in_force_from:
                raise ValueError("two versions are in force on the same day")
        for version in self.versions:
            purposes = [p for programme in version.programmes for p in programme.purposes]
            if len(purposes) != len(set(purposes)):
                raise ValueError("a purpose belongs to one programme only")
        return self
