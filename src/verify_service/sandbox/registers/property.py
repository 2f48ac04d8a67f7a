"""The simulated real property register: SOAP 1.1, a UsernameToken with a SHA-256 digest, pages of 200 rows.

A case's `wire` says: `status` (CXJG), `rows` (fields by element name; `{n}` in a text is the row's number under `repeat`),
and to go wrong: `row_count`, `echo` (ZJHM, XM), `fault` (a code), `dtd`, `lose_page`, `total_on_page_2`.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from xml.sax.saxutils import escape

from verify_service.sandbox.population.truth import RealProperty, Share
from verify_service.sandbox.world import Entry, Known, World
from verify_service.sources.register import RegisterReply, RegisterRequest
from verify_service.sources.strict_xml import StrictXmlError, parse

CREDENTIALS = {"user": "sandbox-civil-affairs", "secret": "sandbox-only-property-secret"}

_ACTION = '"urn:cn:real-property:query:QueryRights"'
_PAGE_ROWS = 200
_CLOCK_SKEW_SECONDS = 300
_NS = "{urn:cn:real-property:query}"
_WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
_WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"
_HEADERS = {"Content-Type": "text/xml; charset=utf-8"}
_OPEN = (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
    '<QueryRightsResponse xmlns="urn:cn:real-property:query">'
)
_CLOSE = "</QueryRightsResponse></soap:Body></soap:Envelope>"
_FAULT = (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>'
    "<faultcode>soap:{code}</faultcode><faultstring>查询未受理</faultstring></soap:Fault></soap:Body></soap:Envelope>"
)
_LISTS = {"GYRLB": "GYR"}
_UNKNOWN = {Known.NOT_FOUND: "1001", Known.NAME_MISMATCH: "1002", Known.NOT_CONNECTED: "3001"}
_STATE = {"pending": "0", "current": "1", "historic": "2", "cancelled": "3"}
_CERTIFICATE = {"real_property_certificate": "1", "house_ownership": "2", "land_use": "3", "registration_proof": "4", "presale": "5"}
_USE = {"residence": "10", "commerce": "20", "office": "30", "garage": "40", "storage": "50", "industry": "60", "other": "90"}
_MODE = {"sole": "0", "joint": "1", "shares": "2", "other": "3"}
_REASON = {
    "purchase": "01",
    "inheritance": "02",
    "gift": "03",
    "resettlement": "04",
    "divorce": "05",
    "built": "06",
    "sale": "07",
    "other": "99",
}
_CONTRACT = {"filed": "1", "cancelled": "2", "registered": "3"}


@dataclass(frozen=True, slots=True)
class _Query:
    query_id: str
    page_no: int
    people: list[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class _Found:
    """One person's part of the reply: the summary, her rows, and what her case wants to go wrong."""

    summary: str
    rows: list[str]
    count: int
    entry: Entry

    @property
    def wire(self) -> Mapping[str, Any]:
        return (self.entry.case.wire or {}) if self.entry.case else {}


class _Refused(Exception):
    """The request is not acceptable; the argument is the fault code."""


