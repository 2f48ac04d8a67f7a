"""What the answers about batches look like. A row is one household; a line is one of the file's."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from verify_service.api.wire import Wire
from verify_service.bulk.intake import TakenIn
from verify_service.bulk.progress import Progress
from verify_service.storage.batch_records import BatchState, FileForm, Rejection


class BatchReceipt(Wire):
    """What was accepted. `digest` is the SHA-256 of the file, in hexadecimal; `rows_in` its households."""

    batch_id: str
    form: FileForm
    encoding: str
    digest: str
    size_bytes: int
    rows_in: int


class BrokenRow(Wire):
    """A rule that a row breaks: in which line, at which column or JSON pointer. Never the value."""

    row: int
    line: int
    place: str = Field(examples=["member.id_number"])
    rule: str = Field(examples=["gb_11643"])

    @classmethod
    def of(cls, rejection: Rejection) -> "BrokenRow":
        """Build it from what is stored."""
        return cls(row=rejection.no, line=rejection.line, place=rejection.place, rule=rejection.rule)


class BatchTrial(Wire):
    """What would become of a file. Nothing of it was kept; `errors` are the first that were found."""

    form: FileForm
    encoding: str
    digest: str
    size_bytes: int
    rows_in: int
    rejected: int
    errors: list[BrokenRow]

    @classmethod
    def of(cls, taken: TakenIn) -> "BatchTrial":
        """Build it from a trial."""
        plain = ("form", "encoding", "digest", "size_bytes", "rows_in", "rejected")
        return cls(**{name: getattr(taken, name) for name in plain}, errors=[BrokenRow.of(told) for told in taken.told])


class BatchEstimate(Wire):
    """When the batch will end as far as can be told, and what it waits for."""

    at: datetime | None
    reason: str


class BatchResults(Wire):
    """Rows that have their result. In a completed batch they add up to `rows_in`."""

    final: int
    partial: int
    rejected: int
    cancelled: int


class Batch(Wire):
    """Where a batch stands. `open` rows have no result yet; `outcomes` counts questions by source and outcome."""

    id: str
    state: BatchState
    form: FileForm
    encoding: str | None
    digest: str | None
    size_bytes: int
    rows_in: int
    results: BatchResults
    open: int
    outcomes: Mapping[str, Mapping[str, int]]
    rows_per_minute: int
    estimate: BatchEstimate | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    deadline_at: datetime | None
    manifest: str | None = Field(description="signed manifest (compact JWS) of a completed batch")

    @classmethod
    def of(cls, progress: Progress) -> "Batch":
        """Build it from what is stored."""
        estimate = progress.estimate
        plain = ("id", "state", "form", "encoding", "digest", "size_bytes", "rows_in", "manifest")
        times = ("created_at", "started_at", "completed_at", "deadline_at")
        return cls(
            **{name: getattr(progress.batch, name) for name in (*plain, *times)},
            results=BatchResults(**progress.results),
            open=progress.open,
            outcomes=progress.outcomes,
            rows_per_minute=progress.rows_per_minute,
            estimate=None if estimate is None else BatchEstimate(at=estimate.at, reason=estimate.reason),
        )


class BatchAnswer(Wire):
    """A batch."""

    batch: Batch


class RowProof(Wire):
    """That a row is in the manifest's tree (RFC 6962): hash the leaf, then with each of `path` up to the root."""

    row: int
    state: str
    digest: str | None
    size: int
    path: list[str]
