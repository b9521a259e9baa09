"""A leg in its place and on its way to a room: what passes the gate, and what goes on unbroken."""

from __future__ import annotations

import pytest

from mcu.media import Codec, Kind, stream_id
from mcu.worker.channel import Frame
from mcu.worker.messages import (
    AssignAudio,
    AttachLeg,
    ConfigureLeg,
    LegConfigured,
    LegConnected,
    LegOpened,
    MoveLeg,
    RouteVideo,
    Transport,
)
from tests.mcu.net.harness import Harness, Peer, audio_spec, net_process, rtp, video_spec

KEY = b"".join(
    b"\x00\x00\x00\x01" + unit
    for unit in (b"\x67\x42\xe0\x1f\xda\x01\x40\x16\xe9", b"\x68\xce\x3c\x80", b"\x65\x88\x84" + bytes(range(1, 200)))
)


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


async def in_place(net: Harness, peer: Peer, *admitted: Kind) -> LegOpened:
    opened = await net.open(1, Transport.PORTS, Kind.AUDIO, Kind.VIDEO)
    net.control.send(ConfigureLeg(1, (audio_spec(peer), video_spec(peer))))
    await net.expect(LegConfigured)
    net.control.send(MoveLeg(1, "~1"))
    net.control.send(RouteVideo(1, 3))
    net.control.send(AttachLeg(1, admitted))
    net.neighbours["audio"].send(AssignAudio(1, 7))
    return opened


def mixed(tick: int, output: int = 7) -> Frame:
    return Frame(output, Codec.PCMU, b"m" * 160, rtp_timestamp=960 * tick, capture_us=20_000 * tick)


async def test_a_place_sends_but_takes_only_what_is_of_use(peer: Peer) -> None:
    async with net_process() as net:
        opened = await in_place(net, peer)
        for n in range(5):
            peer.send(rtp(0, n, b"a" * 160), opened.ports["audio"][0])
        await net.expect(LegConnected)
        await net.wait(lambda: net.process.counters["gate-closed"] == 5)
        await net.wait(lambda: net.process.legs.get(1).is_attached and net.process.fanout._output_of.get(1) == 7)
        net.neighbours["audio"].send_frame(mixed(1))
        assert (await peer.packets(1))[0].payload == b"m" * 160
        assert not list(net.neighbours["audio"].receive())
        net.control.send(AttachLeg(1, (Kind.AUDIO,)))
        await net.wait(lambda: net.process.legs.get(1).receivers[Kind.AUDIO].is_open)
        peer.send(rtp(0, 6, b"b" * 160), opened.ports["audio"][0])
        frame = await net.frame("audio")
        assert (frame.stream, frame.payload) == (stream_id(1, Kind.AUDIO), b"b" * 160)


async def test_between_place_and_room_the_gate_is_closed_both_ways(peer: Peer) -> None:
    async with net_process() as net:
        opened = await in_place(net, peer, Kind.AUDIO, Kind.VIDEO)
        port = opened.ports["audio"][0]
        await net.wait(lambda: net.process.legs.get(1).is_attached and net.process.fanout._output_of.get(1) == 7)
        peer.send(rtp(0, 1, b"a" * 160), port)
        await net.frame("audio")
        net.control.send(MoveLeg(1, "1001"))
        await net.wait(lambda: net.process.legs.get(1).room == "1001")
        peer.send(rtp(0, 2, b"a" * 160), port)
        await net.wait(lambda: net.process.counters["gate-closed"] == 1)
        net.neighbours["audio"].send_frame(mixed(1))
        net.neighbours["video"].send_frame(Frame(3, Codec.H264, KEY, is_keyframe=True))
        await net.wait(lambda: net.process.counters["mix-unheard"] and net.process.counters["rendition-unwatched"])
        assert not list(net.neighbours["audio"].receive())
        assert all(192 <= data[1] <= 223 for data in peer.receive())  # RTCP at most


async def test_in_the_room_the_numbers_go_on(peer: Peer) -> None:
    async with net_process() as net:
        await in_place(net, peer)
        await net.wait(lambda: net.process.legs.get(1).is_attached and net.process.fanout._output_of.get(1) == 7)
        net.neighbours["audio"].send_frame(mixed(1))
        (before,) = await peer.packets(1)
        net.control.send(MoveLeg(1, "1001"))
        net.control.send(AttachLeg(1))
        await net.wait(lambda: net.process.legs.get(1).room == "1001" and net.process.legs.get(1).is_attached)
        net.neighbours["audio"].send(AssignAudio(1, 9))
        net.neighbours["audio"].send_frame(mixed(7))  # the mix of the place is not for it any more
        net.neighbours["audio"].send_frame(mixed(2, output=9))
        (after,) = await peer.packets(1)
        assert (after.ssrc, after.sequence) == (before.ssrc, before.sequence + 1)


async def test_moving_an_unknown_leg_does_nothing() -> None:
    async with net_process() as net:
        net.control.send(MoveLeg(99, "1001"))
        await net.open(2, Transport.PORTS, Kind.AUDIO)
