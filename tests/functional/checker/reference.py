"""A reference reader of every register's bytes, written from the registers' descriptions and not from the adapters.

It knows three things only: what was told of each person (records, nothing, or no fact), how many rows she has, and how much
money stands in them where the report repeats it.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

PROPERTY = "{urn:cn:real-property:query}"
SOME, NONE, NO_FACT = "answered.records", "answered.no_record", "no fact"


@dataclass(frozen=True, slots=True)
class Said:
    """What a register told of one person. fen: housing fund balances, or market value of stocks; 0 elsewhere."""

    what: str
    rows: int = 0
    fen: int = 0


def _some(rows: int, fen: int = 0) -> Said:
    return Said(SOME if rows else NONE, rows, fen)


def _fen(yuan: str | None) -> int:
    return int(Decimal(yuan or "0") * 100)


def _vehicle(body: bytes) -> Iterator[tuple[str, Said]]:
    for one in json.loads(body).get("results", ()):
        yield one["sfzmhm"], _some(len(one["vehicles"])) if one["status"] in {"00", "01"} else Said(NO_FACT)


def _business(body: bytes) -> Iterator[tuple[str, Said]]:
    for one in json.loads(body).get("persons", ()):
        yield one["idNumber"], _some(len(one["roles"])) if one["result"] in {"FOUND", "NONE"} else Said(NO_FACT)


def _pension(body: bytes) -> Iterator[tuple[str, Said]]:
    for one in json.loads(body).get("message", {}).get("search_response", ()):
        if one["status"] == "succ":
            data = one["data"]
            yield data["person"]["identifier"][0]["identifier_value"], _some(len(data["reg_records"]))


def _property(body: bytes) -> Iterator[tuple[str, Said]]:
    for one in ET.fromstring(body).iter(f"{PROPERTY}Person"):  # noqa: S314 - as above
        said = _some(int(one.findtext(f"{PROPERTY}JLS") or 0))
        yield one.findtext(f"{PROPERTY}ZJHM") or "", said if one.findtext(f"{PROPERTY}CXJG") in {"0000", "0001"} else Said(NO_FACT)


def _securities(body: bytes) -> Iterator[tuple[str, Said]]:
    if not body.startswith(b"H,"):
        return
    lines = list(csv.reader(io.StringIO(body.decode("gb18030"), newline="")))
    for line in lines:
        if line[0] == "P":
            details = [each for each in lines if each[0] == "D" and each[1] == line[1]]
            yield line[2], _some(len(details), sum(_fen(each[10]) for each in details)) if line[4] in {"有", "无"} else Said(NO_FACT)


def _housing_fund(body: bytes) -> Iterator[tuple[str, Said]]:
    table = json.loads(body)
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    for person in rows:
        if person["row_type"] == "person":
            accounts = [row for row in rows if row["row_type"] == "account" and row["sfzh"] == person["sfzh"]]
            fen = sum(_fen(account["zhye"]) for account in accounts)
            yield person["sfzh"], _some(len(accounts), fen) if person["cxzt"] in {"0", "1"} else Said(NO_FACT)


def _deposits(body: bytes) -> Iterator[tuple[str, Said]]:
    root = ET.fromstring(body)  # noqa: S314 - as above
    people: dict[str, int] = {}
    for one in root.iter("Person"):
        flagged = one.get("result") in {"超限", "未超限"}
        people[one.get("id", "")] = people.get(one.get("id", ""), 0) + (1 if flagged else int(one.get("accounts", "0")))
    whole = root.get("answered") == root.get("institutions")
    for number, rows in people.items():
        yield number, _some(rows) if whole else Said(NO_FACT, rows)


READERS: Mapping[str, Callable[[bytes], Iterator[tuple[str, Said]]]] = {
    "vehicle": _vehicle,
    "property": _property,
    "securities": _securities,
    "business_registration": _business,
    "housing_fund": _housing_fund,
    "pension": _pension,
    "deposits": _deposits,
}


def read(source: str, body: bytes) -> dict[str, Said]:
    """Return what the bytes say of every person in them, by identity number as the register has it."""
    return dict(READERS[source](body))


def names_of(id_number: str) -> tuple[str, str]:
    """Return the numbers under which registers know a person: her own, and the one of fifteen digits that she had before."""
    return id_number, id_number[:6] + id_number[8:17]


def found(said: Mapping[str, Said], id_number: str) -> Said | None:
    """Return what was said of a person, if anything was."""
    return next((said[name] for name in names_of(id_number) if name in said), None)


def money(report: Mapping[str, Any], source: str, member: str) -> int | None:
    """Return the sum in a report that the registers' own rows give, or None where a report has another figure."""
    kind, amount = {"housing_fund": ("housing_fund", "balance_fen"), "securities": ("securities", "stock_value_fen")}.get(source, ("", ""))
    if not kind:
        return None
    lines = [line for item in report["property"][kind] for line in item["records"]]
    return sum(line["record"][amount] or 0 for line in lines if line["provenance"]["member"] == member)
