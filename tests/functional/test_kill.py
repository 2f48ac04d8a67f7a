"""kill -9 at random moments under load: what was acknowledged is there, and nothing is there twice.

The clients keep a ledger of every acknowledgement. After each kill the service is started again and the clients go on with
new households and repeat, with the same Idempotency-Key, what was not acknowledged, as a careful caller does. A worker runs
beside the service, finishes what killed processes left behind, and is killed in every second round or so. At the end the
ledger is held against the service's answers and the database.
"""

import asyncio
import json
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from tests.functional.processes import Installation, Process, registers

KILLS_IN_CI, KILLS_IN_SOAK = 2, 200
CLIENTS = 6
REPEATED = 0.25  # a caller asks again now and then; most of the load is new households
LATEST_KILL_SECONDS = 2.0
SETTLING_SECONDS = 180  # against a hang only: a killed process's leases have to run out, and a household takes what it takes


@dataclass
class Ledger:
    """What the clients were told: report ids and bodies by idempotency key, and what is still to be repeated."""

    acknowledged: dict[str, Any] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    made: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(20261124))

    def next_key(self) -> str:
        if self.open and self.chance.random() < REPEATED:
            return self.open.pop(0)
        self.made += 1
        return f"household-{self.made:05}"


async def post(http: httpx.AsyncClient, template: dict[str, Any], key: str, ledger: Ledger) -> None:
    """Post one household; enter the answer in the ledger, or put the key back."""
    body = json.dumps({**template, "client_reference": key}).encode()
    try:
        response = await http.post("/v1/verifications", content=body, headers={"idempotency-key": key, "prefer": "wait=20"})
    except httpx.TransportError:
        ledger.open.append(key)
        raise
    if response.status_code == 200:
        ledger.acknowledged[key] = response.json()
    else:
        assert response.status_code in {202, 409, 503}, response.text
        ledger.open.append(key)


async def one_client(http: httpx.AsyncClient, template: dict[str, Any], ledger: Ledger) -> None:
    """Post until the connection breaks."""
    while True:
        try:
            await post(http, template, ledger.next_key(), ledger)
        except httpx.TransportError:
            return


async def load_and_kill(place: Installation, worker: Process, token: str, template: dict[str, Any], ledger: Ledger) -> None:
    """Serve, load, kill after a while, and wait until every client noticed."""
    process = await asyncio.to_thread(place.serve)
    async with http_client(place, token) as http:
        clients = [asyncio.create_task(one_client(http, template, ledger)) for _ in range(CLIENTS)]
        await asyncio.sleep(ledger.chance.uniform(0.02, LATEST_KILL_SECONDS))
        if ledger.chance.random() < 0.5:
            await asyncio.to_thread(worker.kill)
        await asyncio.to_thread(process.kill)
        await asyncio.gather(*clients)
    if not worker.runs():
        worker.start()


def http_client(place: Installation, token: str) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return httpx.AsyncClient(base_url=place.base_url, headers=headers, timeout=30, trust_env=False)


async def settle(place: Installation, token: str, template: dict[str, Any], ledger: Ledger) -> None:
    """Serve until every key has its answer, and every acknowledged report is the one that can be fetched."""
    process = await asyncio.to_thread(place.serve)
    try:
        async with http_client(place, token) as http, asyncio.timeout(SETTLING_SECONDS):
            while ledger.open:
                key = ledger.open.pop()
                await post(http, template, key, ledger)
                if ledger.open:
                    await asyncio.sleep(0.1)
            for key, answer in ledger.acknowledged.items():
                report = await http.get(f"/v1/reports/{answer['report']['header']['report_id']}", headers={"accept": "application/jose"})
                assert report.status_code == 200, key
                assert report.text == answer["jws"], key
    finally:
        process.kill()


def stored(database_url: str) -> list[tuple[str, int, int]]:
    """Return (client reference, verifications, first versions) for every client reference in the database."""
    engine = create_engine(database_url.replace("+aiosqlite", ""))
    query = text(
        "SELECT v.client_reference, count(DISTINCT v.id), count(DISTINCT r.id) FROM verifications v"
        " LEFT JOIN reports r ON r.verification_id = v.id AND r.version = 1 GROUP BY v.client_reference"
    )
    with engine.connect() as connection:
        rows = [(row[0], row[1], row[2]) for row in connection.execute(query)]
    engine.dispose()
    return rows


async def kill_again_and_again(folder: Path, database_url: str | None, household: bytes, *, kills: int) -> None:
    with registers(folder) as sources:
        place = Installation(folder, sources, database_url)
        token = (await asyncio.to_thread(place.new_client))["access_token"]
        template, ledger, worker = json.loads(household), Ledger(), place.worker()
        try:
            for _ in range(kills):
                await load_and_kill(place, worker, token, template, ledger)
            amid = len(ledger.acknowledged)
            sys.stdout.write(f"{kills} kills, {ledger.made} households, {amid} acknowledged between the kills\n")
            await settle(place, token, template, ledger)
        finally:
            worker.kill()
    url = database_url or f"sqlite:///{folder / 'var' / 'verify.db'}"
    found = {reference: (verifications, versions) for reference, verifications, versions in stored(url)}
    assert len(ledger.acknowledged) == ledger.made
    assert found.keys() == ledger.acknowledged.keys()
    assert set(found.values()) == {(1, 1)}
    assert ledger.made > kills
    assert amid >= kills // 4  # else the kills met no work


async def test_every_acknowledged_verification_is_there_once_on_sqlite(tmp_path: Path, household: bytes) -> None:
    await kill_again_and_again(tmp_path, None, household, kills=KILLS_IN_CI)


@pytest.mark.postgres
async def test_every_acknowledged_verification_is_there_once_on_postgresql(tmp_path: Path, pg_database_url: str, household: bytes) -> None:
    await kill_again_and_again(tmp_path, pg_database_url, household, kills=KILLS_IN_CI)


@pytest.mark.soak
async def test_200_kills_on_sqlite(tmp_path: Path, household: bytes) -> None:
    await kill_again_and_again(tmp_path, None, household, kills=KILLS_IN_SOAK)


@pytest.mark.soak
@pytest.mark.postgres
async def test_200_kills_on_postgresql(tmp_path: Path, pg_database_url: str, household: bytes) -> None:
    await kill_again_and_again(tmp_path, pg_database_url, household, kills=KILLS_IN_SOAK)
