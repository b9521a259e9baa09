"""ICE on ports of a leg's own: checks settle where media goes, whatever SDP said; others get silence."""

from __future__ import annotations

from collections import Counter

from aioice import stun

from mcu.media import IceCredentials, Kind
from mcu.net.check_budget import CheckBudget
from mcu.net.latch import Latch, Rank
from mcu.net.port_checks import PortChecks
from mcu.worker.channel import Frame
from mcu.worker.messages import AssignAudio, AttachLeg, ConfigureLeg, LegConfigured, Transport
from tests.mcu.net.harness import PCMU, Harness, Peer, audio_spec, net_process, rtp

ICE = IceCredentials("oursours", "p" * 24)
NEW = IceCredentials("newsnews", "n" * 24)
FAR, NAT = ("192.0.2.1", 5000), ("192.0.2.1", 5001)


def check(ice: IceCredentials, *, nominate: bool = True, pwd: str = "") -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ice.ufrag}:far"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = 7
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity((pwd or ice.pwd).encode())
    return bytes(message)


def checks(max_per_s: int = 100) -> tuple[PortChecks, Counter[str]]:
    counters: Counter[str] = Counter()
    return PortChecks(CheckBudget(max_per_s), counters), counters


def test_nothing_is_answered_before_ice_is_agreed_and_after_it_is_gone() -> None:
    made, counters = checks()
    assert made.receive(check(ICE), FAR, 0) == (None, None)
    made.use(ICE)
    answer, chosen = made.receive(check(ICE), FAR, 0)
    assert (answer is not None, chosen) == (True, FAR)
    made.use(None)
    assert made.receive(check(ICE), FAR, 0) == (None, None)
    assert counters["not-media"] == 2


def test_who_knows_the_password_is_answered_and_the_nominated_path_counts() -> None:
    made, counters = checks()
    made.use(ICE)
    assert made.receive(check(ICE, pwd="x" * 24), FAR, 0) == (None, None)
    assert made.receive(check(ICE, nominate=False), FAR, 0)[1] == FAR
    assert made.receive(check(ICE, nominate=False), NAT, 0)[1] is None
    assert made.receive(check(ICE), NAT, 0)[1] == NAT
    made.use(ICE)
    assert made.receive(check(ICE), NAT, 1)[1] is None, "the same credentials change nothing"
    made.use(NEW)
    assert made.receive(check(NEW), FAR, 2)[1] == FAR
    assert counters["stun-not-authentic"] == 1


def test_strangers_may_ask_only_so_often() -> None:
    made, counters = checks(max_per_s=3)
    made.use(ICE)
    assert made.receive(check(ICE), FAR, 0)[0]
    for port in range(10):
        made.receive(check(ICE, pwd="x" * 24), ("198.51.100.1", port), 1)
    assert counters["stun-flood"] == 8
    assert made.receive(check(ICE), FAR, 2)[0], "who has passed one is not counted"


def test_a_checked_address_stands_above_what_sdp_names() -> None:
    latch = Latch(("10.0.0.1", 4000), signalling="10.0.0.1")
    latch.settle(NAT, 0)
    assert latch.rank(NAT) is Rank.CHECKED
    assert not latch.accept(("10.0.0.1", 4000), 1, is_authentic=False)
    assert not latch.accept(FAR, 60_000_000, is_authentic=False), "nor does silence let another port in"
    latch.negotiate(("10.0.0.2", 4000))
    assert (latch.remote, latch.accept(NAT, 2, is_authentic=False)) == (NAT, True)
    latch.unsettle()
    assert latch.remote == ("10.0.0.2", 4000)


async def _sound_goes_to(net: Harness, *peers: Peer) -> Peer:
    found: list[Peer] = []

    def comes() -> bool:
        net.neighbours["audio"].send_frame(Frame(7, PCMU.codec, b"m" * 160))
        found.extend(peer for peer in peers if any(data[0] == 0x80 for data in peer.receive()))
        return bool(found)

    await net.wait(comes)
    return found[-1]


async def test_media_goes_where_the_checks_came_from() -> None:
    named, real = Peer(), Peer()
    async with net_process() as net:
        opened = await net.open(1, Transport.PORTS, Kind.AUDIO)
        port = opened.ports["audio"][0]
        net.control.send(ConfigureLeg(1, (audio_spec(named, ice=ICE),)))
        await net.expect(LegConfigured)
        net.control.send(AttachLeg(1))
        net.neighbours["audio"].send(AssignAudio(1, 7))
        assert await _sound_goes_to(net, named, real) is named
        real.send(check(ICE), port)
        assert stun.parse_message((await net.wait(real.receive))[0]).message_class is stun.Class.RESPONSE
        assert await _sound_goes_to(net, named, real) is real
        real.send(rtp(0, 1, b"a" * 160), port)
        assert (await net.frame("audio")).payload == b"a" * 160
        named.send(rtp(0, 2, b"b" * 160), port)
        await net.wait(lambda: net.process.counters["media-wrong-source"])
    named.close()
    real.close()
