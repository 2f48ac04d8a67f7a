"""The port between the service and a register. An adapter holds only what is peculiar to its source.

Asking is two steps so that a report can be recomputed from stored bytes: `ask` (or `submit`/`collect`) talks through
the client, which keeps every exchange; `read` turns exchanges into answers and is pure. Time limits, retries,
bulkheads, size and length checks live in the client; one outcome per question is enforced by the fan-out.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from verify_service.domain.outcome import Answer, Question
from verify_service.domain.swift import swift
from verify_service.sources.definition import Source


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One HTTP request to a register. `step` names it in the evidence ("search", "page-2"); `expect` is the media type.

    `charset` is what the text must be decodable in; None leaves bytes to the reader. `evidence` is False only for
    exchanges that carry credentials (a token call): those are never stored.
    """

    step: str
    method: Literal["GET", "POST"]
    path: str
    expect: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    charset: str | None = "utf-8"
    accept_status: frozenset[int] = frozenset({200})
    idempotent: bool = True
    evidence: bool = True


@swift
@dataclass(frozen=True, slots=True)
class Exchange:
    """One answer that arrived whole: its length was declared and met, its charset decodes, its size is within limits."""

    step: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request_digest: str
    answer_digest: str
    asked_at: datetime
    answered_at: datetime
    attempts: int = 1


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class SharedCall:
    """One call that carried questions of several verifications: everything that is needed to read it again.

    `id` follows from the content, so the same call has the same id whoever stores it.
    """

    source: str
    questions: Sequence[Question] = field(repr=False)
    exchanges: Sequence[Exchange] = field(repr=False)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Make the id, 32 hexadecimal characters, once: each of its verifications names it several times."""
        asked = (q.digest for q in self.questions)
        told = (f"{e.answer_digest} {e.asked_at.isoformat()}" for e in self.exchanges)
        digest = hashlib.sha256("\n".join((self.source, *asked, *told)).encode()).hexdigest()
        object.__setattr__(self, "id", digest[:32])


class SourceClient(Protocol):
    """What an adapter may do: send, query, and nothing else. Bound to one call, its deadline and its source."""

    def now(self) -> datetime:
        """Return the present instant (aware)."""

    def nonce(self) -> str:
        """Return 32 fresh hexadecimal characters."""

    def credential(self, name: str) -> str:
        """Return a credential of this endpoint. Raises ConfigurationError when the deployment has none."""

    async def fetch(self, build: Callable[[], WireRequest]) -> Exchange:
        """Send over HTTP, with the policy's retries; `build` is called anew for each attempt (fresh nonce and time).

        Raises SourceFailure: unavailable.* for what never arrived, invalid.* for what arrived damaged, refused.* for 401/403.
        """

    async def query(self, step: str, statement: str, parameters: Mapping[str, object]) -> Exchange:
        """Run one read-only statement in a front-end database; the body is JSON {"columns": [...], "rows": [[...]]}.

        Cells are text or null, as the database prints them. Raises SourceFailure as `fetch` does.
        """

    def remember(self, name: str, value: str, *, for_seconds: float) -> None:
        """Keep a credential such as an access token for later calls of this source, in memory only."""

    def remembered(self, name: str) -> str | None:
        """Return a kept credential while it lives."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A deferred register's receipt. `dedupe_key` makes submitting again harmless."""

    reference: str
    dedupe_key: str
    next_look: datetime
    latest: datetime


@dataclass(frozen=True, slots=True)
class NotYet:
    """The deferred register has not finished; look again at `next_look`."""

    next_look: datetime


@dataclass(frozen=True, slots=True)
class SoFar:
    """Some institutions behind the deferred register have answered: what is known until now, and when to look again."""

    answers: Sequence[Answer]
    next_look: datetime


@runtime_checkable
class Adapter(Protocol):
    """A register that answers at once."""

    source: Source

    async def ask(self, questions: Sequence[Question], client: SourceClient) -> Sequence[Answer]:
        """Ask about at most `source.subjects_per_call` subjects and return read(questions, exchanges)."""

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        """Turn stored exchanges into one answer per question, strictly. Pure. Raises SourceFailure for the whole call."""


@runtime_checkable
class DeferredAdapter(Protocol):
    """A register that answers later."""

    source: Source

    async def submit(self, questions: Sequence[Question], client: SourceClient, *, dedupe_key: str) -> Ticket:
        """Hand the questions in. The same dedupe_key again gives the same ticket, never a second piece of work."""

    async def collect(self, ticket: Ticket, questions: Sequence[Question], client: SourceClient) -> Sequence[Answer] | SoFar | NotYet:
        """Look once; return read(questions, exchanges) when the register has finished, or so far as it has."""

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        """As Adapter.read."""


AnyAdapter = Adapter | DeferredAdapter
