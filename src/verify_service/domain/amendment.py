"""Amendments: what a named officer adds to a report after it was issued. Each makes exactly one new version, and is kept as evidence.

A kind is also the reason that the new version's header gives. Amendments hold names and amounts: they are sealed where they
are stored, and hide themselves in every repr.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from verify_service.domain.consent import Part, Ref
from verify_service.domain.household import DeclaredAssets, DeclaredExpenditure, DeclaredIncome

Resolver = Literal["applicant_statement", "home_visit", "source_correction"]
FindingState = Literal["open", "explained", "confirmed", "withdrawn"]
Text = Annotated[str, Field(min_length=1, max_length=2000, repr=False)]
Cell = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}:[a-z0-9_]{1,64}$", description="`member:source`")]


class Officer(Part):
    """The named officer who acts, and where (谁审批、谁负责)."""

    name_or_id: str = Field(min_length=1, max_length=100, repr=False, examples=["jb-0017"])
    office: str = Field(min_length=1, max_length=200, examples=["示例一市甲区民政局"])


class ActRequest(Part):
    """A named officer does something, and says why."""

    officer: Officer
    reason: Text


class Withdrawal(ActRequest):
    """The report must not be used; it was wrong from the start, or about the wrong people."""

    kind: Literal["withdrawal"] = "withdrawal"


class GapClosure(ActRequest):
    """These cells will not be filled (关闭缺口): the report is `final_with_gaps` as long as no other gap opens."""

    kind: Literal["gaps_closed"] = "gaps_closed"
    gaps: tuple[Cell, ...]


class Cancellation(ActRequest):
    """The registers that still owed an answer are not asked any more."""

    kind: Literal["cancellation"] = "cancellation"
    cells: tuple[Cell, ...]


class ResolutionRequest(Part):
    """What became of a finding when somebody looked: explained by the applicant, confirmed, withdrawn, or open again."""

    officer: Officer
    state: FindingState
    note: Text
    resolver: Resolver | None = Field(default=None, description="what it rests on: 申请人说明, 入户调查 or 来源更正")


class Resolution(ResolutionRequest):
    """The same, with the finding it is about."""

    kind: Literal["resolution"] = "resolution"
    finding: str = Field(min_length=1, max_length=64)


class MemberDeclaration(Part):
    """One member's declared income, whole, as it should have been."""

    member: Ref
    income: DeclaredIncome = Field(repr=False)


class Declaration(Part):
    """Declared facts as they should have been, each whole. What is left out stays as it was declared."""

    incomes: tuple[MemberDeclaration, ...] = Field(default=(), max_length=30)
    assets: DeclaredAssets | None = Field(default=None, repr=False)
    expenditure: DeclaredExpenditure | None = Field(default=None, repr=False)


class CorrectionRequest(ActRequest):
    """The caller had passed on declared facts wrongly."""

    declared: Declaration


class Correction(CorrectionRequest):
    """The same, as it is kept."""

    kind: Literal["correction"] = "correction"


class DisputedCell(Part):
    """One cell that a person says is wrong, and why she says so."""

    member: Ref
    source: str = Field(min_length=1, max_length=64)
    grounds: Text


class ObjectionRequest(Part):
    """异议: a person says that a register is wrong. `objector` is a member's ref; `officer` takes the objection in."""

    officer: Officer
    objector: Ref | None = None
    cells: tuple[DisputedCell, ...] = Field(min_length=1, max_length=200)


class AskedAgain(DisputedCell):
    """A disputed cell before and after it was asked again. Unless the new answer `replaced` the former one, that one stands."""

    before: str
    after: str
    replaced: bool


class Objection(Part):
    """An objection, as it ended: only these cells were asked again."""

    kind: Literal["objection"] = "objection"
    officer: Officer
    objector: Ref | None
    cells: tuple[AskedAgain, ...]


class RevocationRequest(ActRequest):
    """Consents that their givers took back, by number."""

    consents: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = Field(min_length=1, max_length=200)


class Revocation(RevocationRequest):
    """The same, with the cells that were still waiting for an answer and are not any more."""

    kind: Literal["consent_revoked"] = "consent_revoked"
    cells: tuple[Cell, ...]


Amendment = Annotated[
    Resolution | Withdrawal | GapClosure | Cancellation | Correction | Objection | Revocation, Field(discriminator="kind")
]
Kind = Literal["resolution", "withdrawal", "gaps_closed", "cancellation", "correction", "objection", "consent_revoked"]


@dataclass(frozen=True, slots=True)
class Made:
    """An amendment with the version that it made and the aware instant at which."""

    version: int
    at: datetime
    amendment: Amendment = field(repr=False)
