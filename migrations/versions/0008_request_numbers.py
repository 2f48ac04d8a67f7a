"""Request numbers (核对编号): one for every verification, and the serials that were leased for them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for numbers; what was accepted before has none. An index, since SQLite adds no constraint to a table that is there."""
    op.create_table(
        "request_serials",
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("leased", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("region", "day", name="pk_request_serials"),
    )
    op.add_column("verifications", sa.Column("request_no", sa.Text()))
    op.create_index("ix_verifications_request_no", "verifications", ["request_no"], unique=True)
