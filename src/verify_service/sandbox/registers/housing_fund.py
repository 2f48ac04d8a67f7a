"""The simulated front-end database of the housing provident fund: one view, asked by one statement.

A case's `wire` holds cells of the view: `person` (one row or null for a person whom the view lacks), `accounts`, `loans`
and `withdrawals`; what it leaves out of the control row is filled in.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from verify_service.sandbox.population.truth import FundAccount, FundLoan, FundWithdrawal, Person
from verify_service.sandbox.world import Entry, Known, World
from verify_service.sources.register import Table

CREDENTIALS = {"user": "verify_reader", "password": "sandbox-only-housing-fund"}

_PERSON = ("sfzh", "zjhm", "xm", "cxzt", "sjbz", "zhts", "sjsd")
_ACCOUNT = (
    *("zxbm", "grzh", "zxmc", "zgnm", "dwbm", "dwmc", "tyxydm", "zhzt", "hjzt", "khrq", "xhrq", "jcjs", "grjcbl", "dwjcbl"),
    *("gryjce", "dwyjce", "yjcehj", "mcjny", "zhye", "yerq", "djje", "bcje", "dkts", "tqts"),
)
_LOAN = ("dkyh", "dkje", "dkqx", "ffrq", "yhke", "dkye", "dkzt", "fwdz")
_WITHDRAWAL = ("tqrq", "tqje", "tqyy")
COLUMNS = ("row_type", *_PERSON, *_ACCOUNT, *_LOAN, *_WITHDRAWAL)

_SELECTED = ", ".join("a.sfzh" if name == "sfzh" else f"v.{name}" for name in COLUMNS)
_STATEMENT = f"SELECT {_SELECTED} FROM unnest($1::text[]) AS a (sfzh) LEFT JOIN v_housing_fund AS v ON v.sfzh = a.sfzh"  # noqa: S608
_MOST_PEOPLE = 500
_ELEMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^",{}\\]+)')
_STATUS = {Known.NOT_FOUND: "2", Known.NOT_CONNECTED: "3"}
_STATES = {"normal": "01", "sealed": "02", "frozen": "03", "closed": "04"}
_REMITTANCE = {"remitting": "1", "stopped": "2", "back_paying": "3"}
_LOAN_STATES = {"repaying": "1", "settled": "2", "overdue": "3"}
_REASONS = {"purchase": "01", "repayment": "02", "rent": "03", "retirement": "04", "illness": "05", "leaving": "06", "other": "99"}

Cells = Mapping[str, str | None]


class HousingFundRegister:
    """Knows people by number alone: the caller compares names."""

    database = "housing_fund"

    def __init__(self, world: World) -> None:
        self._world = world
        self.user = world.credentials["user"]
        self.password = world.credentials["password"]

    def select(self, statement: str, parameters: Sequence[str | None]) -> Table:
        """Answer the view's statement; its one parameter is a list of numbers as the text of an array. Raises ValueError."""
        if " ".join(statement.split()) != _STATEMENT or len(parameters) != 1:
            raise ValueError("not the statement of the view")
        numbers = _elements(parameters[0] or "{}")
        if len(numbers) > _MOST_PEOPLE:
            raise ValueError("too many people")
        entries = [(number, self._world.entry(number, None)) for number in numbers]
        rows = [[row.get(column) for column in COLUMNS] for number, entry in entries for row in _rows(number, entry)]
        fault = next((entry.case.fault for _, entry in entries if entry.case and entry.case.fault), None)
        return Table(COLUMNS, rows, people=numbers, fault=fault)


def _elements(array: str) -> list[str]:
    """Return the elements of a one-dimensional text[]."""
    found = _ELEMENT.finditer(array[1:-1])
    return [match[2] if match[1] is None else re.sub(r"\\(.)", r"\1", match[1]) for match in found]


def _rows(number: str, entry: Entry) -> Iterator[Cells]:
    """Yield the rows of one person, her control row first; one row of nulls if the view lacks her."""
    if entry.case:
        yield from _case_rows(number, entry.case.person.name, entry.case.wire or {}, entry.as_of)
        return
    person = entry.person
    accounts = list(person.fund_accounts) * (2 if entry.spoilt.duplicate_rows else 1) if person else []
    refreshed = entry.as_of.replace(day=1)
    control = _control(number, entry, refreshed)
    yield control | {"sjbz": "1" if accounts else "0", "zhts": str(len(accounts))}
    yield from ({"row_type": "account", "sfzh": number, **_account(account, refreshed)} for account in accounts)
    if person:
        yield from ({"sfzh": number, **row} for account in person.fund_accounts for row in _tied(account))


