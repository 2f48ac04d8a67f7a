"""A chunk in work claims its people, so that no other one asks about them at the same moment."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; chunks that are in work during the migration have no claims, and finish as before."""
    op.create_table(
        "batch_claims",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("blind_index", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("chunk_no", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "client_id", "blind_index", "purpose", name="pk_batch_claims"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_batch_claims_of_chunk", "batch_claims", ["batch_id", "chunk_no"])
