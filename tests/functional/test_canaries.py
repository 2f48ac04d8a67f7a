"""A household of canaries through every route, error path and fault of a whole service; then the search for them where none may be."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.functional import canaries
from tests.functional.canaries import AMOUNTS, NAMES, NUMBERS
from tests.functional.processes import Process, await_ready, free_port, run

NUMBER, NAME = NUMBERS["father"], NAMES["father"]
CREDENTIALS = "sandbox-client.json"
_COME_AGAIN, _PATIENCE_SECONDS = ("still-running", "superseded"), 60


@dataclass
class Visit:
    """A running sandbox, who calls it, and every problem document that came back."""

    base_url: str
    token: str
    folder: Path
    problems: dict[str, bytes] = field(default_factory=dict)

    def call(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) or body is None else json.dumps(body, ensure_ascii=False).encode()
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer = httpx.request(method, f"{self.base_url}{path}", content=content, headers=sent, timeout=60, trust_env=False)
        if answer.is_error:
            self.problems[f"problem {len(self.problems)}: {method} {answer.status_code}"] = answer.content + repr(answer.headers).encode()
        return answer

    def current_report(self, verification_id: str) -> str:
        found: str = self.call("GET", f"/v1/verifications/{verification_id}").json()["verification"]["report_id"]
        return found

    def act(self, verification_id: str, path: str, body: object, **headers: str) -> None:
        """Act on the current version; while the worker makes the next one, come again as the problem asks."""
        until = monotonic() + _PATIENCE_SECONDS
        while monotonic() < until:
            answer = self.call("POST", path.format(self.current_report(verification_id)), body, **headers)
            if not answer.is_error or answer.json()["code"] not in _COME_AGAIN:
                return
            Event().wait(float(answer.headers.get("Retry-After", 0)))
        pytest.fail(f"{path} was told to come again for {_PATIENCE_SECONDS} seconds")


@contextmanager
def sandbox(folder: Path, *, faults: str) -> Iterator[tuple[Visit, Process]]:
    port = free_port()
    process = Process(["serve", "--sandbox", "--port", str(port), "--faults", faults], folder, {"VERIFY_LOG_LEVEL": "DEBUG"})
    process.start()
    base_url = f"http://127.0.0.1:{port}"
    try:
        await_ready(base_url, process)
        access = json.loads((folder / "var" / CREDENTIALS).read_bytes())
        yield Visit(base_url, access["access_token"], folder), process
    finally:
        process.kill()


def every_way(visit: Visit, household: dict[str, Any]) -> dict[str, Any]:
    """Verify, read and follow; return the report."""
    answer = visit.call("POST", "/v1/verifications", household, X_Deadline_Ms="4000", Idempotency_Key="k")
    assert answer.status_code == 200, answer.text
    visit.call("POST", "/v1/verifications", household, Idempotency_Key="k")
    visit.call("POST", "/v1/verifications", household | {"client_reference": "other"}, Idempotency_Key="k")
    verification, jws = answer.json()["verification"], answer.json()["jws"]
    report = f"/v1/reports/{verification['report_id']}"
    for path in (report, f"{report}/versions", f"/v1/verifications/{verification['id']}", "/v1/sources", "/v1/audit"):
        visit.call("GET", path)
    visit.call("GET", report, Accept="application/jose")
    visit.call("POST", "/v1/reports/verify", {"jws": jws})
    every_act(visit, household, answer.json())
    found: dict[str, Any] = answer.json()["report"]
    return found


def every_act(visit: Visit, household: dict[str, Any], issued: dict[str, Any]) -> None:
    """Do to the report whatever an officer can do, with canaries in every note; then ask for differences and views."""
    officer, reason = {"name_or_id": NAME, "office": "示例一市甲区民政局"}, f"{NAME} ({NUMBER}) has {AMOUNTS['father']}"
    verification, finding = issued["verification"], issued["report"]["findings"][0]["id"]
    cell = {"member": "father", "source": "vehicle", "grounds": reason}
    income = {"member": "father", "income": {"wage_fen": AMOUNTS["father"]}}
    acts: tuple[tuple[str, dict[str, Any]], ...] = (
        (f"/v1/reports/{{}}/findings/{finding}/resolution", {"state": "explained", "note": reason}),
        (f"/v1/reports/{{}}/findings/{NUMBER}/resolution", {"state": "explained", "note": reason}),
        ("/v1/reports/{}/corrections", {"reason": reason, "declared": {"incomes": [income]}}),
        ("/v1/reports/{}/corrections", {"reason": reason, "declared": {"incomes": [{**income, "member": NUMBER}]}}),
        ("/v1/reports/{}/objections", {"cells": [cell]}),
        ("/v1/reports/{}/objections", {"cells": [{**cell, "member": NAME}], NUMBER: NAME}),
        ("/v1/reports/{}/close-gaps", {"reason": reason}),
        (f"/v1/verifications/{verification['id']}/consents/revoke", {"reason": reason, "consents": [household["consents"][1]["number"]]}),
        (f"/v1/verifications/{verification['id']}/consents/revoke", {"reason": reason, "consents": [NUMBER, NAME]}),
        (f"/v1/verifications/{verification['id']}/cancel", {"reason": reason}),
        ("/v1/reports/{}/withdraw", {"reason": reason}),
        ("/v1/reports/{}/withdraw", {"reason": reason}),
    )
    for number, (path, body) in enumerate(acts):
        visit.act(verification["id"], path, {"officer": officer, **body}, Idempotency_Key=f"act-{number}")
    current = visit.current_report(verification["id"])
    versions = visit.call("GET", f"/v1/reports/{current}/versions").json()["versions"]
    assert len(versions) > 5
    for version in versions:
        visit.call("GET", f"/v1/reports/{current}/versions/{version['version']}/diff")
    for view in ("applicant", "minimum", NUMBER):
        visit.call("GET", f"/v1/reports/{current}?view={view}")
    visit.call("POST", "/v1/policies/replay", {"reports": [v["id"] for v in versions], "rules_of": "2025-12-01"})
    visit.call("POST", "/v1/policies/replay", {"reports": [NUMBER], "rules_of": NAME})


def every_wrong_way(visit: Visit, household: dict[str, Any]) -> None:
    """Send what must be refused, with canaries where each refusal could repeat them."""
    whole = json.dumps(household, ensure_ascii=False).encode()
    first = household["household"]["members"][0]
    forged = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (b'{"alg":"none"}', whole, NUMBER.encode()))
    for body in (
        whole[:-200],
        whole.replace(b'"purpose"', b'"purpose": NaN, "purpose"', 1),
        f'{{"{NUMBER}": 1, "{NUMBER}": "{NAME}"}}'.encode(),
        whole.replace(NUMBER.encode(), NUMBER[:-1].encode() + b"1"),
        changed(household, id_number=NAME, name=NUMBER),
        changed(household, declared_income={"wage_fen": str(AMOUNTS["father"])}),
        changed(household, **{NUMBER: NAME}),
        changed(household, **{NAME: NUMBER}),
        changed(household, ref=first["id_number"]),
        changed(household, role=NAME),
        household | {NUMBER: NAME, NAME: NUMBER},
        household | {"purpose": NUMBER, "region": NAME, "client_reference": [NUMBER]},
        household | {"consents": [{**consent, "member": NUMBER, "sources": [NAME]} for consent in household["consents"]]},
        household | {"sources": [NUMBER]},
        household | {"region": "980101"},
        household | {"consents": []},
        whole + b" " * 2_000_000,
    ):
        answer = visit.call("POST", "/v1/verifications", body)
        assert 400 <= answer.status_code < 500, (answer.status_code, body)
    for path in (NUMBER, quote(NAME), base64.b64encode(NUMBER.encode()).decode()):
        for start in ("/v1/verifications/", "/v1/reports/", "/v1/sources/", "/", "/v1/audit?limit=", "/v1/audit?verification_id="):
            visit.call("GET", f"{start}{path}")
    for header in ("Prefer", "X_Deadline_Ms", "Accept", "Content_Type", "X_Request_Id", "Authorization", "Last_Event_ID", "Traceparent"):
        visit.call("POST", "/v1/verifications", whole, **{header: f"{NUMBER} {AMOUNTS['father']}"})
    visit.call("POST", "/v1/reports/verify", {"jws": forged})
    visit.call("POST", "/v1/reports/verify", {"jws": NUMBER})
    visit.call("BREW", f"/v1/{NUMBER}")


def changed(household: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the household with fields of its first member replaced or added."""
    members = household["household"]["members"]
    return household | {"household": {**household["household"], "members": [{**members[0], **fields}, *members[1:]]}}


