"""Views are kept as they were first signed; an outgoing event tells why its report version was made."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and make room for reasons; events of before have none."""
    op.create_table(
        "views",
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("view", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("sealed_jws", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name="fk_views_report_id"),
        sa.PrimaryKeyConstraint("report_id", "view", name="pk_views"),
    )
    op.add_column("outbox", sa.Column("reason", sa.Text()))
