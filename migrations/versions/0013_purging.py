"""Old events and keys are found to be removed, without reading what is still wanted."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index deliveries by event, which removing one asks for, and keys by age."""
    op.create_index("ix_deliveries_event_id", "deliveries", ["event_id"])
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])
