"""Amendments: what an officer did to a report, one row per version that it made."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "amendments",
        sa.Column("verification_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("sealed_amendment", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["verification_id"], ["verifications.id"], name="fk_amendments_verification_id"),
        sa.PrimaryKeyConstraint("verification_id", "version", name="pk_amendments"),
    )
