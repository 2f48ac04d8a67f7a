"""The schema: made from nothing, equal to the tables in the code, made once, never from the future."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, make_url, text

from tests.forks import FORKS
from verify_service.errors import ConfigurationError
from verify_service.storage.encryption import new_cipher
from verify_service.storage.migrations import migrate
from verify_service.storage.store import open_store
from verify_service.storage.tables import metadata


@contextmanager
def _connected(database_url: str) -> Iterator[Connection]:
    url = make_url(database_url)
    driver = "sqlite+pysqlite" if url.get_backend_name() == "sqlite" else "postgresql+psycopg"
    engine = create_engine(url.set(drivername=driver))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def test_migrations_make_exactly_the_tables_of_the_code(database_url: str) -> None:
    migrate(database_url)
    with _connected(database_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert {*inspect(connection).get_table_names()} == {*metadata.tables, "alembic_version"}


def test_comparison_sees_a_missing_column(database_url: str) -> None:
    migrate(database_url)
    with _connected(database_url) as connection:
        connection.execute(text("ALTER TABLE verifications DROP COLUMN failure"))
        assert len(compare_metadata(MigrationContext.configure(connection), metadata)) == 1


def test_migrating_again_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)


def test_four_processes_at_once_migrate_once(database_url: str) -> None:
    processes = [FORKS.Process(target=migrate, args=(database_url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    for process in processes:
        process.close()
    with _connected(database_url) as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1


async def test_database_from_the_future_is_refused_and_left_alone(database_url: str) -> None:
    migrate(database_url)
    with _connected(database_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="newer than this program"):
        migrate(database_url)
    store = await open_store(database_url, cipher=new_cipher())
    assert not await store.migration_is_current()
    await store.close()


async def test_failed_migration_leaves_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.create_index", _fail)
        with pytest.raises(RuntimeError, match="power cut"):
            migrate(database_url)
    with _connected(database_url) as connection:
        assert inspect(connection).get_table_names() == []
    migrate(database_url)


def _fail(*_args: object, **_kwargs: object) -> None:
    raise RuntimeError("power cut")


async def test_sqlite_file_that_is_not_there_is_not_invented(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="migrate"):
        await open_store(f"sqlite:///{tmp_path / 'none.db'}", cipher=new_cipher())
    with pytest.raises(ConfigurationError, match="migrate"):
        await open_store(f"sqlite:///{tmp_path / 'none.db'}", cipher=new_cipher())  # the first try has made none
