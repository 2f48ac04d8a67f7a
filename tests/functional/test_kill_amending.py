"""kill -9 while officers act: what was acknowledged is a version, nothing is made twice, and whoever was killed holds nothing for long."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.functional.processes import Installation, registers
from verify_service.api.amendment_examples import AMENDMENTS

KILLS, OFFICERS, SETTLING_SECONDS = 2, 4, 120
Acts = dict[str, Any]


async def act(http: httpx.AsyncClient, verification_id: str, key: str, done: Acts) -> None:
    """Resolve a finding of the current version under this key, until it is acknowledged. Raises when the connection breaks."""
    while key not in done:
        view = (await http.get(f"/v1/verifications/{verification_id}")).json()["verification"]
        report = (await http.get(f"/v1/reports/{view['report_id']}")).json()["report"]
        path = f"/v1/reports/{view['report_id']}/findings/{report['findings'][0]['id']}/resolution"
        answer = await http.post(
            path, json=AMENDMENTS["resolution"] | {"note": key}, headers={"idempotency-key": f"{key}-of-{view['report_id']}"}
        )
        if answer.status_code == 201:
            done[key] = answer.json()["verification"]
        else:
            assert answer.status_code in {409, 503}, answer.text


async def officer(http: httpx.AsyncClient, verification_id: str, name: str, done: Acts) -> None:
    number = 0
    while True:
        number += 1
        try:
            await act(http, verification_id, f"{name}-{number}", done)
        except httpx.TransportError:
            return


def client(place: Installation, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=place.base_url, headers={"authorization": f"Bearer {token}"}, timeout=30, trust_env=False)


@pytest.mark.slow
async def test_acknowledged_acts_survive_and_none_is_done_twice(tmp_path: Path, household: bytes) -> None:
    with registers(tmp_path) as sources:
        place = Installation(tmp_path, sources)
        token, done = place.new_client()["access_token"], Acts()
        process = await asyncio.to_thread(place.serve)
        async with client(place, token) as http:
            issued = (await http.post("/v1/verifications", content=household, headers={"content-type": "application/json"})).json()
        verification_id = issued["verification"]["id"]
        for kill in range(KILLS):
            async with client(place, token) as http:
                acting = [asyncio.create_task(officer(http, verification_id, f"{kill}-{n}", done)) for n in range(OFFICERS)]
                await asyncio.sleep(2)
                await asyncio.to_thread(process.kill)
                await asyncio.gather(*acting)
            process = await asyncio.to_thread(place.serve)
        try:
            async with client(place, token) as http, asyncio.timeout(SETTLING_SECONDS):
                await act(http, verification_id, "last", done)  # whoever was killed holds the verification only until its lease ends
                last = done["last"]["report_id"]
                versions = (await http.get(f"/v1/reports/{last}/versions")).json()["versions"]
                amendments = (await http.get(f"/v1/reports/{last}")).json()["report"]["amendments"]
        finally:
            process.kill()
        notes = [line["amendment"]["note"] for line in amendments]
        assert [v["version"] for v in versions] == list(range(1, len(notes) + 2))
        assert {told["report_id"] for told in done.values()} <= {v["id"] for v in versions}
        assert set(done) <= set(notes)
        assert len(done) > KILLS
        assert "identical" in place.command("recompute", last, "--tenant", "example")
