"""Securities as the central depository discloses them: totals per market and custodian, never holdings."""

from datetime import date
from typing import Literal

from pydantic import Field

from verify_service.domain.records.base import BaseRecord, Fen, Text


class SecuritiesTotal(BaseRecord):
    """Totals of one account at one custodian. Key: (market, custodian, query date) (M4).

    cash_balance is often absent: it lies at the bank or broker. A zero-value open account is a fact, not a finding.
    """

    kind: Literal["securities"] = "securities"
    one_code_masked: Text
    account_masked: Text
    market: Literal["shanghai", "shenzhen", "beijing", "neeq", "open_fund"]
    account_class: Literal["a_share", "b_share", "fund", "credit"]
    opened: bool
    open_date: date | None = None
    account_state: Literal["normal", "dormant", "closed"]
    custodian: Text
    stock_value_fen: Fen
    neeq_shares: int = Field(ge=0, le=10**12)
    neeq_value_fen: Fen
    fund_value_fen: Fen
    bond_value_fen: Fen
    cash_balance_fen: Fen | None = None
    frozen_value_fen: Fen = 0
    margin_debt_fen: Fen = 0
    currency: Literal["CNY"] = "CNY"
    price_date: date
    query_date: date
    result_flag: Literal["0", "1"]
    suspended_valued_at_last_price: bool = False
