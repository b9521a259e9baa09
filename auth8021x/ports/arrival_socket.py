"""The socket that sees who is at a port and may speak no EAP: senders of frames to groups, let in or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from auth8021x.pae.arrivals import Arrivals
from auth8021x.ports.packet_socket import PACKET_OUTGOING, SKF_AD_PKTTYPE
from auth8021x.ports.rated_socket import RatedSocket
from auth8021x.wire.eapol import ETHERTYPE

_KEPT_BYTES: Final = 64
_FILTER: Final = (
    (0x20, 0, 0, SKF_AD_PKTTYPE), (0x15, 5, 0, PACKET_OUTGOING),  # what comes in alone
    (0x30, 0, 0, 0), (0x45, 0, 3, 0x01),  # to a group: ARP, DHCP, neighbour discovery are, and few others
    (0x28, 0, 0, 12), (0x15, 1, 0, ETHERTYPE),  # not EAPOL
    (0x06, 0, 0, _KEPT_BYTES), (0x06, 0, 0, 0),
)  # fmt: skip
_MAC_BYTES: Final = 6
FRAMES_PER_S: Final = 20.0
BURST: Final = 100.0


class ArrivalSocket(RatedSocket):
    """Hands the MAC address of each sender to `seen`, again and again. Close it. Needs CAP_NET_RAW."""

    def __init__(self, interface: str, seen: Callable[[bytes], None], counters: Counter[str], batch: int = 64) -> None:
        """Raises OSError where there is no such interface or no right to listen on it."""
        self._seen = seen
        rate = Arrivals(FRAMES_PER_S, BURST)
        super().__init__(interface, _FILTER, self._read, counters, "arrival", rate, batch)

    def _read(self, frame: bytes, _is_outgoing: bool) -> None:
        self._seen(frame[_MAC_BYTES : 2 * _MAC_BYTES])
