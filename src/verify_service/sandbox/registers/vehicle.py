"""The simulated vehicle register of the traffic administration: signed REST/JSON, up to fifty people per call.

A case's `wire` is her result in the answer; what it leaves out (place, echoed identity, day of the data) is added here.
`wire.envelope` replaces parts of the envelope of the whole call.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from verify_service.sandbox.population.truth import Person, Vehicle
from verify_service.sandbox.world import Entry, Known, World
from verify_service.sources.register import RegisterReply, RegisterRequest

CREDENTIALS: dict[str, str] = {
    "app_id": "sandbox-verification-centre",
    "app_secret": "sandbox-only-vehicle-secret",
    "sign_type": "HMAC-SM3",
}

_PATH = "/api/v2/vehicles/query"
_MOST_PEOPLE = 50
_SKEW_MS = 5 * 60 * 1000
_DIGESTS: dict[str, type[hashes.HashAlgorithm]] = {"HMAC-SM3": hashes.SM3, "HMAC-SHA256": hashes.SHA256}
_STATUS = {Known.NOT_FOUND: "02", Known.NAME_MISMATCH: "03", Known.NOT_CONNECTED: "05"}
_MODES = {"购买": "A", "继承": "C", "赠予": "D", "法院判决": "J"}
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


class VehicleRegister:
    """Verifies every request's signature, time and nonce before it looks anybody up."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: OrderedDict[str, int] = OrderedDict()

    def reply(self, request: RegisterRequest) -> RegisterReply:
        """Answer one query, 401 for a signature, time or nonce that does not hold, 400 for a body that is not a query."""
        if (request.method, request.path) != ("POST", _PATH):
            return _refusal(404, "4040", "no such interface")
        refused = self._refused(request)
        if refused is not None:
            return _refusal(401, "4010", refused)
        try:
            asked = [(str(p["xh"]), str(p["sfzmhm"]), str(p["xm"])) for p in orjson.loads(request.body)["persons"]]
        except (ValueError, KeyError, TypeError):
            return _refusal(400, "4000", "not a query")
        if not 1 <= len(asked) <= _MOST_PEOPLE:
            return _refusal(400, "4001", "one to fifty people")
        return self._answer(request.headers, asked)

    def _refused(self, request: RegisterRequest) -> str | None:
        """Return why the request is not believed, None when it is."""
        headers, known = request.headers, self._world.credentials
        if headers.get("x-app-id") != known["app_id"] or headers.get("x-sign-type") != known["sign_type"]:
            return "unknown application"
        timestamp, nonce = headers.get("x-timestamp", ""), headers.get("x-nonce", "")
        if not hmac.compare_digest(headers.get("x-signature", ""), self._signature(request, timestamp, nonce)):
            return "signature"
        now = int(self._world.now().timestamp() * 1000)
        if not timestamp.isdigit() or abs(now - int(timestamp)) > _SKEW_MS:
            return "timestamp"
        return self._remember(nonce, now)

    def _signature(self, request: RegisterRequest, timestamp: str, nonce: str) -> str:
        known = self._world.credentials
        algorithm = _DIGESTS[known["sign_type"]]
        lines = (request.method, request.path, known["app_id"], timestamp, nonce, _hex(algorithm, request.body))
        signer = HMAC(known["app_secret"].encode(), algorithm())
        signer.update("\n".join(lines).encode())
        return signer.finalize().hex()

    def _remember(self, nonce: str, now: int) -> str | None:
        """Keep a nonce for as long as its timestamp could pass again."""
        while self._seen and next(iter(self._seen.values())) < now - 2 * _SKEW_MS:
            self._seen.popitem(last=False)
        if not nonce or nonce in self._seen:
            return "nonce"
        self._seen[nonce] = now
        return None

    def _answer(self, headers: Mapping[str, str], asked: Sequence[tuple[str, str, str]]) -> RegisterReply:
        entries = [self._world.entry(number, name) for _, number, name in asked]
        results, nonce = [_result(a, e) for a, e in zip(asked, entries, strict=True)], headers["x-nonce"]
        envelope: dict[str, Any] = {"code": "0000", "message": "成功", "requestId": nonce, "total": len(results), "results": results}
        for result in results:
            envelope |= result.pop("envelope", {})
        body, sign_type = orjson.dumps(envelope), self._world.credentials["sign_type"]
        return RegisterReply(
            status=200,
            headers={
                "content-type": "application/json; charset=utf-8",
                "x-request-id": nonce,
                f"x-content-{sign_type.removeprefix('HMAC-').lower()}": _hex(_DIGESTS[sign_type], body),
            },
            body=body,
            people=[entry.id_number for entry in entries],
            name=nonce,
            fault=next((e.case.fault for e in entries if e.case is not None and e.case.fault is not None), None),
        )


