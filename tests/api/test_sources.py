"""What an operator sees of a source, and holding one back: for whom, with which reason, written down before it is done."""

import sqlite3
from typing import Any

import orjson
import pytest

from tests.api.house import House, bearer
from verify_service.domain.outcome import OutcomeCode

REASON = "answers with another county's data"


async def act(house: House, verb: str, *, who: str = "operator", reason: object = REASON, source: str = "vehicle") -> tuple[int, Any]:
    body = orjson.dumps({"reason": reason})
    headers = {**bearer(who), "Content-Type": "application/json"}
    answer = await house.http.post(f"/v1/sources/{source}/{verb}", content=body, headers=headers)
    return answer.status_code, answer.json()


def acts(house: House) -> list[tuple[str, ...]]:
    with sqlite3.connect(house.database) as connection:
        rows = connection.execute(
            "SELECT tenant, actor, action, object_id, detail FROM audit WHERE action LIKE 'source.%' ORDER BY id"
        ).fetchall()
    connection.close()
    return rows


async def test_a_source_tells_how_it_does(house: House) -> None:
    await house.post()
    house.services.channels["vehicle"].runtime.status.attempted(OutcomeCode.TIMEOUT, seconds=3.0)
    house.services.channels["vehicle"].runtime.status.attempted(None, seconds=0.04, bytes_received=512)
    view = (await house.get("/v1/sources/vehicle", who="operator")).json()
    operation = view["operation"]
    assert (view["legal_basis"], view["connected"]) == (house.register.source.legal_basis, True)
    assert operation["breaker"]["state"] == "closed"
    assert operation["quota"]["per_day"]["limit"] == view["quota"]["per_day"] * 9 // 10
    assert operation["attempt_timeout_ms"] == {"live": 3000, "bulk": 6000, "attempts_measured": 0}
    assert operation["seen"]["attempts"] == {"unavailable.timeout": 1, "whole": 1}
    assert operation["seen"]["answers"] == {"answered.no_record": house.register.asked}
    assert operation["seen"]["bytes_received"] == 512
    assert operation["seen"]["latency_ms"]["p50"] < 50
    assert operation["seen"]["latency_ms"]["p99"] >= 3000
    assert operation["freshness"] == {"newest_as_of": "2026-11-20", "oldest_as_of": "2026-11-20", "oldest_days": 4}
    assert operation["contract"] == {"version": view["contract_version"], "new_fields": [], "missing_fields": []}


async def test_a_source_that_is_not_connected_does_nothing(house: House) -> None:
    view = (await house.get("/v1/sources/pension", who="operator")).json()
    assert (view["connected"], view["operation"]) == (False, None)
    assert (await act(house, "isolate", source="pension"))[0] == 404
    assert acts(house) == []


async def test_operator_holds_a_source_back_and_lets_it_go(house: House) -> None:
    status, view = await act(house, "isolate")
    assert (status, view["operation"]["breaker"]["state"], view["operation"]["breaker"]["reason"]) == (200, "isolated", REASON)
    status, view = await act(house, "release", reason="put right")
    assert (status, view["operation"]["breaker"]["state"]) == (200, "closed")
    assert [(tenant, actor, action, source, orjson.loads(detail)) for tenant, actor, action, source, detail in acts(house)] == [
        ("one", "operator", "source.isolated", "vehicle", {"reason": REASON}),
        ("one", "operator", "source.released", "vehicle", {"reason": "put right"}),
    ]


@pytest.mark.parametrize("verb", ["isolate", "release"])
async def test_welfare_system_may_look_but_not_act(house: House, verb: str) -> None:
    assert (await house.get("/v1/sources/vehicle", who="welfare")).status_code == 200
    status, problem = await act(house, verb, who="welfare")
    assert (status, problem["code"]) == (403, "insufficient-scope")
    assert acts(house) == []
    assert house.services.channels["vehicle"].runtime.policy.snapshot().state == "closed"


@pytest.mark.parametrize(
    ("reason", "rule"),
    [
        pytest.param("", "string_too_short", id="empty"),
        pytest.param("x" * 201, "string_too_long", id="long"),
        pytest.param("a\nb ", "string_pattern_mismatch", id="lines"),
        pytest.param(7, "string_type", id="number"),
        pytest.param("asked about 990101197905120019", "no_person", id="identity number"),
    ],
)
async def test_reason_is_a_sentence_that_names_nobody(house: House, reason: object, rule: str) -> None:
    status, problem = await act(house, "isolate", reason=reason)
    assert (status, problem["errors"]) == (422, [{"pointer": "/reason", "rule": rule, "detail": f"must satisfy {rule}"}])
    assert acts(house) == []
