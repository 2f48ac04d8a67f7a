"""From the rows of one person to fund accounts, with the checks whose breach means damage (domain reference C4)."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from verify_adapters.housing_fund.view import ACCOUNTS, LOANS, WITHDRAWALS, AccountRow, LoanRow, TiedRow, WithdrawalRow
from verify_service.domain.outcome import OutcomeCode
from verify_service.domain.records import FundAccount, FundLoan, FundWithdrawal, RecordStatus
from verify_service.sources.failures import invalid
from verify_service.sources.reading import read_as

RowsByType = dict[str, list[dict[str, str | None]]]
Tied = TypeVar("Tied", bound=TiedRow)

STATES = {"01": "normal", "02": "sealed", "03": "frozen", "04": "closed"}
REMITTANCE = {"1": "remitting", "2": "stopped", "3": "back_paying"}
LOAN_STATES = {"1": "repaying", "2": "settled", "3": "overdue"}
REASONS = {"01": "purchase", "02": "repayment", "03": "rent", "04": "retirement", "05": "illness", "06": "leaving", "99": "other"}
_ONE_YUAN_FEN = 100
_WHOLE_BP = 10_000


def accounts(rows: RowsByType) -> list[FundAccount]:
    """Return one record per account row. Raises invalid.schema or invalid.contradiction."""
    found = read_as(ACCOUNTS, rows.get("account", ()))
    loans = _by_account(read_as(LOANS, rows.get("loan", ())))
    withdrawals = _by_account(read_as(WITHDRAWALS, rows.get("withdrawal", ())))
    if (loans.keys() | withdrawals.keys()) - {_key(row) for row in found}:
        raise invalid(OutcomeCode.CONTRADICTION, "loan or withdrawal without its account")
    return [_account(row, loans[_key(row)], withdrawals[_key(row)]) for row in found]


def _key(row: TiedRow) -> tuple[str, str]:
    return row.zxbm, row.grzh


def _by_account(rows: list[Tied]) -> defaultdict[tuple[str, str], list[Tied]]:
    found: defaultdict[tuple[str, str], list[Tied]] = defaultdict(list)
    for row in rows:
        found[_key(row)].append(row)
    return found


def _account(row: AccountRow, loans: Sequence[LoanRow], withdrawals: Sequence[WithdrawalRow]) -> FundAccount:
    if (row.dkts, row.tqts) != (len(loans), len(withdrawals)):
        raise invalid(OutcomeCode.CONTRADICTION, "number of loans or withdrawals")
    _require_sense(row)
    return FundAccount.model_validate(
        {
            "source_key": f"{row.zxbm}-{row.grzh}",
            "status": RecordStatus.HISTORIC if row.zhzt == "04" else RecordStatus.CURRENT,
            "centre_code": row.zxbm,
            "centre_name": row.zxmc,
            "account_masked": row.grzh,
            "employee_code": row.zgnm,
            "unit_code": row.dwbm,
            "unit_name": row.dwmc,
            "unit_uscc": row.tyxydm,
            "account_state": STATES[row.zhzt],
            "remit_state": REMITTANCE[row.hjzt],
            "opened": row.khrq,
            "closed": row.xhrq,
            "base_fen": row.jcjs,
            "personal_rate_bp": row.grjcbl,
            "unit_rate_bp": row.dwjcbl,
            "personal_monthly_fen": row.gryjce,
            "unit_monthly_fen": row.dwyjce,
            "monthly_total_fen": row.yjcehj,
            "last_paid_month": row.mcjny,
            "balance_fen": row.zhye,
            "balance_date": row.yerq,
            "frozen_fen": row.djje,
            "supplement_fen": row.bcje,
            "withdrawals": tuple(map(_withdrawal, withdrawals)),
            "loans": tuple(map(_loan, loans)),
        }
    )


def _require_sense(row: AccountRow) -> None:
    """Each monthly amount is base x rate within one yuan, the total their sum; a closed account, and no other, has a closing day."""
    for monthly, rate in ((row.gryjce, row.grjcbl), (row.dwyjce, row.dwjcbl)):
        if abs(monthly * _WHOLE_BP - row.jcjs * rate) > _ONE_YUAN_FEN * _WHOLE_BP:
            raise invalid(OutcomeCode.CONTRADICTION, "monthly amount is not base x rate")
    if abs(row.yjcehj - row.gryjce - row.dwyjce) > _ONE_YUAN_FEN:
        raise invalid(OutcomeCode.CONTRADICTION, "monthly total is not the sum")
    if (row.zhzt == "04") is not (row.xhrq is not None) or (row.xhrq is not None and row.xhrq < row.khrq):
        raise invalid(OutcomeCode.CONTRADICTION, "state and closing day")


def _loan(row: LoanRow) -> FundLoan:
    return FundLoan.model_validate(
        {
            "bank": row.dkyh,
            "amount_fen": row.dkje,
            "term_months": row.dkqx,
            "granted": row.ffrq,
            "monthly_repayment_fen": row.yhke,
            "outstanding_fen": row.dkye,
            "state": LOAN_STATES[row.dkzt],
            "house_address": row.fwdz,
        }
    )


def _withdrawal(row: WithdrawalRow) -> FundWithdrawal:
    return FundWithdrawal.model_validate({"day": row.tqrq, "amount_fen": row.tqje, "reason": REASONS[row.tqyy]})
