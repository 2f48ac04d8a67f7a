"""The metrics: exactly those of the catalogue, with labels from closed lists, and nothing of a person in any of them."""

import asyncio
import re
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from prometheus_client.parser import text_string_to_metric_families

import verify_service
from tests.api.house import House, bearer
from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.policy import SourceState
from verify_service.storage.records import VerificationState
from verify_service.telemetry.loop_lag import LoopLag

ROW = re.compile(r"^\| `(?P<name>verify_\w+)` \| (?P<labels>[a-z_, ]*) ?\| .+ \|$", re.MULTILINE)


def catalogue(repo_root: Path) -> dict[str, set[str]]:
    text = (repo_root / "docs" / "operations.md").read_text("utf-8")
    return {row["name"]: set(re.findall(r"\w+", row["labels"])) for row in ROW.finditer(text)}


async def told(house: House) -> str:
    return (await house.http.get("/metrics")).text


async def busy(house: House) -> None:
    """Make every family have a sample: a report, a refusal, an attempt, drift, an unknown path."""
    report = (await house.post()).json()["verification"]["report_id"]
    await house.get(f"/v1/reports/{report}")
    await house.post(b"{}")
    status = house.services.channels["vehicle"].runtime.status
    status.attempted(None, seconds=0.02, bytes_received=100)
    status.attempted(OutcomeCode.TIMEOUT, seconds=3)
    await house.http.request("BREW", "/no/such/990101197905120019", headers=bearer("full"))


async def test_metrics_are_those_of_the_catalogue(house: House, repo_root: Path) -> None:
    await busy(house)
    families = [family for family in text_string_to_metric_families(await told(house)) if family.name.startswith("verify_")]
    suffix = {"counter": "_total"}
    names = {family.name + suffix.get(family.type, "") for family in families if not family.name.endswith("_created")}
    listed = catalogue(repo_root)
    assert names == set(listed)
    for family in families:
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert family.samples, family.name
        assert labels == listed.get(family.name + suffix.get(family.type, ""), labels), family.name


def test_alarms_speak_of_metrics_that_there_are(repo_root: Path) -> None:
    text = (repo_root / "docs" / "operations.md").read_text("utf-8")
    alarms = text.partition("### Alarms")[2].partition("\n### ")[0]
    named = set(re.findall(r"`[^`]*?(verify_\w+)", alarms))
    assert len(named) > 10
    assert named <= set(catalogue(repo_root))


async def test_labels_are_from_closed_lists(house: House) -> None:
    await busy(house)
    outcomes = {*OutcomeCode, "whole"}
    closed: Mapping[str, set[str | None] | set[str]] = {
        "route": {context.path for context in iter_route_contexts(house.app.routes)} | {"none"},
        "method": {"GET", "POST", "other"},
        "status": {str(status) for status in range(200, 600)},
        "source": set(house.services.verifier.sources),
        "outcome": {str(outcome) for outcome in outcomes},
        "state": {*map(str, VerificationState), *map(str, SourceState)},
        "window": {"per_second", "per_day"},
        "kind": {"new", "missing"},
        "version": {verify_service.__version__},
    }
    for family in text_string_to_metric_families(await told(house)):
        for sample in family.samples if family.name.startswith("verify_") else ():
            for label, value in sample.labels.items():
                assert label == "le" or value in closed[label], (family.name, label, value)


async def test_metrics_tell_what_happened(house: House) -> None:
    await busy(house)
    lines = (await told(house)).splitlines()
    assert 'verify_verifications_total{state="accepted"} 1.0' in lines
    assert f'verify_answers_total{{outcome="answered.no_record",source="vehicle"}} {house.register.asked}.0' in lines
    assert 'verify_source_attempts_total{outcome="unavailable.timeout",source="vehicle"} 1.0' in lines
    assert 'verify_source_call_seconds_count{source="vehicle"} 2.0' in lines
    assert 'verify_source_call_seconds_sum{source="vehicle"} 3.02' in lines
    assert "verify_issue_commit_seconds_count 1.0" in lines
    assert 'verify_source_state{source="vehicle",state="closed"} 1.0' in lines
    assert 'verify_source_oldest_answer_days{source="vehicle"} 4.0' in lines
    assert "verify_outbox_waiting 1.0" in lines
    assert "verify_tickets_open 0.0" in lines


async def test_a_store_that_does_not_answer_hides_no_other_metric(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unreachable(**_now: object) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(house.services.store, "backlog", unreachable)
    text = await told(house)
    assert "# TYPE verify_outbox_waiting gauge" in text
    assert "\nverify_outbox_waiting" not in text
    assert "\nverify_event_loop_lag_seconds 0.0" in text


async def test_loop_that_is_blocked_is_late() -> None:
    lag = LoopLag()
    watching = asyncio.create_task(lag.watch())
    while lag.worst == 0.0:
        await asyncio.sleep(0.05)
        time.sleep(0.3)  # noqa: ASYNC251 - what must not happen is what is to be seen
    watching.cancel()
    assert 0 < lag.worst < 60
