"""Backend Authentication state machine (IEEE 802.1X-2004 8.2.9, figure 8-12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import auto
from typing import Any

from auth8021x.pae.machine import AUTH_PAE, EAP, Machine, States
from auth8021x.pae.variables import PortControl, Variables
from auth8021x.wire import eap


class State(States):
    """8.2.9.1."""

    INITIALIZE = auto()
    IDLE = auto()
    REQUEST = auto()
    RESPONSE = auto()
    SUCCESS = auto()
    FAIL = auto()
    TIMEOUT = auto()
    IGNORE = auto()


AWAITING: frozenset[State] = frozenset({State.REQUEST, State.IGNORE})
"""States in which an answer of the supplicant is waited for."""


class BackendAuth(Machine[State]):
    """Carries EAP between the supplicant and what speaks to the server."""

    def __init__(self, variables: Variables) -> None:
        self._v = variables
        super().__init__(State.INITIALIZE)

    def _everywhere(self) -> State | None:
        v = self._v
        if v.port_control is not PortControl.AUTO or v.initialize:
            return State.INITIALIZE if self.state is not State.INITIALIZE else None
        return State.INITIALIZE if v.auth_abort else None  # which ends the condition

    @classmethod
    def _exits(cls) -> Mapping[State, Callable[[Any], State | None]]:
        return {
            State.INITIALIZE: cls._from_initialize,
            State.IDLE: cls._from_idle,
            State.REQUEST: cls._from_request,
            State.RESPONSE: cls._from_response,
            State.SUCCESS: lambda _: State.IDLE,
            State.FAIL: lambda _: State.IDLE,
            State.TIMEOUT: lambda _: State.IDLE,
            State.IGNORE: cls._from_request,
        }

    @classmethod
    def _actions(cls) -> Mapping[State, Callable[[Any], None]]:
        return {
            State.INITIALIZE: cls._initialize,
            State.IDLE: cls._idle,
            State.REQUEST: cls._request,
            State.RESPONSE: cls._response,
            State.SUCCESS: cls._success,
            State.FAIL: cls._fail,
            State.TIMEOUT: cls._timeout,
            State.IGNORE: cls._ignore,
        }

    @classmethod
    def _concerns(cls) -> Mapping[State, int]:
        return {
            State.INITIALIZE: AUTH_PAE,
            State.RESPONSE: EAP,
            State.SUCCESS: AUTH_PAE,
            State.FAIL: AUTH_PAE,
            State.TIMEOUT: AUTH_PAE,
        }

    # ---- conditions

    def _from_initialize(self) -> State | None:
        v = self._v
        return None if v.port_control is not PortControl.AUTO or v.initialize else State.IDLE

    def _from_idle(self) -> State | None:
        v = self._v
        if not v.auth_start:
            return None
        if v.eap_fail:
            return State.FAIL
        if v.eap_req:
            return State.REQUEST
        return State.SUCCESS if v.eap_success else None

    def _from_request(self) -> State | None:
        v = self._v
        if v.eapol_eap:
            return State.RESPONSE
        if v.eap_req:
            return State.REQUEST
        return State.TIMEOUT if v.eap_timeout else None

    def _from_response(self) -> State | None:
        v = self._v
        if v.eap_no_req:
            return State.IGNORE
        if v.eap_req:
            return State.REQUEST
        if v.a_while <= v.now:
            return State.TIMEOUT
        if v.eap_fail:
            return State.FAIL
        return State.SUCCESS if v.eap_success else None

    # ---- states

    def _initialize(self) -> None:
        v = self._v
        v.eap_no_req = v.auth_abort = v.auth_start = v.eapol_eap = False
        v.a_while = float("inf")

    def _idle(self) -> None:
        self._v.auth_start = False

    def _request(self) -> None:
        v = self._v
        v.tx_req()
        v.eap_req = False
        # Not in the figure: an answer that came before this request went out cannot be one to it.
        v.eapol_eap = False

    def _response(self) -> None:
        v = self._v
        v.auth_timeout = v.eapol_eap = v.eap_no_req = False
        v.a_while = v.now + v.settings.server_timeout_s
        v.eap_resp = True

    def _success(self) -> None:
        self._v.tx_req()
        self._v.auth_success = True

    def _fail(self) -> None:
        self._v.tx_req()
        self._v.auth_fail = True

    def _timeout(self) -> None:
        v = self._v
        v.auth_timeout = True
        # Not in the figure: a supplicant that has begun is told that it came to nothing (RFC 3748 4.2).
        if v.has_spoken and not v.keeps_session:
            v.out.append(eap.failure(v.identifier))

    def _ignore(self) -> None:
        self._v.eap_no_req = False
