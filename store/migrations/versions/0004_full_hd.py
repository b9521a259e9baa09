"""Whether a room wants pictures of 1920x1080."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "rooms", sa.Column("has_full_hd", sa.Boolean, nullable=False, server_default=sa.false())
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("rooms", "has_full_hd")
