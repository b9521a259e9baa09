"""Damaged and invented DTLS and SRTP from the very address of a browser, while it joins and when it is there."""

from __future__ import annotations

import asyncio
import random

import pytest

from mcu.media import DtlsPeer, Kind, StreamSpec
from mcu.worker.messages import AttachLeg, ConfigureLeg, LegConfigured, LegOpened, Transport
from tests.fuzz.mutator import mutate
from tests.mcu.net.harness import OPUS, Harness, net_process, rtp
from tests.mcu.net.stun_client import IcePeer, check

HELLO = bytes.fromhex("16feff000000000000000000360100002a000000000000002afefd") + bytes(60)
RECORDS = (
    HELLO,
    b"\x15\xfe\xfd\0\1\0\0\0\0\0\1\0\2\2\x28",  # an alert in a later epoch
    b"\x15\xfe\xff\0\0\0\0\0\0\0\1\0\2\2\x28",  # a fatal alert in the clear
    b"\x14\xfe\xfd\0\0\0\0\0\0\0\2\0\1\1",
    b"\x17\xfe\xfd\0\1\0\0\0\0\0\3\0\x10" + bytes(16),
    b"\x16\xfe\xfd\0\1\0\0\0\0\0\4\xff\xff" + bytes(100),
)


async def _sound_passes(net: Harness, peer: IcePeer, sequence: int) -> None:
    for offset in range(3):
        peer.send_rtp(rtp(OPUS.payload_type, sequence + offset, b"\xfcsound", timestamp=960 * (sequence + offset)))
    frame = await net.frame("audio")
    assert frame.payload == b"\xfcsound"


async def test_damaged_records_and_packets_of_a_peer_that_is_there(caplog: pytest.LogCaptureFixture) -> None:
    async with net_process() as net:
        peer = IcePeer()
        await peer.connect(net, 1)
        await _sound_passes(net, peer, 1)
        assert peer.srtp is not None
        chance = random.Random(5)
        sealed = [peer.srtp.protect(rtp(OPUS.payload_type, 10 + n, b"x" * 40)) or b"" for n in range(5)]
        for _ in range(400):
            data = mutate(chance, RECORDS if chance.random() < 0.5 else sealed, 1400)
            if data and data not in sealed:
                peer.send(data, peer.port)
        await net.wait(lambda: net.process.counters["srtp-auth"] > 20)
        await asyncio.sleep(0.05)
        await _sound_passes(net, peer, 30)
        assert net.process.counters["legs-broken"] == 0
        assert "Traceback" not in caplog.text
        await peer.leave()


async def test_damaged_records_while_a_peer_shakes_hands_end_no_other_leg(caplog: pytest.LogCaptureFixture) -> None:
    async with net_process(handshake_timeout_s=2.0) as net:
        good, bad = IcePeer(), IcePeer()
        await good.connect(net, 1)
        opened = await net.open(2, Transport.ICE, Kind.AUDIO)
        assert isinstance(opened, LegOpened)
        dtls = DtlsPeer("sha-256", bad.certificate.fingerprint, is_client=False)
        net.control.send(ConfigureLeg(2, (StreamSpec("0", Kind.AUDIO, (OPUS,), OPUS, dtls=dtls),)))
        await net.expect(LegConfigured, lambda configured: configured.leg == 2)
        port = opened.candidates[0][1]
        bad.send(check(opened), port)
        await net.wait(lambda: net.process.counters["stun-checks"] >= 2)
        chance = random.Random(6)
        for _ in range(200):
            bad.send(mutate(chance, RECORDS, 1400) or b"\x16", port)
        await asyncio.sleep(0.1)
        await _sound_passes(net, good, 50)
        net.control.send(AttachLeg(2))
        assert "Task exception was never retrieved" not in caplog.text
        await good.leave()
        bad.close()
