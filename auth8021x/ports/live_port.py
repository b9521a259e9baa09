"""One port of ours on its interface: its sockets and its machines, made anew when the interface is another one."""

from __future__ import annotations

import logging
import socket
from collections import Counter
from collections.abc import Callable, Container

from auth8021x.pae.nas import NasPort
from auth8021x.pae.port import KeepsOut, Port
from auth8021x.ports.arrival_socket import ArrivalSocket
from auth8021x.ports.eapol_socket import EapolSocket, mac_of
from auth8021x.ports.runner import Accounting, Enforcement, PortRunner, Refused, Servers
from auth8021x.ports.status import TerminalStatus, silent_status, terminal_status
from auth8021x.radius.chance import SystemChance
from auth8021x.radius.dynamic_orders import Order, Selector
from auth8021x.snooping.address_socket import AddressSocket
from auth8021x.snooping.last_seen import LastSeen
from auth8021x.snooping.sighting import Sighting
from auth8021x.wire.dictionary import ErrorCause
from config.dot1x import Dot1xSettings

logger = logging.getLogger(__name__)

WhyOut = Callable[[str, bytes], str]
"""Asked with port and MAC of a terminal that has a grant: why it is not in all the same, "" where it is."""


class LivePort:
    """Told of its carrier; lets in whom a RADIUS server lets in. Close it."""

    def __init__(
        self, settings: Dot1xSettings, name: str, number: int, servers: Servers, enforcement: Enforcement,
        accounting: Accounting | None, last_seen: LastSeen, addressed: Callable[[str, bytes, str], None],
        terminals: Container[bytes], refused: Refused | None = None, keeps_out: KeepsOut | None = None,
    ) -> None:  # fmt: skip
        """`addressed` is told each address that is seen, with port and MAC: the enforcement.

        `terminals`: who is in, on whichever port. A bridge lets them send under their own address alone. `refused`
        is told who was refused; `keeps_out`: see Port.
        """
        self._keeps_out = keeps_out
        self._refused = refused
        self.name = name
        self.number = number
        self.is_up = False
        self._settings = settings
        self._servers = servers
        self._enforcement = enforcement
        self._accounting = accounting
        self._last_seen = last_seen
        self._addressed = addressed
        self._terminals = terminals
        self._index = 0
        self._runner: PortRunner | None = None
        self._sockets: list[EapolSocket | AddressSocket | ArrivalSocket] = []
        self._counters: Counter[str] = Counter()
        """Of the sockets, and of machines that are no more."""

    def open(self) -> None:
        """Listen. Raises OSError where there is no such interface or no right to listen on it."""
        settings = self._settings
        self._index = socket.if_nametoindex(self.name)
        place = NasPort(settings.nas_identifier, settings.nas_address, self.number, self.name, mac_of(self.name))
        core = Port(place, settings.pae, SystemChance(), self._keeps_out)
        runner = PortRunner(core, self._servers, self._enforcement, self._accounting, self._refused)
        try:
            runner.link = eapol = EapolSocket(self.name, runner.receive, self._counters)
            self._sockets.append(eapol)
            self._sockets.append(AddressSocket(self.name, self.sighted, self._counters))
            self._sockets.append(ArrivalSocket(self.name, runner.seen, self._counters))
        except OSError:
            self._close_sockets()
            raise
        self._runner = runner

    def close(self) -> None:
        """Throw everybody out, and tell them; listen no more."""
        if self._runner is not None:
            self._runner.disconnect(Selector())
        self._end()

    def carrier(self, is_up: bool) -> None:
        """The line came up, or is gone."""
        self.is_up = is_up
        if is_up:
            self._look_at_interface()
        if self._runner is not None:
            self._runner.carrier(is_up)
        if not is_up:
            self._last_seen.line_lost()

    def sighted(self, found: Sighting) -> None:
        """An address was seen here. A terminal that plays the DHCP server binds nobody."""
        if found.server in self._terminals:
            self._counters["snooping-terminal-as-server"] += 1
            return
        self._addressed(self.name, found.mac, found.address)
        self._last_seen.seen(found)

    # ---- orders, as AllPorts gives them

    def count(self, selector: Selector) -> int:
        """How many sessions fit."""
        return 0 if self._runner is None else self._runner.count(selector)

    def disconnect(self, selector: Selector) -> ErrorCause | None:
        """End the sessions that fit."""
        if self._runner is None:
            return ErrorCause.SESSION_CONTEXT_NOT_FOUND
        return self._runner.disconnect(selector)

    def keep_out(self, mac: bytes, reason: str) -> None:
        """A terminal was let in and is not."""
        if self._runner is not None:
            self._runner.keep_out(mac, reason)

    def change(self, order: Order) -> ErrorCause | None:
        """Change the session that fits."""
        return ErrorCause.SESSION_CONTEXT_NOT_FOUND if self._runner is None else self._runner.change(order)

    # ---- for people

    def terminals(self, why_out: WhyOut) -> tuple[TerminalStatus, ...]:
        """Who is here, in the order in which they came."""
        if self._runner is None:
            return ()
        port = self._runner.port
        known = [terminal_status(each, why_out(self.name, each.mac)) for each in port.terminals.values()]
        return (*known, *(silent_status(mac) for mac in port.silent))

    def counters(self) -> Counter[str]:
        """What was dropped or refused, by reason; cumulative."""
        return self._counters if self._runner is None else self._counters + self._runner.port.counters

    def _look_at_interface(self) -> None:
        """A network card that was pulled out and put in again is another interface of the same name."""
        try:
            if self._runner is not None and socket.if_nametoindex(self.name) == self._index:
                return
        except OSError:
            pass  # it is gone again
        self._end()
        try:
            self.open()
        except OSError as error:
            self._counters["interface-lost"] += 1
            logger.error("port=%s cannot be opened again: %s", self.name, error)

    def _end(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()
            self._counters.update(runner.port.counters)
        self._close_sockets()

    def _close_sockets(self) -> None:
        for each in self._sockets:
            each.close()
        self._sockets.clear()
