"""A closed loop: so many callers, each posting its next household as soon as the last one is answered.

Callers speak HTTP/1.1 over kept connections with plain sockets, so that the load costs little beside what is measured.
A window is a stretch of a run that goes on before and after it: its CPU time and its finished households are read at the
same two instants, and work under way at its ends cancels out.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from time import perf_counter
from typing import Any

import orjson

from bench.processes import Process

_BROKEN = frozenset({"unavailable", "invalid"})
_LOOK_SECONDS = 0.02
_MOST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post, with which headers, and whose CPU time counts."""

    port: int
    process: Process
    token: str = field(default="", repr=False)

    def message(self, body: bytes) -> bytes:
        """Return the request on the wire."""
        head = (
            f"POST /v1/verifications HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {self.token}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode("ascii") + body


@dataclass(frozen=True, slots=True)
class Sample:
    """One household: seconds until the whole answer, and those of them in which no source was being waited for."""

    seconds: float
    added_seconds: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A run at one instant: monotonic seconds, CPU seconds of the service, households finished and failed."""

    at: float
    cpu: float
    finished: int
    failed: int


@dataclass(frozen=True, slots=True)
class Window:
    """What happened in one stretch of the run. `failed` counts answers that are not a report, which no other figure includes."""

    seconds: float
    cpu_seconds: float
    samples: list[Sample]
    failed: int

    @property
    def cpu_ms(self) -> float:
        """Return the service's CPU time per household."""
        return 1000 * self.cpu_seconds / len(self.samples) if self.samples else inf

    @property
    def per_second(self) -> float:
        """Return finished households per second."""
        return len(self.samples) / self.seconds

    def percentile_ms(self, percent: int, *, added: bool = False) -> float:
        """Return a percentile of the latency, or of the time added over the slowest source."""
        if not self.samples:
            return inf
        ordered = sorted(s.added_seconds if added else s.seconds for s in self.samples)
        return 1000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


@dataclass(slots=True)
class Run:
    """One closed loop, cut into windows; the first one only warms up.

    A window has `least_seconds` and at least one answer per caller, but ends after `_MOST_SECONDS` in any case.
    """

    target: Target
    bodies: Iterator[bytes]
    concurrency: int
    windows: int
    least_seconds: float
    on_warm: Callable[[], None] = lambda: None
    samples: list[Sample] = field(default_factory=list)
    failed: int = 0

    async def measure(self) -> list[Window]:
        """Run, and return the windows. Raises RuntimeError when a report says that a source could not be asked."""
        async with asyncio.TaskGroup() as callers:
            running = [callers.create_task(self._call()) for _ in range(self.concurrency)]
            await self._window()
            self.on_warm()
            measured = [await self._window() for _ in range(self.windows)]
            for caller in running:
                caller.cancel()
        return measured

    def _mark(self) -> Mark:
        return Mark(perf_counter(), self.target.process.cpu_seconds(), len(self.samples), self.failed)

    async def _window(self) -> Window:
        first = last = self._mark()
        while not self._is_whole(first, last):
            await asyncio.sleep(_LOOK_SECONDS)
            last = self._mark()
        samples = self.samples[first.finished : last.finished]
        return Window(last.at - first.at, last.cpu - first.cpu, samples, last.failed - first.failed)

    def _is_whole(self, first: Mark, last: Mark) -> bool:
        seconds, answers = last.at - first.at, last.finished + last.failed - first.finished - first.failed
        return seconds >= _MOST_SECONDS or (seconds >= self.least_seconds and answers >= self.concurrency)

    async def _call(self) -> None:
        """Be one caller: reconnect after a failure, as a caller would."""
        while True:
            try:
                await self._converse()
            except (ConnectionError, asyncio.IncompleteReadError):
                self.failed += 1

    async def _converse(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.target.port)
        try:
            for body in self.bodies:
                began = perf_counter()
                writer.write(self.target.message(body))
                answer = await _answer(reader)
                seconds = perf_counter() - began
                self.samples.append(Sample(seconds, seconds - _asking_seconds(answer)))
        finally:
            writer.close()


class _NotWholeError(ConnectionError):
    """A report without all its answers costs less than one with them, and would flatter the figures: it counts as failed."""


async def _answer(reader: asyncio.StreamReader) -> Any:
    """Return the JSON of a 200. Raises ConnectionError for a 5xx, RuntimeError for anything else: then the load itself is wrong."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    body = await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
    if head.startswith(b"http/1.1 5"):
        raise ConnectionError
    if not head.startswith(b"http/1.1 200 "):
        raise RuntimeError(body.decode())
    return orjson.loads(body)


def _asking_seconds(answer: Any) -> float:
    """Return the time from the first question to the last answer, as the answering side saw it."""
    cells = answer["report"]["coverage"]
    broken = {cell["source"]: cell["outcome_class"] for cell in cells if cell["outcome_class"] in _BROKEN}
    if broken:
        raise _NotWholeError(f"sources did not answer: {broken}")
    asked = min(cell["asked_at"] for cell in cells if cell["asked_at"])
    answered = max(cell["feedback_at"] for cell in cells if cell["feedback_at"])
    return (datetime.fromisoformat(answered) - datetime.fromisoformat(asked)).total_seconds()
