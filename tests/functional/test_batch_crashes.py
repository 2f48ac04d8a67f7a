"""kill -9 between every two steps of intake and of a chunk's work: nothing is lost, nothing is there twice."""

import sqlite3
import time
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.households import bodies
from tests.functional.batches import Hall, hall
from tests.functional.checker import broken, read_ledgers
from tests.functional.processes import Process, await_ready

INTAKE = ("open:after:1", "stage:before:1", "stage:after:1", "stage:after:2", "accept:before:1", "accept:after:1")
WORK = (
    *("queue_due:before:1", "queue_due:after:1", "begin:before:1", "begin:after:1", "put_off:before:1", "put_off:after:1"),
    *("begin:after:3", "issue:before:1", "issue:after:1", "issue:before:2", "issue:after:2", "complete:before:1", "complete:after:1"),
)
# Without patience the first version is partial, and the tickets make the next.
IMPATIENT = ("issue:before:1", "issue:after:1", "begin:after:3", "issue:before:3", "issue:after:3")


def crashing(opened: Hall, point: str, *command: str) -> Process:
    process = Process(command, opened.place.folder, opened.place.environment, module=("tests.functional.crashing", point))
    process.start()
    opened.workers.append(process)
    return process


def await_death(process: Process) -> None:
    until = time.monotonic() + 90
    while process.popen is not None and process.popen.poll() is None:
        assert time.monotonic() < until, process.output()
        time.sleep(0.05)
    assert process.popen is not None
    assert process.popen.poll() == -9, process.output()


def content(example: bytes, number: int) -> bytes:
    """Return six households of the example under references of their own, a bad row among them."""
    lines = [line.replace(b"SHILI-2026", b"SHILI-%d" % number, 1) for line in example.splitlines()[:6]]
    return b"\n".join([*lines[:2], b"{}", *lines[2:]])


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else str(request.getfixturevalue("pg_database_url"))


def test_killed_at_every_step_of_work(tmp_path: Path, database: str | None) -> None:
    with hall(tmp_path, database, sandbox=("--faults", "none"), VERIFY_CHUNK_ROWS="3") as opened:
        for number, point in enumerate(WORK):
            opened.client.submit(others(number), key=point)
            await_death(crashing(opened, point, "work", "--concurrency", "1"))
        crashing(opened, "none", "work")
        check(opened)
        if database is None:
            checker_has_teeth(opened, tmp_path / "tampered.db")


TAMPERINGS = (
    "DELETE FROM reports WHERE id = (SELECT report_id FROM batch_rows WHERE report_id IS NOT NULL AND batch_id = '{id}' LIMIT 1)",
    "UPDATE reports SET version = version + 5 WHERE id IN (SELECT report_id FROM batch_rows WHERE batch_id = '{id}')",
    "UPDATE reports SET replaces = id WHERE id IN (SELECT report_id FROM batch_rows WHERE batch_id = '{id}')",
    "UPDATE reports SET digest = 'another' WHERE id IN (SELECT report_id FROM batch_rows WHERE batch_id = '{id}')",
    "UPDATE batch_rows SET state = 'cancelled' WHERE batch_id = '{id}' AND no = 1",
    "DELETE FROM batch_rows WHERE batch_id = '{id}' AND no = 7",
    "UPDATE batches SET rejected = 0 WHERE id = '{id}'",
    "UPDATE batches SET digest = 'another' WHERE id = '{id}'",
    "UPDATE batch_chunks SET state = 'running' WHERE batch_id = '{id}'",
    "UPDATE batch_tickets SET state = 'waiting' WHERE batch_id = '{id}'",
    "DELETE FROM outbox WHERE verification_id = '{id}'",
    "UPDATE verifications SET lease_until = '2026-01-01' WHERE id IN (SELECT verification_id FROM batch_rows WHERE batch_id = '{id}')",
)


def checker_has_teeth(opened: Hall, copy: Path) -> None:
    """Alter a copy of the database in one place at a time; the checker finds every one."""
    batch_id = next(iter(opened.client.receipts))
    receipts = opened.ledgers(batch_id, disturbances=len(WORK), batches=len(WORK)).receipts
    for tampering in TAMPERINGS:
        with sqlite3.connect(opened.place.folder / "var" / "verify.db") as source, sqlite3.connect(copy) as target:
            source.backup(target)
            assert target.execute(tampering.format(id=batch_id)).rowcount > 0, tampering
        source.close()
        target.close()
        assert broken(read_ledgers(opened.place.folder / "journal", f"sqlite:///{copy}", receipts)), tampering


