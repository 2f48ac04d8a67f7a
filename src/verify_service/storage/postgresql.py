"""PostgreSQL: an asyncio pool of psycopg connections; concurrency and group commit are the server's."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from verify_service.storage.executor import Operation, T

# Durability must not depend on how somebody set the server or the role; instants come back in one zone.
_SESSION = "-c synchronous_commit=on -c timezone=UTC -c default_transaction_isolation=read\\ committed"


def postgresql_engine(url: URL, *, pool_size: int) -> AsyncEngine:
    """Return an engine with at most `pool_size` connections, each tested before use (the server may have restarted)."""
    return create_async_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"options": _SESSION},
    )


class PostgresqlExecutor:
    """Runs every operation on a pooled connection. Build it inside the running event loop."""

    def __init__(self, url: URL, *, pool_size: int) -> None:
        self._engine = postgresql_engine(url, pool_size=pool_size)
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def write(self, operation: Operation[T], *, finishing: bool = False) -> T:
        """As Executor.write; the pool lets nobody wait longer than its timeout."""
        del finishing
        with self._counted():
            async with self._engine.begin() as connection:
                return await connection.run_sync(operation)

    async def read(self, operation: Operation[T]) -> T:
        """As Executor.read."""
        with self._counted():
            async with self._engine.connect() as connection:
                return await connection.run_sync(operation)

    async def close(self) -> None:
        """As Executor.close. A pool forgets connections that are in use, so it waits for them first."""
        await self._idle.wait()
        await self._engine.dispose()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()
