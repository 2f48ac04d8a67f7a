"""Reading the depository's answer file: first the file as a whole, then each person's lines for herself.

GB18030 CSV: `H,<title>,<layout>,<ticket>,<day>`; per question one `P` line with its result and how many `D` lines it
has; `T,<D lines>,<P lines>,<SHA-256 of everything above>`. A file that breaks its own counts or digest is refused whole.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from verify_adapters.securities.request_file import CHARSET, LAYOUT
from verify_service.domain.outcome import OutcomeCode
from verify_service.domain.records import RecordStatus, SecuritiesTotal
from verify_service.domain.records.base import Text
from verify_service.sources.exact import Count, Day, Yuan
from verify_service.sources.failures import invalid
from verify_service.sources.reading import WireModel

Market = Literal["沪市", "深市", "北交所", "新三板", "开放式基金"]
MARKETS = {"沪市": "shanghai", "深市": "shenzhen", "北交所": "beijing", "新三板": "neeq", "开放式基金": "open_fund"}
CLASSES = {"A股": "a_share", "B股": "b_share", "基金": "fund", "信用": "credit"}
STATES = {"正常": "normal", "休眠": "dormant", "注销": "closed"}

Masked = Annotated[str, Field(pattern=r"^[0-9A-Z]{1,6}\*+[0-9A-Z]{1,4}$")]
YesNo = Literal["是", "否"]
Result = Literal["有", "无", "查无此人", "姓名不符", "一证多人", "不予查询", "未接入", "系统维护"]
Cells = Mapping[str, str | None]


class PersonLine(WireModel):
    """A `P` line. `markets` are those that answered, joined by "|"."""

    serial: Text
    id_number: Text
    name: Text
    result: Result
    details: Count
    markets: str | None
    query_date: Day

    def answered_markets(self) -> frozenset[str]:
        """Return the markets that answered. Raises invalid.schema for a market that nobody knows."""
        found = frozenset(self.markets.split("|") if self.markets else ())
        if found - MARKETS.keys():
            raise invalid(OutcomeCode.SCHEMA, "unknown market in P line")
        return found


class DetailLine(WireModel):
    """A `D` line: the totals of one account at one custodian. Amounts are yuan with two decimals."""

    serial: Text
    one_code: Masked
    account: Masked
    market: Market
    account_class: Literal["A股", "B股", "基金", "信用"]
    opened: YesNo
    open_date: Day | None
    account_state: Literal["正常", "休眠", "注销"]
    custodian: Text
    stock_value: Yuan
    neeq_shares: Count
    neeq_value: Yuan
    fund_value: Yuan
    bond_value: Yuan
    cash_balance: Yuan | None
    frozen_value: Yuan
    margin_debt: Yuan
    currency: Literal["人民币"]
    price_date: Day
    query_date: Day
    result_flag: Literal["0", "1"]
    suspended: YesNo

    def holds(self) -> bool:
        """Say whether any value stands in the line."""
        return any((self.stock_value, self.neeq_shares, self.neeq_value, self.fund_value, self.bond_value))

    def record(self) -> SecuritiesTotal:
        """Return the domain's record; its key within the person is market, account and custodian."""
        return SecuritiesTotal.model_validate(
            {
                "source_key": f"{self.market}-{self.account}-{self.custodian}",
                "status": RecordStatus.HISTORIC if self.account_state == "注销" else RecordStatus.CURRENT,
                "one_code_masked": self.one_code,
                "account_masked": self.account,
                "market": MARKETS[self.market],
                "account_class": CLASSES[self.account_class],
                "opened": self.opened == "是",
                "open_date": self.open_date,
                "account_state": STATES[self.account_state],
                "custodian": self.custodian,
                "stock_value_fen": self.stock_value,
                "neeq_shares": self.neeq_shares,
                "neeq_value_fen": self.neeq_value,
                "fund_value_fen": self.fund_value,
                "bond_value_fen": self.bond_value,
                "cash_balance_fen": self.cash_balance,
                "frozen_value_fen": self.frozen_value,
                "margin_debt_fen": self.margin_debt,
                "price_date": self.price_date,
                "query_date": self.query_date,
                "result_flag": self.result_flag,
                "suspended_valued_at_last_price": self.suspended == "是",
            }
        )


PERSON = TypeAdapter(PersonLine)
DETAILS = TypeAdapter(list[DetailLine])
PERSON_FIELDS = tuple(PersonLine.model_fields)
DETAIL_FIELDS = tuple(DetailLine.model_fields)


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """A file whose digest and counts hold: its ticket, and by serial number the `P` line and the `D` lines."""

    ticket: str
    persons: Mapping[str, Cells] = field(repr=False)
    details: Mapping[str, Sequence[Cells]] = field(repr=False)


def open_file(body: bytes) -> AnswerFile:
    """Check the file as a whole. Raises SourceFailure: encoding, schema, or contradiction where a count or digest is wrong."""
    cut = body.rfind(b"\r\n", 0, -2) + 2
    head, last = body[:cut], body[cut:]
    header, *lines = _lines(head) or [[]]
    trailer, *more = _lines(last) or [[]]
    if header[:3] != ["H", "证券资产查询结果", LAYOUT] or len(header) != 5:
        raise invalid(OutcomeCode.SCHEMA, "header line")
    if not last.endswith(b"\r\n") or more or len(trailer) != 4 or trailer[0] != "T":
        raise invalid(OutcomeCode.SCHEMA, "trailer line")
    persons, details = _sorted_out(lines)
    if trailer[1:3] != [str(sum(map(len, details.values()))), str(len(persons))]:
        raise invalid(OutcomeCode.CONTRADICTION, "trailer count")
    if trailer[3] != hashlib.sha256(head).hexdigest():
        raise invalid(OutcomeCode.CONTRADICTION, "trailer digest")
    return AnswerFile(header[3], persons, details)


def _lines(part: bytes) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(part.decode(CHARSET), newline=""), strict=True))
    except UnicodeDecodeError:
        raise invalid(OutcomeCode.ENCODING, "charset of the file") from None
    except csv.Error:
        raise invalid(OutcomeCode.SCHEMA, "csv") from None


def _sorted_out(lines: Sequence[Sequence[str]]) -> tuple[dict[str, Cells], dict[str, list[Cells]]]:
    """Return the lines by serial number. Every `P` serial is there once, every `D` line belongs to one of them."""
    if any(not line or line[0] not in {"P", "D"} for line in lines):
        raise invalid(OutcomeCode.SCHEMA, "unknown kind of line")
    persons = dict(_named(PERSON_FIELDS, (line for line in lines if line[0] == "P")))
    details: dict[str, list[Cells]] = {serial: [] for serial in persons}
    for serial, row in _named(DETAIL_FIELDS, (line for line in lines if line[0] == "D")):
        if serial not in details:
            raise invalid(OutcomeCode.CONTRADICTION, "a D line without its P line")
        details[serial].append(row)
    if len(persons) + sum(map(len, details.values())) != len(lines):
        raise invalid(OutcomeCode.CONTRADICTION, "a serial number twice")
    return persons, details


def _named(names: Sequence[str], lines: Iterable[Sequence[str]]) -> list[tuple[str, Cells]]:
    """Return serial number and cells by name; an empty cell is an absent value."""
    try:
        return [(line[1], dict(zip(names, (cell or None for cell in line[1:]), strict=True))) for line in lines]
    except (ValueError, IndexError):
        raise invalid(OutcomeCode.SCHEMA, "columns of a line") from None
