"""Far ends of WebRTC legs for benchmarks, in a process of their own: `python -m bench.net_peers`.

Told what to do by lines of JSON. Packets are protected before the clock runs, and what comes back is unprotected and
looked at after it has stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

from bench import net_media
from bench.far_end import FarEnd, Near, connectivity_check
from mcu.media import DtlsPeer
from mcu.net.dtls import Certificate
from mcu.rtp import ntp
from mcu.rtp import packet as rtp_packet
from mcu.rtp.rtcp import ReceiverReport, ReportBlock, SenderReport, SourceDescription, compound, parse_compound
from mcu.rtp.sequence import SequenceTracker
from mcu.rtp.srtp_session import SrtpPair

_CHECK_S = 2.5
"""How often a browser asks whether the path still works."""
_LINGER_S = 0.3
_SETTLE_S = 0.05
_SENDER_REPORT = 200
_BUFFER_BYTES = 4 << 20


class Far:
    """One peer: a socket, keys, what it will send, what came."""

    def __init__(self, index: int, task: dict[str, Any]) -> None:
        self.index = index
        self.task = task
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self.sock.bind(("127.0.0.1", 0))
        if task["port"]:
            self.sock.connect((task["address"], task["port"]))
        self.sock.setblocking(False)
        self.srtp: SrtpPair | None = None
        self.suite = ""
        self.reports = 0
        self.received: list[bytes] = []
        self.received_at: list[float] = []
        self.ssrcs = (0x1000_0000 + 2 * index, 0x1000_0001 + 2 * index)

    async def connect(self, certificate: Certificate) -> None:
        """Check the path and shake hands, or take the keys that were given."""
        given = self.task.get("keys")
        if given:
            self._use(given["suite"], bytes.fromhex(given["local"]), bytes.fromhex(given["remote"]))
            return
        end = FarEnd(self.sock, certificate)
        dtls = DtlsPeer("sha-256", self.task["fingerprint"], is_client=True)
        keys = await end.connect(
            Near((self.task["address"], self.task["port"]), self.task["ufrag"], self.task["pwd"], dtls)
        )  # fmt: skip
        await asyncio.sleep(_SETTLE_S)
        end.read_no_more()
        self._use(keys.suite, keys.local, keys.remote)

    def _use(self, suite: str, local: bytes, remote: bytes) -> None:
        self.srtp, self.suite = SrtpPair(suite, local, remote), suite

    def plan(self, pictures: list[net_media.Picture], seconds: float) -> Iterator[tuple[float, int, bytes]]:
        """(seconds from the start, index, datagram) of all that it will send."""
        assert self.srtp is not None
        phase_s = self.index * 0.0033 % 0.04
        if self.task["sends"]:
            for at_us, packet in net_media.uplink(pictures, self.ssrcs, seconds):
                data = self.srtp.protect(packet) or b""
                yield at_us / 1e6 + phase_s, self.index, data
                if self.task.get("is_hostile"):
                    yield from self._hostile(at_us / 1e6 + phase_s, data)
        if "ufrag" not in self.task:
            return
        for n in range(int(seconds / _CHECK_S)):
            check = connectivity_check(self.task["ufrag"], self.task["pwd"])
            yield (n + 0.3) * _CHECK_S + phase_s, self.index, check

    def _hostile(self, at: float, data: bytes) -> Iterator[tuple[float, int, bytes]]:
        """A forgery of the packet just before it, and the packet once more later."""
        yield at - 0.001, self.index, data[:-1] + bytes((data[-1] ^ 1,))
        yield at + 0.015, self.index, data

    def _answer(self, data: bytes) -> None:
        """A receiver report for each sender report, at once: the round trip of a building."""
        assert self.srtp is not None
        found = parse_compound(self.srtp.unprotect_rtcp(data) or b"")[0]
        blocks = tuple(
            ReportBlock(each.ssrc, 0, 0, 1, 10, ntp.middle(each.ntp))
            for each in found
            if isinstance(each, SenderReport)
        )
        report = compound(ReceiverReport(self.ssrcs[0], blocks), SourceDescription(((self.ssrcs[0], "far"),)))
        self.sock.send(self.srtp.protect_rtcp(report) or b"")
        self.reports += 1

    def drain(self, kept: int) -> int:
        """Read what has come, keep it where this is one of the first `kept` peers; how many datagrams."""
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self.sock.recv(2048)
                count += 1
                if data[1] == _SENDER_REPORT and data[0] >= 128:
                    self._answer(data)
                elif self.index < kept:
                    self.received.append(data)
                    self.received_at.append(time.monotonic())
        return count

    def look(self, began: float, seconds: float) -> dict[str, float]:
        """What has come within the measurement: pictures and sounds a second, what is missing, what was no media."""
        assert self.srtp is not None
        numbers: dict[int, list[int]] = {}
        pictures = sounds = bad = 0
        for data, at in zip(self.received, self.received_at, strict=True):
            if data[0] < 64:
                continue
            if 192 <= data[1] <= 223:
                continue
            packet = rtp_packet.parse(self.srtp.unprotect(data) or b"")
            if packet is None:
                bad += 1
                continue
            numbers.setdefault(packet.ssrc, []).append(packet.sequence)
            if began <= at < began + seconds:
                pictures += packet.payload_type == net_media.VIDEO_TYPE and packet.marker
                sounds += packet.payload_type == net_media.AUDIO_TYPE
        lost = sum(missing(each) for each in numbers.values())
        return {
            "pictures_per_s": pictures / seconds, "sounds_per_s": sounds / seconds, "missing": lost, "bad": bad,
            "reports": self.reports,
        }  # fmt: skip


def missing(sequences: list[int]) -> int:
    """How many numbers between the first and the highest that came did not come."""
    tracker = SequenceTracker()
    came = {tracker.receive(sequence) for sequence in sequences}
    return tracker.expected - len(came)


def _exchange(peers: list[Far], plan: list[tuple[float, int, bytes]], start: float, end: float, kept: int) -> list[int]:
    """Send what is due, keep what comes to the first `kept` peers; how many datagrams came to each, and how late."""
    selector = selectors.DefaultSelector()
    for each in peers:
        selector.register(each.sock, selectors.EVENT_READ, each)
    counts = [0] * len(peers)
    position = 0
    while (now := time.monotonic()) < end:
        while position < len(plan) and start + plan[position][0] <= now:
            _, index, data = plan[position]
            peers[index].sock.send(data)
            position += 1
        due = start + plan[position][0] if position < len(plan) else end
        for key, _ in selector.select(max(0.0, min(due, end) - time.monotonic())):
            counts[key.data.index] += key.data.drain(kept)
    return counts


def main() -> None:
    """Say the fingerprint, read the task, connect, say so, read when to start, run, report."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # associations outlive their loop, which it deplores
    certificate = Certificate()
    _say({"fingerprint": certificate.fingerprint})
    task = _hear()
    peers = [Far(index, each) for index, each in enumerate(task["peers"])]
    asyncio.run(_connect(peers, certificate))
    seconds, warm_up = task["seconds"], task["warm_up"]
    pictures = net_media.pictures()
    plan = sorted(part for each in peers for part in each.plan(pictures, warm_up + seconds))
    _say({"addresses": [each.sock.getsockname() for each in peers], "suite": peers[0].suite})
    start: float = _hear()["start"]
    used = time.process_time()
    counts = _exchange(peers, plan, start, start + warm_up + seconds + _LINGER_S, task["kept"])
    used = time.process_time() - used
    began = start + warm_up
    looks = [each.look(began, seconds) for each in peers[: task["kept"]]]
    in_window = sum(warm_up <= at < warm_up + seconds for at, _, _ in plan)
    came = sum(began <= at < began + seconds for each in peers for at in each.received_at)
    _say({"cpu_s": used, "sent": in_window, "came": came, "counts": counts, "looks": looks})


async def _connect(peers: list[Far], certificate: Certificate) -> None:
    for first in range(0, len(peers), 16):
        await asyncio.gather(*(each.connect(certificate) for each in peers[first : first + 16]))


def _say(value: object) -> None:
    print(json.dumps(value), flush=True)


def _hear() -> Any:
    return json.loads(sys.stdin.readline())


if __name__ == "__main__":
    main()
