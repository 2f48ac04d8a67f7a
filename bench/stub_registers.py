"""Six registers for the textbook implementation: one JSON question, one JSON answer, as cheap as a socket allows.

The textbook cannot speak the service's six protocols, so it is asked nothing that they ask: no signatures, pages, XML,
tickets, tokens or SQL. What it is compared with is therefore the easier job.
"""

import asyncio
import sys

import orjson

SOURCES = ("vehicle", "property", "securities", "business_registration", "housing_fund", "pension")
_RECORD = {
    "status": "current",
    "number": "示-000000",
    "registered": "2019-05-06",
    "value": "72500.00",
    "holder": "示例·某某",
    "share": "1/2",
}
_BODY = orjson.dumps({"as_of": "2026-11-01", "records": [_RECORD, _RECORD]})
_REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)


class _Connection(asyncio.Protocol):
    """Answers every complete POST on a connection, in order."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._take_request() and self._transport is not None:
            self._transport.write(_REPLY)

    def _take_request(self) -> bool:
        """Remove one whole request from what was received; return whether there was one."""
        head, end, _ = self._received.partition(b"\r\n\r\n")
        if not end:
            return False
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        whole = len(head) + len(end) + length
        if len(self._received) < whole:
            return False
        self._received = self._received[whole:]
        return True


async def _serve(ports: list[int]) -> None:
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(_Connection, "127.0.0.1", port) for port in ports]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_serve([int(port) for port in sys.argv[1:]]))
