"""The machines of one supplicant, run together until nothing changes (IEEE 802.1X-2004 8.2), and its policies."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Final

from auth8021x.pae import auth_pae, be_auth
from auth8021x.pae.auth_pae import AuthPae
from auth8021x.pae.be_auth import BackendAuth
from auth8021x.pae.conversation import Conversation, Ruling
from auth8021x.pae.eap_pass_through import EapPassThrough
from auth8021x.pae.eap_pass_through import State as EapState
from auth8021x.pae.grant import Grant
from auth8021x.pae.machine import ALL, AUTH_PAE, BE_AUTH, EAP, REAUTH_TIMER, Machine
from auth8021x.pae.reauth_timer import ReauthTimer
from auth8021x.pae.variables import Variables
from auth8021x.wire import eap
from auth8021x.wire.dictionary import TerminateCause, TerminationAction
from auth8021x.wire.eap import Eap
from config.dot1x import PaeSettings

_MAX_LOOKS: Final = 200
"""A bound on what one event can bring about; the figures need half a dozen."""
_MIN_SESSION_S: Final = 1.0


class Authenticator:
    """Pure. After each event: `grant` says whether the port is open, the lists hold what is to be done."""

    def __init__(self, settings: PaeSettings, now: float, identifier: int) -> None:
        self.variables = Variables(settings, now, identifier)
        self.conversation = Conversation()
        self.auth_pae = AuthPae(self.variables)
        self.be_auth = BackendAuth(self.variables)
        self.reauth_timer = ReauthTimer(self.variables)
        self.eap = EapPassThrough(self.variables, self.conversation)
        self._machines: dict[int, Machine[Any]] = {
            AUTH_PAE: self.auth_pae, BE_AUTH: self.be_auth, REAUTH_TIMER: self.reauth_timer, EAP: self.eap,
        }  # fmt: skip
        self.grant: Grant | None = None
        """What holds while the port is open."""
        self.cause = TerminateCause.PORT_REINITIALIZED
        """Why it was closed last."""
        self.renewals = 0
        """Authentications that succeeded."""
        self.is_silent = False
        """It was asked as often as may be and has said nothing: no supplicant."""
        self.has_ever_spoken = False
        self.last_reason = ""
        """Why the last authentication failed."""
        self.counters: Counter[str] = Counter()
        self._settings = settings
        self._offered: Grant | None = None
        self._session_ends_at = math.inf
        self._last_out: Eap | None = None
        self._started_at = -math.inf
        self._start_at = math.inf
        """A Start that came too early counts then."""

    # ---- in

    def begin(self, now: float) -> None:
        """The port is up: ask who is there."""
        self.variables.now = now
        self.variables.initialize = False
        self.variables.port_enabled = True
        self._run(ALL)

    def end(self, cause: TerminateCause, now: float) -> None:
        """Close the port, tell the supplicant, and begin anew."""
        self._close(cause, now)
        self.begin(now)

    def port_down(self, now: float) -> None:
        """The line is gone, and nobody to be told."""
        self.variables.now = now
        self.cause = TerminateCause.LOST_CARRIER
        self.variables.port_enabled = False
        self._run(ALL)
        self.variables.out.clear()

    def pause(self, now: float) -> None:
        """Nobody speaks EAP there: ask no more, until somebody says Start."""
        self.variables.now = now
        self.variables.port_enabled = False
        self.is_silent = False
        self._run(ALL)

    def receive_start(self, now: float) -> None:
        """EAPOL-Start, which anybody may have sent in the supplicant's name: it is bounded what it brings about."""
        v = self.variables
        v.now = now
        state = self.auth_pae.state
        self.has_ever_spoken = True
        if not v.port_enabled:
            self.begin(now)
            return
        if state is auth_pae.State.AUTHENTICATED:
            if now - self._started_at < self._settings.start_interval_s:
                self.counters["start-deferred"] += 1
                self._start_at = min(self._start_at, self._started_at + self._settings.start_interval_s)
                return
        elif state not in auth_pae.FORCED and not self._owes_answer(now):
            self.counters["start-ignored"] += 1
            return
        self._start(now)
        self._run(AUTH_PAE)

    def receive_logoff(self, now: float) -> None:
        """EAPOL-Logoff, which proves nothing either: what it does is a policy."""
        v = self.variables
        v.now = now
        policy = self._settings.logoff
        if policy == "ignore" or (policy == "confirm" and self.auth_pae.state is not auth_pae.State.AUTHENTICATED):
            self.counters["logoff-ignored"] += 1
            return
        if policy == "confirm":
            self.receive_start(now)
            return
        self.cause = TerminateCause.USER_REQUEST
        v.eapol_logoff = True
        self._run(AUTH_PAE)

    def receive_eap(self, packet: Eap, now: float) -> None:
        """An EAP packet of the supplicant."""
        v = self.variables
        v.now = now
        if self.be_auth.state not in be_auth.AWAITING or v.eap_req:
            self.counters["eap-unexpected"] += 1
            return
        v.eapol_eap, v.eap_resp_data = True, packet
        self._run(BE_AUTH)

    def ruled(self, ruling: Ruling, now: float) -> None:
        """The server has answered the last packet of responses()."""
        v = self.variables
        v.now = now
        if self.eap.state is not EapState.AAA_IDLE:
            self.counters["ruling-unexpected"] += 1
            return
        self._offered = ruling.grant
        self.last_reason = ruling.reason
        if ruling.reason:
            self.counters[ruling.reason] += 1
        self.eap.ruling = ruling
        self._run(EAP)

    def no_server(self, now: float) -> None:
        """No server has.

        Where the one that knows the conversation is silent, the backend machine need not wait any longer (its aWhile is
        0), and another server is asked anew. Where all are, it is as if they had refused: or else terminals would be
        asked again at once, for nothing, all of them.
        """
        v = self.variables
        v.now = now
        if self.be_auth.state is not be_auth.State.RESPONSE:
            return
        self.last_reason = "no-server"
        self.counters["no-server"] += 1
        v.keeps_session = v.is_authorized and self._settings.without_server == "keep" and self.conversation.is_first
        if v.keeps_session or not self.conversation.is_first:
            v.a_while = now
        else:
            self.eap.ruling = self.conversation.failed("no-server")
        self._run(BE_AUTH | EAP)
        if v.keeps_session:
            v.re_auth_when = now + self._settings.server_retry_s
            v.keeps_session = False

    def change(self, grant: Grant, now: float) -> None:
        """What holds from now on (CoA); its time counts from now."""
        if self.grant is not None:
            self.variables.now = now
            self.grant = grant
            self._set_timers(grant)

    # ---- out

    def eap_to_send(self) -> list[Eap]:
        """Packets to the supplicant, in their order."""
        out, self.variables.out = self.variables.out, []
        return out

    def responses(self) -> list[Eap]:
        """Packets for the server; each is answered by ruled() or no_server()."""
        out, self.eap.to_server = self.eap.to_server, []
        return out

    # ---- time

    def next_timeout(self) -> float | None:
        """When handle_timeout() has something to do."""
        due = self.due_at()
        return None if due == math.inf else due

    def due_at(self) -> float:
        """The same; infinity for never."""
        v = self.variables
        first = min(self._session_ends_at, self._start_at)
        if v.retrans_while < first and self.eap.state is EapState.IDLE:
            first = v.retrans_while
        if v.a_while < first and self.be_auth.state is be_auth.State.RESPONSE:
            first = v.a_while
        if v.quiet_while < first and self.auth_pae.state is auth_pae.State.HELD:
            first = v.quiet_while
        if v.re_auth_when < first and self.reauth_timer.is_running:
            first = v.re_auth_when
        return first

    def handle_timeout(self, now: float) -> None:
        """Let the machines see the time."""
        v = self.variables
        v.now = now
        if self._session_ends_at <= now:
            self.end(TerminateCause.SESSION_TIMEOUT, now)
            return
        if self._start_at <= now:
            self._start_at = math.inf
            if self.auth_pae.state is auth_pae.State.AUTHENTICATED:
                self._start(now)
        self._run(ALL)

    # ---- the machines together

    def _run(self, concerned: int) -> None:
        """Let the machines that an event concerns move, and whom they concern, until none can."""
        v = self.variables
        was_authorized = v.is_authorized
        for _ in range(_MAX_LOOKS):
            if not concerned:
                break
            looks = concerned & -concerned
            concerned ^= looks
            concerned |= self._machines[looks].advance()
            if self.auth_pae.reached:
                self._look_at_what_was_reached(was_authorized)
        else:
            raise AssertionError("the machines go round in circles")
        if v.has_spoken:
            self.has_ever_spoken, self.is_silent = True, False
        if was_authorized and not v.is_authorized:
            self._closed()
        if v.out:
            self._last_out = v.out[-1]

    def _look_at_what_was_reached(self, was_authorized: bool) -> None:
        """What is done beside the figure; `was_authorized`: before the event."""
        for state in self.auth_pae.reached:
            if state is auth_pae.State.AUTHENTICATED:
                self._authenticated()
            elif state is auth_pae.State.DISCONNECTED:
                self._disconnected(was_authorized)
            elif was_authorized:
                self.cause = TerminateCause.REAUTHENTICATION_FAILURE
        self.auth_pae.reached.clear()

    def _authenticated(self) -> None:
        """Entered after a success, or, by policy, without one while no server answers."""
        offered, self._offered = self._offered, None
        if offered is None or not self.variables.auth_success:
            return
        self.grant = offered
        self.renewals += 1
        self._started_at = self.variables.now
        self._start_at = math.inf
        self._set_timers(offered)

    def _disconnected(self, was_authorized: bool) -> None:
        """Entered at the beginning, after Logoff, or because nobody answers."""
        gave_up, self.variables.gave_up = self.variables.gave_up, False
        if was_authorized and gave_up:
            self.cause = TerminateCause.REAUTHENTICATION_FAILURE
        self.is_silent = gave_up and not self.has_ever_spoken

    def _set_timers(self, grant: Grant) -> None:
        """Session-Timeout and Termination-Action (RFC 3580 3.17 and 3.19), else the settings."""
        v = self.variables
        self._session_ends_at = math.inf
        v.re_auth_enabled, v.re_auth_period = self._settings.reauthenticates, self._settings.re_auth_period_s
        if grant.session_timeout_s is not None:
            session_s = max(_MIN_SESSION_S, float(grant.session_timeout_s))
            if grant.termination_action is TerminationAction.RADIUS_REQUEST:
                v.re_auth_enabled, v.re_auth_period = True, session_s
            else:
                self._session_ends_at = v.now + session_s
        v.re_auth_when = v.now + v.re_auth_period

    def _close(self, cause: TerminateCause, now: float) -> None:
        v = self.variables
        v.now = now
        self.cause = cause
        v.initialize = True
        self._run(ALL)

    def _closed(self) -> None:
        """The port was open and is not: the supplicant is told, whatever the reason was."""
        v = self.variables
        self.grant = None
        self._session_ends_at = self._start_at = math.inf
        v.re_auth_enabled = False
        sent = v.out[-1] if v.out else None
        if not any(each.code == eap.Code.FAILURE for each in v.out) and v.port_enabled:
            # Before whatever asks anew: a request that follows begins a new conversation.
            is_request = sent is not None and sent.code == eap.Code.REQUEST
            v.out.insert(len(v.out) - 1 if is_request else len(v.out), eap.failure(self._last_identifier()))

    def _last_identifier(self) -> int:
        """Of what the supplicant saw last, so that it takes the Failure for one to it (RFC 3748 4.2)."""
        return self.variables.identifier if self._last_out is None else self._last_out.identifier

    def _owes_answer(self, now: float) -> bool:
        """Whether the supplicant has been silent for so long that it may have begun anew."""
        v = self.variables
        if self.eap.state is not EapState.IDLE or self.auth_pae.state is not auth_pae.State.AUTHENTICATING:
            return False
        sent_at = v.retrans_while - self.eap.timeout_s
        return now - sent_at >= self._settings.restart_after_s

    def _start(self, now: float) -> None:
        self._started_at = now
        self._start_at = math.inf
        self.variables.eapol_start = True