@pytest.mark.parametrize("point", INTAKE)
def test_killed_at_every_step_of_intake(tmp_path: Path, repo_root: Path, point: str) -> None:
    body = content((repo_root / "examples" / "batch.ndjson").read_bytes(), 1)
    with hall(tmp_path, None, VERIFY_CHUNK_ROWS="3") as opened:
        opened.api.kill()
        api = crashing(opened, point, "serve", "--port", str(opened.place.port))
        await_ready(opened.place.base_url, api)
        with pytest.raises(httpx.TransportError):
            opened.client.submit(body, key="k")
        await_death(api)
        opened.api.start()
        await_ready(opened.place.base_url, opened.api)
        receipt = opened.client.submit(body, key="k").json()
        assert opened.client.submit(body, key="k").json() == receipt
        crashing(opened, "none", "work")
        check(opened)
        assert len(opened.client.receipts) == 1


def check(opened: Hall) -> None:
    """Wait for every acknowledged batch, and hold the three ledgers against each other."""
    batches = len(opened.client.receipts)
    for batch_id in opened.client.receipts:
        batch = opened.client.await_completed(batch_id, seconds=120)
        assert (batch["rows_in"], batch["results"]["rejected"]) == (7, 1)
        assert broken(opened.ledgers(batch_id, disturbances=batches, batches=batches)) == []


def others(number: int) -> bytes:
    """Return six households, a bad row among them; other people for each number, since nobody is asked twice a day."""
    lines = list(islice(bodies(members=1, first_household=100 * number), 6))
    return b"\n".join([*lines[:2], b"{}", *lines[2:]])


def test_killed_at_every_step_of_two_versions(tmp_path: Path) -> None:
    with hall(tmp_path, None, sandbox=("--faults", "none"), VERIFY_CHUNK_ROWS="3", VERIFY_BATCH_PATIENCE_SECONDS="0") as opened:
        for number, point in enumerate(IMPATIENT):
            opened.client.submit(others(number), key=point)
            await_death(crashing(opened, point, "work", "--concurrency", "1"))
        crashing(opened, "none", "work")
        check(opened)
        results = [row for batch_id in opened.client.receipts for row in opened.client.results(batch_id)]
        assert {row["report"]["header"]["version"] for row in results if row["jws"]} == {2}


def test_of_two_workers_one_is_killed(tmp_path: Path, database: str | None) -> None:
    """What the killed one had begun, the other takes over."""
    with hall(tmp_path, database, VERIFY_CHUNK_ROWS="10") as opened:
        receipt = opened.client.submit(b"\n".join(islice(bodies(members=1), 120))).json()
        doomed, _ = crashing(opened, "issue:before:2", "work"), crashing(opened, "none", "work")
        await_death(doomed)
        opened.client.await_completed(receipt["batch_id"], seconds=180)
        assert broken(opened.ledgers(receipt["batch_id"], disturbances=1)) == []


def test_cancelled_in_the_middle(tmp_path: Path) -> None:
    """What was finished stays, the rest is cancelled, and nothing more happens to the batch."""
    with hall(tmp_path, None, VERIFY_CHUNK_ROWS="10") as opened:
        client = opened.client
        receipt = client.submit(b"\n".join(islice(bodies(members=1), 400))).json()
        opened.worker()
        until = time.monotonic() + 90
        while finished(client.batch(receipt["batch_id"])) < 20:
            assert time.monotonic() < until
            time.sleep(0.05)
        at_once = client.act(receipt["batch_id"], "cancel").json()["batch"]
        assert at_once["state"] == "cancelled"
        assert finished(at_once) >= 20
        assert at_once["results"]["cancelled"] > 0
        time.sleep(3)
        assert client.batch(receipt["batch_id"]) == at_once
        assert broken(opened.ledgers(receipt["batch_id"])) == []


def finished(batch: dict[str, Any]) -> int:
    return int(batch["results"]["partial"] + batch["results"]["final"])
