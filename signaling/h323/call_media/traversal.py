"""Media of one call through a firewall (H.460.19): what we say of each channel, and what streams come of it.

One end is the server, whom everybody reaches: it says where empty packets are to go and how often. The other, behind
the firewall, sends them, and says of which payload type. Either may take all its packets on one pair of ports, where
the peer can send them so: each has a number in front then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mcu.media import Kind, Traversal
from signaling.h323.capabilities.fast_start import Ports
from signaling.h323.errors import MalformedPduError
from signaling.h323.h245.logical_channel import Address, LogicalChannel
from signaling.h323.media_traversal import KEEP_ALIVE_PAYLOAD_TYPE, MediaTraversal
from signaling.h323.traversal import MediaFeature

UNKNOWN = ("0.0.0.0", 9)
"""Where a peer behind a firewall is, until its packets tell: what it says of itself holds behind the firewall alone."""


@dataclass(frozen=True, slots=True)
class SharedPlace:
    """Where we take the packets of one kind beside those of others."""

    ports: Ports
    number: int
    """In front of them."""


class MediaTraversing:
    """Of one call. `peer` is None until it has told what it can."""

    def __init__(
        self,
        own: MediaFeature,
        shared: Mapping[Kind, SharedPlace],
        keep_alive_s: int = 0,
        peer: MediaFeature | None = None,
    ) -> None:
        """`keep_alive_s` is what a server asks for."""
        self.peer = peer
        self._own = own
        self._shared = dict(shared)
        self._keep_alive_s = keep_alive_s

    def opening(self, kind: Kind, ports: Ports) -> tuple[Any, ...]:
        """What a channel that we open says (genericInformation): RTCP comes back for it."""
        return self._told(kind, ports, is_received=False)

    def accepting(self, kind: Kind, ports: Ports) -> tuple[Any, ...]:
        """What our acknowledgement says (genericInformation): RTP comes."""
        return self._told(kind, ports, is_received=True)

    def is_shared(self, kind: Kind) -> bool:
        """Whether packets of a kind come with a number in front."""
        return self.peer is not None and self.peer.multiplexes and kind in self._shared

    def stream(self, kind: Kind, ours: LogicalChannel | None, theirs: Iterable[LogicalChannel]) -> Traversal:
        """For the media plane: `ours` with what its acknowledgement said, and `theirs`, of one kind."""
        told = _told_by(ours, theirs)
        payload_types = [each.keep_alive_payload_type for each in told if each.keep_alive_payload_type is not None]
        numbers = [each.multiplex_id for each in told if each.multiplex_id is not None]
        where = [each for each in told if each.keep_alive is not None]
        return Traversal(
            keep_alive_payload_type=payload_types[0] if payload_types else KEEP_ALIVE_PAYLOAD_TYPE,
            is_multiplexed=self.is_shared(kind),
            multiplex_id=numbers[0] if numbers and self._own.multiplexes else None,
            keep_alive=where[0].keep_alive if where else None,
            keep_alive_s=(where[0].keep_alive_s or 0) if where else 0,
        )

    def remote(
        self,
        ours: LogicalChannel | None,
        theirs: Iterable[LogicalChannel],
        remote: Address | None,
        control: Address | None,
    ) -> tuple[Address | None, Address | None]:
        """Where RTP and RTCP of a stream go that would go to `remote` and `control`."""
        if self._own.is_server:
            return UNKNOWN, UNKNOWN
        told = [each for each in _told_by(ours, theirs) if each.multiplex_id is not None and self._own.multiplexes]
        shared = [each.media for each in told if each.media is not None]
        shared_control = [each.control for each in told if each.control is not None]
        return next(iter(shared), remote), next(iter(shared_control), control)

    def _told(self, kind: Kind, ports: Ports, *, is_received: bool) -> tuple[Any, ...]:
        if self.peer is None:
            return ()
        place = self._shared.get(kind) if self.peer.multiplexes else None
        received = ports if place is None else place.ports
        said = MediaTraversal(
            media=place.ports.media if place is not None and is_received else None,
            control=place.ports.media_control if place is not None else None,
            multiplex_id=place.number if place is not None else None,
            keep_alive=received.media if self._own.is_server else None,
            keep_alive_payload_type=None if self._own.is_server else KEEP_ALIVE_PAYLOAD_TYPE,
            keep_alive_s=self._keep_alive_s if self._own.is_server else None,
        )
        return (said.generic_information(),)


def _told_by(ours: LogicalChannel | None, theirs: Iterable[LogicalChannel]) -> list[MediaTraversal]:
    """What the peer says of the channels of one kind: of ours in its acknowledgement, first."""
    return [told for each in (ours, *theirs) if each is not None and (told := _read(each)) is not None]


def _read(channel: LogicalChannel) -> MediaTraversal | None:
    """What the peer says of it; nothing where that cannot be read: the stream goes on by what its packets tell."""
    try:
        return MediaTraversal.find(channel.generic_information)
    except MalformedPduError:
        return None
