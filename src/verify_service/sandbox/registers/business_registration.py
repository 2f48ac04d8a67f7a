"""The simulated market entity register behind an X-Road security server: up to a hundred people per call.

A case's `wire` is her part of the answer; what it leaves out (place, echoed identity, day of the data) is added here.
`wire.xRoadError` makes the security server fail instead, `wire.requestHash` replaces the echoed hash (null: none is sent),
`wire.envelope` replaces parts of the envelope.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from verify_service.sandbox.population.truth import BusinessRole, ContributedCapital, Person
from verify_service.sandbox.world import Entry, Known, World
from verify_service.sources.register import RegisterReply, RegisterRequest

CREDENTIALS: dict[str, str] = {"client": "CN-GOV/GOV/MCA/sandbox-verification"}

_SERVICE = "CN-GOV/GOV/SAMR/registration/business-registry"
_PATH = f"/r1/{_SERVICE}/v1/persons/roles"
_JSON = {"content-type": "application/json; charset=utf-8"}
_MOST_PEOPLE = 100
_RESULTS = {Known.NOT_FOUND: "PERSON_NOT_FOUND", Known.NAME_MISMATCH: "NAME_MISMATCH", Known.NOT_CONNECTED: "REGION_NOT_CONNECTED"}
_ENTITY_TYPES = {"company": "1100", "partnership": "4530", "sole_proprietorship": "4540", "cooperative": "9100", "sole_trader": "9500"}
_ROLES = {
    "legal_representative": "LEGAL_REP",
    "investor": "INVESTOR",
    "executive": "EXECUTIVE",
    "sole_trader": "SOLE_TRADER",
    "cooperative_member": "COOP_MEMBER",
}
_STATES = {"active": "1", "revoked": "2", "cancelled": "3", "moved_out": "4", "closed": "5", "suspended": "6"}
_CURRENCIES = {"CNY": "156", "HKD": "344", "USD": "840", "EUR": "978"}


class BusinessRegistrationRegister:
    """Verifies who asks and for which service, and echoes the hash of what was asked."""

    def __init__(self, world: World) -> None:
        self._world = world

    def reply(self, request: RegisterRequest) -> RegisterReply:
        """Answer one query, or fail as a security server does: an X-Road-Error header with status 400 or 500."""
        refused = self._refused(request)
        if refused is not None:
            return _failure(refused)
        try:
            asked = [(int(p["seq"]), str(p["idNumber"]), str(p["name"])) for p in orjson.loads(request.body)["persons"]]
        except (ValueError, KeyError, TypeError):
            return _failure("Client.BadRequest")
        if not 1 <= len(asked) <= _MOST_PEOPLE:
            return _failure("Client.BadRequest")
        return self._answer(request, asked)

    def _refused(self, request: RegisterRequest) -> str | None:
        """Return the X-Road error type of a request that does not pass, None when it does."""
        headers = request.headers
        if (request.method, request.path) != ("POST", _PATH) or headers.get("x-road-service") != _SERVICE:
            return "Server.ServerProxy.UnknownService"
        if headers.get("x-road-client") != self._world.credentials["client"]:
            return "Server.ServerProxy.AccessDenied"
        if not (_is_uuid(headers.get("x-road-id", "")) and headers.get("x-road-userid") and headers.get("x-road-issue")):
            return "Client.BadRequest"
        return None

    def _answer(self, request: RegisterRequest, asked: Sequence[tuple[int, str, str]]) -> RegisterReply:
        entries = [self._world.entry(number, name) for _, number, name in asked]
        persons = [_person(a, e) for a, e in zip(asked, entries, strict=True)]
        envelope: dict[str, Any] = {"total": len(persons), "persons": persons}
        headers: dict[str, str | None] = {**_JSON, **_echoed(request.headers), "x-road-request-hash": _request_hash(request)}
        for person in persons:
            envelope |= person.pop("envelope", {})
            headers |= {"x-road-request-hash": person.pop("requestHash")} if "requestHash" in person else {}
            if "xRoadError" in person:
                return _failure(person["xRoadError"])
        return RegisterReply(
            status=200,
            headers={name: value for name, value in headers.items() if value is not None},
            body=orjson.dumps(envelope),
            people=[entry.id_number for entry in entries],
            name=request.headers["x-road-id"],
            fault=next((e.case.fault for e in entries if e.case is not None and e.case.fault is not None), None),
        )


def _failure(error: str) -> RegisterReply:
    """Return what a security server sends when the message did not get through."""
    body = orjson.dumps({"type": error, "message": "the message was not processed", "detail": ""})
    return RegisterReply(400 if error.startswith("Client.") else 500, {**_JSON, "x-road-error": error}, body)


def _echoed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in ("x-road-client", "x-road-service", "x-road-id")}


def _request_hash(request: RegisterRequest) -> str:
    return base64.b64encode(hashlib.sha512(f"{request.method}\n{request.path}\n".encode() + request.body).digest()).decode()


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _person(asked: tuple[int, str, str], entry: Entry) -> dict[str, Any]:
    """Return one person's part: a case's wire as it stands, the truth of a synthetic person, or why there is none."""
    seq, number, name = asked
    part: dict[str, Any] = {"seq": seq, "idNumber": number, "name": name, "result": _RESULTS.get(entry.known, "NONE")}
    part |= {"matchedBy": "ID_NUMBER", "dataDate": entry.as_of.isoformat(), "roleCount": 0, "roles": []}
    if entry.case is not None:
        return part | (entry.case.wire or {})
    return part if entry.person is None else part | _of_person(entry, entry.person)


def _of_person(entry: Entry, person: Person) -> dict[str, Any]:
    """Return what the register had on the entry's day; old stock is echoed with the 15-digit number."""
    rows = [_row(role, entry.as_of) for role in person.business_roles if max(role.established, role.approved) <= entry.as_of]
    rows *= 2 if entry.spoilt.duplicate_rows else 1
    is_old = entry.spoilt.old_number and person.id_number[6:8] == "19"
    return {
        "idNumber": person.id_number[:6] + person.id_number[8:17] if is_old else person.id_number,
        "name": person.registered_name,
        "result": "FOUND" if rows else "NONE",
        "roleCount": len(rows),
        "roles": rows,
    }


