"""Receivers of webhooks on real sockets: each behaves as it is told and writes down what it got."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

ANSWERS = {
    "takes": b"HTTP/1.1 204 No Content\r\n\r\n",
    "fails": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    "is busy": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
    "is gone": b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
    "never ends": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 65_536,
    "raves": b"nothing that is HTTP\r\n\r\n",
    "has endless headers": b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1_000_000,
}


@dataclass
class Receiver:
    """What it does with the next request, where it is, and every request it got: headers by lower-case name, and body."""

    does: str = "takes"
    port: int = 0
    moved_to: int = 0
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
            self.got.append((headers, await reader.readexactly(int(headers["content-length"]))))
            await self._answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        if self.does == "hangs":
            await asyncio.sleep(60)
        elif self.does == "drips":
            for byte in ANSWERS["takes"]:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.2)
        elif self.does == "redirects":
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{self.moved_to}/\r\nContent-Length: 0\r\n\r\n".encode())
        elif self.does != "closes":
            writer.write(ANSWERS[self.does])
        await writer.drain()


@asynccontextmanager
async def receiver(does: str = "takes") -> AsyncIterator[Receiver]:
    """Listen on a free port of loopback."""
    opened = Receiver(does)
    server = await asyncio.start_server(opened.serve, "127.0.0.1", 0)
    opened.port = server.sockets[0].getsockname()[1]
    try:
        yield opened
    finally:
        server.close()
