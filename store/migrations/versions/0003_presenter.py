"""Whether who shares a screen keeps doing so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "rooms", sa.Column("keeps_presenter", sa.Boolean, nullable=False, server_default=sa.false())
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("rooms", "keeps_presenter")