def _case_rows(number: str, name: str, wire: Mapping[str, Any], as_of: date) -> Iterator[Cells]:
    if "person" in wire and wire["person"] is None:
        yield {"sfzh": number}
        return
    accounts = wire.get("accounts", ())
    control = {"zjhm": number, "xm": name, "cxzt": "0", "sjbz": "1" if accounts else "0", "zhts": str(len(accounts))}
    yield {"row_type": "person", "sfzh": number, **control, "sjsd": as_of.isoformat(), **wire.get("person", {})}
    for kind in ("account", "loan", "withdrawal"):
        yield from ({"row_type": kind, "sfzh": number, **row} for row in wire.get(f"{kind}s", ()))


def _control(number: str, entry: Entry, refreshed: date) -> dict[str, str | None]:
    person: Person | None = entry.person
    is_old = entry.spoilt.old_number and number[6:8] == "19"
    registered = f"{number[:6]}{number[8:17]}" if is_old else number
    return {
        "row_type": "person",
        "sfzh": number,
        "zjhm": registered if person else None,
        "xm": person.registered_name if person else None,
        "cxzt": _STATUS.get(entry.known, "0"),
        "sjsd": refreshed.isoformat(),
    }


def _account(account: FundAccount, refreshed: date) -> dict[str, str | None]:
    return {
        **_tie(account),
        "zxmc": account.centre_name,
        "zgnm": account.employee_code,
        "dwbm": account.unit_code,
        "dwmc": account.unit_name,
        "tyxydm": account.unit_uscc,
        "zhzt": _STATES[account.account_state],
        "hjzt": _REMITTANCE[account.remit_state],
        "khrq": account.opened.isoformat(),
        "xhrq": account.closed.isoformat() if account.closed else None,
        "jcjs": _hundredths(account.base_fen),
        "grjcbl": _hundredths(account.personal_rate_bp),
        "dwjcbl": _hundredths(account.unit_rate_bp),
        "gryjce": _hundredths(account.personal_monthly_fen),
        "dwyjce": _hundredths(account.unit_monthly_fen),
        "yjcehj": _hundredths(account.monthly_total_fen),
        "mcjny": account.last_paid_month.replace("-", ""),
        "zhye": _hundredths(account.balance_fen),
        "yerq": min(account.balance_date, refreshed).isoformat(),
        "djje": _hundredths(account.frozen_fen),
        "bcje": _hundredths(account.supplement_fen),
        "dkts": str(len(account.loans)),
        "tqts": str(len(account.withdrawals)),
    }


def _tie(account: FundAccount) -> dict[str, str | None]:
    return {"zxbm": account.centre_code, "grzh": f"{account.account[:6]}****{account.account[-4:]}"}


def _tied(account: FundAccount) -> Iterator[Cells]:
    yield from ({"row_type": "loan", **_tie(account), **_loan(loan)} for loan in account.loans)
    yield from ({"row_type": "withdrawal", **_tie(account), **_withdrawal(taken)} for taken in account.withdrawals)


def _loan(loan: FundLoan) -> dict[str, str | None]:
    return {
        "dkyh": loan.bank,
        "dkje": _hundredths(loan.amount_fen),
        "dkqx": str(loan.term_months),
        "ffrq": loan.granted.isoformat(),
        "yhke": _hundredths(loan.monthly_repayment_fen),
        "dkye": _hundredths(loan.outstanding_fen),
        "dkzt": _LOAN_STATES[loan.state],
        "fwdz": loan.house_address,
    }


def _withdrawal(taken: FundWithdrawal) -> dict[str, str | None]:
    return {"tqrq": taken.day.isoformat(), "tqje": _hundredths(taken.amount_fen), "tqyy": _REASONS[taken.reason]}


def _hundredths(value: int) -> str:
    """Return fen as yuan, or basis points as percent, with two decimals."""
    return f"{value // 100}.{value % 100:02d}"
