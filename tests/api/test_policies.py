"""Which rules are in force: filters, inheritance, and that a report names the very rules it was made by."""

from typing import Any

import jsonschema
import orjson
import pytest
import yaml

from tests.api.house import House
from tests.households import ROOT
from verify_service.domain.policy import PackFile


async def _policies(house: House, query: str) -> list[dict[str, Any]]:
    answer = await house.get(f"/v1/policies{query}")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["policies"]
    return found


@pytest.mark.parametrize(
    ("query", "versions", "regions"),
    [
        ("", {"2025-1", "2026-1"}, 11),
        ("?on=2025-12-31", {"2025-1"}, 11),
        ("?on=2026-01-01", {"2026-1"}, 11),
        ("?on=2024-12-31", set(), 0),
        ("?region=990201", {"2025-1", "2026-1"}, 1),
        ("?region=990201&on=2026-06-01", {"2026-1"}, 1),
        ("?region=110101", set(), 0),
        ("?programme=dibao&on=2026-06-01", {"2026-1"}, 11),
        ("?programme=04&region=990101", {"2025-1", "2026-1"}, 1),
        ("?programme=99", set(), 0),
    ],
)
async def test_what_is_in_force_when(house: House, query: str, versions: set[str], regions: int) -> None:
    found = await _policies(house, query)
    assert ({p["version"] for p in found}, len({p["region"] for p in found})) == (versions, regions)
    assert all((p["rules"] is not None) == ("region" in query) for p in found)


async def test_a_county_shows_what_it_inherits(house: House) -> None:
    [county] = await _policies(house, "?region=990201&on=2026-06-01")
    assert county["inherits_from"] == ["990000", "990200"]
    assert county["rules"]["deductions"]["employment_cost_applies"] is True
    assert county["rules"]["programmes"]["other"]["lines"]["vehicle_value"]["multiple"] == "120"


async def test_a_report_names_the_rules_that_are_told(house: House) -> None:
    report = (await house.post()).json()["report"]
    [policy] = await _policies(house, f"?region={report['policy']['region']}&on={report['commission']['asset_as_of']}")
    assert policy["rules_digest"] == report["policy"]["rules_digest"]


@pytest.mark.parametrize(
    ("query", "pointer", "rule"),
    [
        ("?region=9901", "/region", "region"),
        ("?region=99010１", "/region", "region"),
        ("?on=yesterday", "/on", "date"),
        ("?on=2026-02-30", "/on", "date"),
        ("?programme=LOW%20INCOME", "/programme", "programme"),
        ("?purpose=01", "/purpose", "unknown_parameter"),
    ],
)
async def test_a_filter_that_is_none_is_refused(house: House, query: str, pointer: str, rule: str) -> None:
    answer = await house.get(f"/v1/policies{query}")
    assert answer.status_code == 422
    assert [(e["pointer"], e["rule"]) for e in answer.json()["errors"]] == [(pointer, rule)]


def test_the_shipped_pack_keeps_its_published_schema() -> None:
    schema = orjson.loads((ROOT / "schemas" / "policy-pack.schema.json").read_bytes())
    pack = orjson.loads(orjson.dumps(yaml.safe_load((ROOT / "policies" / "990000.yaml").read_text("utf-8"))))
    jsonschema.Draft202012Validator(schema).validate(pack)
    pack["versions"][0]["areas"]["990101"]["surprise"] = 1
    assert not jsonschema.Draft202012Validator(schema).is_valid(pack)
    assert PackFile.model_json_schema()["title"] == "PackFile"
