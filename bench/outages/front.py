"""The front: stands before a simulated register, spoils what the shape says, and keeps a ledger of what it let through whole."""

import asyncio
import random
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bench.outages.shapes import Act, Moment, Shape
from verify_service.sources.definition import Endpoint

_PERSON = re.compile(rb"99[0-9]{15}[0-9X]")
_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)
_DRIP_SECONDS = 0.1


@dataclass
class Front:
    """One register's front. `whole` tells by identity number when a true answer left, and how long after its request."""

    target: tuple[str, int]
    shape: Shape
    chance: random.Random
    seconds: float
    began: float = 0.0
    calls: int = 0
    waiting: int = 0
    whole: dict[bytes, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list), repr=False)
    _seconds: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    _last: bytes = b""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                while request := await _message(reader):
                    self.waiting += 1
                    try:
                        await self._one(request, writer)
                    finally:
                        self.waiting -= 1
            finally:
                writer.close()
                await writer.wait_closed()

    async def _one(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        act, arrived = self.shape(self._moment(), self.chance), asyncio.get_running_loop().time()
        self.calls += 1
        await asyncio.sleep(act.delay)
        if act.kind == "hang":
            await asyncio.Event().wait()
        if act.kind == "reset":
            writer.transport.abort()
            raise ConnectionResetError
        if act.kind == "status":
            writer.write(_refusal(act))
        else:
            await self._answer(act, request, writer, arrived)
        await writer.drain()

    async def _answer(self, act: Act, request: bytes, writer: asyncio.StreamWriter, arrived: float) -> None:
        true = await self._asked(request)
        earlier, self._last = self._last, true
        if act.kind == "drip":
            for n in range(len(true)):
                writer.write(true[n : n + 1])
                await writer.drain()
                await asyncio.sleep(_DRIP_SECONDS)
        elif act.kind == "pass":
            if not writer.transport.is_closing():
                writer.write(true)
                self._note(request, arrived)
        else:
            writer.write(_spoilt(act, true, earlier))

    async def _asked(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self.target)
        try:
            writer.write(request)
            return await _message(reader)
        finally:
            writer.close()

    def _moment(self) -> Moment:
        t = asyncio.get_running_loop().time() - self.began
        self._seconds[int(t)] += 1
        return Moment(t, min(t / self.seconds, 1.0), self.calls, self.waiting, self._seconds[int(t)])

    def _note(self, request: bytes, arrived: float) -> None:
        person, now = _PERSON.search(request), asyncio.get_running_loop().time()
        if person is not None:
            self.whole[person[0]].append((now, now - arrived))


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Read one HTTP message with a declared length; nothing when the peer has gone."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    declared = _LENGTH.search(head)
    return head + (await reader.readexactly(int(declared[1])) if declared else b"")


def _refusal(act: Act) -> bytes:
    again = b"" if act.retry_after is None else b"retry-after: %d\r\n" % act.retry_after
    return b"HTTP/1.1 %d No\r\n%scontent-length: 0\r\n\r\n" % (act.status, again)


def _spoilt(act: Act, true: bytes, earlier: bytes) -> bytes:
    """Return a whole 200 answer that is not the true one: another person's, the first half with its length, or a page."""
    head, _, body = true.partition(b"\r\n\r\n")
    if act.kind == "foreign":
        return earlier or _with_body(head, b"{}")
    bodies = {"halved": body[: len(body) // 2], "login page": b"<html><body>Please sign in</body></html>", "empty": b"", "braces": b"{}"}
    return _with_body(head, bodies[act.kind])


def _with_body(head: bytes, body: bytes) -> bytes:
    return _LENGTH.sub(b"content-length: %d" % len(body), head) + b"\r\n\r\n" + body


@asynccontextmanager
async def fronting(endpoint: Endpoint, shape: Shape, *, seed: int, seconds: float) -> AsyncIterator[tuple[Front, Endpoint]]:
    """Stand before a register until the block ends; yield the front and how to reach it."""
    address = urlsplit(endpoint.base_url)
    if address.hostname is None or address.port is None:
        raise ValueError("an endpoint without host and port")
    front = Front((address.hostname, address.port), shape, random.Random(seed), seconds)
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(front.connected(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield front, Endpoint(base_url=f"http://127.0.0.1:{port}{address.path}", credentials=endpoint.credentials)
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
