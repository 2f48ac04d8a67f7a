"""A loopback HTTP proxy in front of an endpoint, which misbehaves as it is told. Built on aiohttp's server and client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from time import monotonic

from aiohttp import ClientSession, ClientTimeout, web
from yarl import URL

from verify_service.certification.misbehaviour import Misbehaviour, Sent

_LOOPBACK = "127.0.0.1"
_OF_THE_CONNECTION = frozenset({"host", "connection", "content-length", "transfer-encoding", "keep-alive", "date", "server"})
_HANG_SECONDS, _DRIP_SECONDS = 60, 0.2


@asynccontextmanager
async def http_proxy(base_url: str, misbehaviour: Misbehaviour) -> AsyncIterator[str]:
    """Serve until the block ends; yield the base URL to ask instead of the true one."""
    upstream = URL(base_url)
    timeout = ClientTimeout(total=_HANG_SECONDS)
    async with ClientSession(timeout=timeout, auto_decompress=False, trust_env=False) as session:
        proxy = _Proxy(upstream, session, misbehaviour)
        runner = web.ServerRunner(web.Server(proxy.handle, access_log=None, handler_cancellation=True), shutdown_timeout=0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, _LOOPBACK, 0)
            await site.start()
            port = runner.addresses[0][1]
            yield str(upstream.with_scheme("http").with_host(_LOOPBACK).with_port(port))
        finally:
            await runner.cleanup()


class _Proxy:
    def __init__(self, upstream: URL, session: ClientSession, misbehaviour: Misbehaviour) -> None:
        self._upstream = upstream
        self._session = session
        self._misbehaviour = misbehaviour

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Pass one request on, and its answer back, spoilt."""
        how = self._misbehaviour
        how.arrivals.append(monotonic())
        if how.kind == "busy" and len(how.arrivals) <= how.times:
            return web.Response(status=HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": str(how.retry_after)})
        sent = await self._true_answer(request)
        how.seen.append(sent)
        concerned = how.concerns(sent.body)
        sent = how.changed(sent)
        if concerned and how.kind in {"hang", "drip", "cut"}:
            return await self._spoilt(request, sent)
        return web.Response(status=sent.status, headers=sent.headers, body=sent.body)

    async def _true_answer(self, request: web.BaseRequest) -> Sent:
        url = self._upstream.origin().join(URL(request.raw_path, encoded=True))
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_CONNECTION}
        body = await request.read()
        async with self._session.request(request.method, url, headers=headers, data=body, allow_redirects=False) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _OF_THE_CONNECTION}
            return Sent(answer.status, kept, await answer.read())

    async def _spoilt(self, request: web.BaseRequest, sent: Sent) -> web.StreamResponse:
        """Declare everything and send a part, drop by drop, or nothing."""
        how = self._misbehaviour
        response = web.StreamResponse(status=sent.status, headers={**sent.headers, "Content-Length": str(len(sent.body))})
        if how.kind == "hang":
            await asyncio.sleep(_HANG_SECONDS)
        await response.prepare(request)
        with suppress(ConnectionError):
            for piece in how.pieces(sent.body):
                await response.write(piece)
                await asyncio.sleep(_DRIP_SECONDS if how.kind == "drip" else 0)
        if request.transport is not None:
            request.transport.close()
        return response
