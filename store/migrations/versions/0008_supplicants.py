"""Users and devices of 802.1X that the embedded RADIUS server knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "supplicants",
        sa.Column("key", sa.String(512), nullable=False),
        sa.Column("identity", sa.String(253), nullable=False),
        sa.Column("group_name", sa.String(32), nullable=False),
        sa.Column("mac", sa.String(17), nullable=True),
        sa.Column("nt_hash", sa.LargeBinary, nullable=True),
        sa.Column("password", sa.LargeBinary, nullable=True),
        sa.Column("may_bypass", sa.Boolean, nullable=False),
        sa.Column("is_enabled", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_supplicants"),
        sa.UniqueConstraint("mac", name="uq_supplicants_mac"),
    )


def downgrade() -> None:
    op.drop_table("supplicants")
