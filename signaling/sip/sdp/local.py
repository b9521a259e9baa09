"""What this end brings to a negotiation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mcu.media import Kind
from signaling.bfcp.agreement import LocalFloor
from signaling.sip.sdp.picture import WantedPicture


@dataclass(frozen=True, slots=True)
class LocalMedia:
    """Ports, certificate and wishes of a leg, as the net process reserved them (messages.LegOpened)."""

    address: str
    ports: Mapping[Kind, tuple[int, int]]
    """RTP and RTCP port of each kind; a kind without ports is answered with port 0."""
    random_bytes: Callable[[int], bytes] = field(repr=False)
    fingerprint: str = ""
    """SHA-256 of our DTLS certificate; "" without DTLS."""
    ssrcs: Mapping[Kind, int] = field(default_factory=dict)
    cname: str = ""
    is_secure_signaling: bool = False
    """TLS: keys and fingerprints in the SDP are vouched for."""
    peer_address: str = ""
    """Where the peer's signalling comes from (numeric): media goes there where its c= line cannot be reached."""
    picture: WantedPicture = field(default_factory=WantedPicture)
    content: WantedPicture = field(default_factory=lambda: WantedPicture(1280, 720, bitrate_bps=1_500_000))
    """Shared screens are read, so that they are wanted larger than a face."""
    held: frozenset[Kind] = frozenset()
    """Kinds that are agreed on but do not flow for now (a=inactive): the machine is too busy for them."""
    asks_for_encryption: bool = True
    """Keys are offered beside plain RTP, and taken when they are offered so; else only of those who insist on them."""
    floor: LocalFloor | None = None
    """Floor control for the shared screen; None without."""

    def wanted(self, kind: Kind) -> WantedPicture:
        """The picture that this end would like to receive."""
        return self.content if kind is Kind.CONTENT else self.picture
