"""Front-end databases (前置机): read-only statements over the PostgreSQL wire protocol, a small pool per source."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import orjson
import psycopg
from psycopg.abc import PQGen
from psycopg.waiting import wait_async

from verify_service.sources.definition import Endpoint, Source

T = TypeVar("T")
Row = tuple[str | None, ...]
_LOOK_SECONDS = 0.1


class ImpatientConnection(psycopg.AsyncConnection[Row]):
    """A connection that ends at once when its wait is cancelled.

    psycopg would send a cancel request and wait up to five seconds for its effect: past the caller's deadline.
    """

    async def wait(self, gen: PQGen[T], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> T:  # noqa: ASYNC109 - psycopg's name
        """Drive a generator of the protocol; the pool closes the connection after any exception."""
        return await wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)


class FrontEndDatabase:
    """A pool of at most `limits.in_flight` connections; a connection that failed is closed, never reused."""

    def __init__(self, source: Source, endpoint: Endpoint) -> None:
        self._source = source
        self._endpoint = endpoint
        self._idle: list[ImpatientConnection] = []

    async def rows(self, statement: str, parameters: Mapping[str, object]) -> bytes:
        """Run one statement and return JSON {"columns": [...], "rows": [[...]]}; cells are text or null."""
        async with self._connection() as connection:
            cursor = await connection.execute(statement, dict(parameters), prepare=True)
            columns = [c.name for c in cursor.description or ()]
            return orjson.dumps({"columns": columns, "rows": await cursor.fetchall()})

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[ImpatientConnection]:
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            yield connection
        except BaseException:
            # After a failure or a cancelled wait the stream's state is unknown: a reused connection could answer another question.
            await asyncio.shield(connection.close())
            raise
        self._idle.append(connection)

    async def _connect(self) -> ImpatientConnection:
        credentials = {name: secret.get_secret_value() for name, secret in self._endpoint.credentials.items()}
        return await ImpatientConnection.connect(
            self._endpoint.base_url,
            autocommit=True,
            user=credentials["user"],
            password=credentials["password"],
            connect_timeout=max(1, self._source.limits.connect_timeout_ms // 1000),
        )

    async def close(self) -> None:
        """Close every idle connection."""
        while self._idle:
            await self._idle.pop().close()
