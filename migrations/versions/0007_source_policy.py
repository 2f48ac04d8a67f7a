"""Source policy: calls that count against a register's contract, and the sources that an operator holds back."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "quotas",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("spent", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_quotas"),
    )
    op.create_table(
        "isolations",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.TIMESTAMP(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_isolations"),
    )
