"""The channels that the peer opens: which of them we take, and with which key."""

from __future__ import annotations

from mcu.media import Codec, Kind
from signaling.h323.call_media import payload_types
from signaling.h323.call_media.keys import ChannelKeys, Key
from signaling.h323.call_media.negotiation import Negotiation
from signaling.h323.call_media.records import Incoming
from signaling.h323.call_media.selection import Selection
from signaling.h323.capabilities import channel as channels
from signaling.h323.capabilities.channel import Medium
from signaling.h323.errors import MalformedPduError
from signaling.h323.h245.events import ChannelClosed, Effect
from signaling.h323.h245.logical_channel import ChannelAnswer, LogicalChannel

MOST_OF_A_KIND = 2
"""Channels of the peer: some open the next before they close the last."""
_LAST_FIXED_SESSION = 3


class Receiving:
    """See the module."""

    def __init__(self, negotiation: Negotiation, selection: Selection) -> None:
        self.is_sound_refused = False
        """Sound was offered in clear where it must not be, or the other way round."""
        self._negotiation = negotiation
        self._selection = selection
        self._postponed: dict[int, LogicalChannel] = {}
        """Encrypted ones that came before the key did; Control bounds them."""

    def offered(self, channel: LogicalChannel, now: float) -> list[Effect]:
        """Take it, or say why not (causes of openLogicalChannelReject, H.245 B.3.3)."""
        medium = channels.read(channel)
        if medium is None:
            return self._negotiation.control.reject(channel.number, "dataTypeNotSupported")
        if medium.is_encrypted and self._negotiation.is_pending:
            self._postponed[channel.number] = channel
            return []
        kind = _kind_of(channel, medium)
        cause = self._objection(channel, medium, kind)
        if cause is None and medium.algorithm is not None:
            return self._take_encrypted(channel, medium, kind, now)
        if cause is None:
            return self._accept(Incoming(channel, medium, kind), now)
        self.is_sound_refused |= kind is Kind.AUDIO and cause == "securityDenied"
        return self._negotiation.control.reject(channel.number, cause)

    def resume(self, now: float) -> list[Effect]:
        """It is known what has come of our half keys: what was postponed can be answered."""
        waiting, self._postponed = self._postponed, {}
        return [effect for channel in waiting.values() for effect in self.offered(channel, now)]

    def opened(self, channel: LogicalChannel, now: float) -> list[Effect]:
        """It stands; the master may have given it a session."""
        taken = self._negotiation.incoming.get(channel.number)
        if taken is None:
            return self._negotiation.control.ask_close(channel.number, now)
        taken.channel, taken.is_open = channel, True
        if taken.kind is Kind.CONTENT and channel.session_id:
            self._negotiation.content_session = channel.session_id
        return []

    def closed(self, event: ChannelClosed) -> None:
        """It is gone."""
        self._postponed.pop(event.number, None)
        self._negotiation.incoming.pop(event.number, None)

    def _objection(self, channel: LogicalChannel, medium: Medium, kind: Kind) -> str | None:
        """Why it is not taken."""
        negotiation = self._negotiation
        if medium.capability.codec not in self._codecs(kind):
            return "dataTypeNotSupported"
        has_way_back = channel.reverse is not None
        if has_way_back and (kind is not Kind.CAMERA or medium.is_encrypted):
            return "unsuitableReverseParameters"
        others = [each for each in negotiation.incoming.values() if each.kind is kind]
        if kind not in negotiation.ports or len(others) >= MOST_OF_A_KIND:
            return "dataTypeNotAvailable"
        return self._objection_to_security(medium, kind)

    def _objection_to_security(self, medium: Medium, kind: Kind) -> str | None:
        negotiation = self._negotiation
        if not medium.is_encrypted:
            return "securityDenied" if negotiation.wishes.must_encrypt else None
        if not negotiation.is_agreed or medium.algorithm not in negotiation.algorithms:
            return "dataTypeNotSupported"
        return None if self._selection.could_encrypt(kind) else "securityDenied"

    def _codecs(self, kind: Kind) -> tuple[Codec, ...]:
        own = self._negotiation.wishes.own
        if kind is Kind.AUDIO:
            return own.audio
        if kind is Kind.VIDEO:
            return own.video
        if kind is Kind.CONTENT:
            return () if own.content is None else (Codec.H264,)
        return (Codec.H224,) if own.has_camera else ()

    def _take_encrypted(self, channel: LogicalChannel, medium: Medium, kind: Kind, now: float) -> list[Effect]:
        """As master with a key of ours in the answer, as slave with the one that came (H.235.6 8.6)."""
        negotiation, algorithm = self._negotiation, medium.algorithm
        if negotiation.security is None or algorithm is None:
            return []
        if negotiation.control.is_master:
            taken = negotiation.received_payload_types(kind)
            payload_type = payload_types.allot(medium.payload_type, taken)
            octets, encryption_sync = negotiation.security.new_key(algorithm, payload_type)
            incoming = Incoming(channel, medium, kind, ChannelKeys(Key(payload_type, octets)))
            return self._accept(incoming, now, payload_type, encryption_sync)
        try:
            octets, payload_type = negotiation.security.read_key(channel.encryption_sync or {}, algorithm)
        except (MalformedPduError, KeyError):
            return negotiation.control.reject(channel.number, "securityDenied")
        return self._accept(Incoming(channel, medium, kind, ChannelKeys(Key(payload_type, octets))), now)

    def _accept(
        self, incoming: Incoming, now: float, payload_type: int | None = None, encryption_sync: object = None
    ) -> list[Effect]:
        ports, number = self._negotiation.ports[incoming.kind], incoming.channel.number
        traversal = self._negotiation.traversal
        session_id = None
        if incoming.kind is Kind.CONTENT and not incoming.channel.session_id:
            session_id = self._negotiation.content_session or None
        answer = ChannelAnswer(
            ports.media,
            ports.media_control,
            payload_type=payload_type,
            session_id=session_id,
            encryption_sync=encryption_sync,
            generic_information=() if traversal is None else traversal.accepting(incoming.kind, ports),
        )
        effects = self._negotiation.control.accept(number, answer, now)
        if effects:  # else it has gone meanwhile
            self._negotiation.incoming[number] = incoming
        return effects


def _kind_of(channel: LogicalChannel, medium: Medium) -> Kind:
    """A picture in a session of its own is content: terminals open it without its role as well (H.239 9)."""
    kind = medium.capability.kind
    is_beside = kind is Kind.VIDEO and channel.session_id > _LAST_FIXED_SESSION
    return Kind.CONTENT if is_beside else kind
