"""An operator holds a source back: every process sees it, nothing is sent, a restart forgets nothing, and the log says who and why."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.functional.processes import Installation, registers

REASON = "answers with another county's data"
SEEN_WITHIN_SECONDS = 60


class Operator:
    """An operator's client, at any process of the installation."""

    def __init__(self, place: Installation) -> None:
        made = json.loads(place.command("client", "new", "duty", "--tenant", "office", "--operator"))
        self.id: str = made["client_id"]
        self._headers = {"authorization": f"Bearer {made['access_token']}"}

    def operation(self, place: Installation) -> dict[str, Any]:
        answer = httpx.get(f"{place.base_url}/v1/sources/vehicle", headers=self._headers, trust_env=False, timeout=30)
        return dict(answer.raise_for_status().json()["operation"])

    def act(self, place: Installation, verb: str, reason: str) -> None:
        url = f"{place.base_url}/v1/sources/vehicle/{verb}"
        httpx.post(url, json={"reason": reason}, headers=self._headers, trust_env=False, timeout=30).raise_for_status()

    def await_state(self, place: Installation, state: str) -> dict[str, Any]:
        until = time.monotonic() + SEEN_WITHIN_SECONDS
        while (operation := self.operation(place))["breaker"]["state"] != state:
            assert time.monotonic() < until, operation["breaker"]
            time.sleep(0.1)
        return operation

    def log(self, place: Installation) -> list[tuple[str, str, str]]:
        answer = httpx.get(f"{place.base_url}/v1/audit?limit=1000", headers=self._headers, trust_env=False, timeout=30)
        entries = answer.raise_for_status().json()["entries"]
        return [(e["actor"], e["action"], e["detail"]["reason"]) for e in entries if e["action"].startswith("source.")]


def outcomes(place: Installation, token: str, household: bytes) -> set[str]:
    """Post the household and return what became of the questions to the vehicle register."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    answer = httpx.post(f"{place.base_url}/v1/verifications", content=household, headers=headers, timeout=30, trust_env=False)
    cells = answer.raise_for_status().json()["report"]["coverage"]
    return {cell["outcome"] for cell in cells if cell["source"] == "vehicle"}


def isolated_and_released(folder: Path, database_url: str | None, household: bytes) -> None:
    with registers(folder) as sources:
        here, there = Installation(folder, sources, database_url), Installation(folder, sources, database_url)
        token = here.new_client()["access_token"]
        operator = Operator(here)
        running = {"here": here.serve(), "there": there.serve()}
        try:
            operator.act(here, "isolate", REASON)
            assert operator.operation(here)["breaker"]["reason"] == REASON
            assert operator.await_state(there, "isolated")["breaker"]["reason"] == REASON
            for place in (here, there):
                assert outcomes(place, token, household) == {"unavailable.breaker_open"}
                assert operator.operation(place)["seen"]["attempts"] == {}
            running["here"].kill()
            running["here"] = here.serve()
            assert operator.await_state(here, "isolated")["breaker"]["reason"] == REASON
            operator.act(there, "release", "put right")
            operator.await_state(here, "closed")
            for place in (here, there):
                assert all(outcome.startswith("answered.") for outcome in outcomes(place, token, household))
                assert operator.operation(place)["seen"]["attempts"]["whole"] > 0
            assert operator.log(here) == [(operator.id, "source.isolated", REASON), (operator.id, "source.released", "put right")]
        finally:
            for process in running.values():
                process.kill()


@pytest.mark.slow
def test_isolation_is_every_process_on_sqlite(tmp_path: Path, household: bytes) -> None:
    isolated_and_released(tmp_path, None, household)


@pytest.mark.slow
@pytest.mark.postgres
def test_isolation_is_every_process_on_postgresql(tmp_path: Path, pg_database_url: str, household: bytes) -> None:
    isolated_and_released(tmp_path, pg_database_url, household)
