"""The port of a simulated register, so that a source can ship one beside its adapter and the sandbox can serve it.

A register turns a request on the wire into a reply on the wire. It knows nothing of sockets or faults: the sandbox
serves it, and spoils its replies when a case or the fault profile says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from verify_service.sources.cases import Fault


@dataclass(frozen=True, slots=True)
class RegisterRequest:
    """What arrived: header names in lower case, the path without the query."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RegisterReply:
    """What goes back, and the fault that a case in the call asks for. `people` are the numbers asked about (fault seeding)."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    people: Sequence[str] = field(default=(), repr=False)
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The result of a statement in a front-end database: column names, and rows of text or null."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | None]] = field(repr=False)
    people: Sequence[str] = field(default=(), repr=False)
    fault: Fault | None = None


@runtime_checkable
class HttpRegister(Protocol):
    """A register that speaks HTTP."""

    def reply(self, request: RegisterRequest) -> RegisterReply:
        """Answer one request. Pure apart from the register's own tickets."""


@runtime_checkable
class DatabaseRegister(Protocol):
    """A register that offers a read-only view over the PostgreSQL wire protocol."""

    user: str
    password: str
    database: str

    def select(self, statement: str, parameters: Sequence[str | None]) -> Table:
        """Run the one statement that the view allows. Raises ValueError for any other."""
