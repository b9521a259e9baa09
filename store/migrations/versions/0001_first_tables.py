"""Rooms, users, sessions and recordings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_rooms()
    _create_people()
    _create_recordings()


def downgrade() -> None:
    for table in ("recordings", "sessions", "users", "rooms"):
        op.drop_table(table)


def _create_rooms() -> None:
    op.create_table(
        "rooms",
        sa.Column("number", sa.String(12), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("alias", sa.String(64)),
        sa.Column("guest_hash", sa.String(256)),
        sa.Column("host_hash", sa.String(256)),
        sa.Column("is_guest_weak", sa.Boolean, nullable=False),
        sa.Column("is_host_weak", sa.Boolean, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("is_locked", sa.Boolean, nullable=False),
        sa.Column("waits_for_host", sa.Boolean, nullable=False),
        sa.Column("max_participants", sa.Integer, nullable=False),
        sa.Column("record", sa.String(16), nullable=False),
        sa.Column("layout", sa.String(16), nullable=False),
        sa.Column("required_grade", sa.Integer, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_rooms"),
        sa.UniqueConstraint("alias", name="uq_rooms_alias"),
        sa.CheckConstraint("record IN ('off', 'on-request', 'always')", name="ck_rooms_record"),
        sa.CheckConstraint("layout IN ('auto', 'grid', 'speaker', 'lecture')", name="ck_rooms_layout"),
        sa.CheckConstraint("required_grade BETWEEN 0 AND 2", name="ck_rooms_required_grade"),
        sa.CheckConstraint("max_participants >= 1", name="ck_rooms_max_participants"),
    )


def _create_people() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("name_key", sa.String(128), nullable=False),
        sa.Column("password_hash", sa.String(256), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("must_change", sa.Boolean, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name_key", name="uq_users_name_key"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_sessions_token_hash"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id", ondelete="CASCADE"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])


def _create_recordings() -> None:
    op.create_table(
        "recordings",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("room_number", sa.String(12), nullable=False),
        sa.Column("room_name", sa.String(128), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("started_by", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("ended_at", _TIME),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("duration_s", sa.Float, nullable=False),
        sa.Column("chain_head", sa.String(128), nullable=False),
        sa.Column("participants", sa.JSON, nullable=False),
        sa.Column("error", sa.String(256), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recordings"),
        sa.CheckConstraint("state IN ('running', 'complete', 'interrupted', 'failed')", name="ck_recordings_state"),
    )
    op.create_index("ix_recordings_started_at", "recordings", ["started_at"])
    op.create_index("ix_recordings_room_number", "recordings", ["room_number"])
    op.create_index("ix_recordings_state", "recordings", ["state"])
