"""802.1X: sessions, users and devices."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from store.models.base import Base, Utc
from store.models.terminals import KeptBindingRow


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