@pytest.mark.slow
@pytest.mark.parametrize("faults", ["none", "storm"])
def test_no_canary_is_found_where_none_may_be(tmp_path: Path, household: bytes, faults: str) -> None:
    wanted = canaries.canary_household(household)
    with sandbox(tmp_path, faults=faults) as (visit, process):
        operator = json.loads(run(tmp_path, "client", "new", "duty", "--tenant", "office", "--operator"))
        report = every_way(visit, wanted)
        every_wrong_way(visit, wanted)
        visit.token = operator["access_token"]
        reason = visit.call("POST", "/v1/sources/vehicle/isolate", {"reason": f"asked about {NUMBER}"})
        assert reason.status_code == 422
        told = {"/metrics": visit.call("GET", "/metrics").content, "/v1/sources": visit.call("GET", "/v1/sources").content}
        hot = canaries.files_below(tmp_path / "var")  # while the write-ahead log is there
        assert process.stop() == 0
    places = {**told, **visit.problems, **{f"hot {name}": content for name, content in hot.items()}, **canaries.files_below(tmp_path)}
    assert {"serve.log", "var/verify.db", "hot verify.db-wal"} <= set(places)
    assert places["serve.log"].count(b"http.request") > 50
    secrets = canaries.secrets(report)
    assert len(secrets) > 20
    assert canaries.leaks(places, secrets) == []
    token = json.loads(places.pop(f"var/{CREDENTIALS}"))["client_secret"]
    del places[f"hot {CREDENTIALS}"]
    # The store keeps the SHA-256 of a token's 256 random bits; there is nothing to guess.
    assert canaries.leaks(places, [token, operator["client_secret"]], but="sha256") == []


@pytest.mark.parametrize("secret", [NUMBER, NUMBER[-6:], NAME, canaries.ADDRESS, str(AMOUNTS["father"])])
@pytest.mark.parametrize("form", sorted(canaries.forms(NUMBER)))
def test_planted_leak_is_found(secret: str, form: str) -> None:
    planted = b'{"event": "x", "detail": "' + canaries.forms(secret)[form] + b'"}\n'
    assert canaries.leaks({"serve.log": b"before\n" + planted, "other.log": b"nothing"}, [secret])


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc"])
@pytest.mark.parametrize("coding", [base64.b64encode, base64.urlsafe_b64encode])
def test_leak_within_something_longer_is_found_in_base64(before: bytes, coding: Any) -> None:
    planted = coding(before + NAME.encode() + b" and so on")
    assert canaries.leaks({"log": planted}, [NAME])


@pytest.mark.parametrize("secret", canaries.secrets())
def test_every_canary_stands_in_the_request(secret: str, household: bytes) -> None:
    sent = json.dumps(canaries.canary_household(household), ensure_ascii=False).encode()
    assert canaries.leaks({"request": sent}, [secret])
