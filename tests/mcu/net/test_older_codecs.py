"""Keyframes to and from terminals of H.261 and H.263, which know no RTCP for it: their signalling asks."""

from __future__ import annotations

import pytest

from mcu.media import Codec, Format, Kind
from mcu.worker.channel import Frame
from mcu.worker.messages import (
    AttachLeg,
    ConfigureLeg,
    KeyframeWanted,
    LegConfigured,
    PeerWantsKeyframe,
    RequestKeyframe,
    RouteVideo,
    Transport,
)
from tests.mcu.net.harness import Harness, Peer, net_process, rtp, video_spec
from tests.mcu.rtp.test_h26x import BLOCKS, INTER, INTRA, qcif

H261 = Format(Codec.H261, 31, 90_000)
H263 = Format(Codec.H263, 96, 90_000, max_fs=396)
CIF_INTRA = b"\0\0\x80\x02\x0c" + bytes(range(1, 200))


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


def h261(first_macroblocks: str) -> bytes:
    """A payload that is a whole picture, its header saying nothing of its kind (RFC 4587 4.1)."""
    return bytes(4) + qcif([f"{number:04b}" + "010000" + first_macroblocks + BLOCKS for number in (1, 3, 5)])


async def _leg(net: Harness, peer: Peer, receive: Format, send: Format | None) -> int:
    """The port of a leg whose gate is open."""
    opened = await net.open(1, Transport.PORTS, Kind.VIDEO)
    net.control.send(ConfigureLeg(1, (video_spec(peer, receive=(receive,), send=send),)))
    await net.expect(LegConfigured)
    net.control.send(AttachLeg(1))
    return opened.ports["video"][0]


async def test_a_sender_of_h261_is_asked_until_an_intra_picture_has_come(peer: Peer) -> None:
    async with net_process() as net:
        port = await _leg(net, peer, H261, None)
        peer.send(rtp(31, 1, h261(INTER), timestamp=3000, marker=True), port)
        assert await net.expect(KeyframeWanted) == KeyframeWanted(1, Kind.VIDEO)
        peer.send(rtp(31, 2, h261(INTRA), timestamp=6000, marker=True), port)
        peer.send(rtp(31, 3, h261(INTER), timestamp=9000, marker=True), port)
        frames = [await net.frame("video") for _ in range(2)]
        assert [(frame.codec, frame.is_keyframe) for frame in frames] == [(Codec.H261, True), (Codec.H261, False)]
        assert frames[0].payload == h261(INTRA)[4:]
        (leg,) = net.process.legs or ()
        source = leg.receivers[Kind.VIDEO].source
        assert source is not None
        assert source.keyframes.next_timeout() is None, "nothing more is asked for"


async def test_a_damaged_h263_picture_is_asked_for_afresh(peer: Peer) -> None:
    async with net_process() as net:
        port = await _leg(net, peer, H263, None)
        peer.send(rtp(96, 1, b"\x04\0" + CIF_INTRA[2:], timestamp=3000, marker=True), port)
        assert (await net.frame("video")).is_keyframe
        peer.send(rtp(96, 3, b"\x04\0\x80\x02\x0e" + bytes(20), timestamp=6000, marker=True), port)
        assert (await net.expect(KeyframeWanted)).kind is Kind.VIDEO


async def test_a_terminal_that_wants_a_fresh_picture_has_the_encoder_of_its_size_asked(peer: Peer) -> None:
    async with net_process() as net:
        await _leg(net, peer, H263, H263)
        net.control.send(RouteVideo(1, 11))
        assert (await net.message("video", RequestKeyframe)).stream == 11
        net.neighbours["video"].send_frame(Frame(11, Codec.H263, CIF_INTRA, is_keyframe=True))
        (packet,) = await peer.packets(1)
        assert packet.payload == b"\x04\0" + CIF_INTRA[2:]
        net.control.send(PeerWantsKeyframe(1))
        assert (await net.message("video", RequestKeyframe)).stream == 11
