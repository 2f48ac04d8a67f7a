"""What a deferred register was handed, and how often."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both columns; a ticket of before was handed in once."""
    op.add_column("tickets", sa.Column("file_digest", sa.Text(), nullable=True))
    op.add_column("tickets", sa.Column("submissions", sa.Integer(), nullable=False, server_default="1"))
