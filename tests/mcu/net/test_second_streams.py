"""What a leg with ports carries beside sound and main picture: the shared screen, its rate, the far camera."""

from __future__ import annotations

import pytest

from mcu.media import Codec, Format, Kind, StreamSpec, stream_id
from mcu.rtp.rate_limits import RateLimit, RateLimitNotice, RateLimitRequest
from mcu.rtp.rtcp import FullIntraRequest, PictureLoss, parse_compound
from mcu.worker.channel import Frame
from mcu.worker.messages import (
    AttachLeg,
    CameraFrame,
    ConfigureLeg,
    LegConfigured,
    LegOpened,
    LimitSource,
    PeerLimit,
    PeerWantsKeyframe,
    RequestKeyframe,
    RouteContent,
    RouteVideo,
    Transport,
)
from tests.mcu.net.harness import Harness, Peer, net_process, rtp, video_spec
from tests.mcu.net.test_ports_leg import ANNEX_B, DELTA

H224 = Format(Codec.H224, 120, 4800)
MAIN, SLIDES = 5, 6


@pytest.fixture
def main():
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def slides():
    peer = Peer()
    yield peer
    peer.close()


async def _leg(net: Harness, main: Peer, slides: Peer, **changes: object) -> LegOpened:
    opened = await net.open(1, Transport.PORTS, Kind.VIDEO, Kind.CONTENT, Kind.CAMERA)
    content = video_spec(slides, mid="2", kind=Kind.CONTENT, **changes)
    camera = StreamSpec("3", Kind.CAMERA, (H224,), H224, remote=slides.address)
    net.control.send(ConfigureLeg(1, (video_spec(main, **changes), content, camera)))
    await net.expect(LegConfigured)
    net.control.send(AttachLeg(1))
    return opened


async def test_main_picture_and_shared_screen_go_out_side_by_side(main: Peer, slides: Peer) -> None:
    async with net_process() as net:
        opened = await _leg(net, main, slides)
        net.control.send(RouteVideo(1, MAIN))
        net.control.send(RouteContent(1, SLIDES))
        for rendition in (MAIN, SLIDES):
            await net.message("video", RequestKeyframe)
            net.neighbours["video"].send_frame(Frame(rendition, Codec.H264, ANNEX_B, 0, is_keyframe=True))
        assert {packet.ssrc for packet in await main.packets(2)} == {opened.ssrcs["video"]}
        assert {packet.ssrc for packet in await slides.packets(2)} == {opened.ssrcs["content"]}
        net.control.send(RouteContent(1, 0))
        await net.wait(lambda: net.process.legs is not None)
        net.neighbours["video"].send_frame(Frame(SLIDES, Codec.H264, DELTA, 3600))
        await net.wait(lambda: net.process.counters["rendition-unwatched"] == 1)


async def test_a_keyframe_is_asked_of_the_stream_that_is_meant(main: Peer, slides: Peer) -> None:
    async with net_process() as net:
        opened = await _leg(net, main, slides)
        net.control.send(RouteContent(1, SLIDES))
        assert (await net.message("video", RequestKeyframe)).stream == SLIDES
        net.neighbours["video"].send_frame(Frame(SLIDES, Codec.H264, ANNEX_B, 0, is_keyframe=True))
        await slides.packets(1)
        ports = opened.ports["content"]
        slides.send(rtp(97, 1, b"\x65" + bytes(20), ssrc=77), ports[0])
        slides.send(PictureLoss(77, opened.ssrcs["content"]).serialize(), ports[0])
        assert (await net.message("video", RequestKeyframe)).stream == SLIDES
        net.neighbours["video"].send_frame(Frame(SLIDES, Codec.H264, ANNEX_B, 3600, is_keyframe=True))
        slides.send(FullIntraRequest(77, ((opened.ssrcs["content"], 1),)).serialize(), ports[0])
        assert (await net.message("video", RequestKeyframe)).stream == SLIDES
        net.neighbours["video"].send_frame(Frame(SLIDES, Codec.H264, ANNEX_B, 7200, is_keyframe=True))
        net.control.send(PeerWantsKeyframe(1, Kind.CONTENT))
        assert (await net.message("video", RequestKeyframe)).stream == SLIDES


