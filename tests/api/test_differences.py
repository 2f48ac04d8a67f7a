"""What a version changed, and what the rules of another day would change."""

from typing import Any

import jsonschema
import pytest

from tests.api.house import House
from tests.api.test_amendments import done, issue
from verify_service.api.openapi import schemas
from verify_service.domain.outcome import OutcomeCode


def conforms(value: object, name: str) -> None:
    jsonschema.validate(value, {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas()}})


async def diff(house: House, issued: dict[str, Any], number: int, **headers: str) -> Any:
    answer = await house.get(f"/v1/reports/{issued['verification']['report_id']}/versions/{number}/diff", **headers)
    assert answer.status_code == 200, answer.text
    conforms(answer.json(), "Difference")
    return answer.json()


async def test_version_says_what_it_changed_and_why(house: House) -> None:
    first = await issue(house)
    house.register.says = OutcomeCode.PERSON_NOT_FOUND
    made = await done(house, "objection", first)
    told = await diff(house, made, 2)
    assert (told["version"], told["replaces"], told["reason"]) == (2, first["verification"]["report_id"], "objection")
    (cell,) = told["changes"]["cells"]
    assert (cell["member"], cell["source"]) == ("father", "vehicle")
    assert cell["outcome"] == {"from": "answered.no_record", "to": "identity.person_not_found"}
    places = {change["place"] for change in told["changes"]["figures"]}
    assert places == {f"/property/{name}" for name in ("vehicles_total", "vehicle_value_highest", "farm_machines_total")}
    assert [finding["code"] for finding in told["changes"]["findings"]["added"]] == ["DAT-01"]


async def test_correction_changes_declared_facts_and_figures_and_no_cell(house: House) -> None:
    made = await done(house, "correction", await issue(house))
    changes = (await diff(house, made, 2))["changes"]
    assert changes["cells"] == []
    assert {"place": "/income/members/mother/classes/wage/declared_fen", "from": 1_800_000, "to": 1_500_000} in changes["declared"]
    assert "/income/per_capita_monthly" in {change["place"] for change in changes["figures"]}


async def test_resolution_changes_the_state_of_one_finding(house: House) -> None:
    first = await issue(house)
    changes = (await diff(house, await done(house, "resolution", first), 2))["changes"]
    (finding,) = changes["findings"]["changed"]
    assert (finding["id"], finding["state"]) == (first["report"]["findings"][0]["id"], {"from": "open", "to": "explained"})
    assert not any(changes[name] for name in ("cells", "figures", "declared", "items", "lines"))


async def test_any_version_leads_to_the_difference_and_both_reads_are_audited(house: House) -> None:
    first = await issue(house)
    made = await done(house, "resolution", first)
    audited = house.stored("audit")
    assert await diff(house, first, 2) == await diff(house, made, 2)
    assert house.stored("audit") == audited + 4


@pytest.mark.parametrize("number", ["1", "0", "3", "-1", "01", "x", "²", "9" * 50])
async def test_no_difference_for_what_replaces_nothing(house: House, number: str) -> None:
    made = await done(house, "resolution", await issue(house))
    answer = await house.get(f"/v1/reports/{made['verification']['report_id']}/versions/{number}/diff")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("rules", [{"rules_of": "2025-12-01"}, {"policy_version": "2025-1"}])
async def test_replay_says_what_other_rules_would_change_and_issues_nothing(house: House, rules: dict[str, str]) -> None:
    first = await issue(house)
    report_id = first["verification"]["report_id"]
    before = {table: house.stored(table) for table in ("reports", "outbox", "verifications", "amendments")}
    answer = await house.act("/v1/policies/replay", {"reports": [report_id], **rules})
    assert answer.status_code == 200
    conforms(answer.json(), "ReplayAnswer")
    (one,) = answer.json()["reports"]
    assert (one["report_id"], one["version"], one["changed"]) == (report_id, 1, True)
    assert one["changes"]["policy"] == {"from": "2026-1", "to": "2025-1"}
    assert one["changes"]["cells"] == []
    assert {line["code"] for line in one["changes"]["lines"]} >= {"income_dibao", "income_edge"}
    assert {table: house.stored(table) for table in before} == before


async def test_replay_under_the_same_rules_changes_nothing_in_any_version(house: House) -> None:
    first = await issue(house)
    made = await done(house, "correction", await done(house, "resolution", first))
    ids = [v["id"] for v in (await house.get(f"/v1/reports/{made['verification']['report_id']}/versions")).json()["versions"]]
    answer = await house.act("/v1/policies/replay", {"reports": ids, "rules_of": "2026-11-20"})
    assert [(one["version"], one["changed"]) for one in answer.json()["reports"]] == [(1, False), (2, False), (3, False)]


async def test_replay_reads_are_audited(house: House) -> None:
    report_id = (await issue(house))["verification"]["report_id"]
    audited = house.stored("audit")
    await house.act("/v1/policies/replay", {"reports": [report_id], "rules_of": "2025-12-01"})
    assert house.stored("audit") == audited + 1


UNKNOWN = "01a20cc7-7016-76c1-8580-ec76ee48a144"


@pytest.mark.parametrize(
    ("body", "status", "pointer", "rule"),
    [
        ({"reports": [UNKNOWN], "rules_of": "2025-12-01"}, 422, "/reports/0", "known_report"),
        ({"reports": [], "rules_of": "2025-12-01"}, 422, "/reports", "too_short"),
        ({"reports": [UNKNOWN] * 101, "rules_of": "2025-12-01"}, 422, "/reports", "too_long"),
        ({"reports": ["x"], "rules_of": "2025-12-01"}, 422, "/reports/0", "string_pattern_mismatch"),
        ({"reports": [UNKNOWN], "rules_of": "yesterday"}, 422, "/rules_of", "date_parsing"),
        ({"reports": [UNKNOWN]}, 422, "/rules_of", "one_of"),
        ({"reports": [UNKNOWN], "rules_of": "2025-12-01", "policy_version": "2025-1"}, 422, "/rules_of", "one_of"),
        ({"reports": [UNKNOWN], "policy_version": ""}, 422, "/policy_version", "string_too_short"),
        ({"reports": [UNKNOWN], "rules_of": "2025-12-01", "issue": True}, 422, "/issue", "unknown_field"),
        (b"{", 400, "", "json_syntax"),
    ],
)
async def test_malformed_replay_is_refused(house: House, body: Any, status: int, pointer: str, rule: str) -> None:
    answer = await house.act("/v1/policies/replay", body)
    assert answer.status_code == status
    assert (answer.json()["errors"][0]["pointer"], answer.json()["errors"][0]["rule"]) == (pointer, rule)


async def test_replay_of_another_tenants_report_is_refused_as_unknown(house: House) -> None:
    report_id = (await issue(house))["verification"]["report_id"]
    answer = await house.act("/v1/policies/replay", {"reports": [report_id], "rules_of": "2025-12-01"}, who="other")
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, "known_report")


@pytest.mark.parametrize("rules", [{"rules_of": "1999-01-01"}, {"policy_version": "1999-1"}])
async def test_rules_that_do_not_cover_a_report_are_told_with_its_place(house: House, rules: dict[str, str]) -> None:
    report_id = (await issue(house))["verification"]["report_id"]
    answer = await house.act("/v1/policies/replay", {"reports": [report_id], **rules})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/reports/0")
    assert answer.json()["errors"][0]["rule"] == "policy_in_force"
