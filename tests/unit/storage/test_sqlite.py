"""The one SQLite writer: shared commits, single failures, a full disk, callers that went away."""

import asyncio
import gc
import sqlite3
import weakref
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import OperationalError

from verify_service.storage.errors import StoreBusy
from verify_service.storage.sqlite import SqliteExecutor, raw


@pytest.fixture
async def executor(tmp_path: Path) -> AsyncIterator[SqliteExecutor]:
    made = SqliteExecutor(URL.create("sqlite", database=str(tmp_path / "test.db")))
    await made.write(lambda c: c.execute(text("CREATE TABLE kept (n INTEGER PRIMARY KEY, filling BLOB)")))
    yield made
    await made.close()


def keep(number: int, size: int = 0):
    return lambda c: c.execute(text("INSERT INTO kept VALUES (:n, zeroblob(:size))"), {"n": number, "size": size}) and None


def kept(connection: Connection) -> list[int]:
    return list(connection.execute(text("SELECT n FROM kept ORDER BY n")).scalars())


async def test_operations_that_wait_share_one_commit(executor: SqliteExecutor) -> None:
    statements: list[str] = []
    await executor.write(lambda c: raw(c).set_trace_callback(statements.append))
    await asyncio.gather(*(executor.write(keep(n)) for n in range(20)))
    assert statements.count("COMMIT") <= 3  # the tracing one, and those that were handed in together
    assert await executor.read(kept) == list(range(20))


async def test_failed_operation_undoes_itself_alone(executor: SqliteExecutor) -> None:
    def half(connection: Connection) -> None:
        keep(100)(connection)
        raise LookupError

    outcomes = await asyncio.gather(executor.write(keep(1)), executor.write(half), executor.write(keep(2)), return_exceptions=True)
    assert [type(o) for o in outcomes] == [type(None), LookupError, type(None)]
    assert await executor.read(kept) == [1, 2]


async def test_full_disk_is_told_to_everyone_in_the_commit_and_heals(executor: SqliteExecutor) -> None:
    await executor.write(keep(1))
    await executor.write(lambda c: c.execute(text("PRAGMA max_page_count=10")).close())
    outcomes = await asyncio.gather(executor.write(keep(2)), executor.write(keep(3, size=1_000_000)), return_exceptions=True)
    told = [o for o in outcomes if isinstance(o, Exception)]
    assert isinstance(outcomes[1], OperationalError)
    assert set(await executor.read(kept)) == {1} | ({2} if len(told) == 1 else set())
    await executor.write(keep(4))
    assert 4 in await executor.read(kept)


async def test_failed_commit_is_told_to_everyone_and_the_connection_is_not_used_again(executor: SqliteExecutor) -> None:
    """A deferred foreign key fails at COMMIT itself, as a failed sync does."""
    await executor.write(lambda c: c.execute(text("CREATE TABLE child (n INTEGER REFERENCES kept DEFERRABLE INITIALLY DEFERRED)")))
    before = await executor.write(lambda c: id(raw(c)))
    orphan = executor.write(lambda c: c.execute(text("INSERT INTO child VALUES (77)")))
    outcomes = await asyncio.gather(executor.write(keep(1)), orphan, executor.write(keep(2)), return_exceptions=True)
    refused = [type(o) for o in outcomes if isinstance(o, Exception)]
    assert set(refused) == {sqlite3.IntegrityError}
    present = await executor.read(kept)
    assert [n for n, o in ((1, outcomes[0]), (2, outcomes[2])) if not isinstance(o, Exception)] == present
    assert await executor.write(lambda c: id(raw(c))) != before


async def test_caller_that_went_away_harms_nobody(executor: SqliteExecutor) -> None:
    leaving = asyncio.create_task(executor.write(keep(1)))
    staying = asyncio.create_task(executor.write(keep(2)))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    assert leaving.cancelled()
    assert 2 in await executor.read(kept)


async def test_reader_cannot_write(executor: SqliteExecutor) -> None:
    with pytest.raises(OperationalError, match="readonly"):
        await executor.read(keep(1))
    assert await executor.read(kept) == []


async def test_writer_waits_for_another_process_without_stopping_the_loop(executor: SqliteExecutor, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(executor.write(keep(1)))
    for _ in range(3):
        assert await executor.read(kept) == []
    assert not waiting.done()
    other.execute("COMMIT")
    await waiting
    assert await executor.read(kept) == [1]
    other.close()


async def test_no_parameter_is_in_an_error(executor: SqliteExecutor) -> None:
    await executor.write(keep(987654321))
    with pytest.raises(Exception, match="UNIQUE") as caught:
        await executor.write(keep(987654321))
    assert "987654321" not in str(caught.value)


async def test_full_queue_refuses_what_is_new_and_takes_what_ends_work(tmp_path: Path) -> None:
    executor = SqliteExecutor(URL.create("sqlite", database=str(tmp_path / "test.db")), most_waiting=2)
    await executor.write(lambda c: c.execute(text("CREATE TABLE kept (n INTEGER PRIMARY KEY, filling BLOB)")).close())
    handed_in = [asyncio.create_task(executor.write(keep(n), finishing=n == 3)) for n in range(4)]
    outcomes = await asyncio.gather(*handed_in, return_exceptions=True)
    assert [type(o) for o in outcomes] == [type(None), type(None), StoreBusy, type(None)]
    assert await executor.read(kept) == [0, 1, 3]
    await executor.write(keep(2))
    assert await executor.read(kept) == [0, 1, 2, 3]
    await executor.close()


class Rows:
    """What a write brings: of a chunk, some megabytes."""

    def __call__(self, connection: Connection) -> int:
        return int(connection.execute(text("SELECT count(*) FROM kept")).scalar_one())


async def test_what_was_written_goes_with_its_write_and_waits_for_no_collection(executor: SqliteExecutor) -> None:
    gc.collect()
    gc.disable()
    try:
        rows = Rows()
        gone = weakref.ref(rows)
        assert await executor.write(rows) == 0
        del rows
        await asyncio.sleep(0)
        assert gone() is None
    finally:
        gc.enable()
