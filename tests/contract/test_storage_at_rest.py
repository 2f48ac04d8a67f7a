"""What lies on the disk: no name, number, amount or key of a person in clear; every connection keeps its commits."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from tests.contract.storage_examples import BODY, NAME, NOW, NUMBER, TENANT, accepted, client, issue
from verify_service.storage import sqlite as engine
from verify_service.storage.encryption import FieldCipher, new_cipher
from verify_service.storage.errors import DamagedField
from verify_service.storage.migrations import migrate
from verify_service.storage.records import Response
from verify_service.storage.store import Store, open_store

KEY = "case-2026-0815"  # what callers put into an Idempotency-Key
CANARIES = [KEY.encode(), NUMBER.encode(), NAME.encode(), NAME.encode("gb18030"), b"123456789", b"account-1"]
DURABLE = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def _filled(database_url: str, cipher: FieldCipher) -> tuple[Store, str, str]:
    migrate(database_url)
    store = await open_store(database_url, cipher=cipher)
    await store.add_client(client())
    held = await accepted(store, idempotency_key=KEY, subjects=[NUMBER])
    written = issue(held, jws=BODY + b"123456789", response=Response(200, {}, BODY))
    await store.issue(written)
    return store, held.verification_id, written.report.id


async def test_no_person_is_readable_in_the_database_file_or_its_log(sqlite_database_url: str) -> None:
    store, *_ = await _filled(sqlite_database_url, new_cipher())
    file = Path(str(make_url(sqlite_database_url).database))
    on_disk = _contents(file)
    assert b"case-17" in on_disk  # what is not secret is found, so the search works
    assert [canary for canary in CANARIES if canary in on_disk] == []
    await store.close()
    assert [canary for canary in CANARIES if canary in _contents(file)] == []


async def test_database_file_is_its_owners(sqlite_database_url: str) -> None:
    store, *_ = await _filled(sqlite_database_url, new_cipher())
    file = Path(str(make_url(sqlite_database_url).database))
    assert {part.stat().st_mode & 0o077 for part in file.parent.glob(f"{file.name}*")} == {0}
    await store.close()


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("UPDATE reports SET sealed_jws = (SELECT sealed_request FROM verifications)", "reports"),
        ("UPDATE reports SET sealed_jws = substr(sealed_jws, 1, 10)", "reports"),
        ("UPDATE reports SET id = 'elsewhere'", "reports"),
    ],
)
async def test_moved_or_cut_field_does_not_open(sqlite_database_url: str, change: str, table: str) -> None:
    store, _, report_id = await _filled(sqlite_database_url, new_cipher())
    _execute(sqlite_database_url, change)
    wanted = "elsewhere" if "elsewhere" in change else report_id
    before = await store.audit_log(tenant=TENANT)
    with pytest.raises(DamagedField) as caught:
        await store.report(tenant=TENANT, report_id=wanted, actor="me", now=NOW)
    assert caught.value.args == (table, "sealed_jws")
    assert await store.audit_log(tenant=TENANT) == before
    await store.close()


async def test_other_key_opens_nothing(database_url: str) -> None:
    store, verification_id, _ = await _filled(database_url, new_cipher())
    await store.close()
    other = await open_store(database_url, cipher=new_cipher())
    for read in (other.verification, other.answers, other.evidence):
        with pytest.raises(DamagedField):
            await read(tenant=TENANT, verification_id=verification_id)
    await other.close()


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"])
async def test_audit_log_only_grows(database_url: str, change: str) -> None:
    store, *_ = await _filled(database_url, new_cipher())
    before = await store.audit_log(tenant=TENANT)
    with pytest.raises(Exception, match="the audit log only grows"):
        await asyncio.to_thread(_execute, database_url, change)
    assert await store.audit_log(tenant=TENANT) == before
    await store.close()


def test_every_sqlite_connection_keeps_its_commits_through_a_power_cut(sqlite_database_url: str) -> None:
    migrate(sqlite_database_url)
    made = engine.sqlite_engine(make_url(sqlite_database_url))
    with made.connect() as first, made.connect() as second:
        for connection in (first, second):
            assert _durability(connection) == DURABLE
            assert connection.execute(text("PRAGMA busy_timeout")).scalar_one() >= 10_000
    made.dispose()


async def test_writer_and_reader_of_the_store_keep_their_commits(sqlite_database_url: str) -> None:
    migrate(sqlite_database_url)
    executor = engine.SqliteExecutor(make_url(sqlite_database_url))
    assert await executor.write(_durability) == DURABLE
    assert await executor.read(_durability) == DURABLE
    await executor.close()


@pytest.mark.postgres
async def test_postgresql_session_waits_for_the_disk(pg_database_url: str) -> None:
    await asyncio.to_thread(_execute, pg_database_url, "ALTER ROLE CURRENT_USER SET synchronous_commit = off")
    from verify_service.storage.postgresql import PostgresqlExecutor

    executor = PostgresqlExecutor(make_url(pg_database_url), pool_size=1)
    try:
        assert await executor.read(lambda c: c.execute(text("SHOW synchronous_commit")).scalar_one()) == "on"
    finally:
        await executor.close()
        await asyncio.to_thread(_execute, pg_database_url, "ALTER ROLE CURRENT_USER RESET synchronous_commit")


def _contents(file: Path) -> bytes:
    """Return the database with its log and index, as they lie on the disk."""
    return b"".join(part.read_bytes() for part in sorted(file.parent.glob(f"{file.name}*")))


def _durability(connection: Connection) -> dict[str, str | int]:
    return {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in DURABLE}


def _execute(database_url: str, statement: str) -> None:
    url = make_url(database_url)
    driver = "sqlite+pysqlite" if url.get_backend_name() == "sqlite" else "postgresql+psycopg"
    made = create_engine(url.set(drivername=driver))
    try:
        with made.begin() as connection:
            connection.execute(text(statement))
    finally:
        made.dispose()
