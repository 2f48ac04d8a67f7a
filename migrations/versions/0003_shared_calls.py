"""Calls that verifications share: kept once, and each verification's part in them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.TIMESTAMP(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "shared_calls",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sealed_call", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shared_calls"),
    )
    op.create_table(
        "shares",
        sa.Column("verification_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("call_no", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("shared_call_id", sa.Text(), nullable=False),
        sa.Column("places", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["verification_id"], ["verifications.id"], name="fk_shares_verification_id"),
        sa.ForeignKeyConstraint(["shared_call_id"], ["shared_calls.id"], name="fk_shares_shared_call_id"),
        sa.PrimaryKeyConstraint("verification_id", "version", "call_no", name="pk_shares"),
    )
    op.create_index("ix_shares_shared_call_id", "shares", ["shared_call_id"])
