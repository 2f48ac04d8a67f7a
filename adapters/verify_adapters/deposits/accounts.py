"""One bank's line about one person as records: an account with its amount, or a flag that says only whether a limit is passed."""

import re
from collections.abc import Iterator
from typing import Any

from verify_adapters.deposits.returns import Account, Line, Outflow, Person, attributes
from verify_service.domain.outcome import OutcomeCode
from verify_service.domain.records import UNTOLD, Disclosure, FurtherRecord, RecordStatus, Share, Worth
from verify_service.sources.exact import scaled
from verify_service.sources.failures import invalid

KIND = "deposit"
_FORMS = {"有": "amount", "超限": "flag", "未超限": "flag"}
_YUAN = scaled(2)
_FEN = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)


def records(line: Line, person: Person) -> Iterator[FurtherRecord]:
    """Return the records of a line. Raises schema, contradiction."""
    accounts = list(line.element)
    if person.accounts != len(accounts) or (person.result == "有") is not bool(accounts):
        raise invalid(OutcomeCode.CONTRADICTION, "result and number of accounts")
    if person.result != "无" and _FORMS[person.result] != line.institution.form:
        raise invalid(OutcomeCode.CONTRADICTION, "result and form of the return")
    if person.result in {"超限", "未超限"}:
        yield _flag(line, over=person.result == "超限")
    for element in accounts:
        yield _account(line, person, element)


def _flag(line: Line, *, over: bool) -> FurtherRecord:
    bank = line.institution
    fields: dict[str, Any] = {"bank_code": bank.code, "bank": bank.name, "over_limit": over}
    return FurtherRecord(
        source_key=f"{bank.code} flag",
        status=RecordStatus.CURRENT,
        disclosure=Disclosure.FLAG,
        kind=KIND,
        fields=fields,
        worth=UNTOLD,
        findings=("BNK-01",) if over else (),
    )


def _account(line: Line, person: Person, element: Any) -> FurtherRecord:
    """Return one account. An amount in another currency has no worth in fen without a rate: it is not told, never zero."""
    account, bank = attributes(element, Account), line.institution
    balance = _amount(line, account.balance)
    outflows = [(o.day, _amount(line, o.amount)) for o in (attributes(child, Outflow) for child in element)]
    if account.opened > person.day or any(day > person.day for day, _ in outflows):
        raise invalid(OutcomeCode.CONTRADICTION, "a day after the return's")
    if account.state == "closed" and balance:
        raise invalid(OutcomeCode.CONTRADICTION, "closed account with a balance")
    fields: dict[str, Any] = {
        "bank_code": bank.code,
        "bank": bank.name,
        "account_masked": account.no,
        "account_class": account.kind,
        "state": account.state,
        "currency": account.currency,
        "balance_minor_units": balance,
        "opened": account.opened.isoformat(),
        "large_outflows": [{"day": day.isoformat(), "amount_minor_units": amount} for day, amount in outflows],
    }
    return FurtherRecord(
        source_key=f"{bank.code} {account.token}",
        status=RecordStatus.CANCELLED if account.state == "closed" else RecordStatus.CURRENT,
        kind=KIND,
        fields=fields,
        worth=Worth.of(balance) if account.currency == "CNY" else UNTOLD,
        holders=account.holders,
        share=_share(account.share),
        findings=("BNK-02",) if outflows else (),
    )


def _amount(line: Line, text: str) -> int:
    """Return an amount in the smallest unit. Raises schema: a return with amounts must say in which unit they are."""
    if line.institution.unit is None:
        raise invalid(OutcomeCode.SCHEMA, "amounts without a unit")
    return read_amount(line.institution.unit, text)


def read_amount(unit: str, text: str) -> int:
    """Read `1234.50` yuan or `123450` fen; a fraction of a fen is refused. Raises schema."""
    try:
        amount = _YUAN(text) if unit == "元" else int(text) if _FEN.fullmatch(text) else None
    except ValueError:
        amount = None
    if amount is None:
        raise invalid(OutcomeCode.SCHEMA, "amount")
    return amount


def _share(text: str | None) -> Share | None:
    if text is None:
        return None
    numerator, _, denominator = text.partition("/")
    if not (numerator.isdecimal() and denominator.isdecimal() and 0 < int(numerator) <= int(denominator)):
        raise invalid(OutcomeCode.SCHEMA, "share")
    return Share(numerator=int(numerator), denominator=int(denominator))
