"""An EAP peer (RFC 3748 4 and 5): answers requests, with one method and no other. Pure."""

from __future__ import annotations

from typing import Final

from auth8021x.supplicant.method import PeerMethod
from auth8021x.wire import eap
from auth8021x.wire.eap import Eap
from auth8021x.wire.eap import Method as Type

_MAX_NOTES: Final = 8
_MAX_NOTE_BYTES: Final = 1015
"""RFC 3748 5.2."""


class Peer:
    """`identity`: what it says before anything is encrypted, and everybody on the wire can read."""

    def __init__(self, identity: str, method: PeerMethod) -> None:
        self.identity = identity
        self.method = method
        self.has_run = False
        """Whether the server has asked anything by the method."""
        self.offered: list[int] = []
        """Methods that the server proposed and that were refused."""
        self.notes: list[str] = []
        """What the server wants to be displayed (5.2)."""

    def identify(self, identifier: int = 0) -> Eap:
        """Who it is (5.1)."""
        return Eap(eap.Code.RESPONSE, identifier, Type.IDENTITY, self.identity.encode())

    def respond(self, request: Eap) -> Eap:
        """The answer to a request."""
        if request.type == Type.IDENTITY:
            return self.identify(request.identifier)
        if request.type == Type.NOTIFICATION:
            self._note(request.data)
            return Eap(eap.Code.RESPONSE, request.identifier, Type.NOTIFICATION)
        if request.type != self.method.kind:
            return self._refuse(request)
        self.has_run = True
        data = self.method.respond(request.data, request.identifier)
        return Eap(eap.Code.RESPONSE, request.identifier, self.method.kind, data)

    def _refuse(self, request: Eap) -> Eap:
        """Legacy Nak: this method instead (5.3.1)."""
        if request.type not in self.offered:
            self.offered.append(request.type)
        return Eap(eap.Code.RESPONSE, request.identifier, Type.NAK, bytes((self.method.kind,)))

    def _note(self, data: bytes) -> None:
        if len(self.notes) < _MAX_NOTES:
            text = data[:_MAX_NOTE_BYTES].decode("utf-8", "replace")
            self.notes.append("".join(each if each.isprintable() else " " for each in text))
