"""Recordings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Float, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from store.models.base import Base, Utc


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
