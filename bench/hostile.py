"""Three registers that never answer: one hangs, one drips a byte every 50 ms, one resets inside the body.

python -m bench.hostile HANGING DRIPPING RESETTING   (ports)
"""

import asyncio
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n"
_DRIP_SECONDS = 0.05
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take everything, say nothing, until the caller has gone."""
    del writer
    while await reader.read(65536):
        pass


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer so slowly that every read is in time and the whole never is."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_HEAD)
    for _ in range(1000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(_DRIP_SECONDS)


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin an answer and end the connection with RST."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_HEAD + b'{"code":')
    await writer.drain()
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _serving(behaviour: Behaviour) -> Behaviour:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await behaviour(reader, writer)
        writer.close()

    return connected


async def _serve(ports: list[int]) -> None:
    behaviours = (hang, drip, reset)
    servers = [
        await asyncio.start_server(_serving(behaviour), "127.0.0.1", port, backlog=2048)
        for behaviour, port in zip(behaviours, ports, strict=True)
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_serve([int(port) for port in sys.argv[1:]]))
