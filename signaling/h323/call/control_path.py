"""How H.245 travels (H.323 8.2): tunnelled in Q.931 messages, or on a TCP connection that one of the two opens."""

from __future__ import annotations

import ipaddress
from enum import Enum, auto

from signaling.h323.ras.address import Address


class Carriage(Enum):
    """Which of the two ways."""

    UNDECIDED = auto()
    TUNNEL = auto()
    CONNECTION = auto()


class Link(Enum):
    """The connection of its own."""

    IDLE = auto()
    LISTENING = auto()
    OPENING = auto()
    OPEN = auto()
    CLOSED = auto()


class ControlPath:
    """The way of one call. Its owner turns `wants_listener` and the address of peer_address() into effects."""

    def __init__(self, offers_tunnelling: bool, *, listens: bool = True) -> None:
        """`listens`: whether the peer could reach us."""
        self._offers_tunnelling = offers_tunnelling
        self._listens = listens
        self.opens = True
        """False for a peer behind a firewall: it opens, wherever it says that it is (H.460.18)."""
        self._is_proven = False
        self._has_failed = False
        self.carriage = Carriage.UNDECIDED if offers_tunnelling else Carriage.CONNECTION
        self.link = Link.IDLE
        self.own_address: Address | None = None
        """Where we listen; goes into every message as h245Address until the connection stands."""
        self.peers_address: Address | None = None

    @property
    def flag(self) -> bool:
        """h245Tunnelling of our messages: once false it stays so (8.2.1)."""
        return self._offers_tunnelling and self.carriage is not Carriage.CONNECTION

    @property
    def can_send(self) -> bool:
        """Whether an H.245 message can go out now."""
        return self.carriage is Carriage.TUNNEL or self.link is Link.OPEN

    @property
    def offered_address(self) -> Address | None:
        """h245Address of our next message."""
        return self.own_address if self.link is Link.LISTENING else None

    def hear(self, is_tunnelling: bool | None, is_provisional: bool, has_control: bool) -> None:
        """What a message of the peer says of tunnelling.

        A false flag ends it for good (8.2.1), but not once H.245 of the peer has come through the tunnel: some
        stacks forget the flag in Information or Status.
        """
        if is_tunnelling is None or self._is_proven or self.carriage is Carriage.CONNECTION:
            return
        if is_tunnelling and self._offers_tunnelling:
            self.carriage = Carriage.TUNNEL
            self._is_proven = has_control
        elif not is_provisional:
            self.carriage = Carriage.CONNECTION

    def hear_address(self, address: Address, is_start: bool) -> None:
        """The peer's h245Address; `is_start` with startH245, which also ends tunnelling (8.2.3).

        Where both ends listen, the one with the smaller address opens and the other ignores what it got.
        """
        if is_start and self.link is not Link.OPEN:
            self.carriage = Carriage.CONNECTION
        if not self.opens:
            return
        if self.link is Link.LISTENING:
            if self.own_address is not None and _order(self.own_address) >= _order(address):
                return
            self.link, self.own_address = Link.IDLE, None
        if self.link is Link.IDLE:
            self.peers_address = address

    def address_to_open(self) -> Address | None:
        """The address to open now, told once."""
        if self.carriage is not Carriage.CONNECTION or self.link is not Link.IDLE or self.peers_address is None:
            return None
        self.link = Link.OPENING
        return self.peers_address

    def must_listen(self) -> bool:
        """Whether to listen now, since there is no other way; told once."""
        if self.carriage is not Carriage.CONNECTION or self.link is not Link.IDLE or self.peers_address is not None:
            return False
        if not self._listens:
            return False
        self.link = Link.LISTENING
        return True

    def listening(self, address: Address) -> bool:
        """We listen there; whether that is still wanted."""
        if self.link is not Link.LISTENING:
            return False
        self.own_address = address
        return True

    def opened(self) -> bool:
        """The connection stands; whether it is wanted."""
        if self.link not in (Link.LISTENING, Link.OPENING):
            return False
        self.link = Link.OPEN
        return True

    def lost(self) -> bool:
        """It is gone, or did not come about; whether there is another way: to listen, after one failure to open."""
        has_way = self.link is Link.OPENING and not self._has_failed
        self._has_failed = True
        self.peers_address = None
        self.link = Link.IDLE if has_way else Link.CLOSED
        return has_way

    def close(self) -> bool:
        """No more H.245; whether there was a connection, or the beginning of one."""
        had_one = self.link in (Link.LISTENING, Link.OPENING, Link.OPEN)
        self.link = Link.CLOSED
        return had_one


def _order(address: Address) -> tuple[int, bytes, int]:
    """Addresses in the order of their octets (8.2.3)."""
    parsed = ipaddress.ip_address(address[0].partition("%")[0])
    return parsed.version, parsed.packed, address[1]
