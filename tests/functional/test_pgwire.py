"""The simulated front-end database against a real PostgreSQL driver: log-in, statements, and results that are cut."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg
import pytest

from verify_service.sandbox.delivery import Deliver
from verify_service.sandbox.pgwire import serve_database, write
from verify_service.sources.cases import Fault
from verify_service.sources.register import Table

STATEMENT = "SELECT id, note FROM v_notes WHERE id = ANY(%(ids)s)"
RST = struct.pack("ii", 1, 0)


@dataclass
class Notes:
    """A register with a view of two columns; `seen` are the parameters that arrived."""

    user: str = "reader"
    password: str = "right"
    database: str = "notes"
    fault: Fault | None = None
    seen: tuple[str | None, ...] = ()

    def select(self, statement: str, parameters: Sequence[str | None]) -> Table:
        if statement != STATEMENT.replace("%(ids)s", "$1"):
            raise ValueError("unknown statement")
        self.seen = tuple(parameters)
        return Table(("id", "note"), [("1", "甲"), ("2", None)], people=("p1",), fault=self.fault)


@asynccontextmanager
async def served(register: Notes, deliver: Deliver = write, **options: float) -> AsyncIterator[int]:
    server = await serve_database(register, host="127.0.0.1", port=0, deliver=deliver, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def address(port: int, *, user: str = "reader", password: str = "right", database: str = "notes") -> str:
    return f"host=127.0.0.1 port={port} user={user} password={password} dbname={database}"


async def connected(port: int, *, autocommit: bool = False) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(address(port), autocommit=autocommit)


@pytest.mark.parametrize("prepare", [True, False])
@pytest.mark.parametrize("binary", [True, False])
async def test_rows_and_nulls_come_back(*, prepare: bool, binary: bool) -> None:
    register = Notes()
    async with served(register) as port, await connected(port) as connection:
        for _ in range(2):
            cursor = await connection.execute(STATEMENT, {"ids": ["a", 'b"\\,c']}, prepare=prepare, binary=binary)
            assert [column.name for column in cursor.description or ()] == ["id", "note"]
            assert await cursor.fetchall() == [("1", "甲"), ("2", None)]
    assert register.seen[0] in {'{a,"b\\"\\\\,c"}', '{"a","b\\"\\\\,c"}'}


async def test_binary_list_arrives_as_text() -> None:
    register = Notes()
    async with served(register) as port, await connected(port) as connection:
        await connection.execute(STATEMENT.replace("%(ids)s", "%(ids)b"), {"ids": ["a", 'b"\\,c', ""]})
        assert register.seen == ('{"a","b\\"\\\\,c",""}',)
        await connection.execute(STATEMENT.replace("%(ids)s", "%(ids)b"), {"ids": []})
        assert register.seen == ("{}",)


async def test_synchronous_driver_is_served() -> None:
    async with served(Notes()) as port:
        assert await asyncio.to_thread(ask, address(port)) == [("1", "甲"), ("2", None)]


def ask(where: str) -> list[tuple[str | None, ...]]:
    with psycopg.connect(where, autocommit=True) as connection:
        return connection.execute(STATEMENT, {"ids": ["a"]}).fetchall()


async def test_transactions_and_small_talk() -> None:
    async with served(Notes()) as port, await connected(port) as connection:
        async with connection.transaction():
            assert connection.info.transaction_status is psycopg.pq.TransactionStatus.INTRANS
            assert await (await connection.execute("SELECT 1")).fetchall() == [("1",)]
        await connection.execute("SET application_name TO 'x'")
        assert await (await connection.execute("SHOW server_version")).fetchone() == ("16.0",)


@pytest.mark.parametrize("wrong", [{"user": "somebody"}, {"password": "wrong"}])
async def test_wrong_credentials_are_refused_alike(wrong: dict[str, str]) -> None:
    async with served(Notes()) as port:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            await psycopg.AsyncConnection.connect(address(port, **wrong))


async def test_other_database_is_refused() -> None:
    async with served(Notes()) as port:
        with pytest.raises(psycopg.OperationalError, match="database does not exist"):
            await psycopg.AsyncConnection.connect(address(port, database="postgres"))


@pytest.mark.parametrize("statement", ["SELECT * FROM pg_user", "DELETE FROM v_notes", "SET a TO 1; DELETE FROM v_notes"])
async def test_other_statement_is_refused_and_the_connection_goes_on(statement: str) -> None:
    async with served(Notes()) as port, await connected(port, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(statement)
        assert await (await connection.execute("SELECT 1")).fetchall() == [("1",)]


def cut_after(length: int, *, reset: bool) -> Deliver:
    async def deliver(writer: asyncio.StreamWriter, payload: bytes, table: Table) -> None:
        assert (table.people, table.fault) == (("p1",), None)
        writer.write(payload[:length])
        await writer.drain()
        if reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
            writer.transport.abort()
        raise ConnectionResetError

    return deliver


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("length", [0, 1, 9, 25])
async def test_result_cut_anywhere_is_an_error(length: int, *, reset: bool) -> None:
    async with served(Notes(), cut_after(length, reset=reset)) as port, await connected(port, autocommit=True) as connection:
        with pytest.raises(psycopg.OperationalError):
            await connection.execute(STATEMENT, {"ids": ["a"]})


async def test_cancel_request_ends_a_hanging_result() -> None:
    reached = asyncio.Event()

    async def hang(_writer: asyncio.StreamWriter, _payload: bytes, _table: Table) -> None:
        reached.set()
        await asyncio.Event().wait()

    async with served(Notes(), hang) as port, await connected(port, autocommit=True) as connection:
        asking = asyncio.ensure_future(connection.execute(STATEMENT, {"ids": ["a"]}))
        await reached.wait()
        await connection.cancel_safe(timeout=5)
        with pytest.raises(psycopg.errors.QueryCanceled):
            await asking


async def test_fault_status_is_a_server_that_cannot_answer() -> None:
    async with served(Notes(fault=Fault(kind="status"))) as port, await connected(port, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.CannotConnectNow):
            await connection.execute(STATEMENT, {"ids": ["a"]})


async def test_fault_body_is_rows_of_another_shape() -> None:
    register = Notes(fault=Fault(kind="body", body="sign in"))
    async with served(register) as port, await connected(port, autocommit=True) as connection:
        assert await (await connection.execute(STATEMENT, {"ids": ["a"]})).fetchall() == [("sign in",)]


HOSTILE: dict[str, Callable[[], bytes]] = {
    "start-up too long": lambda: struct.pack("!i", 1_000_000),
    "start-up negative": lambda: struct.pack("!i", -1),
    "other protocol": lambda: struct.pack("!ii", 8, 2 << 16),
    "http": lambda: b"GET / HTTP/1.1\r\n\r\n",
    "no end of string": lambda: struct.pack("!ii", 12, 3 << 16) + b"user",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_start_is_ended(name: str) -> None:
    async with served(Notes()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HOSTILE[name]())
        answer = await asyncio.wait_for(reader.read(), 5)
        assert b"08P01" in answer
        writer.close()


async def test_silent_client_is_sent_away() -> None:
    async with served(Notes(), startup_seconds=0.05) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