@dataclass(frozen=True, slots=True)
class PropertyRegister:
    """An HttpRegister."""

    world: World

    def reply(self, request: RegisterRequest) -> RegisterReply:
        """Answer one page, or a fault with status 500."""
        try:
            query = self._accepted(request)
        except _Refused as refused:
            return _fault(str(refused))
        found = [self._find(ref, number, name) for ref, number, name in query.people]
        people = tuple(number for _, number, _ in query.people)
        codes = [f.wire["fault"] for f in found if "fault" in f.wire]
        if codes:
            return _fault(codes[0], people)
        socket_fault = next((f.entry.case.fault for f in found if f.entry.case and f.entry.case.fault), None)
        return RegisterReply(200, _HEADERS, self._page(query, found).encode(), people, socket_fault, f"{query.query_id}/{query.page_no}")

    def _accepted(self, request: RegisterRequest) -> _Query:
        """Check action and token, then read the query. Raises _Refused."""
        if (request.method, request.path, request.headers.get("soapaction")) != ("POST", "/services/RealPropertyQuery", _ACTION):
            raise _Refused("Client.UnknownAction")
        try:
            root: Any = parse(request.body)
            self._check_token(root)
            query = root.find(f".//{_NS}QueryRights")
            people = [tuple(child.text or "" for child in person) for person in query.find(f"{_NS}Persons")]
            return _Query(query.findtext(f"{_NS}QueryId"), int(query.findtext(f"{_NS}PageNo")), [(a, b, c) for a, b, c in people])
        except (StrictXmlError, AttributeError, ValueError, TypeError):
            raise _Refused("Client.BadRequest") from None

    def _check_token(self, root: Any) -> None:
        nonce, created = root.findtext(f".//{_WSSE}Nonce") or "", root.findtext(f".//{_WSU}Created") or ""
        raw = base64.b64decode(nonce, validate=True) + created.encode() + self.world.credentials["secret"].encode()
        right = base64.b64encode(hashlib.sha256(raw).digest()).decode() == root.findtext(f".//{_WSSE}Password")
        age = self.world.now() - datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        known = root.findtext(f".//{_WSSE}Username") == self.world.credentials["user"]
        if not (right and known and nonce) or abs(age.total_seconds()) > _CLOCK_SKEW_SECONDS:
            raise _Refused("Client.NotAuthorised")

    def _find(self, ref: str, number: str, name: str) -> _Found:
        entry = self.world.entry(number, name)
        wire = (entry.case.wire or {}) if entry.case else {}
        echo = {"XH": ref, "ZJHM": _echoed(entry), "XM": name, **wire.get("echo", {})}
        rows = [_render({"XH": ref, "ZJHM": echo["ZJHM"], **row}) for row in _rows(entry, wire)]
        rows *= 2 if entry.spoilt.duplicate_rows else 1
        status = wire.get("status") or _UNKNOWN.get(entry.known) or ("0000" if rows else "0001")
        count = wire.get("row_count", len(rows))
        has_date = {"SJRQ": entry.as_of.isoformat()} if status in {"0000", "0001"} else {}
        return _Found(f"<Person>{_render({**echo, 'CXJG': status, 'JLS': str(count), **has_date})}</Person>", rows, count, entry)

    def _page(self, query: _Query, found: Sequence[_Found]) -> str:
        rows = [row for person in found for row in person.rows]
        total = sum(person.count for person in found)
        wires, number = [person.wire for person in found], query.page_no
        here = [] if any(w.get("lose_page") == number for w in wires) else rows[(number - 1) * _PAGE_ROWS : number * _PAGE_ROWS]
        if number == 2:
            total = next((w["total_on_page_2"] for w in wires if "total_on_page_2" in w), total)
        head = {
            "QueryId": query.query_id,
            "PageNo": str(number),
            "PageCount": str(max(1, -(-len(rows) // _PAGE_ROWS))),
            "TotalRows": str(total),
            "RowsOnPage": str(len(here)),
            "DataDate": self.world.today().isoformat(),
        }
        doctype = '<!DOCTYPE soap:Envelope [<!ENTITY a "b">]>' if any(w.get("dtd") for w in wires) else ""
        persons = "".join(person.summary for person in found)
        return (
            f'<?xml version="1.0" encoding="utf-8"?>{doctype}{_OPEN}{_render(head)}<Persons>{persons}</Persons>'
            f"<Rows>{''.join(f'<Row>{row}</Row>' for row in here)}</Rows>{_CLOSE}"
        )


def _fault(code: str, people: Sequence[str] = ()) -> RegisterReply:
    return RegisterReply(500, _HEADERS, _FAULT.format(code=escape(code)).encode(), people)


def _echoed(entry: Entry) -> str:
    """Return the number as the register holds it: old files have 15 digits, which exist for births of the 1900s."""
    number = entry.id_number
    return number[:6] + number[8:17] if entry.spoilt.old_number and number[6:8] == "19" else number


def _rows(entry: Entry, wire: Mapping[str, Any]) -> list[dict[str, Any]]:
    if entry.person is not None:
        return [_row(home) for home in entry.person.homes]
    rows: list[dict[str, Any]] = wire.get("rows", [])
    repeat: int = wire.get("repeat", 1)
    return rows if repeat == 1 else [_numbered(row, n) for row in rows for n in range(1, repeat + 1)]


def _numbered(row: Mapping[str, Any], n: int) -> dict[str, Any]:
    return {name: value.replace("{n}", f"{n:04d}") if isinstance(value, str) else value for name, value in row.items()}


def _render(fields: Mapping[str, Any]) -> str:
    """Return fields as elements. None is left out; a list is a list element; other values must be text."""
    return "".join(f"<{name}>{_inner(name, value)}</{name}>" for name, value in fields.items() if value is not None)


def _inner(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(f"<{_LISTS[name]}>{_render(item)}</{_LISTS[name]}>" for item in value)
    return _render(value) if isinstance(value, dict) else escape(value)


def _row(home: RealProperty) -> dict[str, Any]:
    co_owners = [{"XM": c.name, "ZJHM": c.id_number, "QLBL": _fraction(c.share)} for c in home.co_owners]
    contract = home.presale
    return {
        "BDCDYH": home.unit_code,
        "BDCQZH": home.certificate_no,
        "ZSLX": _CERTIFICATE[home.certificate_type],
        "QLLX": home.right_type,
        "ZL": home.location,
        "JZMJ": _square_metres(home.building_area_cm2),
        "TNMJ": _square_metres(home.inner_area_cm2),
        "FTMJ": _square_metres(home.shared_area_cm2),
        "TDMJ": _square_metres(home.land_area_cm2),
        "GHYT": _USE[home.planned_use],
        "FWXZ": home.house_nature,
        "FWLX": home.house_type,
        "FWJG": home.structure,
        "SZC": str(home.floor),
        "ZCS": str(home.total_floors),
        "JGND": str(home.completed_year),
        "GYFS": _MODE[home.co_ownership],
        "QLBL": _fraction(home.share),
        "GYRLB": co_owners if home.co_owners_known else None,
        "DJSJ": home.registered.isoformat(),
        "DJYY": _REASON[home.registration_reason],
        "QSZT": _STATE[home.status],
        "ZXSJ": _day(home.right_ended),
        "QLJSSJ": _day(home.term_end),
        "DYZT": _flag(home.mortgaged),
        "CFZT": _flag(home.seized),
        "YGZT": _flag(home.preliminary_notice),
        "YYZT": _flag(home.objection),
        "JZQZT": _flag(home.right_of_residence),
        "QDJG": _ten_thousand_yuan(home.price_fen),
        "PGJG": _ten_thousand_yuan(home.assessed_fen),
        "DJJG": home.registry_office,
        "QXDM": home.region,
        "WQHT": {"HTBH": contract.contract_no, "QDRQ": contract.signed.isoformat(), "HTZT": _CONTRACT[contract.state]}
        if contract
        else None,
        "JZBZ": _flag(home.residential),
        "ZJDBZ": _flag(home.rural_homestead),
    }


def _square_metres(cm2: int | None) -> str | None:
    return None if cm2 is None else f"{cm2 // 10_000}.{cm2 % 10_000 // 100:02d}"


def _ten_thousand_yuan(fen: int | None) -> str | None:
    return None if fen is None else f"{fen // 1_000_000}.{fen % 1_000_000:06d}"


def _fraction(share: Share | None) -> str | None:
    return None if share is None else f"{share.numerator}/{share.denominator}"


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _flag(value: bool) -> str:
    return "1" if value else "0"
