"""A webhook endpoint's secret is rotated: for a day the one of before signs along."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for the secret of before; nothing is rotated yet."""
    op.add_column("webhook_endpoints", sa.Column("sealed_old_secret", sa.LargeBinary()))
    op.add_column("webhook_endpoints", sa.Column("old_secret_until", sa.TIMESTAMP(timezone=True).with_variant(sa.Text(), "sqlite")))
