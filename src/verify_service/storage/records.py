"""What goes into the store and comes out of it. Contents that speak of people are hidden from every repr."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from verify_service.domain.amendment import Made
from verify_service.domain.outcome import Answer
from verify_service.domain.swift import swift
from verify_service.sources.adapter import Exchange, SharedCall, Ticket


class VerificationState(StrEnum):
    """Where a verification stands. Only the first two are unfinished: somebody has to go on with them."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    PARTIAL = "partial"
    FINAL = "final"
    FINAL_WITH_GAPS = "final_with_gaps"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TicketState(StrEnum):
    """Whether the deferred register still owes an answer."""

    WAITING = "waiting"
    DONE = "done"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Client:
    """A client system of one tenant. `secret_hash` is made and compared by the API."""

    id: str
    tenant: str
    name: str
    secret_hash: str = field(repr=False)
    scopes: tuple[str, ...]
    purposes: tuple[str, ...]
    regions: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response that is given again, byte for byte, when its Idempotency-Key comes back."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Replay(Response):
    """The kept response of an earlier request with the same key and the same body."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Key:
    """The Idempotency-Key of a request that makes a version. `fingerprint`: SHA-256 of what was asked, in hexadecimal."""

    method: str
    route: str
    key: str
    fingerprint: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The verification is durable and the caller holds its lease: pass `fence` to every later write."""

    verification_id: str
    fence: int
    request_no: str | None = None


@dataclass(frozen=True, slots=True)
class VerificationRow:
    """A verification; `request` is the body that was accepted, `failure` says why it failed (a code of ours)."""

    id: str
    tenant: str
    client_id: str
    client_reference: str | None
    request_no: str | None
    state: VerificationState
    request: bytes = field(repr=False)
    created_at: datetime
    updated_at: datetime
    lease_until: datetime | None
    fence: int
    due_at: datetime | None
    current_report_id: str | None
    failure: str | None

    @property
    def view(self) -> dict[str, str | None]:
        """Return it as its client sees it, ready for JSON: no data of the household."""
        return {
            "id": self.id,
            "request_no": self.request_no,
            "client_reference": self.client_reference,
            "state": self.state.value,
            "accepted_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "report_id": self.current_report_id,
        }


@swift
@dataclass(frozen=True, slots=True)
class StoredExchange:
    """One kept exchange. `call_no` numbers the calls to a source within a report version, `ordinal` the exchanges of a call."""

    source: str
    call_no: int
    ordinal: int
    question_ids: tuple[str, ...]
    exchange: Exchange
    version: int = 1


@swift
@dataclass(frozen=True, slots=True)
class StoredShare:
    """A report version's part in a shared call: the place in it of each question of the verification."""

    call_no: int
    places: Mapping[str, int]
    call: SharedCall
    version: int = 1


@dataclass(frozen=True, slots=True)
class StoredTicket:
    """A deferred register's receipt and the questions it stands for.

    `file_digest` is the SHA-256 of what was handed in last, `submissions` how often: more than once when the register
    forgot the ticket.
    """

    source: str
    question_ids: tuple[str, ...]
    ticket: Ticket
    state: TicketState = TicketState.WAITING
    file_digest: str | None = None
    submissions: int = 1


@dataclass(frozen=True, slots=True)
class TicketClaim:
    """A ticket that its claimant looks at, until `ticket.ticket.next_look`: then it is due again, for whoever takes it."""

    tenant: str
    verification_id: str
    ticket: StoredTicket


@dataclass(frozen=True, slots=True)
class ReportVersion:
    """One version of a report without its content."""

    id: str
    verification_id: str
    version: int
    state: str
    digest: str
    kid: str
    issued_at: datetime
    replaces: str | None


@dataclass(frozen=True, slots=True)
class ReportRow(ReportVersion):
    """A report version with its signed bytes; `is_current` is False once a later version replaces it."""

    jws: bytes = field(repr=False)
    is_current: bool


@dataclass(frozen=True, slots=True)
class Issue:
    """Everything one report version brings with it, written in one transaction.

    `answers`: those that are new or changed since the version before; version 1 brings all.
    `payload`: the canonical bytes that `jws` carries, if they are at hand.
    `exchanges`: those made for this version; `shares`: its parts in calls that other verifications share.
    `closed`: tickets that are waiting no longer, by dedupe_key.
    `next_looks`: when tickets are looked at again that have answered in part, by dedupe_key.
    `response`: what the Idempotency-Key gets from now on; a key that already has its response keeps it. `key`: whose
    response it is when the version was asked for under a key of its own. `made`: the amendment that made this version. `reason`: why it
    was made, for the outgoing event.
    """

    tenant: str
    verification_id: str
    fence: int
    report: ReportVersion
    jws: bytes = field(repr=False)
    state: VerificationState
    actor: str
    now: datetime
    payload: bytes | None = field(default=None, repr=False)
    answers: Sequence[Answer] = ()
    exchanges: Sequence[StoredExchange] = ()
    shares: Sequence[StoredShare] = ()
    tickets: Sequence[StoredTicket] = ()
    closed: Mapping[str, TicketState] = field(default_factory=dict)
    next_looks: Mapping[str, datetime] = field(default_factory=dict)
    response: Response | None = None
    key: Key | None = None
    made: Made | None = None
    reason: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log. `detail` holds ids and codes, never a person's data."""

    id: int
    tenant: str
    at: datetime
    actor: str
    action: str
    object_id: str
    detail: Mapping[str, object]
    digest: str
