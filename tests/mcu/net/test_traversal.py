"""Legs whose peers are behind NATs (H.460.19): empty packets tell where they are; all media may come on one pair."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import ExitStack

import pytest

from mcu.media import Codec, Format, H235Keys, Kind, StreamSpec, Traversal
from mcu.net.traversal import LegTraversal, SharedPair
from mcu.rtp.rtcp import ReceiverReport, SourceDescription, compound
from mcu.worker.channel import Frame
from mcu.worker.messages import (
    AssignAudio,
    AttachLeg,
    CloseLeg,
    ConfigureLeg,
    LegConfigured,
    LegConnected,
    LegFailed,
    LegOpened,
    OpenLeg,
    Transport,
)
from tests.mcu.net.harness import PCMU, Harness, Peer, net_process, rtp, video_spec

UNKNOWN = ("0.0.0.0", 9)
KEEP_ALIVE = 127
MIX = 77
REPORT = compound(ReceiverReport(0x1234), SourceDescription(((0x1234, "peer"),)))
SOUND = b"\xd5" * 160


@pytest.fixture
def peers():
    """Two ports of the peer, as its NAT shows them."""
    with ExitStack() as stack:
        made = [Peer(), Peer()]
        for peer in made:
            stack.callback(peer.close)
        yield made


def spec(kind: Kind = Kind.AUDIO, **traversal) -> StreamSpec:
    fields = {"mid": "0", "kind": kind, "receive": (PCMU,), "send": PCMU, "remote": UNKNOWN, "remote_rtcp": UNKNOWN}
    return StreamSpec(**fields, traversal=Traversal(**traversal))


async def a_leg(net: Harness, *streams: StreamSpec, leg: int = 1) -> LegOpened:
    kinds = tuple(stream.kind for stream in streams)
    net.control.send(OpenLeg(leg, "1001", Transport.PORTS, kinds, peer="127.0.0.1", has_traversal=True))
    opened = await net.expect(LegOpened)
    net.control.send(ConfigureLeg(leg, streams))
    await net.expect(LegConfigured)
    return opened


def attach(net: Harness, leg: int = 1) -> None:
    """Through the gate, into a mix."""
    net.control.send(AttachLeg(leg))
    net.neighbours["audio"].send(AssignAudio(leg, MIX))


def say(net: Harness, tick: int) -> None:
    """One packet of the mix."""
    frame = Frame(MIX, Codec.PCMU, SOUND, rtp_timestamp=960 * tick, capture_us=20_000 * tick)
    net.neighbours["audio"].send_frame(frame)


def keep_alive(payload_type: int = KEEP_ALIVE) -> bytes:
    return rtp(payload_type, 1, b"")


def behind(number: int, packet: bytes) -> bytes:
    return number.to_bytes(4, "big") + packet


def is_report(data: bytes) -> bool:
    """Whether this is RTCP, behind a number or not."""
    return 192 <= data[1 if data[0] >> 6 == 2 else 5] <= 223


async def heard_by(net: Harness, peer: Peer, count: int = 1) -> list[bytes]:
    """What comes there while the mix speaks, RTCP left out."""
    found: list[bytes] = []
    for tick in range(300):
        say(net, tick)
        await asyncio.sleep(0.01)
        found += [data for data in peer.receive() if not is_report(data)]
        if len(found) >= count:
            return found
    raise AssertionError(f"nothing comes: {dict(net.process.counters)}")


async def test_an_empty_packet_tells_where_the_peer_is(peers):
    async with net_process() as net:
        opened = await a_leg(net, spec())
        attach(net)
        peers[0].send(keep_alive(), opened.ports["audio"][0])
        (first, *_) = await heard_by(net, peers[0])
        assert first.endswith(SOUND)
        assert net.process.counters["keep-alives"] == 1
        # It is no media: the leg is not connected, and nobody hears it.
        assert list(net.neighbours["audio"].receive(8)) == []
        peers[0].send(rtp(0, 1, SOUND), opened.ports["audio"][0])
        await net.expect(LegConnected)


async def test_other_empty_packets_tell_nothing(peers):
    async with net_process() as net:
        opened = await a_leg(net, spec(keep_alive_payload_type=116))
        attach(net)
        peers[1].send(keep_alive(), opened.ports["audio"][0])
        peers[0].send(keep_alive(116), opened.ports["audio"][0])
        await heard_by(net, peers[0])
        assert peers[1].receive() == []


async def test_a_stranger_is_not_believed(peers):
    with ExitStack() as stack:
        stranger = Peer("127.0.0.9")
        stack.callback(stranger.close)
        async with net_process() as net:
            opened = await a_leg(net, spec())
            attach(net)
            stranger.send(keep_alive(), opened.ports["audio"][0])
            peers[0].send(keep_alive(), opened.ports["audio"][0])
            await heard_by(net, peers[0])
            assert stranger.receive() == []


async def test_reports_go_where_reports_come_from(peers):
    """A NAT gives the two ports of a terminal two ports of its own."""
    async with net_process() as net:
        opened = await a_leg(net, spec())
        attach(net)
        rtp_port, rtcp_port = opened.ports["audio"]
        peers[0].send(rtp(0, 1, SOUND), rtp_port)
        peers[1].send(REPORT, rtcp_port)
        await heard_by(net, peers[0])
        await net.wait(lambda: any(data[1] in (200, 201) for data in peers[1].receive()), what="no report")


async def test_all_media_come_and_go_on_one_pair(peers):
    h264 = video_spec(peers[0])
    async with net_process() as net:
        picture = StreamSpec(
            "1", Kind.VIDEO, h264.receive, h264.send, remote=UNKNOWN, remote_rtcp=UNKNOWN,
            traversal=Traversal(is_multiplexed=True, multiplex_id=8),
        )  # fmt: skip
        opened = await a_leg(net, spec(is_multiplexed=True, multiplex_id=7), picture)
        attach(net)
        rtp_port, rtcp_port = opened.multiplex_ports
        sound = opened.multiplex_ids["audio"]
        assert rtcp_port == rtp_port + 1
        assert len(set(opened.multiplex_ids.values())) == 2
        peers[0].send(behind(sound, rtp(0, 1, SOUND)), rtp_port)
        peers[1].send(behind(sound, REPORT), rtcp_port)
        await net.expect(LegConnected)
        (first, *_) = await heard_by(net, peers[0])
        assert first[:4] == bytes((0, 0, 0, 7))
        assert first.endswith(SOUND)
        assert (await net.frame("audio")).payload == SOUND
        await net.wait(
            lambda: any(data[:4] == bytes((0, 0, 0, 7)) and data[5] in (200, 201) for data in peers[1].receive()),
            what="no report",
        )
        # What comes without its number, or behind another, is nobody's.
        peers[0].send(rtp(0, 2, SOUND), opened.ports["audio"][0])
        peers[0].send(behind(sound ^ 1, rtp(0, 3, SOUND)), rtp_port)
        peers[0].send(b"\0\0\0\1", rtp_port)
        await net.wait(lambda: net.process.counters["multiplex-unknown"] == 2)
        assert net.process.counters["traversal-other-port"] == 1
        net.control.send(CloseLeg(1))
        net.control.send(OpenLeg(2, "1001", Transport.PORTS, (Kind.AUDIO,), has_traversal=True))
        again = await net.expect(LegOpened)
        assert again.multiplex_ports == opened.multiplex_ports
        peers[0].send(behind(sound, rtp(0, 4, SOUND)), rtp_port)
        await net.wait(lambda: net.process.counters["multiplex-unknown"] == 3)


async def test_who_takes_no_numbers_is_sent_none(peers):
    async with net_process() as net:
        opened = await a_leg(net, spec(is_multiplexed=True))
        attach(net)
        number, (port, _) = opened.multiplex_ids["audio"], opened.multiplex_ports
        peers[0].send(behind(number, keep_alive()), port)
        (first, *_) = await heard_by(net, peers[0])
        assert first[0] >> 6 == 2


async def test_media_are_encrypted_behind_their_number(peers):
    """H.235.6 knows of no number in front: the same keys read and write what is behind it."""
    form = Format(Codec.PCMU, 96, 8000)
    key = bytes(range(16))
    async with net_process() as net:
        stream = StreamSpec(
            "0", Kind.AUDIO, (form,), form, remote=UNKNOWN, remote_rtcp=UNKNOWN,
            h235=H235Keys(key, ((96, key),)), traversal=Traversal(is_multiplexed=True, multiplex_id=7),
        )  # fmt: skip
        opened = await a_leg(net, stream)
        attach(net)
        number, (port, _) = opened.multiplex_ids["audio"], opened.multiplex_ports
        peers[0].send(behind(number, keep_alive()), port)
        (first, *_) = await heard_by(net, peers[0])
        assert first[:4] == bytes((0, 0, 0, 7))
        assert SOUND not in first
        # Its own words, sent back: who has the same key both ways reads them.
        peers[0].send(behind(number, first[4:8] + first[8:12] + b"\0\0\x12\x34" + first[16:]), port)
        assert (await net.frame("audio")).payload == SOUND


async def test_a_fixed_pair_may_be_taken_by_others():
    with ExitStack() as stack:
        taken = Peer()
        stack.callback(taken.close)
        first = taken.address[1] - taken.address[1] % 2
        async with net_process(multiplex_port=first) as net:
            net.control.send(OpenLeg(1, "1001", Transport.PORTS, (Kind.AUDIO,), has_traversal=True))
            assert (await net.expect(LegFailed)).reason == "no-ports-left"
            net.control.send(OpenLeg(1, "1001", Transport.PORTS, (Kind.AUDIO,)))
            opened = await net.expect(LegOpened)
            assert (opened.multiplex_ports, opened.multiplex_ids) == ((0, 0), {})


async def test_a_fixed_pair_serves_all_legs():
    with ExitStack() as stack:
        while True:  # two that are free
            first = Peer()
            stack.callback(first.close)
            port = first.address[1]
            if port % 2 == 0:
                break
        stack.close()
        async with net_process(multiplex_port=port) as net:
            ports = [(await a_leg(net, spec(is_multiplexed=True), leg=leg)).multiplex_ports for leg in (1, 2)]
        assert ports == [(port, port + 1)] * 2


def test_no_two_streams_have_one_number():
    class Udp:
        port = 40_000

    drawn = iter((5, 5, 6))
    pair = SharedPair((Udp(), Udp()), Counter(), lambda _: next(drawn))
    leg = LegTraversal(pair, Counter())
    for kind in (Kind.AUDIO, Kind.VIDEO):
        leg.ways(kind, (Udp(), Udp()))
    assert leg.numbers == {"audio": 5, "video": 6}
    leg.close()
    assert 5 not in pair.ports[0]
