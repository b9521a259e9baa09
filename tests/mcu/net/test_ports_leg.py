"""A SIP leg on its own ports: clear and SDES, in and out, and who may send to it."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from mcu.media import Codec, DtlsPeer, Kind, SdesKeys, StreamSpec, stream_id
from mcu.net.dtls import Certificate, DtlsSession
from mcu.net.leg import Leg
from mcu.rtp.dtmf import tone
from mcu.rtp.rtcp import ReceiverReport
from mcu.rtp.srtp_session import SrtpPair
from mcu.worker.channel import Frame
from mcu.worker.messages import (
    AssignAudio,
    AttachLeg,
    CloseLeg,
    ConfigureLeg,
    Dtmf,
    KeyframeWanted,
    LegConfigured,
    LegConnected,
    LegFailed,
    LegOpened,
    LegSilent,
    LegStats,
    OpenLeg,
    PeerWantsKeyframe,
    ProcessStats,
    RequestKeyframe,
    RestartIce,
    RouteVideo,
    Transport,
)
from tests.mcu.net.harness import PCMU, Harness, Peer, audio_spec, net_process, rtp, video_spec

SPS, PPS = b"\x67\x42\xe0\x1f\xda\x01\x40\x16\xe9", b"\x68\xce\x3c\x80"
IDR = b"\x65\x88\x84" + bytes(range(1, 200)) * 20
ANNEX_B = b"".join(b"\x00\x00\x00\x01" + unit for unit in (SPS, PPS, IDR))
DELTA = b"\x00\x00\x00\x01\x41\x9a" + bytes(range(1, 100)) * 3


async def _audio_leg(net: Harness, peer: Peer, leg: int = 1, **changes: object) -> LegOpened:
    opened = await net.open(leg, Transport.PORTS, Kind.AUDIO)
    net.control.send(ConfigureLeg(leg, (audio_spec(peer, **changes),)))
    await net.expect(LegConfigured)
    return opened


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


async def test_clear_sound_passes_in_and_out(peer: Peer) -> None:
    async with net_process() as net:
        opened = await _audio_leg(net, peer)
        assert opened.address == "127.0.0.1"
        port = opened.ports["audio"][0]
        assert port % 2 == 0
        assert opened.ports["audio"][1] == port + 1
        net.control.send(AttachLeg(1))
        net.neighbours["audio"].send(AssignAudio(1, 7))
        peer.send(rtp(0, 100, b"a" * 160, timestamp=800), port)
        await net.expect(LegConnected)
        frame = await net.frame("audio")
        assert (frame.stream, frame.codec, frame.payload) == (stream_id(1, Kind.AUDIO), Codec.PCMU, b"a" * 160)
        assert (frame.sequence, frame.rtp_timestamp) == (100, 800)
        for tick in range(3):
            net.neighbours["audio"].send_frame(
                Frame(7, Codec.PCMU, b"m" * 160, rtp_timestamp=960 * tick, capture_us=20_000 * tick)
            )
        first, second, third = await peer.packets(3)
        assert first.ssrc == opened.ssrcs["audio"]
        assert (second.sequence - first.sequence, third.sequence - second.sequence) == (1, 1)
        assert (third.timestamp - first.timestamp) & 0xFFFFFFFF == 320  # 8 kHz out of 48 kHz
        assert first.marker and not second.marker


async def test_gate_is_closed_before_attach_but_digits_pass(peer: Peer) -> None:
    async with net_process() as net:
        opened = await _audio_leg(net, peer)
        port = opened.ports["audio"][0]
        net.neighbours["audio"].send(AssignAudio(1, 7))
        for n in range(5):
            peer.send(rtp(0, n, b"a" * 160), port)
        for n, packet in enumerate(tone("5")):
            peer.send(rtp(101, 5 + n, packet.payload, timestamp=4000), port)
        assert (await net.expect(Dtmf)).digit == "5"
        net.neighbours["audio"].send_frame(Frame(7, Codec.PCMU, b"m" * 160))
        await net.wait(lambda: net.process.counters["gate-closed"] == 5)
        await asyncio.sleep(0.05)
        assert not list(net.neighbours["audio"].receive())
        assert all(192 <= data[1] <= 223 for data in peer.receive())  # RTCP at most
        net.control.send(AttachLeg(1))
        net.neighbours["audio"].send_frame(Frame(7, Codec.PCMU, b"m" * 160))
        assert (await peer.packets(1))[0].payload == b"m" * 160


async def test_address_is_learnt_once_without_srtp(peer: Peer) -> None:
    behind_nat, stranger = Peer(), Peer()
    async with net_process() as net:
        opened = await _audio_leg(net, peer)  # SDP names `peer`, packets come from elsewhere
        port = opened.ports["audio"][0]
        net.control.send(AttachLeg(1))
        net.neighbours["audio"].send(AssignAudio(1, 7))
        stranger.send(b"\x80\x7f" + bytes(30), port)  # payload type 127 was not negotiated: not valid
        behind_nat.send(rtp(0, 1, b"n" * 160), port)
        await net.frame("audio")
        stranger.send(rtp(0, 2, b"s" * 160, ssrc=9), port)
        await net.wait(lambda: net.process.counters["media-wrong-source"])
        net.neighbours["audio"].send_frame(Frame(7, Codec.PCMU, b"m" * 160))
        assert (await behind_nat.packets(1))[0].payload == b"m" * 160
        assert not stranger.receive()
        assert not list(net.neighbours["audio"].receive())
    behind_nat.close()
    stranger.close()


@pytest.mark.parametrize(
    ("suite", "size", "flood"),
    [("AES_CM_128_HMAC_SHA1_80", 30, 10_000), ("AEAD_AES_128_GCM", 28, 400), ("AEAD_AES_256_GCM", 44, 400)],
)
async def test_sdes_passes_and_bad_tags_do_nothing(peer: Peer, suite: str, size: int, flood: int) -> None:
    ours, theirs = os.urandom(size), os.urandom(size)
    far = SrtpPair(suite, theirs, ours)
    attacker = Peer()
    async with net_process() as net:
        opened = await _audio_leg(net, peer, sdes=SdesKeys(suite, ours, theirs))
        port = opened.ports["audio"][0]
        net.control.send(AttachLeg(1))
        net.neighbours["audio"].send(AssignAudio(1, 7))
        for n in range(flood):
            attacker.send(rtp(0, n, b"x" * 170), port)
            if n % 200 == 199:
                await asyncio.sleep(0.001)
        protected = far.protect(rtp(0, 1, b"a" * 160))
        assert protected is not None
        peer.send(protected, port)
        assert (await net.frame("audio", timeout=10)).payload == b"a" * 160
        for leg in net.process.legs or ():
            leg.collect_drops()
        assert net.process.counters["srtp-auth"] == flood
        net.neighbours["audio"].send_frame(Frame(7, Codec.PCMU, b"m" * 160))
        datagrams: list[bytes] = []
        await net.wait(lambda: datagrams.extend(peer.receive()) or any(d[1] & 0x7F == 0 for d in datagrams))
        clear = far.unprotect(next(data for data in datagrams if data[1] & 0x7F == 0))
        assert clear is not None
        assert clear[12:] == b"m" * 160
        assert not attacker.receive()
    attacker.close()


async def test_video_passes_in_and_out(peer: Peer) -> None:
    async with net_process() as net:
        opened = await net.open(1, Transport.PORTS, Kind.AUDIO, Kind.VIDEO)
        net.control.send(ConfigureLeg(1, (audio_spec(peer), video_spec(peer, has_pli=True))))
        await net.expect(LegConfigured)
        net.control.send(AttachLeg(1))
        port = opened.ports["video"][0]
        for n, unit in enumerate((SPS, PPS, IDR[:900])):
            peer.send(rtp(97, n, unit, timestamp=5, marker=n == 2), port)
        frame = await net.frame("video")
        assert frame.stream == stream_id(1, Kind.VIDEO)
        assert frame.is_keyframe
        assert frame.payload.endswith(IDR[:900])
        net.control.send(RouteVideo(1, 11))
        assert (await net.message("video", RequestKeyframe)).stream == 11
        video = net.neighbours["video"]
        video.send_frame(Frame(11, Codec.H264, DELTA, rtp_timestamp=0))  # before the keyframe: nothing goes out
        video.send_frame(Frame(11, Codec.H264, ANNEX_B, rtp_timestamp=3600, is_keyframe=True))
        video.send_frame(Frame(11, Codec.H264, DELTA, rtp_timestamp=7200))
        packets = await peer.packets(6)
        assert [p.sequence - packets[0].sequence for p in packets] == list(range(len(packets)))
        assert all(len(p.payload) <= 1200 for p in packets)
        assert {p.ssrc for p in packets} == {opened.ssrcs["video"]}
        assert (packets[-1].timestamp - packets[0].timestamp) & 0xFFFFFFFF == 3600


@pytest.mark.parametrize("is_client", [False, True])
async def test_dtls_without_ice(peer: Peer, is_client: bool) -> None:
    """The peer of a SIP leg shakes hands behind a NAT; RTCP has no handshake of its own and shares the keys."""
    certificate = Certificate()
    async with net_process() as net:
        opened = await net.open(1, Transport.PORTS, Kind.AUDIO)
        rtp_port, _ = opened.ports["audio"]
        far = DtlsPeer("sha-256", opened.fingerprint, is_client=not is_client)
        session = DtlsSession(certificate, far, lambda data: peer.send(data, rtp_port))

        async def read_dtls() -> None:
            while True:
                session.receive(await asyncio.get_running_loop().sock_recv(peer.socket, 2048))

        reading = asyncio.create_task(read_dtls())
        rtcp_peer = Peer()
        near = DtlsPeer("sha-256", certificate.fingerprint, is_client=is_client)
        named = peer.address if is_client else ("127.0.0.1", 9)
        spec = audio_spec(peer, remote=named, remote_rtcp=rtcp_peer.address, dtls=near)
        net.control.send(ConfigureLeg(1, (spec,)))
        keys = await session.handshake(5)
        reading.cancel()
        await net.expect(LegConnected)
        net.control.send(AttachLeg(1))
        net.neighbours["audio"].send(AssignAudio(1, 7))
        srtp = SrtpPair(keys.suite, keys.local, keys.remote)
        peer.send(srtp.protect(rtp(0, 1, b"a" * 160)) or b"", rtp_port)
        assert (await net.frame("audio")).payload == b"a" * 160
        net.neighbours["audio"].send_frame(Frame(7, Codec.PCMU, b"m" * 160))
        datagrams: list[bytes] = []
        await net.wait(lambda: datagrams.extend(peer.receive()) or any(d[0] == 0x80 for d in datagrams))
        clear = srtp.unprotect(next(d for d in datagrams if d[0] == 0x80))
        assert clear is not None
        assert clear.endswith(b"m" * 160)
        found = await net.wait(rtcp_peer.receive)
        reports = [srtp.unprotect_rtcp(data) for data in found if 127 < data[0] < 192]
        await session.close()
        rtcp_peer.close()
        assert all(reports)


async def test_sender_without_feedback_is_asked_by_signalling(peer: Peer) -> None:
    async with net_process() as net:
        opened = await net.open(1, Transport.PORTS, Kind.VIDEO)
        net.control.send(ConfigureLeg(1, (video_spec(peer),)))
        net.control.send(AttachLeg(1))
        await net.expect(LegConfigured)
        peer.send(rtp(97, 1, DELTA[4:], marker=True), opened.ports["video"][0])
        wanted = await net.expect(KeyframeWanted)
        assert (wanted.leg, wanted.kind) == (1, Kind.VIDEO)


async def test_decoder_and_peer_ask_in_their_own_directions(peer: Peer) -> None:
    async with net_process() as net:
        opened = await net.open(1, Transport.PORTS, Kind.VIDEO)
        net.control.send(ConfigureLeg(1, (video_spec(peer),)))
        net.control.send(AttachLeg(1))
        net.control.send(RouteVideo(1, 11))
        await net.message("video", RequestKeyframe)
        net.neighbours["video"].send_frame(Frame(11, Codec.H264, ANNEX_B, is_keyframe=True))
        for n, unit in enumerate((SPS, PPS, IDR[:900])):
            peer.send(rtp(97, n, unit, marker=n == 2), opened.ports["video"][0])
        await net.frame("video")
        await asyncio.sleep(0.35)
        net.heard.clear()
        net.neighbours["video"].send(RequestKeyframe(stream_id(1, Kind.VIDEO)))  # the decoder of its picture
        assert (await net.expect(KeyframeWanted)).leg == 1
        net.control.send(PeerWantsKeyframe(1))  # its own decoder
        assert (await net.message("video", RequestKeyframe)).stream == 11


async def test_hold_and_resume_continue_the_numbers(peer: Peer) -> None:
    async with net_process() as net:
        await _audio_leg(net, peer)
        net.control.send(AttachLeg(1))
        audio = net.neighbours["audio"]
        audio.send(AssignAudio(1, 7))
        audio.send_frame(Frame(7, Codec.PCMU, b"1"))
        (before,) = await peer.packets(1)
        net.control.send(ConfigureLeg(1, (audio_spec(peer, send=None),)))
        await net.expect(LegConfigured)
        audio.send_frame(Frame(7, Codec.PCMU, b"2", rtp_timestamp=960))
        await net.wait(lambda: net.process.counters["audio-not-taken"])
        net.control.send(ConfigureLeg(1, (audio_spec(peer),)))
        await net.expect(LegConfigured)
        audio.send_frame(Frame(7, Codec.PCMU, b"3", rtp_timestamp=1920))
        (after,) = await peer.packets(1)
        assert (after.payload, after.sequence) == (b"3", before.sequence + 1)
        assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == 320


async def test_keys_come_and_go_by_renegotiation(peer: Peer) -> None:
    ours, theirs = os.urandom(28), os.urandom(28)
    far = SrtpPair("AEAD_AES_128_GCM", theirs, ours)
    async with net_process() as net:
        opened = await _audio_leg(net, peer)
        port = opened.ports["audio"][0]
        net.control.send(AttachLeg(1))
        peer.send(rtp(0, 1, b"clear"), port)
        assert (await net.frame("audio")).payload == b"clear"
        sdes = SdesKeys("AEAD_AES_128_GCM", ours, theirs)
        net.control.send(ConfigureLeg(1, (audio_spec(peer, sdes=sdes),)))
        await net.expect(LegConfigured)
        peer.send(rtp(0, 2, b"still clear"), port)
        peer.send(far.protect(rtp(0, 3, b"protected")) or b"", port)
        assert (await net.frame("audio")).payload == b"protected"
        net.control.send(ConfigureLeg(1, (audio_spec(peer, remote=("0.0.0.0", peer.address[1])),)))
        await net.expect(LegConfigured)
        peer.send(rtp(0, 4, b"clear again"), port)
        assert (await net.frame("audio")).payload == b"clear again"


async def test_silence_is_told_once_and_again_after_recovery(peer: Peer) -> None:
    async with net_process(looks_every_s=1.0, silent_s=0.5) as net:
        opened = await _audio_leg(net, peer)
        (waiting,) = net.process.legs or ()
        waiting.look_for_silence(waiting.heard_us + 60_000_000)
        net.control.send(AttachLeg(1))
        assert 0.5 < (await net.expect(LegSilent)).silent_s < 5, "who waits for a host is not silent"
        assert (await net.expect(LegStats)).is_silent
        peer.send(rtp(0, 1, b"a"), opened.ports["audio"][0])
        await net.expect(LegConnected)
        for leg in net.process.legs or ():
            leg.look_for_silence(leg.heard_us)
            assert not leg.is_silent
            leg.look_for_silence(leg.heard_us + 600_000)
            leg.look_for_silence(leg.heard_us + 700_000)
        await net.expect(LegSilent)
        assert not any(isinstance(item, LegSilent) for item in net.heard)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"remote": ("phone.example", 5000)}, "bad-address"),
        ({"remote": ("127.0.0.1", 0)}, "bad-address"),
        ({"remote": ("224.0.0.9", 5000)}, "bad-address"),
        ({"sdes": SdesKeys("AEAD_AES_128_GCM", b"short", b"short")}, "bad-keys"),
        ({"sdes": SdesKeys("NULL", bytes(30), bytes(30))}, "bad-keys"),
        ({"kind": Kind.VIDEO}, "stream-not-opened"),
    ],
)
async def test_media_that_cannot_be_carried_fails(peer: Peer, changes: dict[str, object], reason: str) -> None:
    async with net_process() as net:
        await net.open(1, Transport.PORTS, Kind.AUDIO)
        net.control.send(ConfigureLeg(1, (audio_spec(peer, **changes),)))
        assert (await net.expect(LegFailed)).reason == reason
        net.control.send(CloseLeg(1))
        net.control.send(CloseLeg(1))
        net.control.send(ConfigureLeg(1, ()))
        assert (await net.expect(LegFailed)).reason == "no-such-leg"


async def test_rubbish_on_a_port_does_nothing(peer: Peer) -> None:
    async with net_process() as net:
        opened = await _audio_leg(net, peer)
        net.control.send(AttachLeg(1))
        for port in opened.ports["audio"]:
            for size in range(80):
                peer.send(os.urandom(size), port)
                peer.send(b"\x80\xc8" + os.urandom(size), port)
                peer.send(b"\x90\x00" + os.urandom(size), port)
                peer.send(b"\x16\xfe\xfd" + os.urandom(size), port)
        peer.send(rtp(0, 1, b"sound", ssrc=5), opened.ports["audio"][0])
        while (await net.frame("audio")).payload != b"sound":
            pass


async def test_reports_in_the_clear_are_heard_over_ipv6() -> None:
    rtp_far, rtcp_far = (socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(2))
    for far in (rtp_far, rtcp_far):
        far.bind(("::1", 0))
    async with net_process(addresses=({"address": "::1"},)) as net:
        opened = await net.open(1, Transport.PORTS, Kind.AUDIO)
        remote, remote_rtcp = (far.getsockname()[:2] for far in (rtp_far, rtcp_far))
        spec = StreamSpec("0", Kind.AUDIO, (PCMU,), PCMU, remote=remote, remote_rtcp=remote_rtcp)
        net.control.send(ConfigureLeg(1, (spec,)))
        await net.expect(LegConfigured)
        rtcp_far.sendto(ReceiverReport(7).serialize(), ("::1", opened.ports["audio"][1]))
        await net.expect(LegConnected)
    rtp_far.close()
    rtcp_far.close()


async def test_ipv6_leg() -> None:
    far = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    far.bind(("::1", 0))
    far.setblocking(False)
    addresses = (
        {"address": "127.0.0.1"},
        {"address": "::1", "external": [{"address": "2001:db8::5", "networks": ["::2/128"]}]},
    )
    async with net_process(addresses=addresses) as net:
        net.control.send(OpenLeg(4, "1001", Transport.PORTS, (Kind.AUDIO,), "::1", peer="::2"))
        assert (await net.expect(LegOpened)).address == "2001:db8::5"
        net.control.send(OpenLeg(1, "1001", Transport.PORTS, (Kind.AUDIO,), "::1", peer="::1"))
        opened = await net.expect(LegOpened)
        assert opened.address == "::1"
        spec = StreamSpec("0", Kind.AUDIO, (PCMU,), PCMU, remote=far.getsockname()[:2])
        net.control.send(ConfigureLeg(1, (spec,)))
        net.control.send(AttachLeg(1))
        net.neighbours["audio"].send(AssignAudio(1, 7))
        far.sendto(rtp(0, 1, b"six"), ("::1", opened.ports["audio"][0]))
        assert (await net.frame("audio")).payload == b"six"
        net.neighbours["audio"].send_frame(Frame(7, Codec.PCMU, b"mix"))
        data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(far, 2048), 3)
        while data[1] & 0x7F != 0:
            data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(far, 2048), 3)
        assert data.endswith(b"mix")
        webrtc = await net.open(2, Transport.ICE, Kind.AUDIO)
        assert [address for address, _ in webrtc.candidates] == ["127.0.0.1", "2001:db8::5", "::1"]
        net.control.send(OpenLeg(5, "1001", Transport.ICE, (Kind.AUDIO,), peer="::1"))
        near = await net.expect(LegOpened)
        assert [address for address, _ in near.candidates] == ["127.0.0.1", "::1", "2001:db8::5"]
        net.control.send(RestartIce(5))
        assert (await net.expect(LegOpened)).candidates == near.candidates
        net.control.send(OpenLeg(3, "1001", Transport.PORTS, (Kind.AUDIO,), "192.0.2.1"))
        assert (await net.expect(LegFailed)).reason == "no-such-address"
    far.close()


async def test_ports_run_out_and_come_back(peer: Peer) -> None:
    async with net_process(first_rtp_port=28100, last_rtp_port=28103) as net:
        await net.open(1, Transport.PORTS, Kind.AUDIO)
        await net.open(2, Transport.PORTS, Kind.AUDIO)
        net.control.send(OpenLeg(3, "1001", Transport.PORTS, (Kind.AUDIO,)))
        assert (await net.expect(LegFailed)).reason == "no-ports-left"
        net.control.send(CloseLeg(1))
        await net.open(4, Transport.PORTS, Kind.AUDIO)


@pytest.mark.parametrize("step", ["handle_timeout", "look_for_silence"])
async def test_a_leg_that_meets_a_fault_of_ours_ends_no_other(peer: Peer, monkeypatch: pytest.MonkeyPatch, step: str):
    sound = Leg.__dict__[step]

    def fail(leg: Leg, now_us: int) -> None:
        if leg.number == 2:
            raise ZeroDivisionError
        sound(leg, now_us)

    monkeypatch.setattr(Leg, step, fail)
    async with net_process() as net:
        opened = await _audio_leg(net, peer)
        net.control.send(AttachLeg(1))
        await net.open(2, Transport.PORTS, Kind.AUDIO)
        assert await net.expect(LegFailed) == LegFailed(2, "broken")
        peer.send(rtp(0, 1, b"sound"), opened.ports["audio"][0])
        assert (await net.frame("audio")).payload == b"sound"
        net.control.send(CloseLeg(2))
        await net.expect(ProcessStats, lambda stats: stats.gauges["legs"] == 1)


async def test_statistics_come_every_second(peer: Peer) -> None:
    async with net_process(looks_every_s=1.0) as net:
        opened = await _audio_leg(net, peer)
        net.control.send(AttachLeg(1))
        for n in range(10):
            peer.send(rtp(0, n, b"a" * 160, timestamp=160 * n), opened.ports["audio"][0])
        stats = await net.expect(LegStats, lambda s: bool(s.streams[0].received_packets))
        assert stats.streams[0].received_packets == 10
        assert stats.streams[0].codec == "PCMU"
        process = await net.expect(ProcessStats, lambda s: bool(s.gauges["legs"]))
        assert process.process == "net"
        assert process.gauges["legs"] == 1.0
