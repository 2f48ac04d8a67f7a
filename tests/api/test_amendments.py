"""What officers do to a report: each act one new version, once, in sight of all, and never a byte of an old one changed."""

import asyncio
import copy
import sqlite3
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import pytest

from tests.api.house import House, bearer
from verify_service.api.amendment_examples import AMENDMENTS
from verify_service.domain.outcome import OutcomeCode
from verify_service.signing.verification import verify

ROUTES = {
    "resolution": "/v1/reports/{report}/findings/{finding}/resolution",
    "objection": "/v1/reports/{report}/objections",
    "correction": "/v1/reports/{report}/corrections",
    "gap_closure": "/v1/reports/{report}/close-gaps",
    "withdrawal": "/v1/reports/{report}/withdraw",
    "revocation": "/v1/verifications/{verification}/consents/revoke",
}
REASONS = {"gap_closure": "gaps_closed", "revocation": "consent_revoked"}
OFFICER = AMENDMENTS["withdrawal"]["officer"]


async def issue(house: House) -> dict[str, Any]:
    """Issue a report: vehicles are answered, everything else is not connected, so it is partial."""
    answer: dict[str, Any] = (await house.post()).json()
    assert answer["report"]["header"]["state"] == "partial"
    return answer


def path(act: str, issued: dict[str, Any]) -> str:
    verification, findings = issued["verification"], issued["report"]["findings"]
    return ROUTES[act].format(report=verification["report_id"], verification=verification["id"], finding=findings[0]["id"])


