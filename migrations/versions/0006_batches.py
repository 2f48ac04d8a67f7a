"""Batches: what was handed in, where each household stands, and the calls that households share."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.TIMESTAMP(timezone=True).with_variant(sa.Text(), "sqlite")
OPEN = sa.text("state IN ('staged', 'queued', 'running', 'waiting')")


def upgrade() -> None:
    """Create the tables."""
    _batches()
    _rows()
    _chunks()
    _calls()
    op.create_table(
        "workers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
    )


def _batches() -> None:
    counts = ("rows_in", "final", "partial", "rejected", "cancelled")
    op.create_table(
        "batches",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in counts),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("completed_at", INSTANT, nullable=True),
        sa.Column("deadline_at", INSTANT, nullable=True),
        sa.Column("manifest", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="fk_batches_client_id"),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )


def _rows() -> None:
    op.create_table(
        "batch_rows",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("chunk_no", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("verification_id", sa.Text(), nullable=True),
        sa.Column("report_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_batch_rows_batch_id"),
        sa.PrimaryKeyConstraint("batch_id", "no", name="pk_batch_rows"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_batch_rows_verification_id", "batch_rows", ["verification_id"], unique=True)
    op.create_table(
        "batch_rejections",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_batch_rejections_batch_id"),
        sa.PrimaryKeyConstraint("batch_id", "no", "ordinal", name="pk_batch_rejections"),
        sqlite_with_rowid=False,
    )


def _chunks() -> None:
    op.create_table(
        "batch_chunks",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("first_row", sa.BigInteger(), nullable=False),
        sa.Column("last_row", sa.BigInteger(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("final", "partial", "rejected", "cancelled")),
        sa.Column("outcomes", sa.Text(), nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("sealed_requests", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_batch_chunks_batch_id"),
        sa.PrimaryKeyConstraint("batch_id", "no", name="pk_batch_chunks"),
    )
    op.create_index("ix_batch_chunks_open", "batch_chunks", ["state", "due_at"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN)


def _calls() -> None:
    op.create_table(
        "batch_exchanges",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("chunk_no", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("call_no", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("question_ids", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("sealed_message", sa.LargeBinary(), nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("answer_digest", sa.Text(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("answered_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_batch_exchanges_batch_id"),
        sa.PrimaryKeyConstraint("batch_id", "chunk_no", "attempt", "source", "call_no", "ordinal", name="pk_batch_exchanges"),
    )
    op.create_table(
        "batch_tickets",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("chunk_no", sa.Integer(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("question_ids", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("next_look", INSTANT, nullable=False),
        sa.Column("latest", INSTANT, nullable=False),
        sa.Column("file_digest", sa.Text(), nullable=True),
        sa.Column("submissions", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_batch_tickets_batch_id"),
        sa.PrimaryKeyConstraint("batch_id", "chunk_no", "dedupe_key", name="pk_batch_tickets"),
    )
