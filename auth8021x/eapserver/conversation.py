"""The server's side of one EAP conversation (RFC 3748 4 and 5.3): which method, and what comes of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from auth8021x.eapserver.account import may_claim
from auth8021x.eapserver.step import Ask, Failed, Method, Moment, Passed
from auth8021x.wire import eap
from auth8021x.wire.eap import Eap
from auth8021x.wire.eap import Method as Type

MakeMethod = Callable[[str, int], Method]
"""Takes the name that the peer gave first, and how much TLS fits into a packet."""


class Conversation:
    """Begins after the peer's Identity. `methods`: by type, the one to be proposed first in front."""

    def __init__(
        self, outer: str, fragment_bytes: int, methods: Mapping[int, MakeMethod], anonymous: tuple[str, ...],
        max_rounds: int,
    ) -> None:  # fmt: skip
        self.outer = outer
        self._fragment_bytes = fragment_bytes
        self._methods = methods
        self._anonymous = anonymous
        self._rounds_left = max_rounds
        self._method: Method | None = None
        self._identifier = 0
        self._may_refuse = True

    @property
    def method(self) -> int:
        """The type that runs, 0 before there is one."""
        return self._method.kind if self._method is not None else 0

    def begin(self, identity_identifier: int) -> Eap:
        """The first request of the first method."""
        self._identifier = identity_identifier
        return self._begin(next(iter(self._methods)))

    def respond(self, response: Eap, moment: Moment) -> Eap | Passed | Failed | None:
        """What follows on a response; None where it answers another request than the last (RFC 3748 4.1)."""
        if response.identifier != self._identifier or self._method is None:
            return None
        self._rounds_left -= 1
        if self._rounds_left <= 0:
            return Failed("too-many-rounds")
        if response.type in (Type.NAK, Type.EXPANDED):
            return self._refused(response)
        self._may_refuse = False
        if response.type != self._method.kind:
            return Failed("malformed", "a response of another type")
        step = self._method.respond(response.data, self._next(), moment)
        if isinstance(step, Ask):
            return self._ask(step.data)
        if isinstance(step, Passed) and not may_claim(self.outer, step.identity, self._anonymous):
            return Failed("other-identity", f"began as {self.outer!r}", step.identity)
        return step

    def _refused(self, response: Eap) -> Eap | Failed:
        """Legacy Nak (5.3.1): only in place of the first response, and once."""
        if not self._may_refuse:
            return Failed("malformed", "Nak in a method")
        self._may_refuse = False
        wanted = response.data if response.type == Type.NAK else b""
        found = next((kind for kind in self._methods if kind in wanted and kind != self.method), None)
        if found is None:
            return Failed("no-common-method", f"the peer wants {list(wanted[:8])}")
        return self._begin(found)

    def _begin(self, kind: int) -> Eap:
        self._method = self._methods[kind](self.outer, self._fragment_bytes)
        return self._ask(self._method.begin(self._next()))

    def _ask(self, data: bytes) -> Eap:
        self._identifier = self._next()
        return Eap(eap.Code.REQUEST, self._identifier, self.method, data)

    def _next(self) -> int:
        return (self._identifier + 1) % 256
