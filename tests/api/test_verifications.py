"""The main job over HTTP: one answer, durable, repeatable, and the work outlives whoever waits for it."""

import asyncio
import hashlib
import json
from datetime import date

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from tests.api.house import House, household
from verify_service.api.amendment_examples import AMENDMENTS
from verify_service.domain.request_number import request_number

KEY = "0b9f6a54-5d0c-4b0e-9c38-4f4a2b8a7a11"


async def finished(house: House) -> None:
    house.register.gate.set()
    await asyncio.wait(set(house.services.background))


async def test_answer_is_verification_report_and_signature(house: House) -> None:
    answer = await house.post()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"verification", "report", "jws"}
    assert body["verification"]["report_id"] == body["report"]["header"]["report_id"]
    assert house.stored() == house.stored("reports") == 1


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # the older name is the one that released libraries know (signer.py)
async def test_another_implementation_verifies_exactly_the_report_bytes(house: House) -> None:
    answer = await house.post()
    keys = KeySet.import_key_set((await house.get("/.well-known/jwks.json")).json())
    payload = jws.deserialize_compact(answer.json()["jws"], keys, algorithms=["EdDSA"]).payload
    assert b',"report":' + payload + b',"jws":"' in answer.content


async def test_same_key_and_body_give_the_same_bytes_and_ask_nobody_again(house: House) -> None:
    first = await house.post(Idempotency_Key=KEY)
    asked = house.register.asked
    again = await house.post(Idempotency_Key=f'"{KEY}"')
    assert (again.status_code, again.content) == (200, first.content)
    assert house.register.asked == asked
    assert house.stored() == 1


async def test_without_a_key_every_post_is_a_verification_of_its_own(house: House) -> None:
    assert (await house.post()).json()["verification"]["id"] != (await house.post()).json()["verification"]["id"]


async def test_same_key_with_another_body_is_refused(house: House) -> None:
    await house.post(Idempotency_Key=KEY)
    answer = await house.post(household(lambda b: b.update(client_reference="OTHER-1")), Idempotency_Key=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-mismatch")
    assert house.stored() == 1


async def test_same_key_of_another_tenant_is_another_key(house: House) -> None:
    await house.post(Idempotency_Key=KEY)
    assert (await house.post(Idempotency_Key=KEY, who="other")).status_code == 200


async def test_same_key_while_running_is_a_conflict_that_says_where_to_look(house: House) -> None:
    house.register.gate.clear()
    first = await house.post(Idempotency_Key=KEY, Prefer="respond-async")
    again = await house.post(Idempotency_Key=KEY)
    assert (again.status_code, again.json()["code"]) == (409, "still-running")
    assert again.headers["location"] == first.headers["location"]
    assert int(again.headers["retry-after"]) > 0
    await finished(house)
    replay = await house.post(Idempotency_Key=KEY)
    assert (replay.status_code, set(replay.json())) == (200, {"verification", "report", "jws"})


@pytest.mark.parametrize("prefer", ["respond-async", "wait=0", "RESPOND-ASYNC, wait=0", 'wait="0"; x=y', "foo=bar, wait=0, wait=9"])
async def test_who_does_not_wait_gets_202_and_the_work_goes_on(house: House, prefer: str) -> None:
    house.register.gate.clear()
    answer = await house.post(Prefer=prefer)
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == ("respond-async" if prefer == "respond-async" else "wait=0")
    place = answer.headers["location"]
    running = await house.get(place)
    assert running.json()["verification"]["state"] in {"accepted", "running"}
    assert "retry-after" in running.headers
    await finished(house)
    done = await house.get(place)
    report = done.json()["verification"]["report_id"]
    assert "retry-after" not in done.headers
    assert (await house.get(f"/v1/reports/{report}")).status_code == 200


async def test_report_in_time_is_given_to_who_waits(house: House) -> None:
    answer = await house.post(Prefer="wait=5")
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait=5")


@pytest.mark.parametrize("prefer", ["wait=soon", "wait=-1", "wait=", ", ,;", "handling=lenient"])
async def test_preference_that_is_not_understood_is_passed_over(house: House, prefer: str) -> None:
    answer = await house.post(Prefer=prefer)
    assert answer.status_code == 200
    assert "preference-applied" not in answer.headers


async def test_work_goes_on_when_the_caller_goes_away(house: House) -> None:
    house.register.gate.clear()
    call = asyncio.create_task(house.post())
    await house.register.entered.wait()
    call.cancel()
    await asyncio.wait({call})
    await finished(house)
    assert house.stored("reports") == 1


async def test_register_that_hangs_costs_the_deadline_and_no_more(house: House) -> None:
    house.register.gate.clear()
    answer = await house.post(X_Deadline_Ms="500")
    assert answer.status_code == 200
    assert b'"unavailable.timeout"' in answer.content
    assert b'"answered.no_record"' not in answer.content


async def test_bytes_of_the_body_are_kept_as_they_came(house: House) -> None:
    await house.post(body := household() + b"\n ", Idempotency_Key=KEY)
    row = await house.services.store.verification(
        tenant="one", verification_id=(await house.post(body, Idempotency_Key=KEY)).json()["verification"]["id"]
    )
    assert hashlib.sha256(row.request).digest() == hashlib.sha256(body).digest()


async def test_failure_inside_is_told_without_details(
    house: House, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("王示范 990101197905120019")

    monkeypatch.setattr(type(house.services), "admit", broken)
    answer = await house.post()
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    told = answer.text + "".join(capfd.readouterr())
    assert "RuntimeError" in told
    assert "王示范" not in told
    assert "990101197905120019" not in told


async def test_answer_is_one_json_document_with_unique_members(house: House) -> None:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len({name for name, _ in pairs}) == len(pairs)
        return dict(pairs)

    assert json.loads((await house.post()).content, object_pairs_hook=unique)


async def test_request_number_stands_in_answer_report_and_look_up(house: House) -> None:
    body = (await house.post()).json()
    number, header = body["verification"]["request_no"], body["report"]["header"]
    assert (number, header["request_no"]) == (request_number("990101", date(2026, 11, 24), 1),) * 2
    seen = (await house.get(f"/v1/verifications/{body['verification']['id']}")).json()
    assert seen["verification"] == body["verification"]
    assert (await house.get(f"/v1/verifications?request_no={number}")).json() == seen
    assert seen["verification"]["request_no"] == number


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("", "missing"),
        ("?request_no=HD99010120261124000001", "string_pattern_mismatch"),
        ("?request_no=hd99010120261124000001z", "string_pattern_mismatch"),
        ("?request_no=HD99010120261124000002Z", "iso_7064"),
    ],
)
async def test_mistyped_request_number_is_refused_and_not_sought(house: House, query: str, rule: str) -> None:
    answer = await house.get(f"/v1/verifications{query}")
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, rule)


async def test_later_version_has_the_number_of_the_first(house: House) -> None:
    first = (await house.post()).json()["verification"]
    later = (await house.act(f"/v1/reports/{first['report_id']}/withdraw", AMENDMENTS["withdrawal"])).json()
    assert later["report"]["header"]["request_no"] == later["verification"]["request_no"] == first["request_no"]
