"""Reports over HTTP: read as they were signed, followed through their versions, verified when somebody brings one."""

import base64
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from tests.api.house import House, bearer
from verify_service.bodies import read_request
from verify_service.domain.outcome import Answer, Outcome, OutcomeCode
from verify_service.signing.keys import generate_key
from verify_service.signing.signer import sign
from verify_service.verification.fanout import Call
from verify_service.verification.verify import Job, Previous

JOSE = "application/jose"


async def issue(house: House) -> dict[str, Any]:
    answer: dict[str, Any] = (await house.post()).json()
    return answer


async def replaced(house: House) -> tuple[str, str]:
    """Issue a report and its second version, as the worker does when a register answers late; return both ids."""
    first = (await issue(house))["verification"]
    services = house.services
    row = await services.store.verification(tenant="one", verification_id=first["id"])
    held = await services.store.claim(tenant="one", verification_id=row.id, now=house.clock(), lease_until=house.clock.in_a_minute())
    job = Job("one", "full", row.id, read_request(row.request), held.fence, row.created_at)
    answers = await services.store.answers(tenant="one", verification_id=row.id)
    late = [Answer(a.question, Outcome(OutcomeCode.TIMEOUT, failed_by="source")) for a in answers if a.question.source == "vehicle"]
    call = Call("vehicle", [a.question for a in late], late)
    second = await services.issue(services.verifier.renew(job, [call], Previous(first["report_id"], 1, answers)))
    return first["report_id"], second.verification["report_id"]


async def verify(house: House, jws: str | bytes, *, who: str = "full") -> dict[str, Any]:
    headers = {"Content-Type": JOSE, **bearer(who)}
    answer = await house.http.post("/v1/reports/verify", content=jws, headers=headers)
    assert answer.status_code == 200
    verdict: dict[str, Any] = answer.json()
    return verdict


async def test_report_is_given_as_it_was_signed(house: House) -> None:
    issued = await issue(house)
    answer = await house.get(f"/v1/reports/{issued['verification']['report_id']}")
    assert answer.json() == {"report": issued["report"], "jws": issued["jws"], "state": {"is_current": True, "replaced_by": None}}
    payload = base64.urlsafe_b64decode(issued["jws"].split(".")[1] + "==")
    assert b'{"report":' + payload + b',"jws":' in answer.content
    assert answer.headers["etag"] == f'"{hashlib.sha256(payload).hexdigest()}"'


@pytest.mark.parametrize("accept", [JOSE, "application/jose, application/json;q=0.5", "application/*;q=0.1, application/jose"])
async def test_report_is_given_as_the_signature_alone(house: House, accept: str) -> None:
    issued = await issue(house)
    answer = await house.get(f"/v1/reports/{issued['verification']['report_id']}", Accept=accept)
    assert (answer.headers["content-type"], answer.text) == (JOSE, issued["jws"])
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("accept", ["*/*", "", "application/*", "application/json", "text/html, */*;q=0.1"])
async def test_json_is_what_who_does_not_mind_gets(house: House, accept: str) -> None:
    report = (await issue(house))["verification"]["report_id"]
    assert (await house.get(f"/v1/reports/{report}", Accept=accept)).headers["content-type"] == "application/json"


async def test_report_in_another_form_is_refused_unread(house: House) -> None:
    report = (await issue(house))["verification"]["report_id"]
    read = house.stored("audit")
    assert (await house.get(f"/v1/reports/{report}", Accept="application/pdf")).json()["code"] == "not-acceptable"
    assert house.stored("audit") == read


async def test_every_read_is_in_the_audit_log(house: House) -> None:
    report = (await issue(house))["verification"]["report_id"]
    before = house.stored("audit")
    await house.get(f"/v1/reports/{report}")
    assert house.stored("audit") == before + 1


