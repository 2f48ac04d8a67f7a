"""The household as the welfare system declares it: who lives together, who counts, what they say they have."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from verify_service.domain.codes import (
    Belonging,
    Capacity,
    DisabilityType,
    Exclusion,
    HomeClaim,
    HousingNature,
    Labour,
    Marital,
    Occupation,
    Returned,
    Role,
    SinglePersonGround,
    SpecialIncome,
)
from verify_service.domain.consent import Part, Ref
from verify_service.domain.identity import IdNumber
from verify_service.domain.records.base import Cm2, Fen

Region = Annotated[str, Field(pattern=r"^[0-9]{6}([0-9]{6})?$", description="GB/T 2260, 6 or 12 digits")]
Name = Annotated[str, Field(min_length=1, max_length=100)]
_ADULT_YEARS = 18
_OF_THE_HOUSEHOLD = frozenset({Role.APPLICANT, Role.MEMBER})


class DeclaredSpecial(Part):
    """One kind of money received beside the five classes, over the whole income period, in fen (M22)."""

    kind: SpecialIncome
    amount_fen: Fen


class DeclaredIncome(Part):
    """What a member says she received over the whole income period, by the five classes, in fen."""

    wage_fen: Fen = 0
    business_fen: Fen = 0
    property_fen: Fen = 0
    transfer_fen: Fen = 0
    other_fen: Fen = 0
    special: tuple[DeclaredSpecial, ...] = Field(default=(), max_length=10)


Kind = Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,31}$")]


class DeclaredAssets(Part):
    """What the household says it has on the as-of day. None means: not declared (not the same as zero)."""

    vehicles: int | None = Field(default=None, ge=0, le=1000)
    homes: int | None = Field(default=None, ge=0, le=1000)
    home_area_cm2: Cm2 | None = None
    securities_fen: Fen | None = None
    businesses: int | None = Field(default=None, ge=0, le=1000)
    housing_fund_balance_fen: Fen | None = None
    further_fen: dict[Kind, Fen] = Field(default_factory=dict, max_length=32, description="by kind that a source brings, as `deposit`")


class DeclaredExpenditure(Part):
    """Rigid expenditure (刚性支出) over the expenditure period, in fen."""

    medical_fen: Fen = 0
    education_fen: Fen = 0
    rehabilitation_fen: Fen = 0
    other_fen: Fen = 0

    @property
    def total_fen(self) -> int:
        """Return the sum."""
        return self.medical_fen + self.education_fen + self.rehabilitation_fen + self.other_fen


class Support(Part):
    """What a supporter (赡抚扶养人) owes (M21): her own household, whom she supports, and what was agreed or ruled.

    Amounts are of the whole income period. `supported` are members of this household; `supported_elsewhere` counts others.
    """

    household_size: int = Field(ge=1, le=100)
    household_income_fen: Fen
    supported: tuple[Ref, ...] = Field(min_length=1, max_length=30)
    supported_elsewhere: int = Field(default=0, ge=0, le=30)
    agreed_fen: Fen | None = None


class Member(Part):
    """One person. `relation` is GB/T 4761, of the person to the applicant. Excluded persons carry the reason.

    `student` means full-time, up to bachelor. `belonging` says why a person counts where the relation alone does not.
    """

    ref: Ref
    id_number: IdNumber
    name: Name = Field(repr=False)
    former_names: tuple[Name, ...] = Field(default=(), max_length=10, repr=False)
    sex: Literal["male", "female"] | None = None
    birth: date | None = None
    role: Role
    relation: str = Field(pattern=r"^[0-9]{2}$")
    belonging: Belonging | None = None
    excluded: Exclusion | None = None
    returned: Returned | None = None
    died_on: date | None = None
    marital: Marital | None = None
    marital_since: date | None = None
    capacity: Capacity = Capacity.FULL
    labour: Labour | None = None
    occupation: Occupation | None = None
    student: bool = False
    disability_type: DisabilityType | None = None
    disability_level: int | None = Field(default=None, ge=1, le=4)
    serious_disease: bool = False
    hukou_region: Region | None = None
    same_address: bool = Field(default=True, description="lives at the household's address or under its 户号")
    kin_of_officer: Literal["handler", "reviewer", "village_cadre"] | None = Field(default=None, description="近亲属备案")
    declared_income: DeclaredIncome | None = None
    support: Support | None = Field(default=None, description="only of a supporter")

    @property
    def counted(self) -> bool:
        """Say whether the member is in the divisor (M24)."""
        return self.excluded is None and self.role in _OF_THE_HOUSEHOLD

    @property
    def severely_disabled(self) -> bool:
        """Say whether the disability is severe: level 1 or 2, or level 3 of the intellectual or mental kind (B5)."""
        mind = self.disability_type in {DisabilityType.INTELLECTUAL, DisabilityType.MENTAL}
        return self.disability_level is not None and self.disability_level <= (3 if mind else 2)

    def age(self, day: date) -> int:
        """Return the full years on a day."""
        return self.id_number.age(day)

    def is_minor(self, day: date) -> bool:
        """Say whether the person is under 18."""
        return self.age(day) < _ADULT_YEARS

    def needs_guardian(self, day: date) -> bool:
        """Say whether somebody must consent for her: a minor, or a person without full capacity."""
        return self.capacity is not Capacity.FULL or self.is_minor(day)


class Appraisal(Part):
    """What an appraiser says a vehicle is worth (实物财产价格评估). `about` is its VIN, else plate type and number with a space between."""

    about: str = Field(min_length=1, max_length=40, repr=False)
    value_fen: Fen
    appraiser: str = Field(min_length=1, max_length=200)
    day: date
    document_digest: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class ClaimedExemption(Part):
    """What the household asks not to be counted (M10). `about` is the unit code, else the certificate's number, as in the report."""

    about: str = Field(min_length=1, max_length=100, repr=False)
    ground: HomeClaim


class Household(Part):
    """One applicant and up to 29 others. `hukou` chooses the standard: 01 rural, 02 urban, 09 other.

    In single-person mode (单人户) the whole household is verified and the beneficiary's own figures are shown beside it (M25).
    `head` is the head of the register (户主), who need not be the applicant.
    """

    members: tuple[Member, ...] = Field(min_length=1, max_length=30)
    mode: Literal["whole", "single_person"] = "whole"
    beneficiary: Ref | None = None
    ground: SinglePersonGround | None = None
    head: Ref | None = None
    hukou: Literal["01", "02", "09"]
    household_no: str | None = Field(default=None, max_length=32, repr=False)
    hukou_region: Region | None = None
    residence_region: Region | None = None
    residence_since: date | None = None
    housing_nature: HousingNature | None = None
    address: str | None = Field(default=None, max_length=300, repr=False)
    declared_assets: DeclaredAssets | None = None
    declared_expenditure: DeclaredExpenditure | None = None
    appraisals: tuple[Appraisal, ...] = Field(default=(), max_length=100)
    claimed_exemptions: tuple[ClaimedExemption, ...] = Field(default=(), max_length=20)
