"""The server's connections: how they end when it leaves, and when nothing comes.

A connection whose request does not come is closed. uvicorn waits for ever for a first byte, and for the rest of headers: its
keep-alive timeout only covers the silence between two requests; body.py bounds what follows the headers.
"""

import asyncio
import socket
from typing import ClassVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 15.0


class LeavingServer(uvicorn.Server):
    """Tells the event streams that it leaves: it would wait for them, and they for the household."""

    def __init__(self, config: uvicorn.Config, leaving: asyncio.Event) -> None:
        super().__init__(config)
        self._leaving = leaving

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down as uvicorn does."""
        self._leaving.set()
        await super().shutdown(sockets)


class PunctualProtocol(HttpToolsProtocol):
    """Gives a request's line and headers so many seconds together, from the connection or from the first byte after a request.

    How often a byte comes does not count. While an answer is under way nothing is closed.
    """

    header_seconds: ClassVar[float] = HEADER_SECONDS
    _overdue: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        """Wait for headers again, unless the bytes belong to a request that is being answered, or complete the headers."""
        if not self._is_answering:
            self._await_headers()
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Wait for the headers of a request that begins behind another one, too."""
        super().on_message_begin()
        self._await_headers()

    def on_headers_complete(self) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    @property
    def _is_answering(self) -> bool:
        return not getattr(self.cycle, "response_complete", True)  # there is no cycle before the first request

    def _await_headers(self) -> None:
        if self._overdue is None:
            self._overdue = self.loop.call_later(self.header_seconds, self._close)

    def _stop_waiting(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _close(self) -> None:
        self._overdue = None
        if self._is_answering:
            self._await_headers()
        else:
            self.transport.close()
