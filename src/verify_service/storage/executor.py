"""How work reaches the database. Operations are plain functions of a connection, the same for both engines."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")
Operation = Callable[[Connection], T]


class Executor(Protocol):
    """Runs operations, each as one transaction."""

    async def write(self, operation: Operation[T], *, finishing: bool = False) -> T:
        """Run it and return when it is durable. What it raises undoes it, and is raised here.

        Raises StoreBusy when too much is waiting. Not so when it is `finishing` what was begun: that is bounded by what
        was let in, and refusing it would waste the work.
        """

    async def read(self, operation: Operation[T]) -> T:
        """Run it on one consistent view; it must not write."""

    async def close(self) -> None:
        """Finish what was handed in, then let go of every connection."""
