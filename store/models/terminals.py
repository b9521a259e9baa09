"""Terminals, and where they are registered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Float, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from store.models.base import Base, Utc


class TerminalRow(Base):
    """terminals."""

    __tablename__ = "terminals"

    alias: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    site: Mapped[str] = mapped_column(String(80))
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    h235_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    is_enabled: Mapped[bool]
    version: Mapped[int] = mapped_column(server_default="1")
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
