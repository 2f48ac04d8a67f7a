"""A loopback relay in front of a database, which misbehaves as it is told: bytes are passed on as they come, in both directions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from time import monotonic
from urllib.parse import urlsplit, urlunsplit

from verify_service.certification.misbehaviour import Misbehaviour, Sent

_LOOPBACK, _PORT = "127.0.0.1", 5432
_PIECE, _HANG_SECONDS = 64 * 1024, 60
# ErrorResponse with SQLSTATE 53400 (configuration_limit_exceeded), and ReadyForQuery after it.
_FIELDS = b"SERROR\0VERROR\0C53400\0Mtoo many calls\0\0"
_LIMIT_REACHED = b"E" + (len(_FIELDS) + 4).to_bytes(4, "big") + _FIELDS + b"Z\0\0\0\5I"


@asynccontextmanager
async def database_relay(base_url: str, misbehaviour: Misbehaviour) -> AsyncIterator[str]:
    """Serve until the block ends; yield the base URL to ask instead of the true one. A connection under TLS cannot be spoilt."""
    parts = urlsplit(base_url)
    host, port = parts.hostname or _LOOPBACK, parts.port or _PORT

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            await _relay(reader, writer, host, port, misbehaviour)
        writer.close()

    server = await asyncio.start_server(connected, _LOOPBACK, 0)
    try:
        yield urlunsplit(parts._replace(netloc=f"{_LOOPBACK}:{server.sockets[0].getsockname()[1]}"))
    finally:
        server.close()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, how: Misbehaviour) -> None:
    """Pass on until either side ends. The person's number in an answer has the same length in every form, so a swap keeps the framing."""
    to_database = asyncio.create_task(_pass_on(reader, (upstream := await asyncio.open_connection(host, port))[1]))
    try:
        while piece := await upstream[0].read(_PIECE):
            concerned = how.concerns(piece)
            if concerned and how.kind in {"hang", "drip"}:
                how.touched += 1
                await asyncio.sleep(_HANG_SECONDS)
            writer.write(_answered(piece, how) if concerned else piece)
            await writer.drain()
            if concerned and how.kind == "cut":
                return
    finally:
        to_database.cancel()
        upstream[1].close()


def _answered(piece: bytes, how: Misbehaviour) -> bytes:
    """Return what goes back in the place of an answer about the person; a whole answer comes in one piece."""
    sent = Sent(HTTPStatus.OK, {}, piece)
    how.seen.append(sent)
    how.arrivals.append(monotonic())
    if how.kind == "busy" and len(how.arrivals) <= how.times:
        return _LIMIT_REACHED
    changed = how.changed(sent).body
    return how.part(changed) if how.kind == "cut" else changed


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