async def done(house: House, act: str, issued: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = await house.act(path(act, issued), AMENDMENTS[act] | changes)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.mark.parametrize("act", ROUTES)
async def test_act_makes_a_new_signed_version_and_changes_no_old_byte(house: House, act: str) -> None:
    first = await issue(house)
    before = await house.get(f"/v1/reports/{first['verification']['report_id']}", Accept="application/jose")
    answer = await house.act(path(act, first), AMENDMENTS[act])
    made = answer.json()
    header, report_id = made["report"]["header"], made["verification"]["report_id"]
    assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/reports/{report_id}")
    assert (header["version"], header["reason"], header["replaces"]) == (2, REASONS.get(act, act), first["verification"]["report_id"])
    assert verify(made["jws"], house.services.keyring().jwks()).report == made["report"]
    assert (await house.get(f"/v1/reports/{report_id}")).json()["report"] == made["report"]
    old = await house.get(f"/v1/reports/{first['verification']['report_id']}")
    assert old.json()["state"] == {"is_current": False, "replaced_by": report_id}
    assert (await house.get(f"/v1/reports/{first['verification']['report_id']}", Accept="application/jose")).content == before.content


@pytest.mark.parametrize("act", ROUTES)
async def test_who_when_and_why_stand_in_the_signed_body(house: House, act: str) -> None:
    made = await done(house, act, await issue(house))
    line = made["report"]["amendments"][-1]
    assert (line["version"], line["at"]) == (2, "2026-11-24T10:00:00.000+08:00")
    assert line["amendment"]["officer"] == OFFICER
    said = AMENDMENTS[act].get("reason") or AMENDMENTS[act].get("note") or AMENDMENTS[act]["cells"][0]["grounds"]
    assert said in str(line["amendment"])


@pytest.mark.parametrize("act", ROUTES)
async def test_officer_and_reason_are_nowhere_but_in_the_report(house: House, act: str, capfd: pytest.CaptureFixture[str]) -> None:
    await done(house, act, await issue(house), officer={"name_or_id": "OFFICER-NAME", "office": "OFFICE-NAME"})
    told = capfd.readouterr()
    on_disk = b"".join(part.read_bytes() for part in house.database.parent.glob(f"{house.database.name}*"))
    assert "http.request" in told.out
    for value in ("OFFICER-NAME", "OFFICE-NAME"):
        assert value not in told.out + told.err
        assert value.encode() not in on_disk
    with sqlite3.connect(house.database) as connection:
        kept = connection.execute("SELECT detail FROM audit WHERE action = 'report.issued' ORDER BY id DESC").fetchone()[0]
    connection.close()
    assert f'"amendment":"{REASONS.get(act, act)}"' in kept
    assert '"officer":"' in kept


@pytest.mark.parametrize("act", ROUTES)
async def test_same_key_gives_the_same_bytes_and_makes_one_version(house: House, act: str) -> None:
    first = await issue(house)
    one = await house.act(path(act, first), AMENDMENTS[act], Idempotency_Key="k")
    two = await house.act(path(act, first), AMENDMENTS[act], Idempotency_Key="k")
    assert (one.status_code, two.status_code) == (201, 201)
    assert (one.content, one.headers["location"]) == (two.content, two.headers["location"])
    assert house.stored("reports") == 2
    other = copy.deepcopy(AMENDMENTS[act])
    other["officer"]["office"] = "elsewhere"
    assert (await house.act(path(act, first), other, Idempotency_Key="k")).json()["code"] == "idempotency-mismatch"
    assert house.stored("reports") == 2


@pytest.mark.parametrize("act", [act for act in ROUTES if act != "revocation"])
async def test_version_that_was_replaced_takes_no_act(house: House, act: str) -> None:
    first = await issue(house)
    made = await done(house, "resolution", first)
    answer = await house.act(path(act, first), AMENDMENTS[act])
    assert (answer.status_code, answer.json()["code"]) == (409, "superseded")
    assert answer.headers["location"] == f"/v1/reports/{made['verification']['report_id']}"
    assert house.stored("reports") == 2


@pytest.mark.parametrize("act", ROUTES)
async def test_of_two_acts_at_once_one_is_done_and_one_refused(house: House, act: str) -> None:
    first = await issue(house)
    answers = await asyncio.gather(*(house.act(path(act, first), AMENDMENTS[act]) for _ in range(2)))
    assert sorted(a.status_code for a in answers) == [201, 409]
    assert house.stored("reports") == 2


@pytest.mark.parametrize("act", ROUTES)
async def test_withdrawn_report_takes_no_further_act(house: House, act: str) -> None:
    made = await done(house, "withdrawal", await issue(house))
    answer = await house.act(path(act, made), AMENDMENTS[act])
    assert (answer.status_code, answer.json()["code"], answer.json()["errors"][0]["rule"]) == (409, "wrong-state", "withdrawn")
    assert house.stored("reports") == 2


@pytest.mark.parametrize("act", ROUTES)
async def test_refused_act_leaves_the_verification_free(house: House, act: str) -> None:
    first = await issue(house)
    gone = await house.act(
        f"/v1/reports/{first['verification']['report_id']}/findings/ffffffffffffffff/resolution", AMENDMENTS["resolution"]
    )
    assert (gone.status_code, gone.json()["code"]) == (404, "not-found")
    await done(house, act, first)


async def test_resolution_goes_with_its_finding_and_can_be_taken_back(house: House) -> None:
    first = await issue(house)
    finding = first["report"]["findings"][0]["id"]
    explained = await done(house, "resolution", first)
    corrected = await done(house, "correction", explained)
    line = next(f for f in corrected["report"]["findings"] if f["id"] == finding)
    assert (line["state"], line["resolution"]["note"]) == ("explained", AMENDMENTS["resolution"]["note"])
    assert (line["resolution"]["version"], line["resolution"]["resolver"]) == (2, "home_visit")
    reopened = await house.act(path("resolution", corrected), AMENDMENTS["resolution"] | {"state": "open"})
    assert next(f for f in reopened.json()["report"]["findings"] if f["id"] == finding)["state"] == "open"


async def test_closed_gaps_are_listed_and_the_report_is_final_with_gaps(house: House) -> None:
    first = await issue(house)
    made = (await done(house, "gap_closure", first))["report"]
    assert (made["header"]["state"], made["header"]["usable_for"]) == ("final_with_gaps", "information")
    assert made["header"]["closure"]["officer"] == OFFICER
    assert made["gaps"] == made["amendments"][0]["amendment"]["gaps"] == first["report"]["gaps"]
    assert made["gaps"]
    assert not any(cell.endswith(":vehicle") for cell in made["gaps"])  # the one register that answered
    view = (await house.get(f"/v1/verifications/{first['verification']['id']}")).json()["verification"]
    assert view["state"] == "final_with_gaps"
    again = await house.act(f"/v1/reports/{view['report_id']}/close-gaps", AMENDMENTS["gap_closure"])
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (409, "no_open_gap")


async def test_withdrawn_report_says_so_and_is_good_for_nothing(house: House) -> None:
    first = await issue(house)
    made = await done(house, "withdrawal", first)
    header = made["report"]["header"]
    assert (header["state"], header["usable_for"], header["withdrawal"]["officer"]) == ("withdrawn", "nothing", OFFICER)
    assert header["withdrawal"]["reason"] == AMENDMENTS["withdrawal"]["reason"]
    assert made["verification"]["state"] == "withdrawn"


async def test_correction_compares_with_what_should_have_been_declared(house: House) -> None:
    def declared(answer: dict[str, Any]) -> int:
        mother = next(m for m in answer["report"]["income"]["members"] if m["member"] == "mother")
        wage: int = next(c for c in mother["classes"] if c["income_class"] == "wage")["declared_fen"]
        return wage

    first = await issue(house)
    made = await done(house, "correction", first)
    assert (declared(first), declared(made)) == (1_800_000, 1_500_000)
    assert made["report"]["income"]["total"]["lower_fen"] == first["report"]["income"]["total"]["lower_fen"] - 300_000
    again = await done(house, "correction", made, declared={"assets": {"vehicles": 0}, "expenditure": {"medical_fen": 5}})
    assert again["report"]["property"]["declared"]["vehicles"] == 0
    assert again["report"]["expenditure"]["declared"]["medical_fen"] == 5
    assert declared(again) == 1_500_000


async def test_objection_asks_the_disputed_cell_again_and_no_other(house: House) -> None:
    first = await issue(house)
    house.register.asked, house.register.says = 0, OutcomeCode.PERSON_NOT_FOUND
    made = await done(house, "objection", first)
    assert house.register.asked == 1
    cell = made["report"]["amendments"][0]["amendment"]["cells"][0]
    assert (cell["before"], cell["after"], cell["replaced"]) == ("answered.no_record", "identity.person_not_found", True)
    outcomes = {(c["member"], c["source"]): c["outcome"] for c in made["report"]["coverage"]}
    before = {(c["member"], c["source"]): c["outcome"] for c in first["report"]["coverage"]}
    assert {cell for cell in outcomes if outcomes[cell] != before[cell]} == {("father", "vehicle")}
    assert outcomes["father", "vehicle"] == "identity.person_not_found"


async def test_asking_again_in_vain_leaves_the_former_answer_standing(house: House) -> None:
    first = await issue(house)
    house.register.says = OutcomeCode.TIMEOUT
    made = await done(house, "objection", first)
    cell = made["report"]["amendments"][0]["amendment"]["cells"][0]
    assert (cell["before"], cell["after"], cell["replaced"]) == ("answered.no_record", "unavailable.timeout", False)
    assert made["report"]["coverage"] == first["report"]["coverage"]


async def test_objection_is_taken_until_the_last_day_of_the_window_at_home(house: House) -> None:
    first = await issue(house)
    last = date.fromisoformat(first["report"]["header"]["objection_until"])
    after = datetime.combine(last + timedelta(days=1), time(), timezone(timedelta(hours=8)))
    house.clock.now = after
    answer = await house.act(path("objection", first), AMENDMENTS["objection"])
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (409, "objection_window")
    assert house.stored("reports") == 1
    house.clock.now = after - timedelta(microseconds=1)
    await done(house, "objection", first)


@pytest.mark.parametrize(
    ("act", "opens_again"),
    [
        ("resolution", False),
        ("gap_closure", False),
        ("withdrawal", False),
        ("revocation", False),
        ("correction", True),
        ("objection", True),
    ],
)
async def test_objection_window_opens_again_only_when_something_is_told_for_the_first_time(
    house: House, act: str, opens_again: bool
) -> None:
    first = await issue(house)
    house.clock.pass_by(days=2)
    until = [each["report"]["header"]["objection_until"] for each in (first, await done(house, act, first))]
    assert (until[1] > until[0]) is opens_again
    assert opens_again or until[1] == until[0]


@pytest.mark.parametrize("act", ROUTES)
async def test_outgoing_event_tells_why_the_version_was_made(house: House, act: str) -> None:
    made = await done(house, act, await issue(house))
    with sqlite3.connect(house.database) as connection:
        events = connection.execute("SELECT kind, reason FROM outbox ORDER BY id").fetchall()
    connection.close()
    assert events == [("report.issued", "first_issue"), ("report.issued", made["report"]["header"]["reason"])]


async def test_nothing_is_asked_again_without_a_consent_that_is_live_now(house: House) -> None:
    first = await issue(house)
    revoked = await done(house, "revocation", first)
    house.register.asked = 0
    disputed = [{"member": "grandmother", "source": "vehicle", "grounds": "never had a car"}]
    answer = await house.act(path("objection", revoked), AMENDMENTS["objection"] | {"cells": disputed})
    assert (answer.status_code, answer.json()["code"]) == (403, "no-consent")
    both = await done(house, "objection", revoked, cells=[*disputed, {"member": "father", "source": "vehicle", "grounds": "sold"}])
    ended = {c["member"]: (c["after"], c["replaced"]) for c in both["report"]["amendments"][-1]["amendment"]["cells"]}
    assert ended == {"grandmother": ("refused.no_consent", False), "father": ("answered.no_record", True)}
    assert house.register.asked == 1


async def test_revoked_consent_is_seen_in_the_report(house: House) -> None:
    made = await done(house, "revocation", await issue(house))
    revoked = {c["number"]: c["revoked_at"] for c in made["report"]["consents"]}
    assert {number: at for number, at in revoked.items() if at} == {"SQ-990101-2026-0104": "2026-11-24T10:00:00.000+08:00"}


def change(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda body: body.update(fields)


def drop(field: str) -> Callable[[dict[str, Any]], None]:
    return lambda body: body.pop(field) and None


CELL = {"member": "father", "source": "vehicle", "grounds": "x"}
BROKEN: dict[str, tuple[str, Callable[[dict[str, Any]], None], str, str]] = {
    **{f"{act} by nobody": (act, drop("officer"), "/officer", "required") for act in ROUTES},
    **{f"{act} with more": (act, change(verdict="x"), "/verdict", "unknown_field") for act in ROUTES},
    **{
        f"{act} by no name": (act, change(officer={"name_or_id": "", "office": "x"}), "/officer/name_or_id", "string_too_short")
        for act in ROUTES
    },
    "no reason": ("withdrawal", drop("reason"), "/reason", "required"),
    "empty reason": ("gap_closure", change(reason=""), "/reason", "string_too_short"),
    "unknown resolver": ("resolution", change(resolver="hearsay"), "/resolver", "literal_error"),
    "unknown state": ("resolution", change(state="eligible"), "/state", "literal_error"),
    "no cell": ("objection", change(cells=[]), "/cells", "too_short"),
    "unknown member": ("objection", change(cells=[CELL | {"member": "uncle"}]), "/cells/0", "asked_cell"),
    "unknown source": ("objection", change(cells=[CELL, CELL | {"source": "tarot"}]), "/cells/1", "asked_cell"),
    "cell twice": ("objection", change(cells=[CELL, CELL]), "/cells/1", "unique_cell"),
    "unknown objector": ("objection", change(objector="uncle"), "/objector", "known_member"),
    "nothing corrected": ("correction", change(declared={}), "/declared", "something"),
    "amount of a kind that no source brings": (
        "correction",
        change(declared={"assets": {"further_fen": {"deposits": 1}}}),
        "/declared/assets/further_fen",
        "known_kind",
    ),
    "income of nobody": (
        "correction",
        change(declared={"incomes": [{"member": "uncle", "income": {}}]}),
        "/declared/incomes/0/member",
        "known_member",
    ),
    "income twice": (
        "correction",
        change(declared={"incomes": [{"member": "mother", "income": {}}] * 2}),
        "/declared/incomes/1/member",
        "unique_member",
    ),
    "fraction of a fen": (
        "correction",
        change(declared={"incomes": [{"member": "mother", "income": {"wage_fen": 1.5}}]}),
        "/declared/incomes/0/income/wage_fen",
        "int_type",
    ),
    "unknown consent": ("revocation", change(consents=["SQ-1"]), "/consents/0", "known_consent"),
    "no consent": ("revocation", change(consents=[]), "/consents", "too_short"),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_broken_rule_is_named_with_its_place_and_nothing_is_made(house: House, case: str) -> None:
    act, break_, pointer, rule = BROKEN[case]
    first = await issue(house)
    body = copy.deepcopy(AMENDMENTS[act])
    break_(body)
    answer = await house.act(path(act, first), body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert (pointer, rule) in [(e["pointer"], e["rule"]) for e in answer.json()["errors"]]
    assert not any(value in answer.text for value in ("uncle", "tarot", "eligible", "SQ-1"))
    assert house.stored("reports") == 1
    await done(house, act, first)  # the refusal holds nothing back


@pytest.mark.parametrize("act", ROUTES)
@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"Content-Type": "text/plain"}, b"{}", "unsupported-media-type"),
        ({"Accept": "text/html"}, b"{}", "not-acceptable"),
        ({"Idempotency-Key": "a b"}, b"{}", "invalid-header"),
        ({}, b"{", "invalid-json"),
        ({}, b'{"officer": null, "officer": null}', "invalid-json"),
        ({}, b" " * 200_000, "body-too-large"),
    ],
)
async def test_act_in_another_form_is_refused(house: House, act: str, headers: dict[str, str], body: bytes, code: str) -> None:
    first = await issue(house)
    sent = {"Content-Type": "application/json", **bearer("full"), **headers}
    answer = await house.http.post(path(act, first), content=body, headers=sent)
    assert answer.json()["code"] == code
    assert house.stored("reports") == 1
