"""A session: a device that the network let in, where, as whom, and which addresses it has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import msgspec

from auth8021x.directory.naming import UNSAID, Naming
from auth8021x.errors import MalformedPacketError

Key = tuple[str, bytes]
"""Site and MAC: what there is one live session of."""


class Entry(Enum):
    """How a device got in."""

    EAP = "eap"
    BYPASS = "bypass"
    """By its MAC address alone."""
    GUEST = "guest"
    """Unauthenticated, into the network of guests: no session as far as calls are concerned."""


class Source(Enum):
    """Who says that an address is a device's."""

    STATIC = "static"
    ACCOUNTING = "accounting"
    DHCP = "dhcp"
    ARP = "arp"

    @property
    def rank(self) -> int:
        """What is seen on our own ports goes before what a switch tells, and both before what somebody once wrote."""
        return {Source.STATIC: 0, Source.ACCOUNTING: 1}.get(self, 2)


@dataclass(frozen=True, slots=True)
class Held:
    """An address of a session."""

    address: str
    source: Source
    seen_at: float
    """UTC seconds."""


@dataclass(frozen=True, slots=True)
class Session:
    """One live session. Times are UTC seconds."""

    site: str
    mac: bytes
    nas: str
    """The switch; our own ports are those of our own NAS-Identifier."""
    session_id: str
    """Acct-Session-Id."""
    identity: str
    port: str
    opened_at: float
    heard_at: float
    expires_at: float | None
    """When it ends unless it is heard of; None: its end will be told."""
    entry: Entry | None = None
    """None: the switch does not say."""
    role: str = ""
    vlan: str = ""
    is_own: bool = False
    """On a port of ours."""
    addresses: tuple[Held, ...] = ()
    naming: Naming = UNSAID
    told_at: int | None = None
    """When it was last told of, by the clock of its switch."""
    ends_at: float | None = None
    """When its Session-Timeout is over; None: it has none, or its switch does not say."""
    is_renewable: bool = False
    """Whether it is asked again then (Termination-Action RADIUS-Request), and goes on where it proves itself."""

    @property
    def key(self) -> Key:
        """See Key."""
        return self.site, self.mac

    def serialize(self) -> str:
        """How it is kept over a restart."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def parse(cls, text: str) -> Session:
        """One that was kept. Raises MalformedPacketError."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, ValueError):
            raise MalformedPacketError("a kept session cannot be read") from None
