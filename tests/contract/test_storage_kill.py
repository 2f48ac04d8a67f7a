"""Kill the writing process at a random moment, twenty times: what it acknowledged is there, once and whole."""

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.contract.storage_examples import BODY, NOW, TENANT, client
from tests.contract.storage_writer import Acknowledgement, run
from tests.forks import FORKS
from verify_service.errors import NotFound
from verify_service.storage.encryption import load_cipher
from verify_service.storage.migrations import migrate
from verify_service.storage.records import AuditEntry, TicketState, VerificationState
from verify_service.storage.store import Store, open_store

KILLS = 20
MOST_ACKNOWLEDGED = 60


@pytest.mark.slow
async def test_what_was_acknowledged_survives_a_kill(database_url: str, tmp_path: Path) -> None:
    migrate(database_url)
    key_file = tmp_path / "field.key"
    cipher = load_cipher(key_file, create=True)
    store = await open_store(database_url, cipher=cipher)
    await store.add_client(client())
    moments = random.Random(20)
    for kill in range(KILLS):
        told = _write_until_killed(database_url, key_file, f"run{kill}", after=moments.randint(1, MOST_ACKNOWLEDGED))
        await _expect_all(store, told)
    await _expect_whole(store)
    await store.close()
    _expect_intact(database_url)


def _write_until_killed(database_url: str, key_file: Path, prefix: str, *, after: int) -> list[Acknowledgement]:
    """Start a writer, kill it after so many acknowledgements, and return all that it still got out."""
    ours, theirs = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=run, args=(database_url, key_file, prefix, theirs))
    process.start()
    theirs.close()
    told = [ours.recv() for _ in range(after)]
    process.kill()
    process.join()
    told += _rest(ours)
    ours.close()
    assert process.exitcode == -9
    process.close()
    return told


def _rest(pipe: Any) -> list[Acknowledgement]:
    told = []
    try:
        while True:
            told.append(pipe.recv())
    except EOFError:
        return told


async def _expect_all(store: Store, told: list[Acknowledgement]) -> None:
    issued = {verification: report for verification, report in told if report is not None}
    for verification in dict.fromkeys(verification for verification, _ in told):
        row = await store.verification(tenant=TENANT, verification_id=verification)
        assert row.request == BODY
        if verification in issued:
            assert (row.state, row.current_report_id) == (VerificationState.FINAL, issued[verification])


async def _expect_whole(store: Store) -> None:
    """Every report, acknowledged or not, has its answers, evidence, ticket, and log entry; every verification without one has none."""
    log = await _whole_log(store)
    acts = [(entry.action, entry.object_id) for entry in log]
    reports = {entry.detail["verification"]: entry.object_id for entry in log if entry.action == "report.issued"}
    verifications = [entry.object_id for entry in log if entry.action == "verification.accepted"]
    assert len(set(acts)) == len({entry.id for entry in log})
    assert reports
    for verification in verifications:
        where: dict[str, Any] = {"tenant": TENANT, "verification_id": verification}
        found = (len(await store.answers(**where)), len(await store.evidence(**where)), [t.state for t in await store.tickets(**where)])
        row = await store.verification(**where)
        assert row.current_report_id == reports.get(verification)
        assert found == ((2, 2, [TicketState.WAITING]) if verification in reports else (0, 0, []))
        if verification in reports:
            report = await store.report(tenant=TENANT, report_id=reports[verification], actor="checker", now=NOW)
            assert (report.version, report.is_current) == (1, True)


async def _whole_log(store: Store) -> list[AuditEntry]:
    log: list[AuditEntry] = []
    while page := await store.audit_log(tenant=TENANT, after=log[-1].id if log else 0):
        log += page
    return log


def _expect_intact(database_url: str) -> None:
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        connection = sqlite3.connect(str(url.database))
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.close()


async def test_checker_has_teeth(sqlite_database_url: str) -> None:
    """A verification that was never written is missed."""
    migrate(sqlite_database_url)
    store = await open_store(
        sqlite_database_url, cipher=load_cipher(Path(str(make_url(sqlite_database_url).database)).with_name("k"), create=True)
    )
    with pytest.raises(NotFound):
        await _expect_all(store, [("never-written", None)])
    await store.close()
