"""The tables of batches.

    clients 1─n batches 1─n batch_chunks ── the households of a chunk, sealed, until they are verifications
                  │ 1─n batch_rows ── one per household: where it stands, and which verification it became
                  │ 1─n batch_rejections ── what is wrong with a row: place and rule, never the value
                  │ 1─n batch_exchanges, batch_tickets ── evidence and receipts of calls that many households share
    batch_claims: which chunk in work asks about whom; workers: who is alive

A chunk has a fence of its own, as a verification has: whoever begins work on it raises the fence, and every later write
names the fence it holds (see docs/decisions/0006 and 0017).
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text, text

from verify_service.storage.columns import Instant, Json
from verify_service.storage.tables import metadata


def _of_batch() -> Column[str]:
    return Column("batch_id", Text, ForeignKey("batches.id"), nullable=False)


batches = Table(
    "batches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("client_id", Text, ForeignKey("clients.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("encoding", Text),
    Column("digest", Text),  # SHA-256 of the file, hexadecimal
    Column("size_bytes", BigInteger, nullable=False),
    Column("rows_in", BigInteger, nullable=False),
    Column("final", BigInteger, nullable=False),
    Column("partial", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("cancelled", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("completed_at", Instant),
    Column("deadline_at", Instant),
    Column("manifest", Text),
)

batch_rows = Table(
    "batch_rows",
    metadata,
    _of_batch(),
    Column("no", BigInteger, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("reference", Text),
    Column("chunk_no", Integer),
    Column("state", Text, nullable=False),
    Column("verification_id", Text),
    Column("report_id", Text),
    PrimaryKeyConstraint("batch_id", "no"),
    sqlite_with_rowid=False,
)
Index("ix_batch_rows_verification_id", batch_rows.c.verification_id, unique=True)

batch_rejections = Table(
    "batch_rejections",
    metadata,
    _of_batch(),
    Column("no", BigInteger, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("place", Text, nullable=False),
    Column("rule", Text, nullable=False),
    PrimaryKeyConstraint("batch_id", "no", "ordinal"),
    sqlite_with_rowid=False,
)

batch_chunks = Table(
    "batch_chunks",
    metadata,
    _of_batch(),
    Column("no", Integer, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("first_row", BigInteger, nullable=False),
    Column("last_row", BigInteger, nullable=False),
    Column("begun_at", Instant),  # when its deferred sources were asked, or else all of them
    Column("due_at", Instant),
    Column("waits_for", Text),
    Column("final", Integer, nullable=False),
    Column("partial", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("cancelled", Integer, nullable=False),
    Column("outcomes", Json, nullable=False),  # source: {outcome code: how many questions}
    Column("finished_at", Instant),
    Column("sealed_requests", LargeBinary),
    PrimaryKeyConstraint("batch_id", "no"),
)
_OPEN = text("state IN ('staged', 'queued', 'running', 'waiting')")
Index("ix_batch_chunks_open", batch_chunks.c.state, batch_chunks.c.due_at, sqlite_where=_OPEN, postgresql_where=_OPEN)

batch_exchanges = Table(
    "batch_exchanges",
    metadata,
    _of_batch(),
    Column("chunk_no", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("call_no", Integer, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("question_ids", Json, nullable=False),
    Column("step", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("sealed_message", LargeBinary, nullable=False),
    Column("request_digest", Text, nullable=False),
    Column("answer_digest", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("answered_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    PrimaryKeyConstraint("batch_id", "chunk_no", "attempt", "source", "call_no", "ordinal"),
)

batch_tickets = Table(
    "batch_tickets",
    metadata,
    _of_batch(),
    Column("chunk_no", Integer, nullable=False),
    Column("dedupe_key", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("question_ids", Json, nullable=False),
    Column("reference", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("next_look", Instant, nullable=False),
    Column("latest", Instant, nullable=False),
    Column("file_digest", Text),
    Column("submissions", Integer, nullable=False),
    PrimaryKeyConstraint("batch_id", "chunk_no", "dedupe_key"),
)

batch_claims = Table(
    "batch_claims",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("blind_index", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("batch_id", Text, nullable=False),
    Column("chunk_no", Integer, nullable=False),
    PrimaryKeyConstraint("tenant", "client_id", "blind_index", "purpose"),
    sqlite_with_rowid=False,
)
Index("ix_batch_claims_of_chunk", batch_claims.c.batch_id, batch_claims.c.chunk_no)

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seen_at", Instant, nullable=False),
)
