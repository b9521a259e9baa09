"""Pictures that nobody sees are counted and not handed on; their senders are asked for the least."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mcu.media import Codec, Kind, stream_id
from mcu.rtp.rate_limits import LEAST_BPS, RateLimitRequest
from mcu.rtp.rtcp import PictureLoss, parse_compound
from mcu.worker.channel import Frame
from mcu.worker.messages import AttachLeg, ConfigureLeg, LegConfigured, LimitSource, MoveLeg, Transport
from tests.mcu.net.harness import Harness, Peer, net_process, rtp, video_spec

VIDEO = stream_id(1, Kind.VIDEO)
SHOWN, HIDDEN = LimitSource(VIDEO, 600_000, 640, 360), LimitSource(VIDEO, 0)
UNITS = (b"\x67\x42\xe0\x1f\xda\x01\x40\x16\xe9", b"\x68\xce\x3c\x80", b"\x65" + bytes(range(1, 20)))
IDR = b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in UNITS)  # STAP-A (RFC 6184 5.7.1)
DELTA = b"\x41" + bytes(range(1, 20))


class Terminal:
    """Sends one packet a picture, numbered, with a keyframe where it is told to."""

    def __init__(self, net: Harness, port: int, peer: Peer) -> None:
        self.net, self.port, self.peer = net, port, peer
        self.number = 0

    def send(self, payload: bytes) -> None:
        self.number += 1
        self.peer.send(rtp(97, self.number, payload, ssrc=77, timestamp=3600 * self.number, marker=True), self.port)

    async def taken(self) -> None:
        """All that was sent has arrived."""
        source = self.net.process.legs.get(1).receivers[Kind.VIDEO].source  # type: ignore[union-attr]
        await self.net.wait(lambda: source.reception.received_packets == self.number)

    def asked(self, kind: type) -> list[object]:
        return [
            packet for data in self.peer.receive() for packet in parse_compound(data)[0] if isinstance(packet, kind)
        ]


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    peer = Peer()
    async with net_process() as net:
        opened = await net.open(1, Transport.PORTS, Kind.VIDEO)
        net.control.send(ConfigureLeg(1, (video_spec(peer, has_pli=True, has_tmmbr=True),)))
        await net.expect(LegConfigured)
        net.control.send(AttachLeg(1))
        made = Terminal(net, opened.ports["video"][0], peer)
        made.send(IDR)
        assert (await net.frame("video")).is_keyframe
        yield made
    peer.close()


def frames(net: Harness) -> list[Frame]:
    return [item for item in net.neighbours["video"].receive() if isinstance(item, Frame)]


async def hide(terminal: Terminal) -> None:
    receiver = terminal.net.process.legs.get(1).receivers[Kind.VIDEO]  # type: ignore[union-attr]
    terminal.net.control.send(HIDDEN)
    await terminal.net.wait(lambda: not receiver.is_shown)
    terminal.asked(PictureLoss)


async def test_the_decoder_gets_nothing_of_what_nobody_sees(terminal: Terminal) -> None:
    await hide(terminal)
    for payload in (DELTA, DELTA, IDR, DELTA):
        terminal.send(payload)
    await terminal.taken()
    assert frames(terminal.net) == []
    await terminal.net.wait(lambda: terminal.net.process.counters["video-not-shown"] == 4)
    assert terminal.asked(PictureLoss) == []


async def test_what_is_seen_again_starts_at_a_keyframe_that_is_asked_for_at_once(terminal: Terminal) -> None:
    await hide(terminal)
    terminal.send(DELTA)
    await terminal.taken()
    terminal.net.control.send(SHOWN)
    await terminal.net.wait(lambda: terminal.asked(PictureLoss))
    terminal.send(DELTA)
    terminal.send(IDR)
    terminal.send(DELTA)
    first, second = await terminal.net.frame("video"), await terminal.net.frame("video")
    assert (first.codec, first.is_keyframe, second.is_keyframe) == (Codec.H264, True, False)
    assert (first.rtp_timestamp, second.rtp_timestamp) == (4 * 3600, 5 * 3600)


async def test_the_sender_is_asked_for_the_least_and_for_its_tile_again(terminal: Terminal) -> None:
    limits: list[int] = []

    def are_asked(wanted_bps: int) -> bool:
        limits.extend(packet.limits[0].bitrate_bps for packet in terminal.asked(RateLimitRequest))  # type: ignore[attr-defined]
        return bool(limits) and abs(limits[-1] - wanted_bps) < wanted_bps // 50

    for message, wanted_bps in ((SHOWN, 600_000), (HIDDEN, LEAST_BPS), (SHOWN, 600_000)):
        terminal.net.control.send(message)
        await terminal.net.wait(lambda wanted_bps=wanted_bps: are_asked(wanted_bps))


async def test_another_sender_of_a_hidden_stream_is_hidden_too(terminal: Terminal) -> None:
    await hide(terminal)
    terminal.peer.send(rtp(97, 500, IDR, ssrc=99, timestamp=1, marker=True), terminal.port)
    await terminal.net.wait(lambda: terminal.net.process.counters["ssrc-changes"] == 1)
    await terminal.net.wait(lambda: terminal.net.process.counters["video-not-shown"] == 1)
    assert frames(terminal.net) == []


async def test_a_leg_that_moves_is_seen_until_its_new_room_says_otherwise(terminal: Terminal) -> None:
    await hide(terminal)
    terminal.net.control.send(MoveLeg(1, "1002"))
    terminal.net.control.send(AttachLeg(1))
    await terminal.net.wait(lambda: terminal.asked(PictureLoss))
    terminal.send(IDR)
    assert (await terminal.net.frame("video")).is_keyframe