async def test_replaced_version_says_what_replaces_it(house: House) -> None:
    first, second = await replaced(house)
    assert (await house.get(f"/v1/reports/{first}")).json()["state"] == {"is_current": False, "replaced_by": second}
    assert (await house.get(f"/v1/reports/{second}")).json()["state"] == {"is_current": True, "replaced_by": None}
    for version in (first, second):
        versions = (await house.get(f"/v1/reports/{version}/versions")).json()["versions"]
        assert [(v["id"], v["version"], v["replaces"]) for v in versions] == [(first, 1, None), (second, 2, first)]


async def test_replay_gives_the_first_version_still(house: House) -> None:
    first = await house.post(Idempotency_Key="k")
    assert (await house.post(Idempotency_Key="k")).content == first.content


async def test_brought_report_is_valid_and_current(house: House) -> None:
    issued = await issue(house)
    keys = house.services.keyring()
    expected = {
        "valid": True,
        "reason": None,
        "kid": keys.active.kid,
        "state": "current",
        "replaced_by": None,
        "as_of": "2026-11-24T02:00:00Z",
    }
    assert await verify(house, issued["jws"]) == expected
    as_json = await house.http.post("/v1/reports/verify", json={"jws": issued["jws"]}, headers=bearer("full"))
    assert as_json.json() == expected


async def test_brought_report_that_was_replaced_is_superseded(house: House) -> None:
    first, second = await replaced(house)
    jws = (await house.get(f"/v1/reports/{first}", Accept=JOSE)).text
    verdict = await verify(house, jws)
    assert (verdict["valid"], verdict["state"], verdict["replaced_by"]) == (True, "superseded", second)


async def test_report_of_another_tenant_is_valid_and_no_more_is_said(house: House) -> None:
    verdict = await verify(house, (await issue(house))["jws"], who="other")
    assert (verdict["valid"], verdict["state"], verdict["replaced_by"]) == (True, "unknown", None)


async def test_our_signature_over_what_was_never_issued_is_unknown(house: House) -> None:
    issued = await issue(house)
    active = house.services.keyring().active
    for report in ({**issued["report"], "findings": []}, {"header": None}, {"header": {"report_id": "x"}}, {}):
        verdict = await verify(house, sign(report, active).jws)
        assert (verdict["valid"], verdict["state"]) == (True, "unknown")


async def test_report_signed_by_another_key_is_not_valid(house: House) -> None:
    issued = await issue(house)
    forged = sign(issued["report"], replace(generate_key(house.clock()), kid=house.services.keyring().active.kid)).jws
    assert await verify(house, forged) == {
        "valid": False,
        "reason": "bad_signature",
        "kid": None,
        "state": "unknown",
        "replaced_by": None,
        "as_of": "2026-11-24T02:00:00Z",
    }


async def test_one_changed_character_anywhere_is_not_valid(house: House) -> None:
    jws = (await issue(house))["jws"]
    for place in range(0, len(jws), 97):
        changed = jws[:place] + ("A" if jws[place] != "A" else "B") + jws[place + 1 :]
        verdict = await verify(house, changed)
        assert verdict["valid"] is False
        assert verdict["reason"] is not None


@pytest.mark.parametrize("jws", ["", "a.b.c", "....", "é.é.é", "\u0000", "x" * 50_000, "eyJhbGciOiJub25lIn0.e30."])
async def test_whatever_is_no_report_of_ours_is_an_answer_too(house: House, jws: str) -> None:
    assert (await verify(house, jws.encode()))["valid"] is False


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"{}", 422, "/jws"),
        (b'{"jws": 1}', 422, "/jws"),
        (b'{"jws": "a.b.c", "kid": "x"}', 422, "/kid"),
        (b'{"jws": "a.b.c", "jws": "a.b.c"}', 400, ""),
        (b"a.b.c", 400, ""),
    ],
)
async def test_malformed_question_is_a_problem(house: House, body: bytes, status: int, pointer: str) -> None:
    headers = {"Content-Type": "application/json", **bearer("full")}
    answer = await house.http.post("/v1/reports/verify", content=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, pointer)


async def test_question_in_another_form_is_refused(house: House) -> None:
    answer = await house.http.post("/v1/reports/verify", content=b"a.b.c", headers={"Content-Type": "text/plain", **bearer("full")})
    assert answer.json()["code"] == "unsupported-media-type"