async def test_a_lower_rate_is_taken_down_told_and_confirmed(main: Peer, slides: Peer) -> None:
    async with net_process() as net:
        opened = await _leg(net, main, slides)
        main.send(rtp(97, 1, b"\x65" + bytes(20), ssrc=77), opened.ports["video"][0])
        wanted = RateLimitRequest(77, (RateLimit(opened.ssrcs["video"], 310_000, 40),))
        for _ in range(2):
            main.send(wanted.serialize(), opened.ports["video"][0])
        told = await net.expect(PeerLimit)
        assert (told.leg, told.kind, told.bitrate_bps) == (1, Kind.VIDEO, 300_000)
        notice = await net.wait(lambda: _rtcp(main, RateLimitNotice))
        assert notice.sender_ssrc == opened.ssrcs["video"]
        assert [(limit.ssrc, limit.overhead_bytes) for limit in notice.limits] == [(77, 40)]
        assert not [message for message in net.heard if isinstance(message, PeerLimit)], "told once"


async def test_a_sender_is_asked_for_the_rate_of_its_tile(main: Peer, slides: Peer) -> None:
    async with net_process() as net:
        opened = await _leg(net, main, slides, has_tmmbr=True)
        net.control.send(LimitSource(stream_id(1, Kind.VIDEO), 250_000))
        main.send(rtp(97, 1, b"\x65" + bytes(20), ssrc=77), opened.ports["video"][0])
        request = await net.wait(lambda: _rtcp(main, RateLimitRequest))
        assert [limit.ssrc for limit in request.limits] == [77]
        assert abs(request.limits[0].bitrate_bps - 250_000) < 10
        receiver = net.process.legs.get(1).receivers[Kind.VIDEO]  # type: ignore[union-attr]
        main.send(RateLimitNotice(77, request.limits).serialize(), opened.ports["video"][0])
        await net.wait(lambda: not receiver.rate.due(2**60))


async def test_h224_passes_between_peer_and_control(main: Peer, slides: Peer) -> None:
    async with net_process() as net:
        opened = await _leg(net, main, slides)
        slides.send(rtp(120, 1, b"\x00\x61\x03rest", ssrc=9), opened.ports["camera"][0])
        assert await net.expect(CameraFrame) == CameraFrame(1, b"\x00\x61\x03rest")
        for data in (b"one", b"two"):
            net.control.send(CameraFrame(1, data))
        first, second = await slides.packets(2)
        assert (first.payload_type, first.payload, second.payload) == (120, b"one", b"two")
        assert (first.ssrc, second.sequence - first.sequence) == (opened.ssrcs["camera"], 1)
        for number in range(200):
            slides.send(rtp(120, 2 + number, b"x", ssrc=9), opened.ports["camera"][0])
        await net.wait(lambda: net.process.counters["camera-too-fast"] >= 100)


async def test_nothing_of_the_camera_passes_before_the_gate_is_open(main: Peer, slides: Peer) -> None:
    async with net_process() as net:
        opened = await net.open(1, Transport.PORTS, Kind.CAMERA)
        net.control.send(ConfigureLeg(1, (StreamSpec("3", Kind.CAMERA, (H224,), H224, remote=slides.address),)))
        await net.expect(LegConfigured)
        net.control.send(CameraFrame(1, b"one"))
        slides.send(rtp(120, 1, b"x", ssrc=9), opened.ports["camera"][0])
        await net.wait(lambda: net.process.counters["gate-closed"] == net.process.counters["camera-not-taken"] == 1)
        assert all(192 <= data[1] <= 223 for data in slides.receive())


def _rtcp(peer: Peer, kind: type) -> object | None:
    found = [packet for data in peer.receive() for packet in parse_compound(data)[0]]
    return next((packet for packet in found if isinstance(packet, kind)), None)
