"""The conversation of a call that came in: answered before its channels are agreed on."""

from __future__ import annotations

from signaling.h323.calls.conversation import H323Conversation


class IncomingConversation(H323Conversation):
    """As signaling.visit.IncomingTalk wants it."""

    has_key_messages: bool = True
    """userInputIndication is part of H.245."""
    owes_answer: bool = False
    """When somebody asks, Connect has gone."""

    def answer(self) -> None:
        """Connect has gone."""

    def ring(self) -> None:
        """It was answered."""
