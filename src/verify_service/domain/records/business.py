"""A person's roles in a market entity (GB 32100 unified social credit code)."""

from datetime import date
from typing import Literal

from pydantic import Field

from verify_service.domain.records.base import BaseRecord, Fen, Frozen, Share, Text


class ContributedCapital(Frozen):
    """What an investor subscribed (认缴) and paid in (实缴); the two are never mixed (C10.13)."""

    subscribed_fen: Fen
    paid_in_fen: Fen | None = None
    share: Share | None = None
    due: date | None = None


class BusinessRole(BaseRecord):
    """One entity with one role. One company may give three rows: three records with the same USCC.

    name_borrow_claimed_on: the day on which the person claimed 冒名登记, where the register tells it.
    """

    kind: Literal["business"] = "business"
    uscc: str | None = Field(default=None, pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")
    registration_no: Text | None = None
    name: Text
    entity_type: Literal["company", "sole_trader", "cooperative", "sole_proprietorship", "partnership"]
    role: Literal["legal_representative", "investor", "executive", "sole_trader", "cooperative_member"]
    position: Text | None = None
    registered_capital_fen: Fen | None = None
    capital_currency: Text = "CNY"
    contribution: ContributedCapital | None = None
    established: date
    approved: date | None = None
    term_from: date | None = None
    term_to: date | None = None
    registration_status: Literal["active", "revoked", "cancelled", "moved_out", "closed", "suspended"]
    status_since: date | None = None
    authority: Text
    address: Text | None = None
    scope: Text | None = None
    industry: Text | None = None
    annual_report_year: int | None = Field(default=None, ge=1990, le=2200)
    employees: int | None = Field(default=None, ge=0, le=10**7)
    abnormal_list: bool = False
    equity_frozen: bool = False
    name_borrow_claim: bool = False
    name_borrow_claimed_on: date | None = None
