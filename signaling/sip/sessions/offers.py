"""Who owes an answer in one dialog (RFC 3264 4, RFC 3261 13.2.1, RFC 3311 5, RFC 6337)."""

from __future__ import annotations

from enum import Enum, auto


class Turn(Enum):
    """Whose answer is waited for."""

    NOBODY = auto()
    PEER = auto()
    """We offered."""
    OURS = auto()
    """The peer offered."""


class Offers:
    """One exchange at a time; `local` and `remote` are the descriptions that were last agreed."""

    def __init__(self) -> None:
        self.turn = Turn.NOBODY
        self.local = b""
        self.remote = b""
        self._proposed = b""

    def sent_offer(self, description: bytes) -> None:
        """Our offer is out."""
        self.turn, self._proposed = Turn.PEER, description

    def received_answer(self, description: bytes) -> None:
        """The peer agreed."""
        if self.turn is Turn.PEER:
            self.turn, self.local, self.remote = Turn.NOBODY, self._proposed, description

    def received_offer(self, description: bytes) -> None:
        """The peer offered."""
        self.turn, self._proposed = Turn.OURS, description

    def sent_answer(self, description: bytes) -> None:
        """We agreed."""
        if self.turn is Turn.OURS:
            self.turn, self.local, self.remote = Turn.NOBODY, description, self._proposed

    def sent(self, description: bytes) -> None:
        """A description of ours went out in a message that may hold either."""
        if self.turn is Turn.OURS:
            self.sent_answer(description)
        else:
            self.sent_offer(description)

    def drop(self) -> None:
        """The offer that was open was refused: what was agreed before holds (RFC 3261 14.1)."""
        self.turn = Turn.NOBODY

    @property
    def refusal(self) -> int:
        """The status for an offer that comes now: 491 and 500 as RFC 3311 5.2 has them, 0 where it is welcome."""
        return {Turn.NOBODY: 0, Turn.PEER: 491, Turn.OURS: 500}[self.turn]
