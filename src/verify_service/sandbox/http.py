"""A small HTTP/1.1 server for simulated registers: raw sockets, so that a reply can be cut, dripped or reset at any byte.

It reads one request at a time from a connection, hands it to the register and writes the reply with its length.
A server framework would repair exactly the damage that the sandbox must be able to do.
"""

import asyncio
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from verify_service.sandbox.delivery import Delivery, Spoilt
from verify_service.sandbox.journal import Message
from verify_service.sources.cases import Fault
from verify_service.sources.register import HttpRegister, RegisterReply, RegisterRequest

_MAX_HEAD, _MAX_BODY = 64 * 1024, 64 * 1024 * 1024
_IDLE_SECONDS = 60
_ENDS = (Spoilt, ConnectionError, asyncio.IncompleteReadError, TimeoutError, asyncio.LimitOverrunError, asyncio.CancelledError)


async def serve_http(register: HttpRegister, delivery: Delivery, *, host: str, port: int) -> asyncio.Server:
    """Start serving; the caller closes the server. Port 0 takes a free one."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # How a connection may end: spoilt on purpose, left by the peer, or cancelled with the loop (this is its task's outermost frame).
        with suppress(*_ENDS):
            while await _exchange(register, delivery, reader, writer):
                pass
        writer.close()

    return await asyncio.start_server(connected, host, port, limit=_MAX_HEAD)


async def _exchange(register: HttpRegister, delivery: Delivery, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Serve one request; return whether the connection goes on."""
    request = await _read(reader)
    if request is None:
        return False
    reply = register.reply(request)
    way = f"{request.method} {request.path}"
    message = Message(way, reply.status, request.body, reply.body, reply.people, reply.name, reply.ticket)
    await delivery.answer(writer, message, reply.fault, lambda fault: (_serialise(reply, fault), fault))
    return request.headers.get("connection", "").lower() != "close"


async def _read(reader: asyncio.StreamReader) -> RegisterRequest | None:
    async with asyncio.timeout(_IDLE_SECONDS):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return None
    line, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _version = line.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (text.partition(":") for text in lines)}
    length = int(headers.get("content-length", "0"))
    if length > _MAX_BODY:
        raise ConnectionError
    body = await reader.readexactly(length) if length else b""
    parts = urlsplit(target)
    return RegisterRequest(method, parts.path, dict(parse_qsl(parts.query)), headers, body)


def _serialise(reply: RegisterReply, fault: Fault | None) -> bytes:
    """Build the bytes on the wire. A status or body fault replaces the reply; close_delimited leaves out the length."""
    status, body, headers = reply.status, reply.body, {name.lower(): value for name, value in reply.headers.items()}
    if fault is not None and fault.kind in {"status", "body"}:
        status = fault.status if fault.kind == "status" else HTTPStatus.OK
        body = fault.body.encode()
        html = "text/html; charset=utf-8" if fault.body.startswith("<html") else headers.get("content-type", "text/plain")
        headers["content-type"] = fault.content_type or html
    length = [] if fault is not None and fault.kind == "close_delimited" else [f"content-length: {len(body)}"]
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers.items()), *length]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
