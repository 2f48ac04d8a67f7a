"""What goes into the store and comes out of it for batches. A row is one household of a batch; lines are those of its file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from verify_service.domain.amendment import Made
from verify_service.domain.outcome import Answer
from verify_service.storage.records import Issue, StoredExchange, StoredTicket, TicketState

FileForm = Literal["ndjson", "csv", "xlsx", "parquet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """The bounds of batches that a deployment sets."""

    max_batch_bytes: int = 4_000_000_000
    max_batch_rows: int = 2_000_000
    max_open_batches: int = 20
    chunk_rows: int = 250
    batch_patience_seconds: float = 600


class BatchState(StrEnum):
    """Where a batch stands. The last two are final, apart from retry-failed, which sets a completed batch running again."""

    RECEIVING = "receiving"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class RowState(StrEnum):
    """What became of a row; all but the first are results."""

    STAGED = "staged"
    FINAL = "final"
    PARTIAL = "partial"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class ChunkState(StrEnum):
    """Where a chunk stands: to be done, handed to the job engine, in work, waiting for tickets, over."""

    STAGED = "staged"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    CANCELLED = "cancelled"


class ChunkTask(StrEnum):
    """What is to be done with a chunk: ask everything, look at its tickets, ask again what failed, ask what was held back."""

    VERIFY = "verify"
    LOOK = "look"
    RETRY = "retry"
    GO_ON = "go_on"


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch whose upload begins."""

    id: str
    tenant: str
    client_id: str
    form: FileForm
    created_at: datetime
    deadline_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StagedRow:
    """A row that was read and is in order; `no` counts households from 1, `line` is where it begins in the file."""

    no: int
    line: int
    reference: str | None
    verification_id: str
    request: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rejection:
    """One broken rule of a row: in which line, at which column or JSON pointer, which rule. Never the value."""

    no: int
    line: int
    place: str
    rule: str


@dataclass(frozen=True, slots=True)
class Staged:
    """Some rows of an upload, written together; the good ones become chunk `chunk_no`."""

    chunk_no: int
    rows: Sequence[StagedRow]
    rejections: Sequence[Rejection]


@dataclass(frozen=True, slots=True)
class Upload:
    """A whole upload: what was counted and digested while it streamed."""

    batch_id: str
    tenant: str
    client_id: str
    encoding: str
    digest: str
    size_bytes: int
    rows_in: int
    idempotency_key: str | None
    fingerprint: str
    route: str
    now: datetime


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch without its rows. The counts are of results so far."""

    id: str
    tenant: str
    client_id: str
    state: BatchState
    form: FileForm
    encoding: str | None
    digest: str | None
    size_bytes: int
    rows_in: int
    final: int
    partial: int
    rejected: int
    cancelled: int
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    deadline_at: datetime | None
    manifest: str | None


@dataclass(frozen=True, slots=True)
class ChunkKey:
    """A chunk, and which attempt at it: a later attempt is another job."""

    batch_id: str
    no: int
    attempt: int

    def __str__(self) -> str:
        """Return the text that a job engine knows it by."""
        return f"{self.batch_id}:{self.no}:{self.attempt}"

    @classmethod
    def parse(cls, text: str) -> "ChunkKey":
        """Read it back."""
        batch_id, number, attempt = text.split(":")
        return cls(batch_id, int(number), int(attempt))


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A row of a chunk in work: `request` is the body that was accepted, `request_no` its number once it has one."""

    no: int
    line: int
    verification_id: str
    reference: str | None
    request: bytes = field(repr=False, default=b"")
    request_no: str | None = None


@dataclass(frozen=True, slots=True)
class ChunkWork:
    """A chunk held under `fence`, with the rows that are still to be done; `begun_at` is when its first questions were asked."""

    key: ChunkKey
    tenant: str
    client_id: str
    task: ChunkTask
    fence: int
    accepted_at: datetime
    deadline_at: datetime | None
    rows: Sequence[ChunkRow]
    begun_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """What a chunk does next, from when on, and what it waits for until then, in words that an operator reads."""

    task: ChunkTask
    due_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PutOff:
    """A chunk that waits before any of its rows is a verification: what was handed in meanwhile, and tickets as looked at next."""

    work: ChunkWork
    wait: Wait
    begun_at: datetime | None = None
    exchanges: Sequence[StoredExchange] = ()
    tickets: Sequence[StoredTicket] = ()
    postponed: Sequence[StoredTicket] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A household of a chunk as it was issued, with what its current version was made from."""

    row: ChunkRow
    report_id: str
    version: int
    answers: Sequence[Answer] = field(repr=False)
    made: Sequence[Made] = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewVerification:
    """The request that a row of a batch becomes: its body, SHA-256, and identity numbers to find it by."""

    reference: str | None
    request_no: str | None
    body: bytes = field(repr=False)
    fingerprint: str
    subjects: Sequence[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChunkIssue:
    """Everything one piece of work on a chunk brings, written in one transaction under the chunk's fence.

    `issues` are new report versions; `requests` become verifications now, by verification id. `outcomes` is by how much
    the chunk's counts of outcomes change, by source and code. `postponed` are tickets as they are looked at next.
    `begun_at` is told by the first issue; `wait` says what follows, if anything does.
    """

    work: ChunkWork
    now: datetime
    issues: Sequence[Issue]
    outcomes: Mapping[str, Mapping[str, int]]
    requests: Mapping[str, NewVerification] = field(default_factory=dict)
    rejections: Sequence[Rejection] = ()
    exchanges: Sequence[StoredExchange] = ()
    tickets: Sequence[StoredTicket] = ()
    closed: Mapping[str, TicketState] = field(default_factory=dict)
    postponed: Sequence[StoredTicket] = ()
    begun_at: datetime | None = None
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a worker sees of all batches: how many workers live, whether a chunk is due, and (tenant, id) of batches to complete."""

    workers: int
    is_due: bool
    finished: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ChunkCount:
    """How many rows of one chunk have which result, and when that was written."""

    state: ChunkState
    rows: int
    final: int
    partial: int
    rejected: int
    cancelled: int
    outcomes: Mapping[str, Mapping[str, int]]
    finished_at: datetime | None
    due_at: datetime | None
    waits_for: str | None


@dataclass(frozen=True, slots=True)
class ResultRow:
    """What became of a row, with its current report version if it has one."""

    no: int
    line: int
    reference: str | None
    state: RowState
    verification_id: str | None
    request_no: str | None
    report_id: str | None
    version: int | None
    digest: str | None
    jws: bytes | None = field(repr=False)
