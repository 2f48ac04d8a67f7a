"""Many rows at once are stored as one by one: every type, every character, nulls; what is there already is an error, and undoes all."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from psycopg.errors import UniqueViolation
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, MetaData, Table, Text, select

from verify_service.storage.columns import Instant, Json
from verify_service.storage.encryption import new_cipher
from verify_service.storage.executor import Executor
from verify_service.storage.many import ManyRows
from verify_service.storage.migrations import migrate
from verify_service.storage.store import open_store

kept = Table(
    "kept_in_this_test",
    MetaData(),
    Column("no", Integer, primary_key=True),
    Column("name", Text),
    Column("size", BigInteger),
    Column("sealed", LargeBinary),
    Column("at", Instant),
    Column("detail", Json),
)
WHEN = datetime(2026, 11, 24, 16, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
FULL: dict[str, Any] = {
    "no": 1,
    "name": "欧阳·示例\t\\N\n\"'%s",
    "size": 2**40,
    "sealed": bytes(range(256)),
    "at": WHEN,
    "detail": {"b": [1, None], "a": "乙"},
}
EMPTY: dict[str, Any] = {**dict.fromkeys(FULL), "no": 2}


@pytest.fixture
async def executor(database_url: str) -> AsyncIterator[Executor]:
    migrate(database_url)
    store = await open_store(database_url, cipher=new_cipher())
    await store._executor.write(kept.create)
    yield store._executor
    await store._executor.write(kept.drop)
    await store.close()


async def rows(executor: Executor) -> list[dict[str, Any]]:
    def read(connection: Connection) -> list[dict[str, Any]]:
        return [dict(row) for row in connection.execute(select(kept).order_by(kept.c.no)).mappings()]

    return await executor.read(read)


async def test_they_come_back(executor: Executor) -> None:
    await executor.write(lambda connection: ManyRows(kept).add(connection, [FULL, EMPTY]))
    full, empty = await rows(executor)
    assert (full, empty) == (FULL, EMPTY)
    assert full["at"].tzinfo is UTC


async def test_columns_that_are_not_given_are_null_and_no_rows_are_nothing(executor: Executor) -> None:
    await executor.write(lambda connection: ManyRows(kept).add(connection, []))
    await executor.write(lambda connection: ManyRows(kept).add(connection, [{"name": "b", "no": 2}, {"no": 1, "name": "a"}]))
    assert [(row["no"], row["name"], row["sealed"]) for row in await rows(executor)] == [(1, "a", None), (2, "b", None)]


@pytest.mark.parametrize("wrong", [EMPTY, {"no": 3}, {**EMPTY, "no": 3, "at": datetime(2026, 1, 1)}])
async def test_one_that_is_wrong_undoes_all(executor: Executor, wrong: dict[str, Any]) -> None:
    with pytest.raises((UniqueViolation, sqlite3.IntegrityError, KeyError, ValueError)):
        await executor.write(lambda connection: ManyRows(kept).add(connection, [FULL, EMPTY, wrong]))
    assert await rows(executor) == []
