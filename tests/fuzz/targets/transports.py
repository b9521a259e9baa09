"""What strangers can reach before anything is agreed: ICE, SRTP, where a peer is learnt to be."""

from __future__ import annotations

import struct
from collections import Counter
from functools import cache

from aioice import stun

from mcu.media import IceCredentials
from mcu.net.check_budget import CheckBudget
from mcu.net.ice import Credentials, IceAgent, Path, PathSelected
from mcu.net.latch import Latch
from mcu.net.port_checks import PortChecks
from mcu.rtp.packet import header
from mcu.rtp.srtp_session import MAX_SOURCES, PROFILES, SrtpPair
from tests.fuzz.target import Bytes, target

UFRAG, PWD = "ufra", "p" * 24


def check(ufrag: str = UFRAG, *, nominate: bool = True, controlled: bool = False) -> bytes:
    """An authentic one, the same at every call."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, b"transaction.")
    message.attributes["USERNAME"] = f"{ufrag}:far"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLED" if controlled else "ICE-CONTROLLING"] = 5
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(PWD.encode())
    return bytes(message)


@target("stun")
def stun_messages(data: bytes) -> None:
    agent = IceAgent()
    agent.add(1, Credentials(UFRAG, PWD))
    answer = agent.receive(data, Path(0, ("192.0.2.1", 9)), 0)
    assert answer is None or len(answer) <= len(check()) + 64, "no amplification"


@target("stun-authentic")
def authentic_checks(data: bytes) -> None:
    """The peer itself sends strange attributes: integrity and fingerprint are right."""
    body = data[: len(data) - len(data) % 4]
    head = struct.pack("!HHI12s", 1, len(body), 0x2112A442, b"transaction.")
    user = struct.pack("!HH", 6, 8) + b"ufra:far"
    message = head + user + body
    message = message[:2] + (len(message) - 20).to_bytes(2, "big") + message[4:]
    signed = stun.set_body_length(message, len(message) - 20 + 24)
    message = signed + struct.pack("!HH", 8, 20) + stun.message_integrity(message, PWD.encode())
    with_print = stun.set_body_length(message, len(message) - 20 + 8)
    message = with_print + struct.pack("!HHI", 0x8028, 4, stun.message_fingerprint(message))
    agent = IceAgent()
    agent.add(1, Credentials(UFRAG, PWD))
    answer = agent.receive(message, Path(0, ("192.0.2.1", 9)), 0)
    assert answer is None or len(answer) <= 128
    assert len(agent._by_path) <= 1


@target("ice-agent")
def ice_agent(data: bytes) -> None:
    """Legs, restarts, lost paths and checks in any order: tables are bounded, and a path is one leg's."""
    script, agent = Bytes(data), IceAgent(max_addresses=4)
    checks, now_us, legs = [check(f"ufr{n}") for n in "abcdef"], 0, set()
    while not script.is_empty:
        choice, which = script.number(), script.number() % 6
        path = Path(0, ("192.0.2.1", 1 + script.number() % 12))
        now_us += (0, 1_000_000, 12_000_000, 40_000_000)[choice >> 6]
        match choice & 7:
            case 0 if which not in legs:
                agent.add(which, Credentials(f"ufr{'abcdef'[which]}", PWD))
                legs.add(which)
            case 1 if which in legs:
                agent.restart(which, Credentials(f"ufr{'abcdef'[which]}", PWD))
            case 2:
                agent.remove(which)
                legs.discard(which)
            case 3:
                agent.lose(path)
            case 4:
                agent.handle_timeout(now_us)
            case _:
                agent.receive(checks[which], path, now_us)
        while (event := agent.next_event()) is not None:
            assert event.leg in legs
            assert not isinstance(event, PathSelected) or agent.leg_at(event.path) == event.leg
        assert len(agent._by_path) <= 4 * 6
        for leg in legs:
            assert len(agent._sessions[leg].checked) <= 4
            chosen = agent.selected(leg)
            assert chosen is None or agent.leg_at(chosen) == leg


@target("port-checks")
def port_checks(data: bytes) -> None:
    script, counters = Bytes(data), Counter[str]()
    checks = PortChecks(CheckBudget(1000), counters)
    while not script.is_empty:
        choice = script.number()
        if choice < 30:
            checks.use(IceCredentials(UFRAG, PWD) if choice & 1 else None)
        else:
            datagram = check() if choice & 1 else script.chunk()
            answer, _ = checks.receive(datagram, ("192.0.2.1", choice), choice * 1000)
            assert answer is None or checks.is_on


@cache
def _suite(name: str) -> SrtpPair:
    size = PROFILES[name][1]
    return SrtpPair(name, bytes(size), bytes(range(size)))


@target("srtp")
def srtp(data: bytes) -> None:
    """Nothing that is not authentic comes through; each is counted."""
    for name in PROFILES:
        pair = _suite(name)
        before = pair.drops.total()
        assert pair.unprotect(data) is None
        assert pair.unprotect_rtcp(data) is None
        assert pair.drops.total() == before + 2


@target("srtp-sequence")
def srtp_sequence(data: bytes) -> None:
    """Authentic packets in any order, repeated and damaged: each passes at most once."""
    script, name = Bytes(data), list(PROFILES)[len(data) % len(PROFILES)]
    size = PROFILES[name][1]
    far, near = SrtpPair(name, bytes(size), bytes(size)), SrtpPair(name, bytes(size), bytes(size))
    sealed: list[tuple[bytes, bytes]] = []
    passed: set[bytes] = set()
    while not script.is_empty and len(sealed) < 400:
        choice = script.number()
        if choice < 128 or not sealed:
            clear = header(96, False, script.number(2), choice, script.number()) + b"media"
            if (data := far.protect(clear) or b"") != b"":
                sealed.append((clear, data))
        clear, packet = sealed[script.number() % len(sealed)]
        if choice & 1:
            at = script.number() % len(packet)
            assert near.unprotect(packet[:at] + bytes((packet[at] ^ 1,)) + packet[at + 1 :]) is None
        elif (opened := near.unprotect(packet)) is not None:
            assert opened == clear
            assert packet not in passed
            passed.add(packet)
    assert len({clear[8:12] for clear, packet in sealed if packet in passed}) <= MAX_SOURCES


@target("latch")
def latch(data: bytes) -> None:
    script, learnt = Bytes(data), Latch(("192.0.2.1", 5004), signalling="192.0.2.1")
    now_us = 1_000_000
    while not script.is_empty:
        choice = script.number()
        source = (("192.0.2.1", "192.0.2.2", "198.51.100.1")[choice & 1], 5000 + script.number() % 8)
        now_us += (0, 1000, 3_100_000)[choice >> 1 & 1]
        is_authentic = choice > 200
        match choice >> 3 & 7:
            case 0:
                learnt.negotiate(None if choice & 1 else source)
            case 1:
                learnt.settle(source, now_us)
            case 2:
                learnt.unsettle()
            case 3:
                learnt.may_shake_hands(source, now_us)
            case _:
                before = learnt.learnt
                passes = learnt.accept(source, now_us, is_authentic=is_authentic, ssrc=choice & 3)
                assert passes or learnt.learnt == before, "who is not let in moves nothing"
