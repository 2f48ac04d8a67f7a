"""Chunks that wait: since when they are worked on, and what they wait for."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both columns."""
    op.add_column("batch_chunks", sa.Column("begun_at", sa.TIMESTAMP(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=True))
    op.add_column("batch_chunks", sa.Column("waits_for", sa.Text(), nullable=True))
