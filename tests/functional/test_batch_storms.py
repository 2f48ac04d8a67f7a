"""Whatever happens to workers and database while a batch is on its way, its results are those of a calm run.

`SOAK_HOUSEHOLDS` sets the size; a test run for every change has a small one.
"""

import os
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from bench.households import bodies
from tests.functional.batches import Hall, hall
from tests.functional.checker import broken
from tests.functional.own_postgres import OwnServer, own_postgres
from tests.functional.storms import Storm, differing, kill_and_replace, no_larger_files, stop_for_long, without_marks

HOUSEHOLDS = int(os.environ.get("SOAK_HOUSEHOLDS", "20000"))
SECONDS_PER_HOUSEHOLD = 1.0  # against a hang only
SEED = 20261125


def file_of(households: int) -> bytes:
    return b"\n".join(islice(bodies(members=None), households))


def rows(households: int) -> str:
    """Return how many households a chunk has, so that there are some twenty chunks at least."""
    return str(min(250, max(10, households // 20)))


def finished(opened: Hall, households: int) -> tuple[str, list[Any]]:
    """Hand the file in, wait for the end; return the batch and what it says of every household."""
    batch_id = opened.client.submit(file_of(households)).json()["batch_id"]
    opened.client.await_completed(batch_id, seconds=120 + households * SECONDS_PER_HOUSEHOLD)
    return batch_id, without_marks(opened.client.results(batch_id))


def calm(folder: Path, url: str | None, households: int) -> list[Any]:
    folder.mkdir()
    with hall(folder, url, VERIFY_CHUNK_ROWS=rows(households)) as opened:
        opened.worker()
        batch_id, results = finished(opened, households)
        assert broken(opened.ledgers(batch_id)) == []
    return results


def stormy(folder: Path, url: str | None, households: int, server: OwnServer | None, workers: int) -> list[Any]:
    """Kill a worker every few seconds, and restart the database every 5 to 40 s."""
    folder.mkdir()
    with hall(folder, url, VERIFY_CHUNK_ROWS=rows(households)) as opened:
        for _ in range(workers):
            opened.worker()
        kills = Storm(kill_and_replace(opened), (8, 16), SEED)
        restarts = Storm(lambda: None if server is None else server.restart(), (5, 40), SEED)
        began = time.monotonic()
        with kills.raging(), restarts.raging():
            batch_id, results = finished(opened, households)
        struck = {"kills": kills.struck, "restarts": 0 if server is None else restarts.struck}
        sys.stdout.write(f"{households} households in {time.monotonic() - began:.0f} s: {struck}\n")
        assert broken(opened.ledgers(batch_id, disturbances=sum(struck.values()))) == []
    return results


@pytest.mark.soak
@pytest.mark.postgres
def test_storm_over_workers_and_postgresql(tmp_path: Path) -> None:
    with own_postgres() as server:
        expected = calm(tmp_path / "calm", None, HOUSEHOLDS)
        assert list(differing(stormy(tmp_path / "storm", server.url, HOUSEHOLDS, server, 2), expected)) == []


@pytest.mark.soak
def test_storm_over_one_worker_on_sqlite(tmp_path: Path) -> None:
    expected = calm(tmp_path / "calm", None, HOUSEHOLDS)
    assert list(differing(stormy(tmp_path / "storm", None, HOUSEHOLDS, None, 1), expected)) == []


@pytest.mark.soak
@pytest.mark.postgres
def test_frozen_worker_comes_back_and_is_refused(tmp_path: Path, pg_database_url: str) -> None:
    """Its chunks are taken over after half a minute, and what it still writes is refused."""
    households = min(HOUSEHOLDS, 400)
    with hall(tmp_path, pg_database_url, VERIFY_CHUNK_ROWS=rows(households)) as opened:
        batch_id = opened.client.submit(file_of(households)).json()["batch_id"]
        opened.worker(), opened.worker()
        await_results(opened, batch_id, 1)
        stop_for_long(opened, 45)
        opened.client.await_completed(batch_id, seconds=300)
        assert broken(opened.ledgers(batch_id, disturbances=1)) == []


def test_full_disk_is_survived(tmp_path: Path) -> None:
    """The worker may not enlarge its files any more, then may again: the batch ends, and every ledger agrees."""
    households = 60
    with hall(tmp_path, None, VERIFY_CHUNK_ROWS=rows(households)) as opened:
        batch_id = opened.client.submit(file_of(households)).json()["batch_id"]
        worker = opened.worker()
        await_results(opened, batch_id, 1)
        assert worker.popen is not None
        with no_larger_files(worker.popen.pid, 4096):
            await_said(worker.folder / "work.log", "chunk.failed", "batches.round_failed", "disk I/O error")
        opened.client.await_completed(batch_id, seconds=120)
        assert broken(opened.ledgers(batch_id, disturbances=1)) == []


def await_results(opened: Hall, batch_id: str, number: int) -> None:
    until = time.monotonic() + 120
    while sum(opened.client.batch(batch_id)["results"].values()) < number:
        assert time.monotonic() < until
        time.sleep(0.05)


def await_said(log: Path, *events: str) -> None:
    """Wait until one of the events is logged: whichever write comes first meets the full disk, ours or the job engine's."""
    until = time.monotonic() + 60
    while not any(event in log.read_text(encoding="utf-8", errors="replace") for event in events):
        assert time.monotonic() < until, log.read_text(encoding="utf-8", errors="replace")[-2000:]
        time.sleep(0.05)
