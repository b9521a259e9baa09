"""What is told about a session: by accounting of a switch, or by the authenticator on our own ports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from auth8021x.directory.naming import UNSAID, Naming
from auth8021x.directory.session import Entry
from auth8021x.wire.dictionary import TerminateCause


class Kind(Enum):
    """What happened."""

    START = "start"
    INTERIM = "interim"
    STOP = "stop"
    NAS_RESTARTED = "nas-restarted"
    """Accounting-On or -Off: no session of before goes on."""


@dataclass(frozen=True, slots=True)
class Report:
    """One of them. What is not known is empty."""

    kind: Kind
    site: str
    nas: str
    session_id: str = ""
    mac: bytes = b""
    identity: str = ""
    port: str = ""
    role: str = ""
    vlan: str = ""
    entry: Entry | None = None
    addresses: tuple[str, ...] = ()
    interim_s: float = 0.0
    """Interval of updates."""
    age_s: float = 0.0
    """How long ago it happened (Acct-Delay-Time)."""
    cause: str = ""
    """Why it ended."""
    is_own: bool = False
    naming: Naming = UNSAID
    told_at: int | None = None
    """By the clock of the switch (Event-Timestamp)."""

    @property
    def id(self) -> tuple[str, str, str]:
        """Names a session among all."""
        return self.site, self.nas, self.session_id


class Granted(Protocol):
    """What the authenticator says of a terminal that it let in (auth8021x.pae.grant.Grant)."""

    @property
    def identity(self) -> str:
        """Who it is."""

    @property
    def by(self) -> Enum:
        """How it got in; the values are those of Entry."""

    @property
    def vlan(self) -> str:
        """Where to."""

    @property
    def filter_id(self) -> str:
        """What for."""


def cause_name(cause: int) -> str:
    """Acct-Terminate-Cause in words, for pages and the audit."""
    return _CAUSES.get(cause, str(cause))


@dataclass(frozen=True, slots=True)
class OwnPort:
    """A port of our authenticator: its Admit and Expel become reports."""

    site: str
    nas: str
    name: str

    def admitted(self, mac: bytes, session_id: str, grant: Granted) -> Report:
        """A terminal was let in, or what it may do has changed."""
        return Report(
            Kind.START, self.site, self.nas, session_id, mac, grant.identity, self.name, grant.filter_id, grant.vlan,
            Entry(grant.by.value), is_own=True,
        )  # fmt: skip

    def expelled(self, mac: bytes, session_id: str, cause: str) -> Report:
        """It is in no longer."""
        return Report(Kind.STOP, self.site, self.nas, session_id, mac, cause=cause, is_own=True)


_CAUSES: Final = {each.value: each.name.lower().replace("_", "-") for each in TerminateCause}
