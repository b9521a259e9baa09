"""A port of the authenticator: its terminals, by MAC address, and what they may cost (IEEE 802.1X-2004 6.3). Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from auth8021x.errors import MalformedPacketError
from auth8021x.pae import nas
from auth8021x.pae.actions import Action, Ask, SendFrame
from auth8021x.pae.arrivals import Arrivals
from auth8021x.pae.eap_pass_through import State as EapState
from auth8021x.pae.grant import By, Grant
from auth8021x.pae.nas import NasPort
from auth8021x.pae.terminal import Terminal
from auth8021x.radius.dynamic_orders import Change, Order, Selector
from auth8021x.radius.request import Answered, Chance, Request
from auth8021x.wire import eap, eapol, mac_address
from auth8021x.wire.dictionary import Code, ErrorCause, TerminateCause
from auth8021x.wire.eap import Eap
from auth8021x.wire.eapol import PAE_GROUP_ADDRESS, Eapol, Frame
from config.dot1x import PaeSettings

_MAX_GREETINGS: Final = 3
"""Requests for Identity to nobody in particular, after the line has come up."""


KeepsOut = Callable[[bytes, Grant], str]
"""Is asked with MAC and grant before a terminal is let in: why the port cannot give it that, in a word, or ""."""


class Port:
    """Events in, actions out; times are monotonic seconds."""

    def __init__(self, port: NasPort, settings: PaeSettings, chance: Chance, keeps_out: KeepsOut | None = None) -> None:
        """`keeps_out`: without it the port can give whatever is granted."""
        self._keeps_out = keeps_out or _gives_all
        self.name = port.name
        self.counters: Counter[str] = Counter()
        self.terminals: dict[bytes, Terminal] = {}
        self.silent: dict[bytes, None] = {}
        """Terminals that were asked in vain, for people: no more than there may be terminals."""
        self._port = port
        self._settings = settings
        self._chance = chance
        self._is_up = False
        self._arrivals = Arrivals(settings.new_supplicants_per_s, 2.0 * settings.max_supplicants_per_port)
        self._greeting = chance.octets(1)[0]
        """Identifier of the requests to the group address."""
        self._greetings = 0
        self._greet_at = math.inf
        self._due: dict[bytes, float] = {}
        """When each terminal has something to do."""
        self._first_due = math.inf
        """Before it none has, maybe also not then: looking for the first of all at each frame would cost more."""
        self._tickets: dict[int, bytes] = {}
        self._last_ticket = 0
        self._actions: list[Action] = []
        self._handlers: dict[int, Callable[[Frame, float], None]] = {
            eapol.Type.START: self._started, eapol.Type.LOGOFF: self._logged_off, eapol.Type.EAP: self._spoke,
        }  # fmt: skip

    # ---- in

    def carrier(self, is_up: bool, now: float) -> None:
        """The line came up, or is gone; with it go all sessions, and nobody is there to be told."""
        if is_up == self._is_up:
            return
        self._is_up = is_up
        self._greetings, self._greet_at = 0, now if is_up else math.inf
        for terminal in list(self.terminals.values()):
            terminal.is_gone = True
            terminal.authenticator.port_down(now)
            terminal.bypass.end(TerminateCause.LOST_CARRIER)
            self._settle(terminal, now)
        if not is_up:
            self.terminals.clear()
            self._due.clear()
            self._first_due = math.inf
            self.silent.clear()
            self._tickets.clear()
        self.handle_timeout(now)

    def receive(self, data: bytes, now: float) -> None:
        """An Ethernet frame of EAPOL."""
        try:
            frame = eapol.parse_frame(data)
        except MalformedPacketError:
            self.counters["malformed"] += 1
            return
        handler = self._handlers.get(frame.packet.type)
        if handler is None or not self._is_up or frame.destination not in (PAE_GROUP_ADDRESS, self._port.mac):
            self.counters["ignored"] += 1
            return
        handler(frame, now)

    def seen(self, mac: bytes, now: float) -> None:
        """A terminal has sent something else than EAPOL, and is kept out: ask whether it speaks EAP."""
        if self._is_up and mac not in self.terminals:
            self._arrive(mac, now)

    def answered(self, ticket: int, answer: Answered, now: float) -> None:
        """What a server said to an Ask."""
        terminal = self._of_ticket(ticket)
        if terminal is None:
            return
        if ticket == terminal.bypass_ticket:
            terminal.bypass_ticket = 0
            terminal.bypass.answered(answer.packet, now)
            by_address = terminal.bypass.grant
            if by_address is not None and (why := self._keeps_out(terminal.mac, by_address)):
                terminal.bypass.refuse(why, now)
        else:
            terminal.eap_ticket = 0
            authenticator = terminal.authenticator
            ruling = authenticator.conversation.rule(answer.server, answer.packet)
            if ruling.grant is not None and (why := self._keeps_out(terminal.mac, ruling.grant)):
                ruling = authenticator.conversation.failed(why)
            authenticator.ruled(ruling, now)
        self._settle(terminal, now)

    def no_answer(self, ticket: int, now: float) -> None:
        """No server answered an Ask."""
        terminal = self._of_ticket(ticket)
        if terminal is None:
            return
        if ticket == terminal.bypass_ticket:
            terminal.bypass_ticket = 0
            terminal.bypass.answered(None, now)
        else:
            terminal.eap_ticket = 0
            terminal.authenticator.no_server(now)
        self._settle(terminal, now)

    def count(self, selector: Selector) -> int:
        """How many sessions fit."""
        return len(self._fitting(selector))

    def disconnect(self, selector: Selector, now: float) -> ErrorCause | None:
        """End the sessions that fit, by order (RFC 5176)."""
        found = self._fitting(selector)
        for terminal in found:
            terminal.bypass.end(TerminateCause.ADMIN_RESET)
            terminal.authenticator.end(TerminateCause.ADMIN_RESET, now)
            self._settle(terminal, now)
        return None if found else ErrorCause.SESSION_CONTEXT_NOT_FOUND

    def keep_out(self, mac: bytes, reason: str, now: float) -> None:
        """A terminal was let in and is not: it is told so, and asked anew. A guest, which has no session, stays one."""
        terminal = self.terminals.get(mac)
        if terminal is None or terminal.grant is None or terminal.grant.by is By.GUEST:
            return
        if terminal.grant.by is By.BYPASS:
            terminal.bypass.refuse(reason, now)
        else:
            terminal.authenticator.last_reason = reason
            terminal.authenticator.end(TerminateCause.NAS_REQUEST, now)
        self._settle(terminal, now)

    def change(self, order: Order, now: float) -> ErrorCause | None:
        """Change the session that fits, by order (RFC 5176)."""
        found = self._fitting(order.selector)
        if not found:
            return ErrorCause.SESSION_CONTEXT_NOT_FOUND
        if len(found) > 1:
            return ErrorCause.MULTIPLE_SESSION_SELECTION_UNSUPPORTED
        terminal = found[0]
        assert terminal.grant is not None
        grant = _changed(terminal.grant, order.change)
        terminal.authenticator.change(grant, now)
        terminal.bypass.change(grant, now)
        self._settle(terminal, now)
        return None

    # ---- out

    def actions(self) -> list[Action]:
        """What is to be done now, in its order."""
        out, self._actions = self._actions, []
        return out

    # ---- time

    def next_timeout(self) -> float | None:
        """When handle_timeout() has something to do, or the first of what was to be done then."""
        due = min(self._greet_at, self._first_due)
        return None if due == math.inf else due

    def handle_timeout(self, now: float) -> None:
        """Greet, ask again, renew, end."""
        if self._greet_at <= now:
            self._greet(now)
        for terminal in [self.terminals[mac] for mac, due in self._due.items() if due <= now]:
            terminal.authenticator.handle_timeout(now)
            terminal.bypass.handle_timeout(now)
            self._actions.extend(terminal.interim(now))
            self._settle(terminal, now)
        self._first_due = min(self._due.values(), default=math.inf)

    # ---- terminals

    def _started(self, frame: Frame, now: float) -> None:
        terminal = self.terminals.get(frame.source)
        if terminal is None:
            terminal = self._arrive(frame.source, now)
            if terminal is not None:
                terminal.authenticator.has_ever_spoken = True
            return
        terminal.authenticator.receive_start(now)
        self._settle(terminal, now)

    def _logged_off(self, frame: Frame, now: float) -> None:
        terminal = self.terminals.get(frame.source)
        if terminal is not None:
            terminal.authenticator.receive_logoff(now)
            self._settle(terminal, now)

    def _spoke(self, frame: Frame, now: float) -> None:
        try:
            packet = eap.parse(frame.packet.body)
        except MalformedPacketError:
            self.counters["malformed"] += 1
            return
        terminal = self.terminals.get(frame.source)
        is_greeted = packet.code == eap.Code.RESPONSE and packet.identifier == self._greeting
        if terminal is None and is_greeted and packet.type == eap.Method.IDENTITY:
            terminal = self._arrive(frame.source, now, asked=True)
        if terminal is None:
            self.counters["unknown-terminal"] += 1
            return
        terminal.seen_at = now
        terminal.authenticator.receive_eap(packet, now)
        self._settle(terminal, now)

    def _arrive(self, mac: bytes, now: float, *, asked: bool = False) -> Terminal | None:
        """A terminal that was not known; `asked`: it answers a request to the group address."""
        if mac[0] & 1 or not any(mac) or mac == self._port.mac:
            return None
        if not self._arrivals.take(now) or not self._has_room(now):
            self.counters["too-many-terminals"] += 1
            return None
        identifier = (self._greeting - 1) % 256 if asked else self._chance.octets(1)[0]
        terminal = Terminal(mac, self._port, self._settings, self._chance, now, identifier)
        self.terminals[mac] = terminal
        self.silent.pop(mac, None)
        self._greet_at = math.inf
        terminal.authenticator.begin(now)
        if asked:
            terminal.authenticator.eap_to_send()
        self._settle(terminal, now)
        return terminal

    def _has_room(self, now: float) -> bool:
        """Make room: of those of whom nothing is known, else of guests, the one seen longest ago goes."""
        if len(self.terminals) < self._settings.max_supplicants_per_port:
            return True
        unknown = [each for each in self.terminals.values() if each.is_idle]
        unknown = unknown or [each for each in self.terminals.values() if each.is_guest]
        if not unknown:
            return False
        oldest = min(unknown, key=lambda each: each.seen_at)
        oldest.is_gone = True
        self._actions.extend(oldest.settle(now))
        self._forget(oldest.mac)
        self.counters["forgotten"] += 1
        return True

    def _settle(self, terminal: Terminal, now: float) -> None:
        """Do what the machines of a terminal want."""
        authenticator = terminal.authenticator
        if authenticator.is_silent:
            terminal.fall_back(now)
        self._actions += terminal.settle(now)
        for packet in authenticator.eap_to_send():
            self._send(terminal.mac, packet)
        for response in authenticator.responses():
            terminal.eap_ticket = self._ask(terminal, self._eap_request(terminal, response))
        if authenticator.eap.state is not EapState.AAA_IDLE:
            terminal.eap_ticket = 0  # it has begun anew: what the server says to the conversation of before is too late
        if terminal.bypass.wants_answer:
            terminal.bypass.wants_answer = False
            password = mac_address.user_name(terminal.mac).encode()
            request = Request(Code.ACCESS_REQUEST, self._port.for_bypass(terminal.mac), password)
            terminal.bypass_ticket = self._ask(terminal, request)
        if authenticator.counters:
            self.counters.update(authenticator.counters)
            authenticator.counters.clear()
        if self.terminals.get(terminal.mac) is not terminal:
            return
        due = self._due[terminal.mac] = terminal.next_timeout()
        if due < self._first_due:
            self._first_due = due
        if terminal.is_over:
            self._forget(terminal.mac)
            self._note_silent(terminal.mac)

    def _forget(self, mac: bytes) -> None:
        del self.terminals[mac], self._due[mac]

    def _note_silent(self, mac: bytes) -> None:
        self.silent[mac] = None
        if len(self.silent) > self._settings.max_supplicants_per_port:
            del self.silent[next(iter(self.silent))]

    def _eap_request(self, terminal: Terminal, response: Eap) -> Request:
        conversation = terminal.authenticator.conversation
        return Request(
            Code.ACCESS_REQUEST,
            (nas.user_name(terminal.mac, conversation.identity), *conversation.attributes(response)),
            server=conversation.server,
            can_begin_anew=not conversation.is_first,
            place=self._port.place(terminal.mac),
        )

    def _ask(self, terminal: Terminal, request: Request) -> int:
        self._last_ticket += 1
        self._tickets[self._last_ticket] = terminal.mac
        self._actions.append(Ask(self._last_ticket, request))
        return self._last_ticket

    def _of_ticket(self, ticket: int) -> Terminal | None:
        """The terminal that waits for this answer; it may have begun anew since it asked, or be gone."""
        terminal = self.terminals.get(self._tickets.pop(ticket, b""))
        if terminal is None or ticket not in (terminal.eap_ticket, terminal.bypass_ticket):
            self.counters["late-answer"] += 1
            return None
        return terminal

    def _greet(self, now: float) -> None:
        """Ask whoever is there: without it a supplicant waits for seconds before it says Start."""
        self._greetings += 1
        self._send(PAE_GROUP_ADDRESS, eap.request_identity(self._greeting))
        self._greet_at = now + self._settings.request_timeout_s if self._greetings < _MAX_GREETINGS else math.inf

    def _send(self, destination: bytes, packet: Eap) -> None:
        frame = Frame(destination, self._port.mac, Eapol(eapol.Type.EAP, packet.serialize()))
        self._actions.append(SendFrame(frame.serialize()))

    def _fitting(self, selector: Selector) -> list[Terminal]:
        return [terminal for terminal in self.terminals.values() if self._fits(terminal, selector)]

    def _fits(self, terminal: Terminal, selector: Selector) -> bool:
        grant = terminal.grant
        if grant is None:
            return False
        asked = (
            (selector.user_name, grant.identity), (selector.mac, terminal.mac), (selector.session_id, terminal.session),
            (selector.port_id, self._port.name),
        )  # fmt: skip
        is_here = selector.port is None or selector.port == self._port.number
        return is_here and all(wanted in (found, "", b"") for wanted, found in asked)


def _gives_all(_mac: bytes, _grant: Grant) -> str:
    return ""


def _changed(grant: Grant, change: Change) -> Grant:
    wanted = {
        "session_timeout_s": change.session_timeout_s, "termination_action": change.termination_action,
        "interim_s": change.interim_s, "filter_id": change.filter_id, "vlan": change.vlan,
    }  # fmt: skip
    return replace(grant, **{key: value for key, value in wanted.items() if value is not None})