def _row(role: BusinessRole, as_of: date) -> dict[str, Any]:
    claimed = role.name_borrow_claimed_on is not None and role.name_borrow_claimed_on <= as_of
    currency = _CURRENCIES[role.capital_currency]
    return {
        "uscc": role.uscc,
        "regNo": role.registration_no,
        "entName": role.name,
        "entType": _ENTITY_TYPES[role.entity_type],
        "personRole": _ROLES[role.role],
        "position": role.position,
        "regCapital": _ten_thousands(role.registered_capital_fen),
        "regCapitalUnit": "万元",
        "currency": currency,
        "contribution": None if role.contribution is None else _contribution(role.contribution, currency),
        "establishedOn": role.established.isoformat(),
        "approvedOn": role.approved.isoformat(),
        "termFrom": role.term_from.isoformat(),
        "termTo": _day(role.term_to),
        "regState": _STATES[role.registration_status],
        "stateSince": _day(role.status_since),
        "regAuthority": role.authority,
        "address": role.address,
        "scope": role.scope,
        "industry": role.industry,
        "annualReportYear": role.annual_report_year,
        "employees": role.employees,
        "abnormalList": _flag(role.abnormal_list),
        "equityFrozen": _flag(role.equity_frozen),
        "nameBorrowClaim": _flag(claimed),
        "nameBorrowClaimedOn": _day(role.name_borrow_claimed_on) if claimed else None,
    }


def _contribution(paid: ContributedCapital, currency: str) -> dict[str, Any]:
    return {
        "subscribed": _ten_thousands(paid.subscribed_fen),
        "paidIn": _ten_thousands(paid.paid_in_fen),
        "unit": "万元",
        "currency": currency,
        "share": f"{paid.share.numerator}/{paid.share.denominator}",
        "due": paid.due.isoformat(),
    }


def _ten_thousands(fen: int) -> str:
    """Return fen as units of 10,000 yuan with six decimals: 500.000000 is five million yuan."""
    return f"{fen // 1_000_000}.{fen % 1_000_000:06d}"


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _flag(value: bool) -> str:
    return "1" if value else "0"
