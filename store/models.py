"""The tables (SQLAlchemy 2, declarative); callers get the plain values of rooms.py, users.py ..."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    false,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Utc(TypeDecorator[datetime]):
    """Aware times in UTC, also in SQLite, which keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Into the database. Raises ValueError for naive times."""
        if value is not None and value.tzinfo is None:
            raise ValueError("times must be aware")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Out of the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=_NAMES)


class RoomRow(Base):
    """rooms."""

    __tablename__ = "rooms"
    __table_args__ = (
        CheckConstraint("record IN ('off', 'on-request', 'always')", name="record"),
        CheckConstraint("layout IN ('auto', 'grid', 'speaker', 'lecture')", name="layout"),
        CheckConstraint("encryption IN ('off', 'automatic', 'required')", name="encryption"),
        CheckConstraint("required_grade BETWEEN 0 AND 2", name="required_grade"),
        CheckConstraint("max_participants >= 1", name="max_participants"),
    )

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(128))
    alias: Mapped[str | None] = mapped_column(String(64), unique=True)
    guest_hash: Mapped[str | None] = mapped_column(String(256))
    host_hash: Mapped[str | None] = mapped_column(String(256))
    is_guest_weak: Mapped[bool]
    is_host_weak: Mapped[bool]
    generation: Mapped[int] = mapped_column(Integer)
    is_locked: Mapped[bool]
    waits_for_host: Mapped[bool]
    keeps_presenter: Mapped[bool] = mapped_column(server_default=false())
    has_full_hd: Mapped[bool] = mapped_column(server_default=false())
    max_participants: Mapped[int]
    record: Mapped[str] = mapped_column(String(16))
    layout: Mapped[str] = mapped_column(String(16))
    encryption: Mapped[str] = mapped_column(String(16), server_default="automatic")
    required_grade: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Utc)
    updated_at: Mapped[datetime] = mapped_column(Utc)


class TerminalRow(Base):
    """terminals."""

    __tablename__ = "terminals"

    alias: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    site: Mapped[str] = mapped_column(String(80))
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    h235_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    is_enabled: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Utc)
    updated_at: Mapped[datetime] = mapped_column(Utc)


class KeptBindingRow:
    """Where a terminal is registered, over a restart; the memory of the registrar leads."""

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    # No foreign key: bindings are written later and together; those of deleted terminals are left out when read.
    alias: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[float] = mapped_column(Float)
    data: Mapped[str] = mapped_column(Text)


class BindingRow(KeptBindingRow, Base):
    """bindings: of the SIP registrar."""

    __tablename__ = "bindings"


class EndpointRow(KeptBindingRow, Base):
    """endpoints: of the H.323 gatekeeper."""

    __tablename__ = "endpoints"


class PortSessionRow(KeptBindingRow, Base):
    """port_sessions: of the directory of 802.1X; `alias` is the MAC."""

    __tablename__ = "port_sessions"


class SupplicantRow(Base):
    """supplicants: users and devices that the embedded RADIUS server knows; `key` is the identity, folded."""

    __tablename__ = "supplicants"

    key: Mapped[str] = mapped_column(String(512), primary_key=True)
    identity: Mapped[str] = mapped_column(String(253))
    group_name: Mapped[str] = mapped_column(String(32))
    mac: Mapped[str | None] = mapped_column(String(17), unique=True)
    nt_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    password: Mapped[bytes | None] = mapped_column(LargeBinary)
    may_bypass: Mapped[bool]
    is_enabled: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Utc)
    updated_at: Mapped[datetime] = mapped_column(Utc)


class UserRow(Base):
    """users."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(64))
    name_key: Mapped[str] = mapped_column(String(128), unique=True)
    password_hash: Mapped[str] = mapped_column(String(256))
    role: Mapped[str] = mapped_column(String(16))
    must_change: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Utc)


class SessionRow(Base):
    """sessions."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Utc)
    expires_at: Mapped[datetime] = mapped_column(Utc, index=True)


class RecordingRow(Base):
    """recordings."""

    __tablename__ = "recordings"
    __table_args__ = (
        Index("ix_recordings_started_at", "started_at"),
        CheckConstraint("state IN ('running', 'complete', 'interrupted', 'failed')", name="state"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    # No foreign key: recordings outlive their room.
    room_number: Mapped[str] = mapped_column(String(12), index=True)
    room_name: Mapped[str] = mapped_column(String(128))
    started_at: Mapped[datetime] = mapped_column(Utc)
    started_by: Mapped[str] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(16), index=True)
    ended_at: Mapped[datetime | None] = mapped_column(Utc)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    duration_s: Mapped[float] = mapped_column(Float)
    chain_head: Mapped[str] = mapped_column(String(128))
    participants: Mapped[list[Any]] = mapped_column(JSON)
    error: Mapped[str] = mapped_column(String(256))
