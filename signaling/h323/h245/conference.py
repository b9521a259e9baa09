"""H.243 in H.245: numbers of terminals, the password, who is there, and no to chairs (H.323 8.4.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from signaling.h323.h245.events import (
    Effect,
    Password,
    PasswordWanted,
    TerminalLabel,
    indication,
    request,
    response,
)

MOST_TERMINALS = 192
"""An MCU numbers no more (H.243 6)."""
_LONGEST_NAME = 128
_LONGEST_PASSWORD = 32


@dataclass(frozen=True, slots=True)
class Label:
    """<M><T>: the numbers of an MCU and of a terminal in its care (H.243 6)."""

    mcu: int
    terminal: int


class Conference:
    """The conference as the peer is told of it: we as its MC, or as a terminal of another MCU."""

    def __init__(self) -> None:
        self.assigned: Label | None = None
        """Our number for the peer."""
        self.own: Label | None = None
        """The peer's number for us."""
        self.own_name = ""
        """Our answer to the question who we are."""
        self._terminals: dict[Label, str] = {}
        self._is_asking = False

    # ---- the owner's wishes

    def assign(self, label: Label) -> list[Effect]:
        """Number the peer: terminalNumberAssign."""
        self.assigned = label
        return [_indicate("terminalNumberAssign", _label(label))]

    def ask_password(self) -> list[Effect]:
        """Ask for it: enterH243Password."""
        self._is_asking = True
        return [request("conferenceRequest", ("enterH243Password", 0))]

    def answer_password(self, octets: bytes) -> list[Effect]:
        """A passwordResponse; 1 to 32 octets."""
        body = {"terminalLabel": _label(self.own or Label(0, 0)), "password": octets[:_LONGEST_PASSWORD]}
        return [_respond("passwordResponse", body)]

    def set_terminals(self, terminals: dict[Label, str]) -> list[Effect]:
        """Tell a peer that has a number who has come and gone."""
        before = self._terminals
        self._terminals = dict(list(terminals.items())[:MOST_TERMINALS])
        if self.assigned is None:
            return []
        gone: list[Effect] = [
            _indicate("terminalLeftConference", _label(label)) for label in before if label not in self._terminals
        ]
        come: list[Effect] = [
            _indicate("terminalJoinedConference", _label(label)) for label in self._terminals if label not in before
        ]
        return [*gone, *come]

    # ---- what comes

    def receive_request(self, content: Any) -> list[Effect] | None:
        """A conferenceRequest; None when there is no answer to it but that it is not understood."""
        name, body = content
        if name in _REFUSALS:
            return [_respond(*_REFUSALS[name])]
        handler = self._REQUESTS.get(name)
        return None if handler is None else handler(self, body)

    def receive_response(self, content: Any) -> list[Effect]:
        """A conferenceResponse; of use is only the password that was asked for."""
        name, body = content
        if name != "passwordResponse" or not self._is_asking:
            return []
        self._is_asking = False
        return [Password(body["password"])]

    def receive_indication(self, content: Any) -> list[Effect]:
        """A conferenceIndication; of use is only our number."""
        name, body = content
        if name != "terminalNumberAssign":
            return []
        self.own = Label(body["mcuNumber"], body["terminalNumber"])
        return [TerminalLabel(self.own.mcu, self.own.terminal)]

    def _password_asked(self, _body: Any) -> list[Effect]:
        return [PasswordWanted()]

    def _who_are_you(self, _body: Any) -> list[Effect] | None:
        if not self.own_name:
            return None
        name = self.own_name.encode()[:_LONGEST_NAME]
        return [_respond("terminalIDResponse", {"terminalLabel": _label(self.own or Label(0, 0)), "terminalID": name})]

    def _who_is_there(self, _body: Any) -> list[Effect] | None:
        if not self._terminals:
            return None  # no empty list can be told
        return [_respond("terminalListResponse", [_label(label) for label in self._terminals])]

    def _who_is_all(self, _body: Any) -> list[Effect]:
        known = [_identity(label, name) for label, name in self._terminals.items() if name]
        return [_respond("requestAllTerminalIDsResponse", {"terminalInformation": known})]

    def _who_is(self, body: Any) -> list[Effect] | None:
        label = Label(body["mcuNumber"], body["terminalNumber"])
        name = self._terminals.get(label)
        return [_respond("mCTerminalIDResponse", _identity(label, name))] if name else None

    def _nothing(self, _body: Any) -> list[Effect]:
        """After cancelMakeMeChair: it is not the chair anyway."""
        return []

    _REQUESTS: ClassVar[dict[str, Callable[[Conference, Any], list[Effect] | None]]] = {
        "enterH243Password": _password_asked,
        "enterH243TerminalID": _who_are_you,
        "terminalListRequest": _who_is_there,
        "requestAllTerminalIDs": _who_is_all,
        "requestTerminalID": _who_is,
        "cancelMakeMeChair": _nothing,
    }


def _label(label: Label) -> dict[str, int]:
    return {"mcuNumber": label.mcu, "terminalNumber": label.terminal}


def _identity(label: Label, name: str) -> dict[str, Any]:
    return {"terminalLabel": _label(label), "terminalID": name.encode()[:_LONGEST_NAME]}


def _respond(name: str, body: Any) -> Effect:
    return response("conferenceResponse", (name, body))


def _indicate(name: str, body: Any) -> Effect:
    return indication("conferenceIndication", (name, body))


_REFUSALS: dict[str, tuple[str, Any]] = {
    "makeMeChair": ("makeMeChairResponse", ("deniedChairToken", 0)),
    "dropTerminal": ("terminalDropReject", 0),
    "requestTerminalCertificate": ("terminalCertificateResponse", {}),
    "broadcastMyLogicalChannel": ("broadcastMyLogicalChannelResponse", ("deniedBroadcastMyLogicalChannel", 0)),
    "makeTerminalBroadcaster": ("makeTerminalBroadcasterResponse", ("deniedMakeTerminalBroadcaster", 0)),
    "sendThisSource": ("sendThisSourceResponse", ("deniedSendThisSource", 0)),
    "remoteMCRequest": ("remoteMCResponse", ("reject", ("unspecified", 0))),
}
"""The host rules the room from the browser; no terminal takes the chair."""
