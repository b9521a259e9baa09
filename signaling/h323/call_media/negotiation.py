"""What all parts of a call's media share: the wishes of both ends, and the channels that there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address

from crypto.h235.algorithm import Algorithm
from mcu.media import Kind
from signaling.h323.call_media.records import Incoming, Outgoing
from signaling.h323.call_media.security import Security
from signaling.h323.call_media.traversal import MediaTraversing
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.fast_start import Ports
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.capabilities.remote import RemoteCapabilities
from signaling.h323.h245.control import Control
from signaling.h323.h245.logical_channel import Address

KINDS = (Kind.AUDIO, Kind.VIDEO, Kind.CONTENT, Kind.CAMERA)
"""Dearest first: what cannot be sent beside those before it is not sent (H.323 6.2.8.1)."""
_BROADCAST = "255.255.255.255"


class Negotiation:
    """See the module."""

    def __init__(
        self,
        control: Control,
        wishes: Wishes,
        ports: Mapping[Kind, Ports],
        security: Security | None,
        traversal: MediaTraversing | None = None,
    ) -> None:
        self.control = control
        self.wishes = wishes
        self.ports = dict(ports)
        self.security = security
        self.traversal = traversal
        self.remote: RemoteCapabilities | None = None
        """None until it is told, and while the peer holds us."""
        self.outgoing: dict[Kind, Outgoing] = {}
        self.incoming: dict[int, Incoming] = {}
        """By number, in the order in which they came."""
        self.addresses: dict[Kind, Address] = {}
        """Where media of a kind went last: a leg keeps what it has learnt while our channel is away."""
        self.content_session = 0
        """The session of content, once the master has allotted it (H.323 6.2.8.2)."""

    # ---- encryption

    @property
    def is_agreed(self) -> bool:
        """Whether session keys can be made and read."""
        return self.security is not None and self.security.is_agreed

    @property
    def is_pending(self) -> bool:
        """Whether the answer to our half keys is still to come: nothing is opened before."""
        return self.security is not None and not self.is_agreed and bool(self.security.offered_algorithms)

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """What media may be encrypted with, best first; while it is pending what may come of it."""
        if self.security is None:
            return ()
        possible = self.security.algorithms or self.security.offered_algorithms
        bounds = self.wishes.own.algorithms or possible
        return tuple(each for each in bounds if each in possible)

    def own(self) -> OwnMedia:
        """What we take; no RFC 4733 beside encrypted media: its packets would be clear, and H.245 has keys as well."""
        own, algorithms = self.wishes.own, self.algorithms
        must_encrypt = self.wishes.must_encrypt
        is_mute = must_encrypt and not algorithms
        return replace(
            own,
            audio=own.audio if Kind.AUDIO in self.ports and not is_mute else (),
            video=own.video if Kind.VIDEO in self.ports and not is_mute else (),
            content=own.content if Kind.CONTENT in self.ports else None,
            has_camera=own.has_camera and Kind.CAMERA in self.ports,
            telephone_event_payload_type=0 if algorithms or must_encrypt else own.telephone_event_payload_type,
            algorithms=algorithms,
            is_encryption_required=must_encrypt,
        )

    # ---- channels

    def open_channels(self, kind: Kind) -> list[Incoming]:
        """Those of the peer that stand, the newest last."""
        return [each for each in self.incoming.values() if each.kind is kind and each.is_open]

    def newest(self, kind: Kind) -> Incoming | None:
        """What the peer sends of a kind, or is about to."""
        found = [each for each in self.incoming.values() if each.kind is kind]
        return found[-1] if found else None

    def find_outgoing(self, number: int) -> tuple[Kind, Outgoing] | None:
        """A channel of ours by its number."""
        for kind, each in self.outgoing.items():
            if each.channel.number == number:
                return kind, each
        return None

    def received_payload_types(self, kind: Kind) -> set[int]:
        """Those of the session that packets of the peer have, and those of telephone events."""
        taken = {self.wishes.own.telephone_event_payload_type}
        if self.remote is not None and self.remote.telephone_event is not None:
            taken.add(self.remote.telephone_event)
        for each in self.incoming.values():
            if each.kind is kind:
                taken |= {channel.payload_type for channel in each.received if channel.payload_type is not None}
        return taken

    def payload_types(self, kind: Kind) -> set[int]:
        """All of the session."""
        taken = self.received_payload_types(kind)
        ours = self.outgoing.get(kind)
        if ours is not None and ours.keys is not None:
            taken |= {key.payload_type for key in ours.keys.taken}
        return taken


def is_usable(address: Address | None) -> bool:
    """Whether media can go there. Whose it is the media plane finds out."""
    if address is None or not address[1] or address[0] == _BROADCAST:
        return False
    host = ip_address(address[0])
    return not host.is_multicast and not host.is_unspecified
