"""The household as the welfare system declares it: who lives together, who counts, what they say they have."""

from typing import Literal

from pydantic import Field

from verify_service.domain.codes import Exclusion, Occupation, Role
from verify_service.domain.consent import Part, Ref
from verify_service.domain.identity import IdNumber
from verify_service.domain.records.base import Cm2, Fen


class DeclaredIncome(Part):
    """What a member says she received over the whole income period, by the five classes, in fen."""

    wage_fen: Fen = 0
    business_fen: Fen = 0
    property_fen: Fen = 0
    transfer_fen: Fen = 0
    other_fen: Fen = 0


class DeclaredAssets(Part):
    """What the household says it has on the as-of day. None means: not declared (not the same as zero)."""

    vehicles: int | None = Field(default=None, ge=0, le=1000)
    homes: int | None = Field(default=None, ge=0, le=1000)
    home_area_cm2: Cm2 | None = None
    securities_fen: Fen | None = None
    businesses: int | None = Field(default=None, ge=0, le=1000)
    housing_fund_balance_fen: Fen | None = None


class DeclaredExpenditure(Part):
    """Rigid expenditure (刚性支出) over the income period, in fen."""

    medical_fen: Fen = 0
    education_fen: Fen = 0
    rehabilitation_fen: Fen = 0
    other_fen: Fen = 0


class Member(Part):
    """One person. `relation` is GB/T 4761, of the person to the applicant. Excluded persons carry the reason."""

    ref: Ref
    id_number: IdNumber
    name: str = Field(min_length=1, max_length=100, repr=False)
    role: Role
    relation: str = Field(pattern=r"^[0-9]{2}$")
    excluded: Exclusion | None = None
    occupation: Occupation | None = None
    student: bool = False
    disability_level: int | None = Field(default=None, ge=1, le=4)
    serious_disease: bool = False
    declared_income: DeclaredIncome | None = None

    @property
    def counted(self) -> bool:
        """Say whether the member is in the divisor (M24)."""
        return self.role in {Role.APPLICANT, Role.MEMBER} and self.excluded is None


class Household(Part):
    """One applicant and up to 29 others. `hukou` chooses the standard: 01 rural, 02 urban, 09 other."""

    members: tuple[Member, ...] = Field(min_length=1, max_length=30)
    mode: Literal["whole", "single_person"] = "whole"
    beneficiary: Ref | None = None
    hukou: Literal["01", "02", "09"]
    household_no: str | None = Field(default=None, max_length=32, repr=False)
    address: str | None = Field(default=None, max_length=300, repr=False)
    declared_assets: DeclaredAssets | None = None
    declared_expenditure: DeclaredExpenditure | None = None
