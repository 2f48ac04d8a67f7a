"""A housing provident fund account at one centre (住房公积金)."""

from datetime import date
from typing import Literal

from pydantic import Field

from verify_service.domain.records.base import BaseRecord, BasisPoints, Fen, Frozen, Month, Text


class FundWithdrawal(Frozen):
    """Money taken out of the account."""

    day: date
    amount_fen: Fen
    reason: Literal["purchase", "repayment", "rent", "retirement", "illness", "leaving", "other"]


class FundLoan(Frozen):
    """A loan of the fund; house_address joins to property evidence."""

    bank: Text
    amount_fen: Fen
    term_months: int = Field(ge=1, le=480)
    granted: date
    monthly_repayment_fen: Fen
    outstanding_fen: Fen
    state: Literal["repaying", "settled", "overdue"]
    house_address: Text | None = None


class FundAccount(BaseRecord):
    """One account. Key: (centre, account) (M4). monthly is base x rate within 1 yuan, else the answer is a contradiction."""

    kind: Literal["housing_fund"] = "housing_fund"
    centre_code: Text
    centre_name: Text
    account_masked: Text
    employee_code: Text
    unit_code: Text
    unit_name: Text
    unit_uscc: str | None = Field(default=None, pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")
    account_state: Literal["normal", "sealed", "frozen", "closed"]
    remit_state: Literal["remitting", "stopped", "back_paying"]
    opened: date
    closed: date | None = None
    base_fen: Fen
    personal_rate_bp: BasisPoints
    unit_rate_bp: BasisPoints
    personal_monthly_fen: Fen
    unit_monthly_fen: Fen
    monthly_total_fen: Fen
    last_paid_month: Month
    balance_fen: Fen
    balance_date: date
    frozen_fen: Fen = 0
    supplement_fen: Fen = 0
    withdrawals: tuple[FundWithdrawal, ...] = ()
    loans: tuple[FundLoan, ...] = ()
