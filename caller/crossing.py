"""How the packets of our terminal pass a firewall (H.460.19): which ports, what in front, and what keeps it open."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from caller.sockets import PortPair, Receiver
from mcu.media import Kind, StreamSpec, Traversal
from mcu.rtp import packet as rtp

NUMBER_BYTES = 4


class Crossing:
    """Of one session. `numbers` by kind go in front of what comes to the shared pair."""

    def __init__(self, shared: PortPair | None = None, numbers: dict[Kind, int] | None = None) -> None:
        self.numbers = numbers or {}
        self.shared = shared
        self.kept_alive = 0
        """Empty packets that were sent."""
        self._receivers: dict[int, Receiver] = {}
        self._due_us: dict[Kind, int] = {}
        self._sequence = 0
        if shared is not None:
            shared.listen(self._received)

    def listen(self, kind: Kind, receiver: Receiver) -> None:
        """Packets of a kind on the shared pair are for `receiver`."""
        if kind in self.numbers:
            self._receivers[self.numbers[kind]] = receiver

    def way(self, spec: StreamSpec, own: PortPair) -> Callable[[bool, bytes, tuple[str, int]], None]:
        """What sends packets of a stream, whose own ports are `own`: (is RTCP, packet, where to)."""
        traversal = spec.traversal
        if traversal is None:
            return own.send
        pair = self.shared if traversal.is_multiplexed and self.shared is not None else own
        return pair.send if traversal.multiplex_id is None else partial(_send, pair, traversal)

    def keep_open(self, spec: StreamSpec, own: PortPair, ssrc: int, now_us: int) -> None:
        """Send an empty packet where it is time for one."""
        traversal = spec.traversal
        if traversal is None or traversal.keep_alive is None or now_us < self._due_us.get(spec.kind, 0):
            return
        self._due_us[spec.kind] = now_us + max(1, traversal.keep_alive_s) * 1_000_000
        self._sequence = self._sequence + 1 & 0xFFFF
        packet = rtp.header(traversal.keep_alive_payload_type, False, self._sequence, 0, ssrc)
        self.way(spec, own)(False, packet, traversal.keep_alive)
        self.kept_alive += 1

    def close(self) -> None:
        """Free the shared pair."""
        if self.shared is not None:
            self.shared.close()

    def _received(self, data: bytes) -> None:
        receiver = self._receivers.get(int.from_bytes(data[:NUMBER_BYTES], "big"))
        if receiver is not None and len(data) > NUMBER_BYTES:
            receiver(data[NUMBER_BYTES:])


def _send(pair: PortPair, traversal: Traversal, is_rtcp: bool, data: bytes, remote: tuple[str, int]) -> None:
    assert traversal.multiplex_id is not None
    pair.send(is_rtcp, traversal.multiplex_id.to_bytes(NUMBER_BYTES, "big") + data, remote)
