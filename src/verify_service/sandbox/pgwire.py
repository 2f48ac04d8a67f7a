"""A small server of the PostgreSQL wire protocol: one read-only view behind SCRAM, real enough for any PostgreSQL driver.

It answers the register's one statement and what drivers say on their own (BEGIN, SET, SHOW, SELECT 1 …); every other
statement is SQLSTATE 42501. Nothing is encrypted (TLS is answered with N): it serves loopback only.
"""

import asyncio
import contextlib
import secrets
import struct

from verify_service.sandbox.delivery import Deliver
from verify_service.sandbox.pgmessages import Content, ProtocolViolation, authentication, error, message, parameter_status
from verify_service.sandbox.pgsession import Session
from verify_service.sandbox.scram import MECHANISM, Conversation, ScramRefused, Verifier
from verify_service.sources.register import DatabaseRegister, Table

_TLS, _GSS, _CANCEL, _VERSION_3 = 80877103, 80877104, 80877102, 3 << 16
_STARTUP_BYTES, _MESSAGE_BYTES = 10_000, 8_000_000
_SETTINGS = {
    "server_version": "16.0",
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "TimeZone": "Asia/Shanghai",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
    "is_superuser": "off",
    "default_transaction_read_only": "on",
}


async def write(writer: asyncio.StreamWriter, payload: bytes, table: Table) -> None:  # noqa: ARG001
    """Deliver a result as it is."""
    writer.write(payload)
    await writer.drain()


async def serve_database(
    register: DatabaseRegister, *, host: str, port: int, deliver: Deliver = write, startup_seconds: float = 10
) -> asyncio.Server:
    """Serve a register's view. `deliver` puts the bytes of each result on the socket, and may spoil them (ConnectionError ends)."""
    database = _Database(register, deliver, startup_seconds)
    return await asyncio.start_server(database.connection, host, port)


class _Database:
    """Every connection of one server, so that a cancel request finds the one it means."""

    def __init__(self, register: DatabaseRegister, deliver: Deliver, startup_seconds: float) -> None:
        self._register = register
        self._deliver = deliver
        self._startup_seconds = startup_seconds
        self._verifier = Verifier.of(register.password, secrets.token_bytes(16))
        # Somebody else's name fails as late as a wrong password, so that names cannot be tried out.
        self._nobody = Verifier.of(secrets.token_urlsafe(32), self._verifier.salt)
        self._sessions: dict[tuple[int, int], Session] = {}

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        key = (len(self._sessions) + 1, secrets.randbits(31))
        # A peer that goes away, a reply that was spoilt on purpose and the end of the loop are ways in which a connection ends.
        # This is the outermost frame of its task: nobody waits for the cancellation that is taken here.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError, asyncio.CancelledError):
            try:
                async with asyncio.timeout(self._startup_seconds):
                    is_in = await self._start(reader, writer, key)
                if is_in:
                    self._sessions[key] = Session(self._register, self._deliver, writer)
                    await _converse(reader, self._sessions[key])
            except ProtocolViolation as violation:
                writer.write(error("08P01", str(violation), severity="FATAL"))
            finally:
                self._sessions.pop(key, None)
                writer.close()

    async def _start(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: tuple[int, int]) -> bool:
        """Go through start-up and log-in; say whether the client is in."""
        content = await _startup_message(reader)
        while (code := content.number("i")) in {_TLS, _GSS}:
            writer.write(b"N")
            content = await _startup_message(reader)
        if code == _CANCEL:
            self._cancel((content.number("i"), content.number("i")))
            return False
        if code != _VERSION_3:
            raise ProtocolViolation("protocol version")
        return await self._log_in(reader, writer, _settings(content), key)

    def _cancel(self, key: tuple[int, int]) -> None:
        if key in self._sessions:
            self._sessions[key].cancel()

    async def _log_in(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: dict[str, str], key: tuple[int, int]
    ) -> bool:
        is_user = asked.get("user") == self._register.user
        conversation = Conversation(self._verifier if is_user else self._nobody)
        try:
            writer.write(authentication(10, f"{MECHANISM}\0\0".encode()))
            writer.write(authentication(11, conversation.first(_initial_response(await _password_message(reader)))))
            writer.write(authentication(12, conversation.final((await _password_message(reader)).data)))
        except ScramRefused:
            writer.write(error("28P01", "password authentication failed", severity="FATAL"))
            return False
        if asked.get("database") != self._register.database:
            writer.write(error("3D000", "database does not exist", severity="FATAL"))
            return False
        writer.write(authentication(0) + parameter_status(_SETTINGS) + message(b"K", struct.pack("!ii", *key)) + message(b"Z", b"I"))
        return True


async def _converse(reader: asyncio.StreamReader, session: Session) -> None:
    """Pass messages to the session until the client says that it leaves."""
    while True:
        kind, content = await _next_message(reader)
        if kind == b"X":
            return
        await session.receive(kind, content)


async def _next_message(reader: asyncio.StreamReader) -> tuple[bytes, Content]:
    head = await reader.readexactly(5)
    length = int.from_bytes(head[1:], "big")
    if not 4 <= length <= _MESSAGE_BYTES:
        raise ProtocolViolation("message length")
    return head[:1], Content(await reader.readexactly(length - 4))


async def _password_message(reader: asyncio.StreamReader) -> Content:
    kind, content = await _next_message(reader)
    if kind != b"p":
        raise ProtocolViolation("password message expected")
    return content


async def _startup_message(reader: asyncio.StreamReader) -> Content:
    length = int.from_bytes(await reader.readexactly(4), "big")
    if not 8 <= length <= _STARTUP_BYTES:
        raise ProtocolViolation("start-up length")
    return Content(await reader.readexactly(length - 4))


def _settings(content: Content) -> dict[str, str]:
    found: dict[str, str] = {}
    while name := content.string():
        found[name] = content.string()
    return found


def _initial_response(content: Content) -> bytes:
    """Return the SCRAM part of the client's first message. Raises ScramRefused for another mechanism."""
    if content.string() != MECHANISM:
        raise ScramRefused
    return content.value() or b""
