"""What is told about a session: by accounting of a switch, or by the authenticator on our own ports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from auth8021x.directory.naming import UNSAID, Naming
from auth8021x.directory.session import Entry
from auth8021x.wire.dictionary import TerminateCause, TerminationAction


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
    lasts_s: float | None = None
    """Session-Timeout, from when it was let in; None: none, or it is not said."""
    is_renewable: bool = False
    """Whether it is asked again then."""

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

    @property
    def session_timeout_s(self) -> int | None:
        """For how long."""

    @property
    def termination_action(self) -> TerminationAction:
        """What comes then."""


def cause_name(cause: int) -> str:
    """Acct-Terminate-Cause in words, for pages and the audit."""
    return _CAUSES.get(cause, str(cause))


@dataclass(frozen=True, slots=True)
class OwnPort:
    """A port of our authenticator: its Admit and Expel become reports."""

    site: str
    nas: str
    name: str
    renews_every_s: float | None = None
    """How often who is let in by 802.1X is asked again where no server has said; None: never."""

    def admitted(self, mac: bytes, session_id: str, grant: Granted) -> Report:
        """A terminal was let in, or what it may do has changed."""
        entry = Entry(grant.by.value)
        lasts_s = None if grant.session_timeout_s is None else float(grant.session_timeout_s)
        is_renewable = grant.termination_action is TerminationAction.RADIUS_REQUEST
        if lasts_s is None and entry is Entry.EAP:
            lasts_s, is_renewable = self.renews_every_s, True
        return Report(
            Kind.START, self.site, self.nas, session_id, mac, grant.identity, self.name, grant.filter_id, grant.vlan,
            entry, is_own=True, lasts_s=lasts_s, is_renewable=is_renewable and lasts_s is not None,
        )  # fmt: skip

    def expelled(self, mac: bytes, session_id: str, cause: str) -> Report:
        """It is in no longer."""
        return Report(Kind.STOP, self.site, self.nas, session_id, mac, cause=cause, is_own=True)


_CAUSES: Final = {each.value: each.name.lower().replace("_", "-") for each in TerminateCause}
