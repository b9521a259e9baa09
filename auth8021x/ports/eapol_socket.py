"""The socket of a port: EAPOL frames of one interface, also while it is a port of a bridge."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
from collections import Counter
from collections.abc import Callable
from typing import Final

from auth8021x.ports.packet_socket import MAX_FRAME_BYTES, PACKET_OUTGOING, SKF_AD_PKTTYPE, PacketSocket
from auth8021x.wire.eapol import ETHERTYPE, PAE_GROUP_ADDRESS

_SOL_PACKET: Final = 263
_PACKET_ADD_MEMBERSHIP: Final = 1
_PACKET_MR_MULTICAST: Final = 0
_PACKET_IGNORE_OUTGOING: Final = 23
_SIOCGIFHWADDR: Final = 0x8927
_FILTER: Final = (
    (0x20, 0, 0, SKF_AD_PKTTYPE), (0x15, 3, 0, PACKET_OUTGOING),  # what comes in alone
    (0x28, 0, 0, 12), (0x15, 0, 1, ETHERTYPE),  # the kernel has taken a priority tag off before
    (0x06, 0, 0, MAX_FRAME_BYTES), (0x06, 0, 0, 0),
)  # fmt: skip


class EapolSocket:
    """Hands each EAPOL frame that comes in to `receive`. Close it. Needs CAP_NET_RAW."""

    def __init__(
        self, interface: str, receive: Callable[[bytes], None], counters: Counter[str], batch: int = 64
    ) -> None:
        """Raises OSError where there is no such interface or no right to listen on it."""
        self._receive = receive
        self._counters = counters
        self._packets = PacketSocket(interface, _FILTER, self._came, self._receive_failed, batch, tells_direction=False)
        try:
            index = socket.if_nametoindex(interface)
            membership = struct.pack("=iHH8s", index, _PACKET_MR_MULTICAST, len(PAE_GROUP_ADDRESS), PAE_GROUP_ADDRESS)
            self._packets.socket.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, membership)
            with contextlib.suppress(OSError):  # the filter does it, too, in Linux before 4.20
                self._packets.socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        except OSError:
            self._packets.close()
            raise

    def send(self, frame: bytes) -> None:
        """One frame; what cannot be sent is counted, like one lost on the way."""
        try:
            self._packets.socket.send(frame)
        except OSError:
            self._counters["eapol-send-error"] += 1

    def close(self) -> None:
        """Listen no more."""
        self._packets.close()

    def _came(self, frame: bytes, _is_outgoing: bool) -> None:
        self._receive(frame)

    def _receive_failed(self) -> None:
        self._counters["eapol-receive-error"] += 1


def mac_of(interface: str) -> bytes:
    """The MAC address of an interface. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        answer = fcntl.ioctl(asked.fileno(), _SIOCGIFHWADDR, struct.pack("256s", interface.encode()[:15]))
    return answer[18:24]
