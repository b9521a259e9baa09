"""Versions of rooms and terminals, so that nobody overwrites what somebody else has just changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("rooms", "terminals"):
        op.add_column(table, sa.Column("version", sa.Integer, nullable=False, server_default="1"))


def downgrade() -> None:
    for table in ("terminals", "rooms"):
        op.drop_column(table, "version")