def _refusal(status: int, code: str, message: str) -> RegisterReply:
    body = orjson.dumps({"code": code, "message": message, "requestId": "", "total": 0, "results": []})
    return RegisterReply(status, {"content-type": "application/json; charset=utf-8"}, body)


def _hex(algorithm: type[hashes.HashAlgorithm], data: bytes) -> str:
    if algorithm is hashes.SHA256:
        return hashlib.sha256(data).hexdigest()
    digest = hashes.Hash(algorithm())
    digest.update(data)
    return digest.finalize().hex()


def _result(asked: tuple[str, str, str], entry: Entry) -> dict[str, Any]:
    """Return one person's result: a case's wire as it stands, the truth of a synthetic person, or why there is none."""
    place, number, name = asked
    result: dict[str, Any] = {"xh": place, "sfzmhm": number, "xm": name, "status": _STATUS.get(entry.known, "01")}
    result |= {"dataDate": entry.as_of.isoformat(), "count": 0, "vehicles": []}
    if entry.case is not None:
        return result | (entry.case.wire or {})
    return result if entry.person is None else result | _of_person(entry, entry.person)


def _of_person(entry: Entry, person: Person) -> dict[str, Any]:
    """Return what the register had on the entry's day; old stock is echoed with the 15-digit number."""
    rows = [_row(v, person.id_number) for v in person.vehicles if max(v.first_registered, v.acquired) <= entry.as_of]
    rows *= 2 if entry.spoilt.duplicate_rows else 1
    is_old = entry.spoilt.old_number and person.id_number[6:8] == "19"
    return {
        "sfzmhm": person.id_number[:6] + person.id_number[8:17] if is_old else person.id_number,
        "xm": person.registered_name,
        "status": "00" if rows else "01",
        "count": len(rows),
        "vehicles": rows,
    }


def _row(vehicle: Vehicle, owner: str) -> dict[str, Any]:
    """Return a row; clerks typed some plates with full-width letters (here those that end in 7)."""
    plate = vehicle.plate_no
    return {
        "hpzl": vehicle.plate_type,
        "hphm": plate.translate(_FULL_WIDTH) if plate.endswith("7") else plate,
        "clsbdh": vehicle.vin,
        "fdjh": f"****{vehicle.engine_no[-4:]}",
        "clpp1": vehicle.brand,
        "clxh": vehicle.model,
        "cllx": vehicle.vehicle_type,
        "syxz": vehicle.use_nature,
        "zt": vehicle.status_letters,
        "syq": "2",
        "syrzjlx": "A",
        "syrzjh": owner,
        "ccdjrq": vehicle.first_registered.isoformat(),
        "hdrq": vehicle.acquired.isoformat(),
        "hdfs": _MODES[vehicle.acquire_mode],
        "fzrq": vehicle.certificate_issued.isoformat(),
        "djzsbh": f"********{vehicle.certificate_no[-4:]}",
        "yxqz": vehicle.inspection_valid_to.isoformat(),
        "qzbfqz": _day(vehicle.scrap_due),
        "pl": vehicle.displacement_ml,
        "gl": vehicle.power_kw,
        "rlzl": vehicle.fuel,
        "hdzk": vehicle.seats,
        "hdzzl": vehicle.load_kg,
        "dybj": "1" if vehicle.mortgaged else "0",
        "cfbj": "1" if vehicle.seized else "0",
        "gcjg": _yuan(vehicle.purchase_price_fen),
        "djyz": _yuan(vehicle.original_value_fen),
        "syrbg": [{"bgrq": t.day.isoformat(), "bglx": "ZR" if t.direction == "in" else "ZC"} for t in vehicle.transfers],
        "fzjg": vehicle.issuing_office,
        "cjrzyc": "1" if vehicle.disabled_use else "0",
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
