"""The depository's answer file: what it has about each person asked for, as GB18030 CSV with counts and digest.

A case's `wire` names the cells of her lines: `结果标识`, `已答市场`, `明细` (a list of lines by column title), and for echoes
`证件号码` and `姓名`. `尾行` (`行数偏差`, `摘要`) damages the trailer of the whole file. What a case leaves out is filled in.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from verify_service.sandbox.population.truth import Person, SecuritiesTotal
from verify_service.sandbox.world import Entry, Known
from verify_service.sources.cases import Fault

CHARSET = "gb18030"
COLUMNS = (
    *("一码通账户", "证券账户", "市场", "账户类别", "是否开立", "开户日期", "账户状态", "托管商", "股票总市值", "新三板总股本"),
    *(
        "新三板估值",
        "持有基金总市值",
        "债券总市值",
        "资金余额",
        "冻结市值",
        "融资负债",
        "币种",
        "估值日期",
        "实际查询日期",
        "结果标识",
        "停牌估值",
    ),
)
_MARKETS = {"shanghai": "沪市", "shenzhen": "深市", "beijing": "北交所", "neeq": "新三板", "open_fund": "开放式基金"}
_ALL_MARKETS = "|".join(_MARKETS.values())
_CLASSES = {"a_share": "A股", "b_share": "B股", "fund": "基金", "credit": "信用"}
_STATES = {"normal": "正常", "dormant": "休眠", "closed": "注销"}
_RESULTS = {Known.NOT_FOUND: "查无此人", Known.NAME_MISMATCH: "姓名不符", Known.NOT_CONNECTED: "未接入"}

Lines = Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One `Q` line of the request file: serial number, identity number, name."""

    serial: str
    id_number: str = field(repr=False)
    name: str = field(repr=False)


def answer_file(ticket: str, day: date, found: Sequence[tuple[Asked, Entry]]) -> bytes:
    """Return the whole file for the people of one ticket."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(("H", "证券资产查询结果", "1.0", ticket, day.isoformat()))
    rows = 0
    for asked, entry in found:
        details = _details(entry)
        lines.writerow(_person_line(asked, entry, len(details)))
        lines.writerows(("D", asked.serial, *detail) for detail in details)
        rows += len(details)
    return _closed(text.getvalue().encode(CHARSET), rows, [entry for _, entry in found])


def case_fault(found: Sequence[tuple[Asked, Entry]]) -> Fault | None:
    """Return the fault that a case in the file asks for."""
    return next((entry.case.fault for _, entry in found if entry.case and entry.case.fault), None)


def _closed(head: bytes, rows: int, entries: Sequence[Entry]) -> bytes:
    """Append the trailer, damaged if a case says so."""
    damage = {key: value for entry in entries for key, value in _wire(entry).get("尾行", {}).items()}
    digest = damage.get("摘要", hashlib.sha256(head).hexdigest())
    return head + f"T,{rows + damage.get('行数偏差', 0)},{len(entries)},{digest}\r\n".encode()


def _wire(entry: Entry) -> Mapping[str, Any]:
    return (entry.case.wire if entry.case else None) or {}


def _person_line(asked: Asked, entry: Entry, details: int) -> Sequence[object]:
    wire = _wire(entry)
    number = asked.id_number
    if entry.spoilt.old_number and number[6:8] == "19":
        number = number[:6] + number[8:17]
    result = _RESULTS.get(entry.known) or wire.get("结果标识") or ("有" if details else "无")
    markets = wire.get("已答市场", _ALL_MARKETS) if result in {"有", "无"} else ""
    count = wire.get("记录数", details)
    return ("P", asked.serial, wire.get("证件号码", number), wire.get("姓名", asked.name), result, count, markets, entry.as_of.isoformat())


def _details(entry: Entry) -> Lines:
    """Return the cells of the person's `D` lines, without kind and serial number."""
    if entry.person:
        lines = list(_from_truth(entry.person, entry.as_of))
        return lines * 2 if entry.spoilt.duplicate_rows else lines
    filled = {"实际查询日期": entry.as_of.isoformat(), "估值日期": _trading_day(entry.as_of).isoformat()}
    return [[(filled | line).get(column, "") for column in COLUMNS] for line in _wire(entry).get("明细", ())]


def _from_truth(person: Person, as_of: date) -> Iterator[Sequence[object]]:
    for total in person.securities:
        yield _line(total, as_of)


def _line(total: SecuritiesTotal, as_of: date) -> Sequence[object]:
    values = (total.stock_value_fen, total.neeq_value_fen, total.fund_value_fen, total.bond_value_fen)
    stock, neeq, fund, bond = map(_yuan, values)
    return (
        _masked(total.one_code),
        _masked(total.account),
        _MARKETS[total.market],
        _CLASSES[total.account_class],
        "是",
        total.open_date.isoformat(),
        _STATES[total.account_state],
        total.custodian,
        stock,
        total.neeq_shares,
        neeq,
        fund,
        bond,
        "" if total.cash_balance_fen is None else _yuan(total.cash_balance_fen),
        _yuan(total.frozen_value_fen),
        _yuan(total.margin_debt_fen),
        "人民币",
        min(total.price_date, _trading_day(as_of)).isoformat(),
        as_of.isoformat(),
        "1" if any(values) or total.neeq_shares else "0",
        "是" if total.suspended_valued_at_last_price else "否",
    )


def _trading_day(day: date) -> date:
    """Return the last weekday up to `day`; holidays are not modelled."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _masked(number: str) -> str:
    return f"{number[:4]}****{number[-4:]}"
