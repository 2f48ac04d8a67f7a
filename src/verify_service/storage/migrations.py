"""Bring a database to the schema of this code. Two processes may start at once: one migrates, the other waits for it.

PostgreSQL: an advisory lock of the transaction. SQLite: BEGIN IMMEDIATE. Both engines change a schema inside a
transaction, so a killed migration leaves the database as it was.
"""

import sqlite3
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, make_url, text

from verify_service.errors import ConfigurationError
from verify_service.storage.sqlite import raw, sqlite_engine

if TYPE_CHECKING:
    from sqlalchemy import Engine

_LOCK = text("SELECT pg_advisory_xact_lock(7065193045112087)")  # any number, as long as it is always this one


def migrate(database_url: str) -> None:
    """Bring the database up to date; it may be empty or absent (SQLite). Raises ConfigurationError if it is newer than the code."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        _migrate_sqlite(url)
    else:
        _migrate_postgresql(url)


def is_current(connection: Connection) -> bool:
    """Say whether the schema is this code's."""
    return _revision(connection) == _script().get_current_head()


def _migrate_sqlite(url: URL) -> None:
    if url.database is None:
        raise ConfigurationError("SQLite needs a file")
    _create_in_wal_mode(Path(url.database))
    engine = sqlite_engine(url)
    try:
        with engine.connect() as connection:
            driver = raw(connection)
            driver.execute("BEGIN IMMEDIATE")
            _upgrade(connection)
            driver.execute("COMMIT")
    finally:
        engine.dispose()  # closing rolls back what was not committed


def _create_in_wal_mode(file: Path) -> None:
    """Make the file, readable by its owner only.

    Changing to WAL needs the file alone and does not wait for it; but two processes that create it exclude each other
    by the write lock, and whoever comes second finds WAL already set.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    connection = sqlite3.connect(file, isolation_level=None, timeout=30)
    try:
        while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            _try_wal(connection)
    finally:
        connection.close()


def _try_wal(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        connection.execute("BEGIN IMMEDIATE")  # waits for the other
        connection.execute("ROLLBACK")


def _migrate_postgresql(url: URL) -> None:
    engine: Engine = create_engine(url.set(drivername="postgresql+psycopg"), hide_parameters=True)
    try:
        with engine.begin() as connection:
            connection.execute(_LOCK)
            _upgrade(connection)
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> None:
    current, known = _revision(connection), {script.revision for script in _script().walk_revisions()}
    if current is not None and current not in known:
        raise ConfigurationError(f"the database has schema {current}, which is newer than this program")
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@cache
def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    """Find the migrations: the wheel carries them inside the package, in a checkout they lie at its top."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "migrations"
    config = Config()
    config.set_main_option(
        "script_location", str(packaged if packaged.is_dir() else package.parent.parent / "migrations").replace("%", "%%")
    )
    return config
