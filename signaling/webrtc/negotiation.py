"""Offers and answers of one browser, one at a time (RFC 3264, RFC 8829 5.2): what is outstanding, what is due."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mcu.media import Grade, LegMedia
from mcu.worker.messages import LegOpened
from signaling.webrtc.answer import parse_answer
from signaling.webrtc.errors import SdpError
from signaling.webrtc.offer import build_offer
from signaling.webrtc.protocol import Answer, IceServer, Offer


class State(Enum):
    """Signalling state, as the browser would call it (RFC 8829 3.2)."""

    STABLE = "stable"
    HAVE_OFFER = "have-offer"


@dataclass(frozen=True, slots=True)
class Agreed:
    """The answer was good: this is the media of the leg from now on."""

    media: LegMedia


@dataclass(frozen=True, slots=True)
class Rejected:
    """The answer was no use; what was agreed before still holds."""

    detail: str


class Negotiation:
    """Makes offers when something changed and no other offer is out; reads their answers."""

    def __init__(
        self, session: int, grade: Grade, opened: LegOpened, ice_servers: tuple[IceServer, ...] = (),
        *, is_relay_only: bool = False, has_simulcast: bool = True, has_video: bool = True,
    ) -> None:  # fmt: skip
        """Without `has_video` pictures are inactive in all offers up to allow_video(), the shared screen too."""
        self.state = State.STABLE
        self.has_content = False
        self._session = session
        self._grade = grade
        self._opened = opened
        self._ice_servers = ice_servers
        self._is_relay_only = is_relay_only
        self._has_simulcast = has_simulcast
        self._has_video = self._offered_video = has_video
        self._is_due = True
        self._version = 0
        self._offered_content = False

    def restart_ice(self, opened: LegOpened, ice_servers: tuple[IceServer, ...] = ()) -> None:
        """Offer new credentials next (RFC 8839 4.4.1.1), ours and those for relays."""
        self._opened = opened
        self._ice_servers = ice_servers
        self._is_due = True

    def share(self, is_on: bool) -> None:
        """Offer to take a shared screen next, or no longer."""
        self._is_due = self._is_due or self.has_content != is_on
        self.has_content = is_on

    def allow_video(self) -> None:
        """Offer pictures next."""
        self._is_due = self._is_due or not self._has_video
        self._has_video = True

    def abandon(self) -> None:
        """The outstanding offer or its answer was lost with the socket: make it again."""
        if self.state is State.HAVE_OFFER:
            self.state = State.STABLE
            self._is_due = True

    def next_offer(self) -> Offer | None:
        """The offer to send now, if one is due and none is out."""
        if not self._is_due or self.state is State.HAVE_OFFER:
            return None
        self._is_due = False
        self._version += 1
        self._offered_content, self._offered_video = self.has_content, self._has_video
        self.state = State.HAVE_OFFER
        text = build_offer(
            self._opened, session=self._session, version=self._version, has_content=self._offered_content,
            has_simulcast=self._has_simulcast, has_video=self._has_video,
        )  # fmt: skip
        return Offer(self._version, text, self._ice_servers, self._is_relay_only)

    def receive_answer(self, answer: Answer) -> Agreed | Rejected | None:
        """What the answer comes to; None for an answer to an offer that is not out any more."""
        if self.state is not State.HAVE_OFFER or answer.id != self._version:
            return None
        self.state = State.STABLE
        try:
            return Agreed(
                parse_answer(
                    answer.sdp, has_content=self._offered_content, has_video=self._offered_video, grade=self._grade
                )
            )
        except SdpError as error:
            return Rejected(error.detail)
