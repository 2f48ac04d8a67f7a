"""What bad input gets: a problem that names the place and the rule, never the value; and nothing is stored or asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import Request
from starlette.types import Message

from tests.api.house import LIMITS, House, bearer, household
from verify_service.api.body import read_body
from verify_service.api.refusals import BodyTooSlow

JSON = {"Content-Type": "application/json"}
Change = Callable[[dict[str, Any]], object]


def member(number: int, **fields: object) -> Change:
    return lambda body: body["household"]["members"][number].update(fields)


def twice(body: dict[str, Any]) -> None:
    body["household"]["members"][1]["id_number"] = body["household"]["members"][0]["id_number"]


def raw(**headers: bytes) -> list[tuple[bytes, bytes]]:
    """Return headers as bytes, which no client library puts right first."""
    usual = [(name.encode(), value.encode()) for name, value in {**JSON, **bearer("full")}.items()]
    return usual + [(name.replace("_", "-").encode(), value) for name, value in headers.items()]


RULES: dict[str, tuple[Change, str, str]] = {
    "unknown field": (lambda b: b.update(nickname="x"), "/nickname", "unknown_field"),
    "unknown field inside": (member(2, nickname="x"), "/household/members/2/nickname", "unknown_field"),
    "missing field": (lambda b: b.pop("purpose"), "/purpose", "required"),
    "checksum": (member(0, id_number="990101197905120018"), "/household/members/0/id_number", "gb_11643"),
    "no such birth date": (member(0, id_number="990101197902300019"), "/household/members/0/id_number", "gb_11643"),
    "duplicate members": (twice, "/household/members/1/id_number", "duplicate_member"),
    "no applicant": (member(0, role="member"), "/household/members", "one_applicant"),
    "two applicants": (member(1, role="applicant"), "/household/members", "one_applicant"),
    "nobody": (lambda b: b["household"].update(members=[]), "/household/members", "too_short"),
    "future date": (lambda b: b.update(asset_as_of="2026-11-25"), "/asset_as_of", "not_future"),
    "future consent": (lambda b: b["consents"][0].update(signed_on="2026-12-01"), "/consents/0/signed_on", "not_future"),
    "period reversed": (lambda b: b["income_period"].update(first="2026-10", last="2025-11"), "/income_period/last", "period_order"),
    "unknown purpose": (lambda b: b.update(purpose="77"), "/purpose", "enum"),
    "unknown region": (lambda b: b.update(region="980000"), "/region", "known_region"),
    "no policy that day": (lambda b: b.update(asset_as_of="1999-01-01"), "/asset_as_of", "policy_in_force"),
    "unknown source": (lambda b: b.update(sources=["tarot"]), "/sources/0", "known_source"),
    "number as text": (lambda b: b["household"]["declared_assets"].update(vehicles="1"), "/household/declared_assets/vehicles", "int_type"),
    "boolean as number": (
        lambda b: b["household"]["declared_assets"].update(vehicles=True),
        "/household/declared_assets/vehicles",
        "int_type",
    ),
    "fraction of a fen": (
        lambda b: b["household"]["declared_assets"].update(securities_fen=1.5),
        "/household/declared_assets/securities_fen",
        "int_type",
    ),
    "slip in a name": (lambda b: b.update({"purpos": 1}), "/purpos", "unknown_field"),
    "no field's name": (lambda b: b.update({"a/b~c": 1}), "/*", "unknown_field"),
    "number as a name": (lambda b: b["household"].update({"n990101197905120019": 1}), "/household/*", "unknown_field"),
    "person as a name": (lambda b: b["household"].update({"王示范": 1}), "/household/*", "unknown_field"),
    "a list": (lambda b: b.update(household=[]), "/household", "model_type"),
}


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = answer.json()
    assert problem["type"] == f"https://verify-service.example/problems/{code}"
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    return problem


@pytest.mark.parametrize("case", RULES)
async def test_broken_rule_is_named_with_its_place_and_never_its_value(house: House, case: str) -> None:
    change, pointer, rule = RULES[case]
    answer = await house.post(household(change))
    problem = refused(answer, 422, "invalid-request")
    assert (pointer, rule) in [(error["pointer"], error["rule"]) for error in problem["errors"]]
    for value in ("9901011979", "王示范", "李示例", "tarot", "980000", "1999-01-01"):
        assert value not in answer.text
    assert (house.stored(), house.register.asked) == (0, 0)


SYNTAX: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "json_syntax"),
    "not JSON": (b"household", "json_syntax"),
    "NaN": (household().replace(b'"vehicles": 1', b'"vehicles": NaN'), "json_syntax"),
    "Infinity": (household().replace(b'"vehicles": 1', b'"vehicles": -Infinity'), "json_syntax"),
    "lone surrogate": (household().replace("王小例".encode(), b"\\ud800"), "json_syntax"),
    "bad UTF-8": (household().replace("王小例".encode(), b"\xff\xfe"), "json_syntax"),
    "byte order mark": (b"\xef\xbb\xbf" + household(), "json_syntax"),
    "GB18030": (household().decode().encode("gb18030"), "json_syntax"),
    "duplicate key": (household().replace(b'"purpose": "01"', b'"purpose": "02", "purpose": "01"', 1), "json_duplicate_key"),
    "5,000 digits": (household().replace(b'"vehicles": 1', b'"vehicles": ' + b"9" * 5000), "json_number_size"),
    "5,000-digit fraction": (household().replace(b'"vehicles": 1', b'"vehicles": 0.' + b"9" * 5000), "json_number_size"),
    "depth 10,000": (b"[" * 10_000 + b"]" * 10_000, "json_depth"),
    "depth of objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "json_depth"),
    "trailing data": (household() + b"{}", "json_syntax"),
}


@pytest.mark.parametrize("case", SYNTAX)
async def test_json_with_surprises_is_refused(house: House, case: str) -> None:
    body, rule = SYNTAX[case]
    problem = refused(await house.post(body), 400, "invalid-json")
    assert [error["rule"] for error in problem["errors"]] == [rule]
    assert house.stored() == 0


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"1", b"{}"])
async def test_json_that_is_no_request_is_refused(house: House, body: bytes) -> None:
    refused(await house.post(body), 422, "invalid-request")
    assert house.stored() == 0


async def test_no_consent_at_all_is_refused_before_any_question(house: House) -> None:
    refused(await house.post(household(lambda b: b.update(consents=[]))), 403, "no-consent")
    assert (house.stored(), house.register.asked) == (0, 0)


async def test_person_without_consent_is_a_cell_and_the_others_go_on(house: House) -> None:
    answer = await house.post(household(lambda b: b["consents"].pop()))
    assert answer.status_code == 200
    assert b'"refused.no_consent"' in answer.content
    assert house.register.asked == 3


async def test_body_over_the_limit_is_refused_on_its_stated_length(house: House) -> None:
    refused(await house.post(b"x" * 20_000_000), 413, "body-too-large")


async def test_reading_stops_at_the_limit_when_no_length_is_stated(house: House) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 10_000
            yield b" " * 10_000

    answer = await house.http.post("/v1/verifications", content=endless(), headers={**JSON, **bearer("full")})
    refused(answer, 413, "body-too-large")
    assert given <= LIMITS.max_body_bytes + 20_000


async def test_body_that_does_not_come_is_not_waited_for_for_ever() -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(BodyTooSlow):
        await read_body(Request({"type": "http", "method": "POST", "headers": []}, never), limit=1, seconds=0.01)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": ""},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=gb18030"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_other_content_is_refused(house: House, headers: dict[str, str]) -> None:
    answer = await house.http.post("/v1/verifications", content=household(), headers={**bearer("full"), **headers})
    refused(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("header", ["application/json; charset=utf-8", "Application/JSON", 'application/json;charset="UTF-8"'])
async def test_spellings_of_json_are_read(house: House, header: str) -> None:
    assert (await house.post(Content_Type=header)).status_code == 200


@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml, image/*", "application/json;q=0", "application/json;q=2", "application/jose"]
)
async def test_other_forms_of_answer_are_refused_before_anything_is_asked(house: House, accept: str) -> None:
    refused(await house.post(Accept=accept), 406, "not-acceptable")
    assert (house.stored(), house.register.asked) == (0, 0)


@pytest.mark.parametrize("key", ["", " ", "a b", "schlüssel", "x" * 256, '""', f'"{"x" * 256}"', "a\tb"])
async def test_malformed_idempotency_key_is_refused(house: House, key: str) -> None:
    answer = await house.http.post(
        "/v1/verifications",
        content=household(),
        headers=raw(Idempotency_Key=key.encode("latin-1")),
    )
    assert refused(answer, 400, "invalid-header")["errors"][0]["header"] == "Idempotency-Key"
    assert house.stored() == 0


async def test_two_idempotency_keys_are_refused(house: House) -> None:
    headers = [*JSON.items(), *bearer("full").items(), ("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    refused(await house.http.post("/v1/verifications", content=household(), headers=headers), 400, "invalid-header")


@pytest.mark.parametrize("deadline", ["", "0", "499", "30001", "1e4", "-1", "soon", "９００", "9" * 5000])
async def test_malformed_deadline_is_refused(house: House, deadline: str) -> None:
    answer = await house.http.post(
        "/v1/verifications",
        content=household(),
        headers=raw(X_Deadline_Ms=deadline.encode()),
    )
    assert refused(answer, 400, "invalid-header")["errors"][0] == {
        "header": "X-Deadline-Ms",
        "rule": "range",
        "detail": "once, whole milliseconds, 500 to 30000",
    }


@pytest.mark.parametrize("length", ["", "-1", "1e3", "١", "9" * 5000])
async def test_malformed_length_is_refused(house: House, length: str) -> None:
    refused(
        await house.http.post("/v1/verifications", content=household(), headers=raw(Content_Length=length.encode())), 400, "invalid-header"
    )


async def test_unknown_path_and_method_are_problems(house: House) -> None:
    refused(await house.get("/v2/verifications"), 404, "not-found")
    refused(await house.get("/v1/verifications/"), 404, "not-found")
    answer = await house.http.delete("/v1/verifications", headers=bearer("full"))
    refused(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"


async def test_many_broken_rules_are_told_in_one_answer(house: House) -> None:
    def change(body: dict[str, Any]) -> None:
        body.update(purpose="77", region="x")
        body["household"]["members"] = [{"ref": "a"}] * 30

    problem = refused(await house.post(household(change)), 422, "invalid-request")
    assert 3 < len(problem["errors"]) <= 100
    assert len(json.dumps(problem)) < 20_000
