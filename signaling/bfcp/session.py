"""Floor control with one terminal while its call lasts: the cores, their transport, and the conference behind them."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Protocol

from signaling.bfcp.agreement import FloorAgreement, LocalFloor
from signaling.bfcp.client import FloorClient
from signaling.bfcp.events import Event, FloorGranted, FloorLost, FloorReleased, FloorRequested, PeerPresents
from signaling.bfcp.message import RELIABLE, UNRELIABLE, parse_header
from signaling.bfcp.ports import FloorPort
from signaling.bfcp.server import FloorServer, Holder
from signaling.bfcp.transport import TcpTransport, Transport, UdpTransport

logger = logging.getLogger(__name__)

_TAKEN_OVER = "somebody else presents"
_USER_IDS = 0xFFFE
_MAX_MESSAGES_PER_S = 20


class Conference(Protocol):
    """What floor control asks of the room, for one participant."""

    def request_floor(self, leg: int) -> bool:
        """Whether the participant may present."""

    def release_floor(self, leg: int) -> None:
        """The participant presents no longer."""

    def leg_changed(self, leg: int) -> None:
        """What the participant takes is different now."""


class FloorSession:
    """Made when the call is set up; `apply` follows each negotiation, `close` ends it."""

    def __init__(self, leg: int, port: FloorPort, peer_host: str, conference: Conference) -> None:
        self.local = LocalFloor(port.number, secrets.randbelow(2**32 - 1) + 1, user_of(leg))
        self._leg = leg
        self._port = port
        self._peer_host = peer_host
        self._conference = conference
        self._agreed: FloorAgreement | None = None
        self._core: FloorServer | FloorClient | None = None
        self._transport: Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._second, self._messages = 0.0, 0
        self._holder = 0
        self._name = ""
        self._clock = asyncio.get_running_loop().time

    @property
    def may_show(self) -> bool:
        """Whether the terminal takes a shared screen now; where it is the server, when it has granted that."""
        return not isinstance(self._core, FloorClient) or self._core.is_granted

    # ---- signalling

    def apply(self, agreed: FloorAgreement | None) -> None:
        """What was negotiated now; an association that stays the same goes on."""
        if agreed == self._agreed:
            return
        self._end()
        self._agreed = agreed
        if agreed is None:
            return
        version = RELIABLE if agreed.is_tcp else UNRELIABLE
        make = FloorServer if agreed.is_server else FloorClient
        self._core = make(agreed.conference_id, agreed.user_id, agreed.floor_id, version, secrets.randbelow(0xFFFF))
        hosts = {self._peer_host} | ({agreed.remote[0]} if agreed.remote else set())
        if agreed.is_tcp:
            # Nobody may make us open connections to others than itself.
            remote = agreed.remote if agreed.remote and agreed.remote[0] == self._peer_host else None
            self._transport = TcpTransport(
                self._port, remote, hosts, self._receive, connects=agreed.connects, connected=self._connected
            )
        else:
            self._transport = UdpTransport(self._port, agreed.remote, hosts, self._receive, self._is_ours)
            self._connected()
        logger.info(
            "leg=%d floor control as %s by %s", self._leg, "server" if agreed.is_server else "client",
            "tcp" if agreed.is_tcp else "udp",
        )  # fmt: skip

    def close(self) -> None:
        """The call is over."""
        if isinstance(self._core, FloorClient):
            self._core.goodbye(self._clock())
            self._flush()
        self._end()
        self._port.close()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        self._core = None

    # ---- the conference

    def show(self, holder: int, name: str) -> None:
        """Somebody presents now, 0: nobody."""
        self._holder, self._name = holder, name
        self._tell()
        self._flush()

    def _tell(self) -> None:
        core, now = self._core, self._clock()
        is_other = self._holder not in (0, self._leg)
        if isinstance(core, FloorServer):
            if core.is_granted and self._holder != self._leg:
                core.revoke(now, _TAKEN_OVER if is_other else "")
            core.show_holder(Holder(user_of(self._holder), self._name) if is_other else None, now)
        elif core is not None:
            core.want_floor(is_other, now)

    # ---- the terminal

    def _connected(self) -> None:
        if isinstance(self._core, FloorClient):
            self._core.start(self._clock())
        self._tell()
        self._flush()

    def _is_ours(self, data: bytes) -> bool:
        """Whether a datagram names conference and user, which only those know who read the SDP."""
        header, agreed = parse_header(data), self._agreed
        names = (agreed.conference_id, agreed.user_id) if agreed is not None else None
        return header is not None and (header.conference_id, header.user_id) == names

    def _receive(self, data: bytes) -> None:
        if self._core is not None and self._may_go_on():
            self._core.receive(data, self._clock())
            self._work()

    def _may_go_on(self) -> bool:
        """Nobody presses a button so often: what comes beyond is a flood."""
        now = self._clock()
        if now - self._second >= 1.0:
            self._second, self._messages = now, 0
        self._messages += 1
        if self._messages == _MAX_MESSAGES_PER_S + 1:
            logger.warning("leg=%d floor control is flooded", self._leg)
        return self._messages <= _MAX_MESSAGES_PER_S

    def _work(self) -> None:
        while self._core is not None and (event := self._core.next_event()) is not None:
            _HANDLERS[type(event)](self, event)
        self._flush()

    def _requested(self, event: Event) -> None:
        core = self._core
        if not isinstance(event, FloorRequested) or not isinstance(core, FloorServer):
            return
        if self._conference.request_floor(self._leg):
            core.grant(event.request, self._clock())
        else:
            core.deny(event.request, self._clock(), _TAKEN_OVER)

    def _released(self, _event: Event) -> None:
        self._conference.release_floor(self._leg)

    def _may_show_changed(self, _event: Event) -> None:
        self._conference.leg_changed(self._leg)

    def _peer_presents(self, event: Event) -> None:
        if isinstance(event, PeerPresents) and event.is_presenting:
            self._conference.request_floor(self._leg)
        else:
            self._conference.release_floor(self._leg)

    # ---- out, and time

    def _flush(self) -> None:
        if self._core is None or self._transport is None:
            return
        for data in self._core.data_to_send():
            self._transport.send(data)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._core.next_timeout()
        if due is not None:
            self._timer = asyncio.get_running_loop().call_at(due, self._timeout)

    def _timeout(self) -> None:
        self._timer = None
        if self._core is not None:
            self._core.handle_timeout(self._clock())
            self._work()


_HANDLERS: dict[type[Event], Callable[[FloorSession, Event], None]] = {
    FloorRequested: FloorSession._requested,  # noqa: SLF001 - the table of this class
    FloorReleased: FloorSession._released,  # noqa: SLF001
    FloorGranted: FloorSession._may_show_changed,  # noqa: SLF001
    FloorLost: FloorSession._may_show_changed,  # noqa: SLF001
    PeerPresents: FloorSession._peer_presents,  # noqa: SLF001
}


def user_of(leg: int) -> int:
    """The BFCP user of a participant (16 bits, RFC 8855 5.1); 0 is nobody."""
    return leg % _USER_IDS + 1
