"""Authenticator PAE state machine (IEEE 802.1X-2004 8.2.4, figure 8-8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import auto
from typing import Any

from auth8021x.pae.machine import BE_AUTH, EAP, REAUTH_TIMER, Machine, States
from auth8021x.pae.variables import PortControl, Variables
from auth8021x.wire import eap


class State(States):
    """8.2.4.1."""

    INITIALIZE = auto()
    DISCONNECTED = auto()
    RESTART = auto()
    CONNECTING = auto()
    AUTHENTICATING = auto()
    AUTHENTICATED = auto()
    ABORTING = auto()
    HELD = auto()
    FORCE_AUTH = auto()
    FORCE_UNAUTH = auto()


FORCED: frozenset[State] = frozenset({State.FORCE_AUTH, State.FORCE_UNAUTH})
"""States in which an administrator has decided."""


class AuthPae(Machine[State]):
    """Whether the controlled port is open for a supplicant."""

    def __init__(self, variables: Variables) -> None:
        self._v = variables
        self.reached: list[State] = []
        """DISCONNECTED, AUTHENTICATED and HELD, as often as they were entered since the list was emptied."""
        self._port_mode: PortControl | None = None
        super().__init__(State.INITIALIZE)

    def _everywhere(self) -> State | None:
        v = self._v
        is_down = v.initialize or not v.port_enabled
        if is_down or (v.port_control is PortControl.AUTO and self._port_mode is not v.port_control):
            return State.INITIALIZE if self.state is not State.INITIALIZE else None
        if self._port_mode is v.port_control:
            return None
        return State.FORCE_AUTH if v.port_control is PortControl.FORCE_AUTHORIZED else State.FORCE_UNAUTH

    @classmethod
    def _exits(cls) -> Mapping[State, Callable[[Any], State | None]]:
        return {
            State.INITIALIZE: cls._from_initialize,
            State.DISCONNECTED: lambda _: State.RESTART,
            State.RESTART: lambda self: None if self._v.eap_restart else State.CONNECTING,
            State.CONNECTING: cls._from_connecting,
            State.AUTHENTICATING: cls._from_authenticating,
            State.AUTHENTICATED: cls._from_authenticated,
            State.ABORTING: cls._from_aborting,
            State.HELD: lambda self: State.RESTART if self._v.quiet_while <= self._v.now else None,
            State.FORCE_AUTH: lambda self: State.FORCE_AUTH if self._v.eapol_start else None,
            State.FORCE_UNAUTH: lambda self: State.FORCE_UNAUTH if self._v.eapol_start else None,
        }

    @classmethod
    def _actions(cls) -> Mapping[State, Callable[[Any], None]]:
        return {
            State.INITIALIZE: cls._initialize,
            State.DISCONNECTED: cls._disconnected,
            State.RESTART: cls._restart,
            State.CONNECTING: cls._connecting,
            State.AUTHENTICATING: cls._authenticating,
            State.AUTHENTICATED: cls._authenticated,
            State.ABORTING: cls._aborting,
            State.HELD: cls._held,
            State.FORCE_AUTH: cls._force_auth,
            State.FORCE_UNAUTH: cls._force_unauth,
        }

    @classmethod
    def _concerns(cls) -> Mapping[State, int]:
        return {
            State.RESTART: EAP,
            State.AUTHENTICATING: BE_AUTH,
            State.AUTHENTICATED: REAUTH_TIMER,
            State.ABORTING: BE_AUTH,
            State.FORCE_AUTH: REAUTH_TIMER,
        }

    # ---- conditions, in the order of the figure

    def _from_initialize(self) -> State | None:
        v = self._v
        return None if v.initialize or not v.port_enabled else State.DISCONNECTED

    def _from_connecting(self) -> State | None:
        v = self._v
        if v.eapol_logoff:
            return State.DISCONNECTED
        if v.re_auth_count > v.settings.re_auth_max:
            v.gave_up = True
            return State.DISCONNECTED
        return State.AUTHENTICATING if v.eap_req or v.eap_success or v.eap_fail else None

    def _from_authenticating(self) -> State | None:
        v = self._v
        if v.auth_success and v.port_valid:
            return State.AUTHENTICATED
        if v.auth_fail:
            return State.HELD
        return State.ABORTING if v.eapol_start or v.eapol_logoff or v.auth_timeout else None

    def _from_authenticated(self) -> State | None:
        v = self._v
        if v.eapol_start or v.re_authenticate:
            return State.RESTART
        return State.DISCONNECTED if v.eapol_logoff or not v.port_valid else None

    def _from_aborting(self) -> State | None:
        v = self._v
        if v.auth_abort:
            return None
        if v.eapol_logoff:
            return State.DISCONNECTED
        # Our own: without a server a session may go on by policy (test_a_session_is_kept_while_no_server_answers).
        return State.AUTHENTICATED if v.keeps_session and v.is_authorized else State.RESTART

    # ---- states

    def _initialize(self) -> None:
        self._port_mode = PortControl.AUTO
        # Figure 8-8 closes the port in DISCONNECTED, which is not entered while the port is down: closed is closed.
        self._v.is_authorized = False

    def _disconnected(self) -> None:
        v = self._v
        v.is_authorized = False
        v.re_auth_count = 0
        v.eapol_logoff = False
        self.reached.append(State.DISCONNECTED)

    def _restart(self) -> None:
        self._v.eap_restart = True

    def _connecting(self) -> None:
        self._v.re_authenticate = False
        self._v.re_auth_count += 1

    def _authenticating(self) -> None:
        v = self._v
        v.eapol_start = v.auth_success = v.auth_fail = v.auth_timeout = False
        v.auth_start = True

    def _authenticated(self) -> None:
        self._v.is_authorized = True
        self._v.re_auth_count = 0
        self.reached.append(State.AUTHENTICATED)

    def _aborting(self) -> None:
        self._v.auth_abort = True

    def _held(self) -> None:
        v = self._v
        v.is_authorized = False
        v.quiet_while = v.now + v.settings.quiet_period_s
        v.eapol_logoff = False
        v.eapol_start = False  # a Start of before must not end the quiet period's authentication at once
        self.reached.append(State.HELD)

    def _force_auth(self) -> None:
        v = self._v
        v.is_authorized = True
        self._port_mode = PortControl.FORCE_AUTHORIZED
        v.eapol_start = False
        v.out.append(eap.success(v.identifier))  # txCannedSuccess

    def _force_unauth(self) -> None:
        v = self._v
        v.is_authorized = False
        self._port_mode = PortControl.FORCE_UNAUTHORIZED
        v.eapol_start = False
        v.out.append(eap.failure(v.identifier))  # txCannedFail
