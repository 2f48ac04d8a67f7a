"""Webhooks: endpoints and deliveries; an event of the outbox is routed to them once, and says what it tells of."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = sa.TIMESTAMP(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Create the tables; what the outbox called delivered is now called routed."""
    _outbox()
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("paused_until", INSTANT, nullable=True),
        sa.Column("tried_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="fk_webhook_endpoints_client_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_endpoints"),
    )
    op.create_index("ix_webhook_endpoints_tenant", "webhook_endpoints", ["tenant"])
    _deliveries()


def _outbox() -> None:
    unrouted = sa.text("routed_at IS NULL")
    op.drop_index("ix_outbox_undelivered", table_name="outbox")
    op.execute("ALTER TABLE outbox RENAME COLUMN delivered_at TO routed_at")
    op.add_column("outbox", sa.Column("data", sa.Text(), nullable=True))
    op.create_index("ix_outbox_unrouted", "outbox", ["id"], sqlite_where=unrouted, postgresql_where=unrouted)


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("last_outcome", sa.Text(), nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["endpoint_id"], ["webhook_endpoints.id"], name="fk_deliveries_endpoint_id"),
        sa.ForeignKeyConstraint(["event_id"], ["outbox.id"], name="fk_deliveries_event_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    for name, columns, state in (("due", ["endpoint_id", "due_at"], "waiting"), ("dead", ["endpoint_id", "event_id"], "dead")):
        only = sa.text(f"state = '{state}'")
        op.create_index(f"ix_deliveries_{name}", "deliveries", columns, sqlite_where=only, postgresql_where=only)
    op.create_index("ix_deliveries_of_endpoint", "deliveries", ["endpoint_id", "event_id"])
