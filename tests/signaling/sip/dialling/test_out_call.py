"""Whole calls out of a fake room to user agents on loopback sockets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from config.dialing import DialingSettings
from config.sip import SipSettings
from mcu.media import Grade, Kind
from mcu.policy import MediaEncryption
from mcu.worker.messages import PeerWantsKeyframe
from signaling.admission import Refusal
from signaling.dialing import Dialer
from signaling.placed import CallState, Outcome
from signaling.sip.call_handle import IncomingCall
from signaling.sip.dialling.out_plan import SipDials, World
from signaling.sip.registry.binding import Binding
from signaling.sip.sdp.session import parse
from signaling.sip.server import SipServer
from signaling.sip.sessions.events import Ended
from signaling.sip.transactions.transaction import Flow
from signaling.sip.trunks.trunk import Trunks
from signaling.sip.ua import UserAgent
from tests.signaling.fakes import FakeCalls, FakeFleet, FakeGate
from tests.signaling.sip import offers

ANSWER = offers.sdp(
    "m=audio 7078 RTP/AVP 8", "a=rtpmap:8 PCMA/8000", "m=video 9078 RTP/AVP 97",
    "a=rtpmap:97 H264/90000", "a=fmtp:97 profile-level-id=42e01f;packetization-mode=1",
)  # fmt: skip


class Phone:
    """A user agent that does with each call what its test wants."""

    def __init__(self) -> None:
        self.ua = UserAgent(SipSettings(port=0), self._came)
        self.calls: list[IncomingCall] = []
        self.deed = lambda call: call.accept(ANSWER)

    def _came(self, call: IncomingCall) -> None:
        self.calls.append(call)
        self.deed(call)

    @property
    def port(self) -> int:
        return self.ua.local_addresses[0][1]

    @property
    def uri(self) -> str:
        return f"sip:phone@localhost:{self.port}"


class Hall:
    def __init__(self, phones: int, **dialing) -> None:
        self.gate, self.calls, self.fleet = FakeGate(), FakeCalls(), FakeFleet()
        self.worker = self.fleet.worker
        self.server = SipServer(SipSettings(port=0), self.gate, self.calls, self.fleet)
        self.phones = [Phone() for _ in range(phones)]
        self.bindings: list[Binding] = []
        settings = DialingSettings(domains=("localhost",), **dialing)
        terminals = SimpleNamespace(contacts=lambda _alias: self.bindings)
        names = SimpleNamespace(name_of=lambda alias: "Ward 3" if alias == "ward-3" else None)
        world = World(settings, self.server.agent, self.server.services, terminals, names, Trunks(), frozenset())
        self.dialer = Dialer(settings, self.gate, self.fleet.next_leg_id)
        self.dialer.add(SipDials(world))

    def register(self) -> None:
        """All phones as devices of one terminal."""
        own = self.server.local_addresses[0]
        for phone in self.phones:
            flow = Flow("udp", own, ("127.0.0.1", phone.port))
            uri = f"sip:ward-3@127.0.0.1:{phone.port}"
            self.bindings.append(Binding("ward-3", uri, flow, (), True, "", 0, 1.0, "c", 1, 0.0, 0.0, 9e9, ""))

    async def until(self, claim) -> None:
        async with asyncio.timeout(3):
            while not claim():
                await asyncio.sleep(0.005)

    async def outcome(self, leg: int) -> Outcome | None:
        await self.until(lambda: all(call.is_over for call in self.dialer.calls("1001")))
        return next(call.outcome for call in self.dialer.calls("1001") if call.leg == leg)


@asynccontextmanager
async def hall(phones: int = 1, **dialing) -> AsyncIterator[Hall]:
    it = Hall(phones, **dialing)
    await it.server.start()
    for phone in it.phones:
        await phone.ua.start()
    try:
        yield it
    finally:
        await it.dialer.hang_up()
        for phone in it.phones:
            await phone.ua.stop()
        await it.server.stop()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert left == []
        assert sorted(set(it.worker.closed)) == sorted({opened.leg for opened in it.worker.opened})
        assert sorted(it.calls.left) == sorted(it.calls.joined)


async def test_answered_talks_and_ends():
    async with hall() as it:
        leg = await it.dialer.dial("1001", it.phones[0].uri, "admin")
        await it.until(lambda: leg in it.calls.joined)
        assert it.dialer.calls("1001") == []
        joined, name = it.calls.joined[leg]
        assert (name, joined.protocol, joined.media.grade) == ("phone", "sip", Grade.CLEAR)
        assert it.gate.requests[0].is_invited
        [call] = it.phones[0].calls
        headers = call.request.headers
        assert '"Room" <sip:1001@' in headers.get("From")
        assert re.fullmatch("<sip:1001@127.0.0.1:[0-9]+>;isfocus", headers.get("Contact"))
        offer = parse(call.request.body)
        media = [one for one in offer.media if one.media in ("audio", "video")]
        assert {one.protocol for one in media} == {"RTP/AVP"}
        assert all(one.values("crypto") for one in media)
        # Its decoder may have missed the first picture, and it knows no feedback.
        assert ("net", PeerWantsKeyframe(leg)) in it.worker.sent
        call.hang_up()
        await it.until(lambda: it.calls.left == [leg])


async def test_we_hang_up():
    async with hall() as it:
        leg = await it.dialer.dial("1001", it.phones[0].uri, "admin")
        await it.until(lambda: leg in it.calls.joined)
        await it.calls.joined[leg][0].hang_up("removed")
        await it.until(lambda: it.calls.left == [leg])
        [call] = it.phones[0].calls
        await it.until(lambda: call.is_ended)


async def test_all_devices_ring_and_the_first_that_answers_wins():
    async with hall(3) as it:
        it.register()
        for phone in it.phones:
            phone.deed = lambda call: call.ring()
        leg = await it.dialer.dial("1001", "ward-3", "admin")
        await it.until(lambda: all(phone.calls for phone in it.phones))
        await it.until(lambda: it.dialer.calls("1001")[0].state is CallState.RINGING)
        it.phones[1].calls[0].accept(ANSWER)
        await it.until(lambda: leg in it.calls.joined)
        assert it.calls.joined[leg][1] == "Ward 3"
        await it.until(lambda: it.phones[0].calls[0].is_ended and it.phones[2].calls[0].is_ended)
        assert not it.phones[1].calls[0].is_ended


async def test_two_answers_at_once_leave_one_call():
    async with hall(2) as it:
        it.register()
        leg = await it.dialer.dial("1001", "ward-3", "admin")
        await it.until(lambda: leg in it.calls.joined)
        await it.until(lambda: sum(not phone.calls[0].is_ended for phone in it.phones if phone.calls) == 1)
        assert len(it.calls.joined) == 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(486, Outcome.BUSY), (603, Outcome.DECLINED), (404, Outcome.UNKNOWN_TARGET), (480, Outcome.NO_ANSWER)],
)
async def test_refused(status, outcome):
    async with hall() as it:
        it.phones[0].deed = lambda call: call.reject(status)
        leg = await it.dialer.dial("1001", it.phones[0].uri, "admin")
        assert await it.outcome(leg) is outcome
        assert it.calls.joined == {}


async def test_nobody_answers():
    async with hall(ring_timeout_s=0.1) as it:
        it.phones[0].deed = lambda call: call.ring()
        leg = await it.dialer.dial("1001", it.phones[0].uri, "admin")
        assert await it.outcome(leg) is Outcome.NO_ANSWER
        await it.until(lambda: it.phones[0].calls[0].is_ended)


async def test_given_up_while_it_rings():
    async with hall() as it:
        it.phones[0].deed = lambda call: call.ring()
        leg = await it.dialer.dial("1001", it.phones[0].uri, "admin")
        await it.until(lambda: it.dialer.calls("1001")[0].state is CallState.RINGING)
        assert it.dialer.cancel("1001", leg)
        await it.until(lambda: it.dialer.calls("1001") == [])
        await it.until(lambda: it.phones[0].calls[0].is_ended)


async def test_who_insists_on_encryption_is_offered_nothing_else():
    async with hall() as it:

        def insist(call: IncomingCall) -> None:
            if b"RTP/SAVP" in call.request.body:
                call.reject(486)  # what it is offered now is looked at
            else:
                call.reject(488)

        it.phones[0].deed = insist
        leg = await it.dialer.dial("1001", it.phones[0].uri, "admin")
        assert await it.outcome(leg) is Outcome.BUSY
        assert len(it.phones[0].calls) == 2


async def test_a_room_without_encryption_offers_keys_only_to_who_refuses_plain_media():
    async with hall() as it:
        it.gate.encryption = MediaEncryption.OFF
        it.phones[0].deed = lambda call: call.reject(486 if b"RTP/SAVP" in call.request.body else 488)
        leg = await it.dialer.dial("1001", it.phones[0].uri, "admin")
        assert await it.outcome(leg) is Outcome.BUSY
        plain, insisting = (
            [one for one in parse(call.request.body).media if one.media in ("audio", "video")]
            for call in it.phones[0].calls
        )
        assert [one.protocol for one in plain if one.values("crypto")] == []
        assert {(one.protocol, bool(one.values("crypto"))) for one in insisting} == {("RTP/SAVP", True)}


async def test_a_room_that_requires_encryption_lets_no_plain_answer_in():
    async with hall() as it:
        it.gate.required = Grade.OPPORTUNISTIC
        leg = await it.dialer.dial("1001", it.phones[0].uri, "admin")
        assert await it.outcome(leg) in (Outcome.NOT_ACCEPTABLE, Outcome.ENCRYPTION_REQUIRED)
        [call] = it.phones[0].calls
        media = [one for one in parse(call.request.body).media if one.media in ("audio", "video")]
        assert {one.protocol for one in media} == {"RTP/SAVP"}
        assert it.worker.configured == []
        await it.until(lambda: call.is_ended)


async def test_the_gate_is_asked_again_after_the_answer():
    async with hall() as it:
        it.gate.refusal_after_waiting = Refusal.FULL
        leg = await it.dialer.dial("1001", it.phones[0].uri, "admin")
        assert await it.outcome(leg) is Outcome.FULL
        assert it.calls.joined == {}


async def test_an_answer_that_is_none_ends_the_call():
    async with hall() as it:
        it.phones[0].deed = lambda call: call.accept(b"nonsense")
        leg = await it.dialer.dial("1001", it.phones[0].uri, "admin")
        assert await it.outcome(leg) is Outcome.NOT_ACCEPTABLE


async def test_a_redirection_is_followed_once():
    async with hall(2) as it:
        first, second = it.phones
        first.deed = lambda call: call.reject(302, "", (("Contact", f"<{second.uri}>"),))
        leg = await it.dialer.dial("1001", first.uri, "admin")
        await it.until(lambda: leg in it.calls.joined)
        second.deed = lambda call: call.reject(302, "", (("Contact", f"<{first.uri}>"),))
        again = await it.dialer.dial("1001", first.uri, "admin")
        assert await it.outcome(again) is Outcome.UNKNOWN_TARGET
        assert [len(phone.calls) for phone in it.phones] == [2, 2]


async def test_a_reinvite_of_the_called_is_answered():
    async with hall() as it:
        leg = await it.dialer.dial("1001", it.phones[0].uri, "admin")
        await it.until(lambda: leg in it.calls.joined)
        [call] = it.phones[0].calls
        await it.until(lambda: call.session.state.name == "ESTABLISHED")
        held = replace(parse(ANSWER)).serialize().replace(b"m=audio", b"a=sendonly\r\nm=audio", 1)
        call.session.reinvite(held, it.phones[0].ua.now())
        it.phones[0].ua.pump()
        await it.until(lambda: it.calls.changed == [leg])
        assert it.calls.joined[leg][0].media.stream(Kind.AUDIO).send is None
        call.hang_up()
        while not isinstance(await call.next_event(), Ended):
            pass
