"""The conversation of a call that came in: its answer is owed until there is something to see or hear."""

from __future__ import annotations

from signaling.sip.call_handle import IncomingCall
from signaling.sip.calls.conversation import SipConversation
from signaling.sip.calls.leg import SipLeg
from signaling.sip.services import Services


class IncomingConversation(SipConversation):
    """As signaling.visit.IncomingTalk wants it."""

    def __init__(self, call: IncomingCall, leg: SipLeg, services: Services) -> None:
        super().__init__(call, leg, services)
        self.answer_body = b""
        """Our answer to the offer of the INVITE, kept until answer()."""
        self._incoming = call

    @property
    def owes_answer(self) -> bool:
        """Whether the INVITE waits for its 200."""
        return bool(self.answer_body)

    @property
    def has_key_messages(self) -> bool:
        """Whether the caller may send INFO."""
        return "INFO" in self._incoming.request.headers.get("Allow", "INFO").upper()

    def answer(self) -> None:
        """200 to the INVITE, unless that has happened."""
        body, self.answer_body = self.answer_body, b""
        if body:
            self.is_settled = True
            self._incoming.accept(body)

    def ring(self) -> None:
        """180."""
        self._incoming.ring()
