"""One logged-in connection of the simulated front-end database: statements in, results out."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from verify_service.sandbox.delivery import Deliver
from verify_service.sandbox.pgmessages import (
    Content,
    ProtocolViolation,
    array_literal,
    data_rows,
    error,
    message,
    parameter_description,
    parameters,
    row_description,
)
from verify_service.sources.cases import Fault
from verify_service.sources.register import DatabaseRegister, Table

_SILENT = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SET|RESET|DEALLOCATE|DISCARD)\b[^;]*", re.IGNORECASE | re.ASCII)
_SHOW = re.compile(r"SHOW\s+(\w+)", re.IGNORECASE | re.ASCII)
_SHOWN = {
    "server_version": "16.0",
    "transaction_isolation": "read committed",
    "standard_conforming_strings": "on",
    "timezone": "Asia/Shanghai",
}
_TRANSACTION_STATUS = {"BEGIN": b"T", "COMMIT": b"I", "ROLLBACK": b"I"}


@dataclass(frozen=True, slots=True)
class Result:
    """A statement's result; `columns` is None when it returns no rows. `tag` is what CommandComplete says."""

    tag: str
    columns: Sequence[str] | None = None
    rows: Sequence[Sequence[str | None]] = field(default=(), repr=False)
    people: Sequence[str] = field(default=(), repr=False)
    fault: Fault | None = None

    @classmethod
    def of(cls, table: Table) -> "Result":
        """Return a table as a result. A case's fault `body` stands for rows of another shape than was asked for."""
        if table.fault and table.fault.kind == "body":
            return cls("SELECT 1", ["message"], [[table.fault.body]], table.people)
        return cls(f"SELECT {len(table.rows)}", table.columns, table.rows, table.people, table.fault)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A parsed statement and the parameter types that the client named."""

    text: str
    oids: Sequence[int]


class Refused(Exception):
    """The statement is not allowed or does not exist; carries the SQLSTATE."""


class Session:
    """Takes one message after the other. After an error everything up to Sync is skipped, as the protocol wants."""

    def __init__(self, register: DatabaseRegister, deliver: Deliver, writer: asyncio.StreamWriter) -> None:
        self._register = register
        self._deliver = deliver
        self._writer = writer
        self._status = b"I"
        self._skipping = False
        self._prepared: dict[str, Prepared] = {}
        self._portals: dict[str, Result] = {}
        self._delivery: asyncio.Task[None] | None = None
        self._handlers: dict[bytes, Callable[[Content], Awaitable[None]]] = {
            b"Q": self._query,
            b"P": self._parse,
            b"B": self._bind,
            b"D": self._describe,
            b"E": self._execute,
            b"C": self._close,
            b"S": self._sync,
            b"H": self._flush,
        }

    def cancel(self) -> None:
        """Stop the delivery of a result, as a cancel request asks."""
        if self._delivery:
            self._delivery.cancel()

    async def receive(self, kind: bytes, content: Content) -> None:
        """Answer one message. Raises ProtocolViolation for what does not belong here, ConnectionError when spoilt."""
        handle = self._handlers.get(kind)
        if handle is None:
            raise ProtocolViolation("unknown message")
        if self._skipping and kind != b"S":
            return
        try:
            await handle(content)
        except Refused as refused:
            self._fail(str(refused))
            if kind == b"Q":
                self._ready()

    def _fail(self, sqlstate: str) -> None:
        self._skipping = True
        self._status = b"E" if self._status != b"I" else b"I"
        self._writer.write(error(sqlstate, _MESSAGES[sqlstate]))

    def _ready(self) -> None:
        self._skipping = False
        self._writer.write(message(b"Z", self._status))

    async def _sync(self, _content: Content) -> None:
        self._ready()
        await self._writer.drain()

    async def _flush(self, _content: Content) -> None:
        await self._writer.drain()

    async def _query(self, content: Content) -> None:
        """Answer a simple query: a statement without parameters, row description included."""
        text = content.string()
        if not text.strip(" ;\n"):
            self._writer.write(message(b"I"))
        else:
            result = self._run(text, [])
            if result.columns is not None:
                self._writer.write(row_description(result.columns))
            await self._send(result)
        self._ready()

    async def _parse(self, content: Content) -> None:
        name, text = content.string(), content.string()
        self._prepared[name] = Prepared(text, content.many("I"))
        self._writer.write(message(b"1"))

    async def _bind(self, content: Content) -> None:
        """Run the statement: what it returns must be known when the portal is described."""
        portal, name = content.string(), content.string()
        formats = content.many("h")
        raw = [content.value() for _ in range(content.number("h"))]
        self._portals[portal] = self._run(self._statement(name).text, parameters(raw, formats))
        self._writer.write(message(b"2"))

    async def _describe(self, content: Content) -> None:
        what, name = content.take(1), content.string()
        if what == b"S":
            prepared = self._statement(name)
            self._writer.write(parameter_description(prepared.oids))
            result = self._run(prepared.text, [array_literal([])] * len(prepared.oids), is_rehearsal=True)
        else:
            result = self._portal(name)
        self._writer.write(message(b"n") if result.columns is None else row_description(result.columns))

    async def _execute(self, content: Content) -> None:
        await self._send(self._portal(content.string()))

    async def _close(self, content: Content) -> None:
        what, name = content.take(1), content.string()
        (self._prepared if what == b"S" else self._portals).pop(name, None)
        self._writer.write(message(b"3"))

    def _statement(self, name: str) -> Prepared:
        if name not in self._prepared:
            raise Refused("26000")
        return self._prepared[name]

    def _portal(self, name: str) -> Result:
        if name not in self._portals:
            raise Refused("34000")
        return self._portals[name]

    def _run(self, text: str, values: Sequence[str | None], *, is_rehearsal: bool = False) -> Result:
        """Return what a statement gives. Raises Refused (42501) for any but the register's own and a driver's small talk."""
        statement = text.strip().removesuffix(";").strip()
        if silent := _SILENT.fullmatch(statement):
            word = silent[1].upper()
            self._status = self._status if is_rehearsal else _TRANSACTION_STATUS.get(word, self._status)
            return Result(word)
        if statement.upper() == "SELECT 1":
            return Result("SELECT 1", ["?column?"], [["1"]])
        if (show := _SHOW.fullmatch(statement)) and show[1].lower() in _SHOWN:
            return Result("SHOW", [show[1].lower()], [[_SHOWN[show[1].lower()]]])
        try:
            return Result.of(self._register.select(statement, values))
        except ValueError:
            raise Refused("42501") from None

    async def _send(self, result: Result) -> None:
        """Deliver rows and end of one result. A case's fault `status` is a server that cannot answer now."""
        if result.fault and result.fault.kind == "status":
            raise Refused("57P03")
        payload = data_rows(result.rows) + message(b"C", f"{result.tag}\0".encode())
        table = Table(result.columns or (), result.rows, result.people, result.fault)
        self._delivery = asyncio.ensure_future(_awaited(self._deliver(self._writer, payload, table)))
        # Awaited beside the connection's own task, so that a cancel request ends the delivery and not the connection.
        try:
            await asyncio.wait({self._delivery})
        finally:
            self._delivery.cancel()
            finished, self._delivery = self._delivery, None
        if finished.cancelled():
            raise Refused("57014")
        finished.result()


async def _awaited(delivery: Awaitable[None]) -> None:
    await delivery


_MESSAGES = {
    "26000": "prepared statement does not exist",
    "34000": "portal does not exist",
    "42501": "permission denied: only the view's own statement",
    "57014": "canceling statement due to user request",
    "57P03": "the database system is not accepting connections",
}
