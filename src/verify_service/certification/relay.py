"""A loopback relay in front of a database, which misbehaves as it is told: bytes are passed on as they come, in both directions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

from verify_service.certification.misbehaviour import Misbehaviour

_LOOPBACK, _PORT = "127.0.0.1", 5432
_PIECE = 64 * 1024


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
            concerned = how.kind != "none" and how.concerns(piece)
            how.touched += concerned
            if concerned and how.kind in {"hang", "drip"}:
                await asyncio.sleep(60)
            writer.write(how.part(piece) if concerned and how.kind == "cut" else _swapped(piece, how) if concerned else piece)
            await writer.drain()
            if concerned and how.kind == "cut":
                return
    finally:
        to_database.cancel()
        upstream[1].close()


def _swapped(piece: bytes, how: Misbehaviour) -> bytes:
    return piece.replace(how.marker, how.other) if how.kind == "swap" else piece


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
