"""EAP authenticator that passes everything through to a server (RFC 4137 section 6 and figure 6), as far as we need it.

It knows one method by itself, Identity; all others live in the supplicant and in the server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import auto
from typing import Any

from auth8021x.pae.conversation import Conversation, Ruling
from auth8021x.pae.machine import AUTH_PAE, BE_AUTH, Machine, States
from auth8021x.pae.variables import Variables
from auth8021x.wire import eap
from auth8021x.wire.eap import Code, Eap, Method


class State(States):
    """RFC 4137 6.4; both halves of the figure (IDLE and IDLE2 ...) are one here."""

    DISABLED = auto()
    INITIALIZE = auto()
    SEND_REQUEST = auto()
    IDLE = auto()
    RETRANSMIT = auto()
    RECEIVED = auto()
    DISCARD = auto()
    AAA_REQUEST = auto()
    AAA_IDLE = auto()
    AAA_RESPONSE = auto()
    TIMEOUT_FAILURE = auto()
    SUCCESS = auto()
    FAILURE = auto()


class EapPassThrough(Machine[State]):
    """What the backend machine calls the higher layer."""

    def __init__(self, variables: Variables, conversation: Conversation) -> None:
        self._v = variables
        self._conversation = conversation
        self._retrans_count = 0
        """Times that the request was sent."""
        self.timeout_s = variables.settings.request_timeout_s
        self._next: Eap | None = None
        """The request that is sent next."""
        self.ruling: Ruling | None = None
        """What the server has said (aaaEapReq, aaaSuccess, aaaFail)."""
        self.to_server: list[Eap] = []
        """Responses for the server (aaaEapResp)."""
        super().__init__(State.DISABLED)

    def _everywhere(self) -> State | None:
        v = self._v
        if not v.port_enabled:
            return State.DISABLED if self.state is not State.DISABLED else None
        return State.INITIALIZE if v.eap_restart else None

    @classmethod
    def _exits(cls) -> Mapping[State, Callable[[Any], State | None]]:
        return {
            State.DISABLED: lambda _: None,
            State.INITIALIZE: lambda _: State.SEND_REQUEST,
            State.SEND_REQUEST: lambda _: State.IDLE,
            State.IDLE: cls._from_idle,
            State.RETRANSMIT: cls._from_retransmit,
            State.RECEIVED: lambda self: State.AAA_REQUEST if self._is_answer() else State.DISCARD,
            State.DISCARD: lambda _: State.IDLE,
            State.AAA_REQUEST: lambda _: State.AAA_IDLE,
            State.AAA_IDLE: cls._from_aaa_idle,
            State.AAA_RESPONSE: lambda _: State.SEND_REQUEST,
            State.TIMEOUT_FAILURE: lambda _: None,
            State.SUCCESS: lambda _: None,
            State.FAILURE: lambda _: None,
        }

    @classmethod
    def _actions(cls) -> Mapping[State, Callable[[Any], None]]:
        return {
            State.DISABLED: cls._stop,
            State.INITIALIZE: cls._initialize,
            State.SEND_REQUEST: cls._send_request,
            State.IDLE: lambda _: None,
            State.RETRANSMIT: cls._retransmit,
            State.RECEIVED: lambda _: None,
            State.DISCARD: cls._discard,
            State.AAA_REQUEST: cls._aaa_request,
            State.AAA_IDLE: lambda _: None,
            State.AAA_RESPONSE: cls._aaa_response,
            State.TIMEOUT_FAILURE: cls._timeout_failure,
            State.SUCCESS: cls._success,
            State.FAILURE: cls._failure,
        }

    @classmethod
    def _concerns(cls) -> Mapping[State, int]:
        return {
            State.INITIALIZE: AUTH_PAE,
            State.SEND_REQUEST: AUTH_PAE | BE_AUTH,
            State.RETRANSMIT: AUTH_PAE | BE_AUTH,
            State.DISCARD: BE_AUTH,
            State.TIMEOUT_FAILURE: BE_AUTH,
            State.SUCCESS: AUTH_PAE | BE_AUTH,
            State.FAILURE: AUTH_PAE | BE_AUTH,
        }

    # ---- conditions

    def _from_idle(self) -> State | None:
        v = self._v
        if v.eap_resp:
            return State.RECEIVED
        return State.RETRANSMIT if v.retrans_while <= v.now else None

    def _from_retransmit(self) -> State | None:
        return State.TIMEOUT_FAILURE if self._retrans_count > self._v.settings.max_requests else State.IDLE

    def _from_aaa_idle(self) -> State | None:
        return None if self.ruling is None else _FOLLOWS[self.ruling.code]

    def _is_answer(self) -> bool:
        """Whether the response answers the request that is out (RFC 3748 4.1)."""
        request, response = self._v.eap_req_data, self._v.eap_resp_data
        if request is None or response is None:
            return False
        if response.code != Code.RESPONSE or response.identifier != request.identifier:
            return False
        return response.type == request.type or (response.type == Method.NAK and request.type > Method.NAK)

    # ---- states

    def _stop(self) -> None:
        v = self._v
        v.retrans_while = float("inf")
        v.eap_req = v.eap_resp = v.eap_no_req = v.eap_success = v.eap_fail = v.eap_timeout = False
        self.ruling = None

    def _initialize(self) -> None:
        self._stop()
        v = self._v
        v.eap_restart = v.keeps_session = v.has_spoken = False
        self._conversation.begin()
        self.timeout_s = v.settings.request_timeout_s
        # Any number follows any other, 0 among them; only that of the packet before must not come again at once.
        v.identifier = (v.identifier + 1) % 256
        self._next = eap.request_identity(v.identifier)

    def _send_request(self) -> None:
        v = self._v
        assert self._next is not None
        v.identifier = self._next.identifier
        v.eap_req_data, self._next = self._next, None
        v.eap_resp, v.eap_req = False, True
        self._retrans_count = 1
        v.retrans_while = v.now + self.timeout_s

    def _retransmit(self) -> None:
        v = self._v
        self._retrans_count += 1
        if self._retrans_count <= v.settings.max_requests:
            v.eap_req = True
            v.retrans_while = v.now + self.timeout_s
        else:
            v.retrans_while = float("inf")

    def _discard(self) -> None:
        self._v.eap_resp = False
        self._v.eap_no_req = True

    def _aaa_request(self) -> None:
        v = self._v
        assert v.eap_resp_data is not None
        v.eap_resp, v.has_spoken, self.ruling = False, True, None
        v.retrans_while = float("inf")
        self._conversation.responded(v.eap_resp_data)
        self.to_server.append(v.eap_resp_data)

    def _aaa_response(self) -> None:
        ruling, self.ruling = self.ruling, None
        assert ruling is not None
        self._next = ruling.packet
        # Session-Timeout in a challenge is how long the terminal's user may think (RFC 3579 2.3).
        self.timeout_s = ruling.timeout_s or self._v.settings.request_timeout_s

    def _timeout_failure(self) -> None:
        self._v.eap_timeout = True

    def _success(self) -> None:
        assert self.ruling is not None
        self._v.eap_req_data, self._v.eap_success = self.ruling.packet, True

    def _failure(self) -> None:
        assert self.ruling is not None
        self._v.eap_req_data, self._v.eap_fail = self.ruling.packet, True


_FOLLOWS = {Code.REQUEST: State.AAA_RESPONSE, Code.SUCCESS: State.SUCCESS, Code.FAILURE: State.FAILURE}
