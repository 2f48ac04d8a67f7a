"""Server-sent events: how many streams may be open, how they are paced, and when they end.

The store is looked at again and again, so it does not matter which process does the work. A stream ends when there is nothing
more to come, after five minutes, when the caller leaves, or when this process does.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from fastapi import Request
from starlette.responses import StreamingResponse

from verify_service.api.describe import EVENTS
from verify_service.api.refusals import TooManyStreams

# What is to be told now, and whether that was the last.
News = Callable[[], Awaitable[tuple[Sequence[bytes], bool]]]


@dataclass(slots=True)
class Streams:
    """The open streams of this process by client, and their pace."""

    leaving: asyncio.Event
    most: int = 200
    most_of_client: int = 50
    look_seconds: float = 0.5
    batch_look_seconds: float = 1.0
    heartbeat_seconds: float = 15.0
    longest_seconds: float = 300.0
    by_client: Counter[str] = field(default_factory=Counter)

    @property
    def open(self) -> int:
        """Return how many streams are open."""
        return self.by_client.total()

    def answer(self, request: Request, client_id: str, news: News, *, look_seconds: float) -> StreamingResponse:
        """Return the stream as a response. Raises TooManyStreams."""
        if self.open >= self.most or self.by_client[client_id] >= self.most_of_client:
            raise TooManyStreams
        stream = self._counted(client_id, self._told(request, news, look_seconds))
        return StreamingResponse(stream, media_type=EVENTS, headers={"X-Accel-Buffering": "no"})

    async def _counted(self, client_id: str, told: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        self.by_client[client_id] += 1
        try:
            async for chunk in told:
                yield chunk
        finally:
            self.by_client[client_id] -= 1

    async def _told(self, request: Request, news: News, look_seconds: float) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        ends_at, heartbeat_at = loop.time() + self.longest_seconds, loop.time() + self.heartbeat_seconds
        yield b"retry: 1000\n\n"
        while loop.time() < ends_at and not self.leaving.is_set() and not await request.is_disconnected():
            events, is_over = await news()
            for event in events:
                yield event
            if is_over:
                return
            if loop.time() >= heartbeat_at:
                heartbeat_at = loop.time() + self.heartbeat_seconds
                yield b": still going on\n\n"
            await _pause(self.leaving, look_seconds)


async def _pause(leaving: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(leaving.wait(), seconds)
    except TimeoutError:
        return
