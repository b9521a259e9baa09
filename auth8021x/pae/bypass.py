"""MAC authentication bypass: a terminal that speaks no EAP is looked up by its address. Pure.

The request is Call-Check, and only its answer counts here; an answer that carries EAP was meant for something else.
"""

from __future__ import annotations

import math
from enum import Enum, auto

from auth8021x.errors import MalformedPacketError
from auth8021x.pae.grant import By, Grant, read_grant
from auth8021x.wire import attribute, mac_address
from auth8021x.wire.dictionary import Code, TerminateCause, TerminationAction, Type
from auth8021x.wire.packet import Packet
from config.dot1x import PaeSettings


class State(Enum):
    """Of one terminal."""

    IDLE = auto()
    ASKED = auto()
    """For the first time, or again while it is in."""
    ADMITTED = auto()
    REFUSED = auto()


class Bypass:
    """One terminal. `wants_answer` says that a server is to be asked."""

    def __init__(self, settings: PaeSettings, mac: bytes) -> None:
        self._settings = settings
        self._mac = mac
        self.state = State.IDLE
        self.grant: Grant | None = None
        self.wants_answer = False
        self.cause = TerminateCause.SESSION_TIMEOUT
        """Why it was let in no longer."""
        self.reason = ""
        """Why it is refused, in a word."""
        self.due_at = math.inf
        """When handle_timeout() has something to do."""

    def ask(self) -> None:
        """Look it up, unless that is under way, or was in vain a moment ago."""
        if self.state in (State.IDLE, State.ADMITTED):
            self.state, self.wants_answer, self.due_at = State.ASKED, True, math.inf

    def answered(self, answer: Packet | None, now: float) -> None:
        """What the server said; None: no server did."""
        if self.state is not State.ASKED:
            return
        if answer is None and self.grant is not None and self._settings.without_server == "keep":
            self.state, self.due_at = State.ADMITTED, now + self._settings.server_retry_s
            return
        self.grant = None if answer is None else self._read(answer)
        if self.grant is None:
            self.cause = TerminateCause.REAUTHENTICATION_FAILURE
            self.reason = "no-server" if answer is None else "unknown-address"
            self.state, self.due_at = State.REFUSED, now + self._settings.quiet_period_s
            return
        self.state = State.ADMITTED
        timeout_s = self.grant.session_timeout_s
        self.due_at = math.inf if timeout_s is None else now + max(1.0, float(timeout_s))

    def refuse(self, reason: str, now: float) -> None:
        """Its port cannot give it what it was granted, or no longer."""
        self.grant, self.reason, self.cause = None, reason, TerminateCause.NAS_REQUEST
        self.state, self.due_at = State.REFUSED, now + self._settings.quiet_period_s

    def end(self, cause: TerminateCause) -> None:
        """It is in no longer by its address."""
        self.cause = cause
        self.state, self.grant, self.wants_answer, self.due_at = State.IDLE, None, False, math.inf

    def change(self, grant: Grant, now: float) -> None:
        """What holds from now on (CoA)."""
        if self.grant is not None:
            self.grant = grant
            if grant.session_timeout_s is not None:
                self.due_at = now + max(1.0, float(grant.session_timeout_s))

    def handle_timeout(self, now: float) -> None:
        """The session is over, or to be renewed; or a refusal is forgotten."""
        if self.due_at > now:
            return
        renews = self.grant is not None and self.grant.termination_action is TerminationAction.RADIUS_REQUEST
        keeps = self.grant is not None and self._settings.without_server == "keep"
        if self.state is State.ADMITTED and (renews or keeps):
            self.ask()
        else:
            self.end(TerminateCause.SESSION_TIMEOUT)

    def _read(self, answer: Packet) -> Grant | None:
        if answer.code != Code.ACCESS_ACCEPT or attribute.first(answer.attributes, Type.EAP_MESSAGE) is not None:
            return None
        try:
            return read_grant(answer.attributes, mac_address.user_name(self._mac), By.BYPASS)
        except MalformedPacketError:
            return None
