"""The simulated social insurance register: OAuth2 client credentials, then the DCI registry search.

A case's `wire` says: `records` (the rows, without `ssn`), or `status` and `reason` of a rejection; and to go wrong:
`header` (status and reason of the whole call), `person` (another number or name in the echo), `data` (fields replaced).
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

import orjson

from verify_service.sandbox.population.truth import PensionBenefit, SocialContribution
from verify_service.sandbox.world import Entry, Known, World
from verify_service.sources.register import RegisterReply, RegisterRequest
from verify_service.sources.strict_json import StrictJsonError, loads

CREDENTIALS = {"client_id": "sandbox-civil-affairs", "client_secret": "sandbox-only-pension-secret", "receiver_id": "sandbox-pension"}

_JSON = {"Content-Type": "application/json"}
_TOKEN_SECONDS = 3600
_PEOPLE_LIMIT = 100
_UNKNOWN = {
    Known.NOT_FOUND: "rjct.person.not_found",
    Known.NAME_MISMATCH: "rjct.person.name_mismatch",
    Known.NOT_CONNECTED: "rjct.region.not_connected",
}
_CATEGORY = {"employee": "1", "flexible": "2", "resident": "3"}
_INSURED = {"insured": "1", "paused": "2", "ended": "3"}
_PAYMENT = {"normal": "1", "paused": "2", "ended": "3"}
_BENEFIT = {
    "employee_pension": "A1",
    "civil_service_pension": "A2",
    "resident_pension": "A3",
    "survivor": "B1",
    "unemployment": "C1",
    "injury": "D1",
}


@dataclass(frozen=True, slots=True)
class PensionRegister:
    """An HttpRegister. Tokens are signed, not kept: each holds the hour in which it was given."""

    world: World

    def reply(self, request: RegisterRequest) -> RegisterReply:
        """Give a token, or answer a search; 401 without a token that holds, 400 for a message that breaks the standard."""
        if (request.method, request.path) == ("POST", "/oauth2/token"):
            return self._give_token(request)
        if (request.method, request.path) != ("POST", "/registry/sync/search"):
            return _error(404, "not_found")
        if not self._holds(request.headers.get("authorization", "")):
            return _error(401, "invalid_token")
        try:
            envelope = loads(request.body)
            asked = [(r["reference_id"], r["search_criteria"]["query"]) for r in envelope["message"]["search_request"]]
            queries = [(reference, query["value"], query["name"]) for reference, query in asked if query["type"] == "GB11643"]
        except (StrictJsonError, KeyError, TypeError):
            return _error(400, "bad_message")
        return self._search(envelope, queries)

    def _give_token(self, request: RegisterRequest) -> RegisterReply:
        form = dict(parse_qsl(request.body.decode()))
        client = (form.get("client_id"), form.get("client_secret"), form.get("grant_type"))
        if client != (self.world.credentials["client_id"], self.world.credentials["client_secret"], "client_credentials"):
            return _error(401, "invalid_client")
        token = {"access_token": self._token(self._hour()), "token_type": "Bearer", "expires_in": _TOKEN_SECONDS}
        return RegisterReply(200, _JSON, orjson.dumps(token))

    def _hour(self) -> int:
        return int(self.world.now().timestamp()) // _TOKEN_SECONDS

    def _token(self, hour: int) -> str:
        mark = hmac.new(self.world.credentials["client_secret"].encode(), str(hour).encode(), hashlib.sha256).hexdigest()
        return f"{hour}.{mark}"

    def _holds(self, authorization: str) -> bool:
        """Accept tokens of this hour and the one before, so that none ends before its time."""
        return authorization in {f"Bearer {self._token(self._hour() - ago)}" for ago in (0, 1)}

    def _search(self, envelope: Mapping[str, Any], queries: Sequence[tuple[str, str, str]]) -> RegisterReply:
        header = envelope["header"]
        entries = [(reference, name, self.world.entry(number, name)) for reference, number, name in queries]
        reason = _header_reason(header, len(queries), self.world.credentials)
        refusal = {"status": "rjct", "reason": reason} if reason else _refusal(entry for _, _, entry in entries)
        answers = [] if refusal else [_answer(reference, name, entry) for reference, name, entry in entries]
        body = {
            "header": {
                "version": "1.0.0",
                "message_id": header["message_id"],
                "message_ts": self.world.now().isoformat(timespec="seconds"),
                "action": "search",
                "status": refusal.get("status", "succ"),
                "status_reason_code": refusal.get("reason"),
                "sender_id": self.world.credentials["receiver_id"],
                "receiver_id": header["sender_id"],
                "total_count": len(queries),
                "completed_count": len(answers),
                "is_msg_encrypted": False,
            },
            "message": {
                "transaction_id": envelope["message"]["transaction_id"],
                "correlation_id": hashlib.sha256(header["message_id"].encode()).hexdigest()[:20],
                "search_response": answers,
            },
        }
        fault = next((e.case.fault for _, _, e in entries if e.case and e.case.fault), None)
        return RegisterReply(200, _JSON, orjson.dumps(body), tuple(number for _, number, _ in queries), fault, header["message_id"])


def _error(status: int, code: str) -> RegisterReply:
    return RegisterReply(status, _JSON, orjson.dumps({"errors": [{"code": code}]}))


def _wire(entry: Entry) -> Mapping[str, Any]:
    return (entry.case.wire or {}) if entry.case else {}


def _refusal(entries: Iterable[Entry]) -> Mapping[str, Any]:
    """Return how a case wants the whole call to be refused; empty when none does."""
    return next((_wire(entry)["header"] for entry in entries if "header" in _wire(entry)), {})


def _header_reason(header: Mapping[str, Any], people: int, credentials: Mapping[str, str]) -> str | None:
    """Return the reason code of the DCI standard for which the whole message is rejected, if there is one."""
    if header.get("version") != "1.0.0":
        return "rjct.version.invalid"
    if header.get("action") != "search":
        return "rjct.action.not_supported"
    if header.get("total_count") != people:
        return "rjct.total_count.invalid"
    if people > _PEOPLE_LIMIT:
        return "rjct.total_count.limit_exceeded"
    known = (header.get("sender_id"), header.get("receiver_id")) == (credentials["client_id"], credentials["receiver_id"])
    return None if known else "rjct.requester.not_authorised"


def _answer(reference: str, name: str, entry: Entry) -> dict[str, Any]:
    wire = _wire(entry)
    reason = wire.get("reason") or _UNKNOWN.get(entry.known)
    if reason or "status" in wire:
        return {"reference_id": reference, "status": wire.get("status", "rjct"), "status_reason_code": reason}
    data = _data(entry, name, wire)
    return {"reference_id": reference, "status": "succ", "status_reason_code": None, "data": {**data, **wire.get("data", {})}}


def _data(entry: Entry, name: str, wire: Mapping[str, Any]) -> dict[str, Any]:
    number = _held_number(entry)
    found = wire.get("records", []) if entry.person is None else _truth(entry.person.contributions, entry.person.benefits)
    rows = [{"ssn": number, **row} for row in found] * (2 if entry.spoilt.duplicate_rows else 1)
    echo = {"number": number, "name": entry.person.registered_name if entry.person else name, **wire.get("person", {})}
    return {
        "reg_type": "ns:cn:RegistryType:SocialInsurance",
        "reg_record_type": "InsuredPerson",
        "person": {"identifier": [{"identifier_type": "GB11643", "identifier_value": echo["number"]}], "name": echo["name"]},
        "as_of": entry.as_of.isoformat(),
        "has_records": bool(rows),
        "record_count": len(rows),
        "reg_records": rows,
    }


def _held_number(entry: Entry) -> str:
    """Return the number as the register holds it: old files have 15 digits, which exist for births of the 1900s."""
    number = entry.id_number
    return number[:6] + number[8:17] if entry.spoilt.old_number and number[6:8] == "19" else number


def _truth(contributions: Sequence[SocialContribution], benefits: Sequence[PensionBenefit]) -> list[dict[str, Any]]:
    return [*(_contribution(row, n) for n, row in enumerate(contributions)), *(_benefit(row, n) for n, row in enumerate(benefits))]


def _contribution(row: SocialContribution, n: int) -> dict[str, Any]:
    return {
        "@type": "Contribution",
        "entry_no": f"{row.region}-{row.insurance_type}-{row.month}-{n}",
        "entry_kind": "1",
        "insurance_type": row.insurance_type,
        "person_category": _CATEGORY[row.person_category],
        "unit": {"name": row.unit_name, "uscc": row.unit_uscc} if row.unit_uscc else None,
        "join_date": row.joined.isoformat(),
        "insured_state": _INSURED[row.state],
        "month": _month(row.month),
        "base": _yuan(row.base_fen),
        "personal_amount": _yuan(row.personal_fen),
        "unit_amount": _yuan(row.unit_fen),
        "arrears": _yuan(row.arrears_fen),
        "last_paid_month": _month(row.last_paid_month),
        "months_total": row.months_total,
        "prior_year_monthly_income": None if row.prior_year_monthly_income_fen is None else _yuan(row.prior_year_monthly_income_fen),
        "pooling_region": row.region,
        "base_at_floor": row.base_at_floor,
    }


def _benefit(row: PensionBenefit, n: int) -> dict[str, Any]:
    parts = row.split
    return {
        "@type": "Benefit",
        "entry_no": f"{row.region}-{_BENEFIT[row.benefit_type]}-{n}",
        "benefit_type": _BENEFIT[row.benefit_type],
        "retire_date": _day(row.retired),
        "first_paid_month": _month(row.first_paid_month),
        "monthly_amount": _yuan(row.monthly_fen),
        "split": {
            "basic": _yuan(parts.basic_fen),
            "personal_account": _yuan(parts.personal_account_fen),
            "transitional": _yuan(parts.transitional_fen),
            "increase": _yuan(parts.increase_fen),
            "subsidy": _yuan(parts.subsidy_fen),
        },
        "payment_state": _PAYMENT[row.payment_state],
        "pause_reason": row.pause_reason,
        "last_paid_month": _month(row.last_paid_month),
        "paid_this_year": _yuan(row.paid_this_year_fen),
        "bank": row.bank,
        "last_alive_check": _day(row.last_alive_check),
        "death_stop_date": _day(row.death_stop),
        "pooling_region": row.region,
        "back_pay": _yuan(row.back_pay_fen),
    }


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _month(month: str) -> str:
    return month.replace("-", "")


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
