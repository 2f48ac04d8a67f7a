"""How a simulated register puts its bytes on the socket, and how a fault spoils that."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import orjson

from verify_service.sandbox.faults import Faults
from verify_service.sandbox.journal import WHOLE, Entry, Journal, Message
from verify_service.sources.cases import Fault
from verify_service.sources.register import Table

_HANG_SECONDS = 40  # longer than any caller's deadline may be
_ABORTING_LINGER = struct.pack("ii", 1, 0)
Deliver = Callable[[asyncio.StreamWriter, bytes, Table], Awaitable[None]]
OnWire = Callable[[Fault | None], tuple[bytes, Fault | None]]


class Spoilt(ConnectionError):
    """The reply was spoilt on purpose; the connection ends here."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Writes replies of one source with the run's faults, and enters them in its journal. A case's own fault wins over the profile's."""

    source: str
    faults: Faults
    latency_seconds: float = 0.0
    journal: Journal | None = None

    async def draw(self, people: Sequence[str], fault: Fault | None) -> Fault | None:
        """Wait the reply's latency, and return the fault that strikes it."""
        delay, struck = self.faults.on_socket(self.source, people)
        if delay + self.latency_seconds > 0:
            await asyncio.sleep(delay + self.latency_seconds)
        return fault or struck

    async def deliver(self, writer: asyncio.StreamWriter, payload: bytes, table: Table) -> None:
        """Write a database's result, spoilt if the draw says so. Raises Spoilt when the connection must end.

        The wire protocol has no statuses or pages: where HTTP would carry one, the connection is reset.
        """
        message = Message("SELECT", 200, b"", b"", table.people) if self.journal is None else _message(table)
        await self.answer(writer, message, table.fault, lambda struck: (payload, _reset_instead(struck)))

    async def answer(self, writer: asyncio.StreamWriter, message: Message, fault: Fault | None, on_wire: OnWire) -> None:
        """Write an answer, spoilt if the draw says so; `on_wire` gives its bytes under the fault that struck. Raises Spoilt."""
        with nullcontext(Entry()) if self.journal is None else self.journal.entered(message) as entry:
            struck = await self.draw(message.people, fault)
            entry.fate = WHOLE if struck is None or struck.kind == "drip" else struck.kind
            await send(writer, *on_wire(struck))


def _reset_instead(struck: Fault | None) -> Fault | None:
    return Fault(kind="reset") if struck is not None and struck.kind in {"status", "body"} else struck


def _message(table: Table) -> Message:
    """Return a result as it is entered: its digest is over the table, since a driver's own bytes are not what is asked."""
    told = orjson.dumps({"columns": list(table.columns), "rows": [list(row) for row in table.rows]})
    return Message("SELECT", 200, b"", told, table.people)


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
