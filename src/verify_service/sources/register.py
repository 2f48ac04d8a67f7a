"""The port of a simulated register, so that a source can ship one beside its adapter and the sandbox can serve it.

A register turns a request on the wire into a reply on the wire. It knows nothing of sockets or faults: the sandbox
serves it, and spoils its replies when a case or the fault profile says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol, runtime_checkable

from verify_service.sources.cases import Case, Fault


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
    """What goes back, and the fault that a case in the call asks for. `people` are the numbers asked about.

    `name` is what the register knows the message by (its id, or a dedupe key), `ticket` the piece of work that it is about.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    people: Sequence[str] = field(default=(), repr=False)
    fault: Fault | None = None
    name: str = ""
    ticket: str = ""


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


class Draws(Protocol):
    """Randomness that is a pure function of its key: the same draws on every machine, in any order of people."""

    def below(self, bound: int) -> int:
        """Return an integer from 0 to bound - 1."""

    def happens(self, times: int, out_of: int = 10_000) -> bool:
        """Return whether an event of chance times / out_of happens."""

    def pick(self, items: Sequence[Any]) -> Any:
        """Return one of the items, each as likely as the others."""


class Found(Protocol):
    """How a register stands to a person who is asked about: `known` is yes, not_found, name_mismatch or not_connected.

    as_of: the day the register's data speak for. case: the invented person of a case, None for a synthetic one.
    """

    @property
    def known(self) -> str: ...
    @property
    def as_of(self) -> date: ...
    @property
    def case(self) -> Case | None: ...


class Surroundings(Protocol):
    """What a simulated register may look at: the clock, the people, its own credentials."""

    @property
    def credentials(self) -> Mapping[str, str]: ...

    def now(self) -> datetime:
        """Return the present instant (aware)."""

    def today(self) -> date:
        """Return the register's calendar day (+08:00)."""

    def entry(self, id_number: str, name: str | None) -> Found:
        """Look a person up by number and name; by number alone (None) where the caller compares names."""

    def draws(self, *about: str | int) -> Draws:
        """Return the draws for this register, the run's seed and `about`: a population of its own, as far as it needs one."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """How one simulated register is built (from its surroundings, and how many seconds a ticket takes) and reached."""

    build: Callable[[Any, float], "HttpRegister | DatabaseRegister"]
    credentials: Mapping[str, str] = field(repr=False)
    scheme: str = "http"
    path: str = ""
