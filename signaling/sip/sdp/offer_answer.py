"""The offer/answer state of one call (RFC 3264, RFC 6337): versions, ports and keys that outlive a re-INVITE."""

from __future__ import annotations

from dataclasses import replace

from mcu.media import LegMedia
from signaling.bfcp.agreement import FloorAgreement
from signaling.errors import SdpError
from signaling.sip.sdp import floor, session
from signaling.sip.sdp.answer import make_answer
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.offer import Offer, apply_answer, make_offer, make_reoffer
from signaling.sip.sdp.security import KeySource
from signaling.sip.sdp.session import Origin, SessionDescription
from signaling.sip.sdp.stream import reachable

_Keys = dict[tuple[int, str, bytes], bytes]
"""(m-line, suite, the peer's key) -> our key."""


class Negotiation:
    """Answers offers, or makes one and reads its answer. A failed negotiation leaves everything as it was."""

    def __init__(self, local: LocalMedia, session_id: int, *, must_encrypt: bool = False) -> None:
        self.local = local
        self.media: LegMedia | None = None
        """What is agreed now."""
        self.floor: FloorAgreement | None = None
        """The same for floor control."""
        self._session_id = session_id
        self._version = 0
        self._must_encrypt = must_encrypt
        self._last_offer: SessionDescription | None = None
        self._last: SessionDescription | None = None
        self._offer: Offer | None = None
        self._keys: _Keys = {}
        self._before: tuple[LegMedia | None, SessionDescription | None, _Keys, FloorAgreement | None]
        self._before = (None, None, {}, None)

    def answer(self, body: bytes) -> tuple[bytes, LegMedia]:
        """Answer an offer of the peer. Raises SdpError."""
        offer = session.parse(body)
        if self._last_offer is not None and len(offer.media) < len(self._last_offer.media):
            raise SdpError("m-lines may not disappear", 488)  # RFC 3264 8
        used: _Keys = {}
        answer, media = make_answer(offer, self.local, self._origin(), lambda index: self._key_source(index, used))
        self._before = (self.media, self._last_offer, self._keys, self.floor)
        self._keys, self._last_offer, self.media = used, offer, media
        self.floor = self._agree_floor(answer, offer)
        return self._sent(answer), media

    def offer(self) -> bytes:
        """Make an offer, for an INVITE without one; the next receive_answer() ends the exchange."""
        if self._last is None:
            self._offer = make_offer(self.local, self._origin(), must_encrypt=self._must_encrypt)
        else:
            self._offer = make_reoffer(self._last, self._origin(), self.local.held)
        return self._sent(self._offer.description)

    @property
    def has_open_offer(self) -> bool:
        """Whether an offer of ours waits for its answer."""
        return self._offer is not None

    def receive_answer(self, body: bytes) -> LegMedia:
        """The answer to offer(). Raises SdpError."""
        if self._offer is None:
            raise SdpError("An answer without an offer", 488)
        answer = session.parse(body)
        media = apply_answer(self._offer, answer, self.local)
        self.floor = self._agree_floor(self._offer.description, answer)
        self._offer, self._last_offer, self.media = None, answer, media
        return media

    def _agree_floor(self, ours: SessionDescription, theirs: SessionDescription) -> FloorAgreement | None:
        line = next((media for media in theirs.media if floor.is_floor_line(media)), None)
        address = "" if line is None else reachable(theirs.address_of(line), self.local)
        return floor.agree(ours, theirs, address, self.local.floor)

    def release(self) -> bool:
        """Hold nothing any more; whether anything was held, so that an offer is due."""
        was_held = bool(self.local.held)
        self.local = replace(self.local, held=frozenset())
        return was_held

    def withdraw(self) -> None:
        """The peer refused our offer: what was agreed before holds on."""
        self._offer = None

    def revert(self) -> None:
        """The last answer was not sent after all: what was agreed before holds on."""
        self.media, self._last_offer, self._keys, self.floor = self._before

    def _sent(self, description: SessionDescription) -> bytes:
        self._version += 1
        self._last = description
        return description.serialize()

    def _origin(self) -> Origin:
        return Origin("-", str(self._session_id), str(self._session_id + self._version), self.local.address)

    def _key_source(self, index: int, used: _Keys) -> KeySource:
        """Our key lives as long as the peer's: a new one of theirs, which restarts SRTP, gets a new one of ours."""

        def source(suite: str, remote: bytes) -> bytes:
            key = self._keys.get((index, suite, remote))
            if key is None:
                key = self.local.random_bytes(len(remote))
            used[(index, suite, remote)] = key
            return key

        return source
