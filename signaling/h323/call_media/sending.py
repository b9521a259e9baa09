"""The channels that we open: as many as both ends can, opened anew after a hold, a refusal or a change of wishes."""

from __future__ import annotations

from dataclasses import replace

from mcu.media import Kind
from signaling.h323.call_media import payload_types
from signaling.h323.call_media.keys import ChannelKeys, Key
from signaling.h323.call_media.negotiation import KINDS, Negotiation, is_usable
from signaling.h323.call_media.records import Outgoing, Phase
from signaling.h323.call_media.selection import Selection
from signaling.h323.capabilities import channel as channels
from signaling.h323.capabilities.channel import Medium
from signaling.h323.errors import MalformedPduError
from signaling.h323.h245.events import ChannelClosed, ChannelRefused, Effect
from signaling.h323.h245.logical_channel import LogicalChannel


class Sending:
    """One channel a kind at most; one that is being closed is waited for before the next."""

    def __init__(self, negotiation: Negotiation, selection: Selection) -> None:
        self._negotiation = negotiation
        self._selection = selection
        self._content_number = 0

    @property
    def may_open(self) -> bool:
        """Whether channels can be opened now."""
        negotiation = self._negotiation
        return negotiation.remote is not None and negotiation.control.is_ready and not negotiation.is_pending

    def is_settled(self, kind: Kind) -> bool:
        """Whether our channel of a kind stands, or will not come."""
        ours = self._negotiation.outgoing.get(kind)
        return self.may_open if ours is None else ours.phase is Phase.OPEN

    # ---- what is open and what should be

    def review(self, now: float) -> list[Effect]:
        """Open what is missing, close what does not fit any more."""
        if not self.may_open:
            return []
        chosen = self._selection.chosen()
        effects: list[Effect] = []
        for kind in KINDS:
            effects += self._adjust(kind, chosen.get(kind), now)
        return effects

    def _adjust(self, kind: Kind, medium: Medium | None, now: float) -> list[Effect]:
        ours = self._negotiation.outgoing.get(kind)
        if ours is None:
            return [] if medium is None else self._open(kind, medium, now)
        if ours.phase is Phase.CLOSING or (medium is not None and _is_same(ours.medium, medium)):
            return []
        return self._close(ours, now)

    def _open(self, kind: Kind, medium: Medium, now: float) -> list[Effect]:
        """As master with the key, as slave the master tells it in its answer (H.235.6 8.6)."""
        negotiation = self._negotiation
        keys = encryption_sync = None
        if (algorithm := medium.algorithm) is not None:
            payload_type = payload_types.allot(medium.payload_type, negotiation.payload_types(kind))
            medium = replace(medium, payload_type=payload_type)
            if negotiation.control.is_master and negotiation.security is not None:
                octets, encryption_sync = negotiation.security.new_key(algorithm, payload_type)
                keys = ChannelKeys(Key(payload_type, octets))
        channel = channels.write(
            self._new_number(kind),
            medium,
            negotiation.ports[kind].media_control,
            self._session(kind),
            encryption_sync=encryption_sync,
        )
        if negotiation.traversal is not None:
            told = negotiation.traversal.opening(kind, negotiation.ports[kind])
            channel = replace(channel, generic_information=told)
        negotiation.outgoing[kind] = Outgoing(channel, medium, keys=keys)
        return negotiation.control.open(channel, now)

    def _close(self, ours: Outgoing, now: float) -> list[Effect]:
        ours.phase = Phase.CLOSING
        return self._negotiation.control.close(ours.channel.number, now)

    def _session(self, kind: Kind) -> int | None:
        """That of content is the master's to allot: both directions have the same (H.323 6.2.8.2)."""
        negotiation = self._negotiation
        if kind is not Kind.CONTENT:
            return None
        if not negotiation.content_session and negotiation.control.is_master:
            negotiation.content_session = negotiation.control.new_session_id()
        return negotiation.content_session

    # ---- what the peer says

    def opened(self, channel: LogicalChannel, now: float) -> list[Effect]:
        """It has taken a channel. Without an address, or a key, nothing can be sent on it."""
        found = self._negotiation.find_outgoing(channel.number)
        if found is None:
            return self._negotiation.control.close(channel.number, now)
        kind, ours = found
        if ours.phase is not Phase.OPENING:
            return []
        ours.channel = channel
        if channel.media is None or not is_usable(channel.media):
            self._selection.give_up(kind)
            return self._close(ours, now)
        if not self._has_key(ours):
            self._selection.deny(kind)
            return self._close(ours, now)
        ours.phase = Phase.OPEN
        ours.limit_bps = 0 if channel.is_flow_zero else None
        self._negotiation.addresses[kind] = channel.media
        if kind is Kind.CONTENT and channel.session_id:
            self._negotiation.content_session = channel.session_id
        return []

    def _has_key(self, ours: Outgoing) -> bool:
        """As slave, out of the acknowledgement."""
        algorithm, security = ours.medium.algorithm, self._negotiation.security
        if algorithm is None or ours.keys is not None:
            return True
        if security is None or ours.channel.encryption_sync is None:
            return False
        try:
            octets, payload_type = security.read_key(ours.channel.encryption_sync, algorithm)
        except MalformedPduError:
            return False
        ours.keys = ChannelKeys(Key(payload_type, octets))
        return True

    def refused(self, event: ChannelRefused, now: float) -> list[Effect]:
        """It does not take a channel: another codec may do."""
        found = self._negotiation.find_outgoing(event.number)
        if found is None:
            return []
        kind, ours = found
        del self._negotiation.outgoing[kind]
        if ours.phase is Phase.OPENING:
            self._selection.refuse(kind, ours.medium, event.cause)
        return self.review(now)

    def closed(self, event: ChannelClosed, now: float) -> list[Effect]:
        """By our wish, to be opened in another way perhaps; or by the peer's, which holds until it says more."""
        found = self._negotiation.find_outgoing(event.number)
        if found is None:
            return []
        kind, ours = found
        del self._negotiation.outgoing[kind]
        if ours.phase is not Phase.CLOSING and not event.must_reopen:
            self._selection.give_up(kind)
        return self.review(now)

    def held(self) -> None:
        """Control is closing them all (H.323 8.4.6)."""
        for ours in self._negotiation.outgoing.values():
            ours.phase = Phase.CLOSING

    # ---- content

    def content_number(self) -> int:
        """That of the channel that is open, or of the next."""
        ours = self._negotiation.outgoing.get(Kind.CONTENT)
        if ours is not None and ours.phase is not Phase.CLOSING:
            return ours.channel.number
        self._content_number = self._content_number or self._negotiation.control.new_channel_number()
        return self._content_number

    def open_content(self, now: float) -> list[Effect]:
        """From now on, over holds."""
        self._selection.presents = True
        return self.review(now)

    def close_content(self, now: float) -> list[Effect]:
        """No longer."""
        self._selection.presents = False
        ours = self._negotiation.outgoing.get(Kind.CONTENT)
        return [] if ours is None or ours.phase is Phase.CLOSING else self._close(ours, now)

    def _new_number(self, kind: Kind) -> int:
        if kind is Kind.CONTENT and self._content_number:
            number, self._content_number = self._content_number, 0
            return number
        return self._negotiation.control.new_channel_number()


def _is_same(ours: Medium, wanted: Medium) -> bool:
    """Whether a channel need not be opened anew for it."""
    return _essence(ours) == _essence(wanted)


def _essence(medium: Medium) -> tuple[object, ...]:
    capability = medium.capability
    return capability.codec, medium.packetization, medium.algorithm, capability.h264, capability.intervals
