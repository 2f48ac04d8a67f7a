"""Indexes for what an operator asks: who touched one verification, and how many events wait."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UNDELIVERED = sa.text("delivered_at IS NULL")


def upgrade() -> None:
    """Create both."""
    op.create_index("ix_audit_object_id", "audit", ["object_id"])
    op.create_index("ix_outbox_undelivered", "outbox", ["id"], sqlite_where=UNDELIVERED, postgresql_where=UNDELIVERED)
