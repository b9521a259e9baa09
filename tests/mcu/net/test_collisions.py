"""A peer under our own SSRC: we leave the number to it and go on under another (RFC 3550 8.2)."""

from __future__ import annotations

import pytest

from mcu.media import Codec, Kind
from mcu.rtp import packet as rtp_packet
from mcu.rtp.rtcp import Goodbye, parse_compound
from mcu.worker.channel import Frame
from mcu.worker.messages import AssignAudio, AttachLeg, ConfigureLeg, LegConfigured, Transport
from tests.mcu.net.harness import Harness, Peer, audio_spec, net_process, rtp


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


async def _call(net: Harness, peer: Peer) -> tuple[int, int]:
    """Our port and our SSRC."""
    opened = await net.open(1, Transport.PORTS, Kind.AUDIO)
    net.control.send(ConfigureLeg(1, (audio_spec(peer),)))
    await net.expect(LegConfigured)
    net.control.send(AttachLeg(1))
    net.neighbours["audio"].send(AssignAudio(1, 7))
    return opened.ports["audio"][0], opened.ssrcs["audio"]


async def test_the_peer_keeps_the_number_and_is_told_that_we_left_it(peer: Peer) -> None:
    async with net_process() as net:
        port, ssrc = await _call(net, peer)
        peer.send(rtp(0, 1, b"their sound", ssrc=ssrc), port)
        frame = await net.frame("audio")
        assert frame.payload == b"their sound", "its sound is no less welcome"
        net.neighbours["audio"].send_frame(Frame(7, Codec.PCMU, b"mix", rtp_timestamp=960))
        heard: list[bytes] = []

        def has_all() -> bool:
            heard.extend(peer.receive())
            return any(data[1] & 0x7F == 0 for data in heard) and any(ssrc in _left(data) for data in heard)

        await net.wait(has_all)
        ours = {rtp_packet.peek_ssrc(data) for data in heard if data[1] & 0x7F == 0}
        assert len(ours) == 1
        assert ssrc not in ours
        assert net.process.counters["ssrc-collisions"] == 1


async def test_our_own_packets_that_come_back_are_not_mixed(peer: Peer) -> None:
    async with net_process() as net:
        port, ssrc = await _call(net, peer)
        for n in range(8):
            peer.send(rtp(0, n, b"echo", ssrc=ssrc), port)
            net.neighbours["audio"].send_frame(Frame(7, Codec.PCMU, b"mix", rtp_timestamp=960 * (n + 1)))
            sent: list[int] = []

            def has_come(sent: list[int] = sent) -> bool:
                sent.extend(rtp_packet.peek_ssrc(data) for data in peer.receive() if data[1] & 0x7F == 0)
                return bool(sent)

            await net.wait(has_come)
            ssrc = sent[-1]
        assert net.process.counters["ssrc-collisions"] == 2
        assert net.process.counters["rtp-loop"] > 0


def _left(data: bytes) -> tuple[int, ...]:
    if not 192 <= data[1] <= 223:
        return ()
    return tuple(ssrc for each in parse_compound(data)[0] if isinstance(each, Goodbye) for ssrc in each.ssrcs)
