"""Rooms."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Integer, String, false
from sqlalchemy.orm import Mapped, mapped_column

from store.models.base import Base, Utc


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
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime] = mapped_column(Utc)
    updated_at: Mapped[datetime] = mapped_column(Utc)
