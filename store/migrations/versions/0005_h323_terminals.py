"""What H.323 terminals sign with, and where they are registered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of the secrets that are there only the hashes for SIP are known: they have none until they are set again.
    op.add_column("terminals", sa.Column("h235_key", sa.LargeBinary, nullable=True))
    op.create_table(
        "endpoints",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("alias", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_endpoints"),
    )


def downgrade() -> None:
    op.drop_table("endpoints")
    op.drop_column("terminals", "h235_key")
