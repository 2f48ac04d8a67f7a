"""Durable jobs: start one by kind and id, and it is carried out once somebody lives to do it.

`JobEngine` is the port. `open_engine` carries it on DBOS Transact (dbos_engine.py) in a system database of its own.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

Handler = Callable[[str], Awaitable[None]]


class JobEngine(Protocol):
    """Starts jobs; the same kind and id again is the same job, even after it has ended."""

    async def start(self, kind: str, job_id: str) -> None:
        """Make a job durable and return; whichever process is free carries it out."""

    async def resume(self, worker: str) -> int:
        """Give what a dead worker had begun to the living; return how many jobs that were."""

    async def forget(self, jobs: Sequence[tuple[str, str]]) -> None:
        """Forget jobs (kind, id) that have ended and will not be started again."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How this process carries jobs out: `concurrency` at a time; at the end, those in work may finish for `grace_seconds`.

    `worker` must be unique among processes and never come again: DBOS gives a newcomer of the same name what the first one does.
    """

    database_url: str
    worker: str
    concurrency: int
    grace_seconds: int = 20


@asynccontextmanager
async def open_engine(options: EngineOptions, handlers: Mapping[str, Handler]) -> AsyncIterator[JobEngine]:
    """Carry jobs out in this process until the block ends. One engine at a time: DBOS keeps its state in the process."""
    from verify_service.bulk.dbos_engine import DbosEngine  # noqa: PLC0415 - a second of imports, for two commands only

    engine = DbosEngine(handlers)
    await engine.open(options)
    try:
        yield engine
    finally:
        await engine.close(options.grace_seconds)
