"""The tables (SQLAlchemy 2, declarative), a file an area; callers get the plain values of rooms.py, users.py ..."""

from store.models.base import Base, Utc
from store.models.network import PortSessionRow, SupplicantRow
from store.models.people import SessionRow, UserRow
from store.models.recordings import RecordingRow
from store.models.rooms import RoomRow
from store.models.terminals import BindingRow, EndpointRow, KeptBindingRow, TerminalRow

__all__ = [
    "Base",
    "BindingRow",
    "EndpointRow",
    "KeptBindingRow",
    "PortSessionRow",
    "RecordingRow",
    "RoomRow",
    "SessionRow",
    "SupplicantRow",
    "TerminalRow",
    "UserRow",
    "Utc",
]
