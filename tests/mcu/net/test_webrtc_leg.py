"""WebRTC legs on the shared port: ICE, DTLS, bundled SRTP, feedback, restart, and what strangers may do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mcu.media import Codec, Kind, SdesKeys, stream_id
from mcu.net.dtls import Certificate
from mcu.rtp import packet as rtp_packet
from mcu.rtp.packet import extension_block, header
from mcu.rtp.rtcp import GenericNack, PictureLoss, ReceiverEstimate, ReceiverReport, compound, parse_compound
from mcu.rtp.transport_cc import TransportFeedback
from mcu.worker.channel import Frame
from mcu.worker.messages import (
    AssignAudio,
    CloseLeg,
    LegConnected,
    LegFailed,
    LegOpened,
    LegStats,
    LimitSource,
    RequestKeyframe,
    RestartIce,
    RouteVideo,
    Transport,
)
from tests.mcu.net.harness import Harness, Peer, net_process, rtp
from tests.mcu.net.stun_client import KINDS, IcePeer, check
from tests.mcu.net.test_ports_leg import ANNEX_B, DELTA, IDR, PPS, SPS


@pytest.fixture
async def peer():
    peer = IcePeer()
    yield peer
    await peer.leave()


async def _watch(net: Harness, peer: IcePeer, leg: int = 1) -> LegOpened:
    opened = await peer.connect(net, leg)
    net.control.send(RouteVideo(leg, 11))
    await net.message("video", RequestKeyframe)
    return opened


async def _clear(net: Harness, peer: IcePeer, count: int = 1, *, rtcp: bool = False) -> list[bytes]:
    found: list[bytes] = []

    def enough() -> bool:
        found.extend(peer.clear(rtcp=rtcp))
        return len(found) >= count

    await net.wait(enough)
    return found


async def _reports(net: Harness, peer: IcePeer, *kinds: type) -> list[Any]:
    """RTCP from the server, until there is one of each of these kinds; they may come in one packet."""
    found: list[Any] = []

    def arrived() -> bool:
        found.extend(each for data in peer.clear(rtcp=True) for each in parse_compound(data)[0])
        return all(any(isinstance(each, kind) for each in found) for kind in kinds)

    await net.wait(arrived)
    return [each for each in found if isinstance(each, kinds)]


async def test_sound_with_its_level_and_pictures_by_mid(peer: IcePeer) -> None:
    async with net_process() as net:
        await peer.connect(net, 1)
        level = extension_block([(1, b"0"), (2, bytes([42])), (3, b"\x00\x01")])
        peer.send_rtp(header(111, False, 5, 960, 77, level) + b"opus")
        frame = await net.frame("audio")
        assert (frame.stream, frame.codec, frame.level, frame.sequence) == (4, Codec.OPUS, 42, 5)
        for n, unit in enumerate((SPS, PPS, IDR[:900])):
            block = extension_block([(1, b"1"), (3, bytes([0, 2 + n]))])
            peer.send_rtp(header(97, n == 2, n, 9000, 78, block) + unit)
        frame = await net.frame("video")
        assert (frame.stream, frame.is_keyframe) == (stream_id(1, Kind.VIDEO), True)
        assert any(isinstance(each, TransportFeedback) for each in await _reports(net, peer, TransportFeedback))


async def test_new_sender_is_asked_for_a_keyframe_and_a_hole_is_asked_for(peer: IcePeer) -> None:
    async with net_process() as net:
        await peer.connect(net, 1)
        mid = extension_block([(1, b"1")])
        for n in (0, 1, 5):
            peer.send_rtp(header(97, True, n, 9000 + n, 78, mid) + DELTA[4:])
        reports = await _reports(net, peer, PictureLoss, GenericNack)
        assert {each.media_ssrc for each in reports} == {78}
        assert next(each.lost for each in reports if isinstance(each, GenericNack)) == (2, 3, 4)


async def test_pictures_and_sound_go_out_under_the_ssrcs_of_the_sdp(peer: IcePeer) -> None:
    async with net_process() as net:
        opened = await _watch(net, peer)
        net.neighbours["audio"].send(AssignAudio(1, 7))
        net.neighbours["video"].send_frame(Frame(11, Codec.H264, ANNEX_B, is_keyframe=True))
        net.neighbours["audio"].send_frame(Frame(7, Codec.OPUS, b"mix"))
        packets = [rtp_packet.parse(data) for data in await _clear(net, peer, 6)]
        by_ssrc = {packet.ssrc: packet for packet in packets if packet is not None}
        assert set(by_ssrc) == {opened.ssrcs["video"], opened.ssrcs["audio"]}
        assert by_ssrc[opened.ssrcs["audio"]].payload == b"mix"


async def test_nack_is_answered_by_rtx_and_pli_reaches_the_encoder(peer: IcePeer) -> None:
    async with net_process() as net:
        opened = await _watch(net, peer)
        net.neighbours["video"].send_frame(Frame(11, Codec.H264, ANNEX_B, is_keyframe=True))
        packets = [rtp_packet.parse(data) for data in await _clear(net, peer, 5)]
        lost = packets[2]
        assert lost is not None
        ssrc = opened.ssrcs["video"]
        peer.send_rtcp(compound(ReceiverReport(78), GenericNack(78, ssrc, (lost.sequence,))))
        (repeat,) = await _clear(net, peer)
        packet = rtp_packet.parse(repeat)
        assert packet is not None
        assert packet.ssrc == opened.ssrcs["video-rtx"]
        assert packet.payload == lost.sequence.to_bytes(2, "big") + lost.payload
        await asyncio.sleep(0.35)
        peer.send_rtcp(compound(ReceiverReport(78), PictureLoss(78, ssrc), ReceiverEstimate(78, 700_000, (ssrc,))))
        assert (await net.message("video", RequestKeyframe)).stream == 11
        stats = await net.expect(LegStats, lambda stats: bool(stats.streams[0].remote_estimate_bps))
        assert stats.streams[0].remote_estimate_bps == 700_000


async def test_a_browser_is_told_by_remb_what_is_of_use(peer: IcePeer) -> None:
    async with net_process() as net:
        await peer.connect(net, 1)
        peer.send_rtp(header(97, True, 1, 9000, 78, extension_block([(1, b"1")])) + DELTA[4:])
        for width, bitrate_bps, told_bps in ((640, 570_000, 812_500), (0, 0, 162_500), (320, 220_000, 375_000)):
            net.control.send(LimitSource(stream_id(1, Kind.VIDEO), bitrate_bps, width, width * 9 // 16))
            told: list[ReceiverEstimate] = []
            while not told or abs(told[-1].bitrate_bps - told_bps) > 1000:
                told += await _reports(net, peer, ReceiverEstimate)
            assert told[-1].ssrcs == (78,)


async def test_dtls_and_media_from_an_unchecked_address_are_dropped(peer: IcePeer) -> None:
    stranger = Peer()
    async with net_process() as net:
        await peer.connect(net, 1)
        stranger.send(b"\x16\xfe\xff" + bytes(60), peer.port)
        stranger.send(rtp(111, 1, b"x" * 50), peer.port)
        assert peer.srtp is not None
        stranger.send(peer.srtp.protect(rtp(111, 1, b"authentic, but from elsewhere")) or b"", peer.port)
        await net.wait(lambda: net.process.counters["media-unchecked"] == 2)
        assert net.process.counters["dtls-unchecked"] == 1
        assert not stranger.receive()
        assert not list(net.neighbours["audio"].receive())
    stranger.close()


async def test_first_packets_wait_for_the_end_of_the_handshake(peer: IcePeer) -> None:
    async with net_process() as net:
        await peer.connect(net, 1)
        leg = (net.process.legs or pytest.fail("no legs")).get(1)
        assert leg is not None
        component = leg.components[Kind.AUDIO][0]
        pair, component._protection = component._protection, None  # as if we had not finished yet
        assert pair is not None
        for n in range(100):
            peer.send_rtp(rtp(111, n, b"%d" % n))
        await net.wait(lambda: net.process.counters["no-keys-yet"] == 100 - 64)
        peer.srtp, keys = None, peer.keys
        component._keys_agreed(SdesKeys(keys.suite, keys.remote, keys.local), peer.address)
        assert [(await net.frame("audio")).payload for _ in range(64)] == [b"%d" % n for n in range(64)]


async def test_wrong_certificate_is_not_connected(peer: IcePeer) -> None:
    async with net_process() as net:
        signalled, peer.certificate = peer.certificate, Certificate()
        peer.certificate = _Impostor(peer.certificate, signalled.fingerprint)  # type: ignore[assignment]
        connecting = asyncio.create_task(peer.connect(net, 1))
        assert (await net.expect(LegFailed)).reason == "dtls-failed"
        connecting.cancel()
        assert not any(isinstance(item, LegConnected) for item in net.heard)


class _Impostor:
    """Presents one certificate after the fingerprint of another was signalled."""

    def __init__(self, certificate: Certificate, fingerprint: str) -> None:
        self.certificate = certificate.certificate
        self.fingerprint = fingerprint


async def test_restart_moves_to_the_new_path_and_the_old_one_works_until_then(peer: IcePeer) -> None:
    moved = Peer()
    async with net_process() as net:
        await _watch(net, peer)
        video = net.neighbours["video"]
        video.send_frame(Frame(11, Codec.H264, ANNEX_B, is_keyframe=True))
        before = await _clear(net, peer, 5)
        net.control.send(RestartIce(1))
        fresh = await net.expect(LegOpened)
        assert fresh.ice_ufrag and fresh.candidates[0][1] == peer.port
        video.send_frame(Frame(11, Codec.H264, DELTA, rtp_timestamp=3600))
        before += await _clear(net, peer)
        moved.send(check(fresh), peer.port)
        await net.wait(lambda: any(data[0] < 4 for data in moved.receive()))
        video.send_frame(Frame(11, Codec.H264, DELTA, rtp_timestamp=7200))
        data = await net.wait(lambda: next((d for d in moved.receive() if d[0] > 127 and d[1] & 0x7F == 97), None))
        assert peer.srtp is not None
        packet, last = rtp_packet.parse(peer.srtp.unprotect(data) or b""), rtp_packet.parse(before[-1])
        assert packet is not None
        assert last is not None
        assert packet.sequence == (last.sequence + 1) & 0xFFFF  # the same keys and numbers go on
    moved.close()


async def test_two_legs_share_the_port_and_a_closed_one_is_forgotten(peer: IcePeer) -> None:
    other = IcePeer()
    async with net_process() as net:
        await peer.connect(net, 1)
        await other.connect(net, 2)
        assert peer.port == other.port
        peer.send_rtp(rtp(111, 1, b"one"))
        other.send_rtp(rtp(111, 1, b"two"))
        frames = [await net.frame("audio"), await net.frame("audio")]
        assert {frame.stream: frame.payload for frame in frames} == {4: b"one", 8: b"two"}
        net.control.send(CloseLeg(1))
        await net.wait(lambda: len(net.process.legs or ()) == 1)
        peer.send_rtp(rtp(111, 2, b"late"))
        await net.wait(lambda: net.process.counters["media-unchecked"])
        opened = await net.open(3, Transport.ICE, *KINDS)
        assert opened.ice_ufrag
    await other.leave()


async def test_replaced_neighbours_begin_anew(peer: IcePeer) -> None:
    async with net_process() as net:
        await _watch(net, peer)
        for n, unit in enumerate((SPS, PPS, IDR[:900])):
            peer.send_rtp(header(97, n == 2, n, 9000, 78, extension_block([(1, b"1")])) + unit)
        assert (await net.frame("video")).is_keyframe
        net.neighbours["audio"].send(AssignAudio(1, 7))
        await asyncio.sleep(0.35)
        peer.clear(rtcp=True)
        net.meet("video")
        net.meet("audio")
        assert (await net.message("video", RequestKeyframe)).stream == 11
        assert (await _reports(net, peer, PictureLoss))[0].media_ssrc == 78
        net.neighbours["audio"].send_frame(Frame(7, Codec.OPUS, b"old output"))
        await net.wait(lambda: net.process.counters["mix-unheard"])
        net.neighbours["audio"].send(AssignAudio(1, 1))
        net.neighbours["audio"].send_frame(Frame(1, Codec.OPUS, b"new output"))
        (data,) = await _clear(net, peer)
        assert data.endswith(b"new output")


async def test_absent_neighbour_is_a_counted_drop(peer: IcePeer) -> None:
    async with net_process() as net:
        await peer.connect(net, 1)
        net.neighbours["audio"].close()
        await net.wait(lambda: net.process.counters["audio-lost"])
        peer.send_rtp(rtp(111, 1, b"sound"))
        await net.wait(lambda: net.process.counters["audio-absent"])
        net.meet("audio")
        peer.send_rtp(rtp(111, 2, b"sound"))
        assert (await net.frame("audio")).payload == b"sound"
