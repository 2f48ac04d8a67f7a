"""How a simulated register puts its bytes on the socket, and how a fault spoils that."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from verify_service.sandbox.faults import Faults
from verify_service.sources.cases import Fault

_HANG_SECONDS = 40  # longer than any caller's deadline may be
_ABORTING_LINGER = struct.pack("ii", 1, 0)
Deliver = Callable[[asyncio.StreamWriter, bytes, Sequence[str], Fault | None], Awaitable[None]]


class Spoilt(ConnectionError):
    """The reply was spoilt on purpose; the connection ends here."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Writes replies of one source with the run's faults. A case's own fault wins over the profile's."""

    source: str
    faults: Faults
    latency_seconds: float = 0.0

    async def draw(self, people: Sequence[str], fault: Fault | None) -> Fault | None:
        """Wait the reply's latency, and return the fault that strikes it."""
        delay, struck = self.faults.on_socket(self.source, people)
        if delay + self.latency_seconds > 0:
            await asyncio.sleep(delay + self.latency_seconds)
        return fault or struck

    async def deliver(self, writer: asyncio.StreamWriter, payload: bytes, people: Sequence[str], fault: Fault | None) -> None:
        """Write a database's result, spoilt if the draw says so. Raises Spoilt when the connection must end.

        The wire protocol has no statuses or pages: where HTTP would carry one, the connection is reset.
        """
        struck = await self.draw(people, fault)
        await send(writer, payload, Fault(kind="reset") if struck is not None and struck.kind in {"status", "body"} else struck)


async def send(writer: asyncio.StreamWriter, payload: bytes, fault: Fault | None) -> None:
    """Write payload under a fault. Raises Spoilt after everything but a good or merely slow reply."""
    match fault.kind if fault else "none":
        case "hang":
            await asyncio.sleep(_HANG_SECONDS)
        case "reset":
            writer.write(payload[: fault.after_bytes] if fault else b"")
            await writer.drain()
            _reset(writer)
        case "truncate" | "close_delimited":
            writer.write(payload[: min(fault.after_bytes, len(payload) - 1)] if fault else b"")
            await writer.drain()
        case "drip":
            for i in range(len(payload)):
                writer.write(payload[i : i + 1])
                await writer.drain()
                await asyncio.sleep(fault.seconds if fault else 0)
            return
        case _:
            writer.write(payload)
            await writer.drain()
            return
    raise Spoilt


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORTING_LINGER)
    writer.transport.abort()
