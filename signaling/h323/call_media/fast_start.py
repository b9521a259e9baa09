"""Sound that Setup and its answer open, both ways (H.323 8.1.7). Keys need H.245, so that it is always in clear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcu.media import Codec, Kind
from signaling.h323.call_media.negotiation import Negotiation, is_usable
from signaling.h323.call_media.records import Incoming, Outgoing, Phase
from signaling.h323.capabilities import channel as channels
from signaling.h323.capabilities import fast_start
from signaling.h323.capabilities.capability import Capability
from signaling.h323.capabilities.channel import SESSIONS, Medium, with_payload_type
from signaling.h323.capabilities.fast_start import Item
from signaling.h323.h245.logical_channel import LogicalChannel

_SESSION = SESSIONS[Kind.AUDIO]
_DYNAMIC = 110
"""Never used: all our sound has static payload types."""


class FastStart:
    """Of one call."""

    def __init__(self, negotiation: Negotiation) -> None:
        self._negotiation = negotiation
        self._proposed: dict[int, Codec] = {}
        """What we would send, by channel number."""

    # ---- as caller

    def propose(self) -> list[Any]:
        """Each of our codecs in both directions, dearest first."""
        negotiation = self._negotiation
        if negotiation.security is not None or not self._is_possible():
            return []
        own = negotiation.wishes.own
        media = [
            with_payload_type(Medium(Capability(codec, Kind.AUDIO, frames=own.audio_frames), None, 0), _DYNAMIC)
            for codec in own.audio
        ]
        ports = {_SESSION: negotiation.ports[Kind.AUDIO]}
        bodies = fast_start.propose(media, ports, negotiation.control.new_channel_number)
        for item in fast_start.read(bodies):
            medium = channels.read(item.channel)
            if item.is_callers and medium is not None:
                self._proposed[item.channel.number] = medium.capability.codec
        return bodies

    def answered(self, bodies: Sequence[Any]) -> None:
        """What the peer took: one channel each way at most, and only what was proposed."""
        if not self._proposed:
            return
        for channel, is_ours in fast_start.opened_as_caller(fast_start.read(bodies)):
            medium = channels.read(channel)
            if medium is None or channel.session_id != _SESSION or not self._is_taken(medium):
                continue
            if not is_ours or self._proposed.get(channel.number) is medium.capability.codec:
                self._adopt(channel, medium, is_ours)
        self._proposed.clear()

    def refused(self) -> None:
        """It took none."""
        self._proposed.clear()

    # ---- as called end

    def answer(self, bodies: Sequence[Any]) -> list[Any]:
        """The caller's dearest in each direction."""
        negotiation = self._negotiation
        if negotiation.is_agreed or not self._is_possible():
            return []
        items = [item for item in fast_start.read(bodies) if _has_way(item)]
        chosen = fast_start.choose(items, self._is_taken)
        ports = {_SESSION: negotiation.ports[Kind.AUDIO]}
        answers = fast_start.answer(chosen, ports, negotiation.control.new_channel_number)
        for channel, is_ours in fast_start.opened_as_called(chosen, answers):
            medium = channels.read(channel)
            if medium is not None:
                self._adopt(channel, medium, is_ours)
        return fast_start.write(answers)

    # ---- inside

    def _is_possible(self) -> bool:
        wishes = self._negotiation.wishes
        if self._negotiation.traversal is not None:  # what the answer can do is not known yet (H.460.19)
            return False
        return not wishes.must_encrypt and Kind.AUDIO in self._negotiation.ports and Kind.AUDIO in wishes.sends

    def _is_taken(self, medium: Medium) -> bool:
        is_sound = medium.capability.kind is Kind.AUDIO and not medium.is_encrypted
        return is_sound and medium.capability.codec in self._negotiation.wishes.own.audio

    def _adopt(self, channel: LogicalChannel, medium: Medium, is_ours: bool) -> None:
        """It stands, unless its direction has one or there is no way to the peer."""
        negotiation = self._negotiation
        if is_ours:
            if Kind.AUDIO in negotiation.outgoing or channel.media is None or not is_usable(channel.media):
                return
            negotiation.outgoing[Kind.AUDIO] = Outgoing(channel, medium, Phase.OPEN)
            negotiation.addresses[Kind.AUDIO] = channel.media
        else:
            if negotiation.newest(Kind.AUDIO) is not None:
                return
            negotiation.incoming[channel.number] = Incoming(channel, medium, Kind.AUDIO, is_open=True)
        negotiation.control.adopt(channel, is_ours)


def _has_way(item: Item) -> bool:
    """Of the usual session, and where we would send with an address to send to."""
    return item.channel.session_id == _SESSION and (item.is_callers or is_usable(item.channel.media))
