"""Hot statements on the driver: the column types' conversions, constants of the statement, rows changed, nothing guessed."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import URL, Column, Connection, Integer, MetaData, Table, Text, bindparam, delete, insert, select, update

from verify_service.storage.columns import Instant, Json
from verify_service.storage.hot import HotStatement
from verify_service.storage.sqlite import sqlite_engine

kept = Table(
    "kept",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("state", Text),
    Column("at", Instant),
    Column("detail", Json),
)
WHEN = datetime(2026, 11, 24, 16, 0, tzinfo=timezone(timedelta(hours=8)))


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = sqlite_engine(URL.create("sqlite", database=":memory:"))
    with engine.connect() as opened:
        kept.create(opened)
        yield opened
    engine.dispose()


def test_values_are_converted_as_sqlalchemy_reads_them(connection: Connection) -> None:
    HotStatement(insert(kept)).run(connection, {"id": 1, "state": "new", "at": WHEN, "detail": {"b": 1, "a": [None]}})
    row = connection.execute(select(kept)).one()
    assert (row.id, row.state, row.at, row.detail) == (1, "new", WHEN, {"b": 1, "a": [None]})


def test_the_columns_of_each_run_are_its_own(connection: Connection) -> None:
    adding = HotStatement(insert(kept))
    adding.run(connection, {"id": 1, "state": "new"})
    adding.run(connection, {"id": 2, "detail": [2]})
    assert connection.execute(select(kept.c.state, kept.c.detail).order_by(kept.c.id)).all() == [("new", None), (None, [2])]


def test_it_says_how_many_rows_it_changed_and_keeps_its_constants(connection: Connection) -> None:
    HotStatement(insert(kept)).run_many(connection, [{"id": n, "state": "new" if n < 3 else "old", "at": WHEN} for n in range(5)])
    ending = HotStatement(
        update(kept).where(kept.c.state == "new", kept.c.id >= bindparam("least")).values(at=None, state="ended", detail=bindparam("why"))
    )
    assert ending.run(connection, {"least": 1, "why": {"code": "late"}}) == 2
    assert ending.run(connection, {"least": 1, "why": {}}) == 0
    ended = connection.execute(select(kept.c.id, kept.c.at, kept.c.detail).where(kept.c.state == "ended").order_by(kept.c.id)).all()
    assert ended == [(1, None, {"code": "late"}), (2, None, {"code": "late"})]


def test_many_rows_of_none_are_no_statement(connection: Connection) -> None:
    HotStatement(delete(kept)).run_many(connection, [])


def test_a_missing_value_is_an_error_never_a_null(connection: Connection) -> None:
    ending = HotStatement(update(kept).where(kept.c.id == bindparam("of")).values(state=bindparam("state")))
    with pytest.raises(KeyError):
        ending.run(connection, {"of": 1})
    with pytest.raises(KeyError):
        HotStatement(insert(kept)).run_many(connection, [{"id": 1, "state": "new"}, {"id": 2}])
