"""The socket that sees ARP and DHCP on a port of ours, also while it is a port of a bridge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from auth8021x.errors import MalformedPacketError
from auth8021x.pae.arrivals import Arrivals
from auth8021x.ports.packet_socket import MAX_FRAME_BYTES
from auth8021x.ports.rated_socket import RatedSocket
from auth8021x.snooping.sighting import Sighting, sighting

_FILTER: Final = (
    (0x28, 0, 0, 12), (0x15, 8, 0, 0x0806),  # ARP: all of it
    (0x15, 0, 8, 0x0800), (0x30, 0, 0, 23), (0x15, 0, 6, 17),  # IPv4, UDP
    (0x28, 0, 0, 20), (0x45, 4, 0, 0x3FFF),  # no fragment
    (0xB1, 0, 0, 14), (0x48, 0, 0, 14), (0x15, 0, 1, 67),  # from the port of DHCP servers
    (0x06, 0, 0, MAX_FRAME_BYTES), (0x06, 0, 0, 0),
)  # fmt: skip
FRAMES_PER_S: Final = 50.0
BURST: Final = 200.0
"""A terminal says who it is once in a while; more is a flood, or a network that scans."""


class AddressSocket(RatedSocket):
    """Hands what is believed to `seen`. Close it. Needs CAP_NET_RAW."""

    def __init__(
        self, interface: str, seen: Callable[[Sighting], None], counters: Counter[str], batch: int = 64
    ) -> None:
        """Raises OSError where there is no such interface or no right to listen on it."""
        self._seen = seen
        rate = Arrivals(FRAMES_PER_S, BURST)
        super().__init__(interface, _FILTER, self._read, counters, "snooping", rate, batch)

    def _read(self, frame: bytes, is_outgoing: bool) -> None:
        try:
            found = sighting(frame, is_outgoing=is_outgoing)
        except MalformedPacketError:
            self._counters["snooping-malformed"] += 1
            return
        if found is not None:
            self._seen(found)
