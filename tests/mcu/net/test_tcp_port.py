"""WebRTC legs over ICE-TCP: the same media, another way; slow readers and strangers cost nobody else anything."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import Iterator

import pytest

from config.media import NetSettings
from mcu.media import Codec
from mcu.net.framing import Deframer, frame
from mcu.net.ice import Address
from mcu.net.tcp_port import TcpPort
from mcu.rtp import packet as rtp_packet
from mcu.worker.channel import Frame
from mcu.worker.messages import AssignAudio, CloseLeg, RequestKeyframe, RouteVideo, Transport
from tests.mcu.net.harness import Harness, net_process
from tests.mcu.net.stun_client import KINDS, IcePeer, TcpIcePeer, check
from tests.mcu.net.test_ports_leg import ANNEX_B, DELTA, IDR, PPS, SPS

KEYFRAME = ANNEX_B + SPS + ANNEX_B + PPS + ANNEX_B + IDR


@pytest.fixture
async def peer():
    peer = TcpIcePeer()
    yield peer
    await peer.leave()


@contextlib.contextmanager
def stranger(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setblocking(False)
        yield sock


async def ending(sock: socket.socket) -> bytes:
    """All that comes until the other side has closed."""
    found = b""
    async with asyncio.timeout(3):
        while True:
            try:
                data = await asyncio.get_running_loop().sock_recv(sock, 4096)
            except ConnectionError:
                return found
            if not data:
                return found
            found += data


async def test_sound_and_reports_pass_both_ways_over_tcp(peer: TcpIcePeer) -> None:
    async with net_process() as net:
        await peer.connect(net, 1)
        peer.send_rtp(rtp_packet.header(111, False, 5, 960, 77, b"") + b"opus")
        frame = await net.frame("audio")
        assert (frame.stream, frame.payload) == (4, b"opus")
        net.neighbours["audio"].send(AssignAudio(1, 7))
        net.neighbours["audio"].send_frame(Frame(7, Codec.OPUS, b"mix", rtp_timestamp=960))
        (packet,) = await net.wait(peer.clear)
        assert packet.endswith(b"mix")
        assert await net.wait(lambda: peer.clear(rtcp=True))


async def test_a_path_that_ends_gives_way_to_the_other_one() -> None:
    over_tcp, over_udp = TcpIcePeer(), IcePeer()
    async with net_process() as net:
        opened = await over_tcp.connect(net, 1)
        over_udp.send(check(opened, nominate=False), opened.candidates[0][1])
        await net.wait(lambda: net.process.counters["stun-checks"] == 2)
        audio = net.neighbours["audio"]
        audio.send(AssignAudio(1, 7))
        audio.send_frame(Frame(7, Codec.OPUS, b"first", rtp_timestamp=960))
        assert (await net.wait(over_tcp.clear))[0].endswith(b"first")
        over_tcp.socket.shutdown(socket.SHUT_RDWR)

        def comes_over_udp() -> bool:
            audio.send_frame(Frame(7, Codec.OPUS, b"second", rtp_timestamp=1920))
            return any(128 <= data[0] < 192 for data in over_udp.receive())

        await net.wait(comes_over_udp)
    over_udp.close()
    await over_tcp.leave()


async def test_strangers_get_nothing_over_tcp() -> None:
    async with net_process(tcp_check_s=0.2, max_tcp_per_source=3) as net:
        opened = await net.open(1, Transport.ICE, *KINDS)
        port, wrong = opened.tcp_candidates[0][1], bytearray(check(opened))
        wrong[-10] ^= 1
        for data in (b"GET / HTTP/1.1\r\n\r\n", frame([b"\x16\xfe\xfd" + bytes(60)]), frame([b"\x80\x00" + bytes(30)])):
            with stranger(port) as sock:
                sock.sendall(data)
                assert await ending(sock) == b""
        with stranger(port) as silent, stranger(port) as guessing, stranger(port) as partial:
            guessing.sendall(frame([bytes(wrong)]))
            partial.sendall(b"\x01")
            with stranger(port) as one_too_many:
                assert await ending(one_too_many) == b""
            assert [await ending(sock) for sock in (silent, guessing, partial)] == [b"", b"", b""]
        counters = net.process.counters
        assert (counters["tcp-bad-framing"], counters["tcp-strangers"], counters["tcp-source-full"]) == (1, 2, 1)
        assert counters["tcp-unchecked"] == 3


async def test_a_connection_ends_with_its_leg(peer: TcpIcePeer) -> None:
    async with net_process() as net:
        await peer.connect(net, 1)
        net.control.send(CloseLeg(1))
        streams = net.process.resources._streams  # type: ignore[union-attr]
        await net.wait(lambda: not any(map(len, streams)))


async def _watch(net: Harness, peer: TcpIcePeer) -> None:
    await peer.connect(net, 1)
    net.control.send(RouteVideo(1, 11))
    await net.message("video", RequestKeyframe)


async def test_a_slow_reader_loses_pictures_up_to_a_keyframe_that_is_asked_for_when_it_reads_again(
    peer: TcpIcePeer,
) -> None:
    async with net_process(min_pacing_bps=400_000_000, near_min_pacing_bps=400_000_000) as net:
        await _watch(net, peer)
        video, counters = net.neighbours["video"], net.process.counters
        assert peer._reader is not None
        peer._reader.cancel()
        peer.media.clear()
        timestamp = 0

        def send(payload: bytes, *, is_keyframe: bool = False) -> None:
            nonlocal timestamp
            timestamp += 3600
            video.send_frame(Frame(11, Codec.H264, payload, rtp_timestamp=timestamp, is_keyframe=is_keyframe))

        send(KEYFRAME, is_keyframe=True)

        def is_slow() -> bool:
            send(DELTA + b"\x55" * 20_000)
            return counters["video-reader-slow"] > 3

        await net.wait(is_slow, 8)
        assert counters["tcp-unsent"] == 0, "pictures are left out before packets are"
        deframer, loop = Deframer(), asyncio.get_running_loop()

        async def read() -> None:
            while True:
                deframer.receive(await loop.sock_recv(peer.socket, 1 << 20))

        reading = asyncio.create_task(read())

        async def is_asked() -> None:
            while True:
                send(DELTA)
                with contextlib.suppress(AssertionError):
                    await net.message("video", RequestKeyframe, 0.05)
                    return

        await asyncio.wait_for(is_asked(), 3)
        reading.cancel()


async def test_tcp_can_be_switched_off_and_have_a_port_of_its_own() -> None:
    async with net_process(has_webrtc_tcp=False) as net:
        assert (await net.open(1, Transport.ICE, *KINDS)).tcp_candidates == ()
    async with net_process(webrtc_port=26_998) as net:
        opened = await net.open(1, Transport.ICE, *KINDS)
        assert opened.tcp_candidates == opened.candidates == (("127.0.0.1", 26_998),)
    async with net_process(webrtc_port=26_998, webrtc_tcp_port=26_997) as net:
        opened = await net.open(1, Transport.ICE, *KINDS)
        assert opened.tcp_candidates == (("127.0.0.1", 26_997),)


async def test_a_peer_that_comes_again_from_its_port_before_its_end_was_seen_takes_no_second_place() -> None:
    """Reset and connected again between two rounds of the loop."""
    counters: Counter[str] = Counter()
    port = TcpPort("127.0.0.1", 0, traffic_class=0, settings=NetSettings(max_tcp_per_source=2), counters=counters)
    ended: list[Address] = []
    port.closed = ended.append
    name = None
    for _ in range(5):
        with socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.bind(name or ("127.0.0.1", 0))
            name = peer.getsockname()
            peer.connect((port.address, port.port))
            port._accept()
            assert len(port) == 1
    assert ended == [name] * 4
    assert counters == {}
    port.close()
    await asyncio.sleep(0)
