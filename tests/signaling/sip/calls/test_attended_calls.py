"""SIP calls that the attendant takes: answered before the room is known, moved there afterwards."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from config.attendant import AttendantSettings
from config.sip import SipSettings
from mcu.media import Grade, place_of
from mcu.worker.messages import Dtmf, MoveLeg, PlayPrompt
from signaling.attendant.desk import Desk
from signaling.refusal import Refusal
from signaling.sip.call_handle import CallRefused
from signaling.sip.server import SipServer
from signaling.sip.ua import UserAgent
from tests.signaling.fakes import FakeCalls, FakeFleet, FakeGate
from tests.signaling.sip import offers


class NoConferences:
    def get(self, number: str) -> None:
        return None


class World:
    def __init__(self) -> None:
        self.gate, self.calls, self.fleet = FakeGate(), FakeCalls(), FakeFleet()
        self.worker = self.fleet.worker
        self.desk = Desk(AttendantSettings(goodbye_s=0.05, test_max_s=0.1), self.gate, NoConferences())
        self.server = SipServer(SipSettings(port=0), self.gate, self.calls, self.fleet, self.desk)
        self.ua = UserAgent(SipSettings(port=0))

    async def invite(self, user: str, offer: bytes = offers.LINPHONE):
        host, port = self.server.local_addresses[0]
        return await self.ua.invite(f"sip:{user}@{host}:{port}" if user else f"sip:{host}:{port}", offer)

    def prompts(self) -> list[str]:
        return [message.prompt for _, message in self.worker.sent if isinstance(message, PlayPrompt)]

    def moves(self, leg: int = 1) -> list[str]:
        return [message.room for _, message in self.worker.sent if isinstance(message, MoveLeg) and message.leg == leg]

    async def until(self, claim) -> None:
        async with asyncio.timeout(3):
            while not claim():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def world():
    it = World()
    await it.server.start()
    await it.ua.start()
    try:
        yield it
    finally:
        await it.ua.stop()
        await it.server.stop()
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
        assert sorted(it.worker.closed) == sorted({opened.leg for opened in it.worker.opened})
        assert it.desk.gauges() == {"attended": 0, "tested": 0}


@pytest.mark.parametrize(
    ("user", "prompts"),
    [
        ("", ["attendant-welcome-room"]),
        ("9999", ["attendant-unknown-room", "attendant-welcome-room"]),
        ("1002", ["attendant-passcode"]),
        ("1002**", ["attendant-passcode"]),
    ],
)
async def test_who_dialled_too_little_is_asked(user, prompts):
    async with world() as it:
        call = await it.invite(user)
        await call.answered()
        await it.until(lambda: it.prompts() == prompts)
        assert (it.moves(), it.calls.joined) == ([place_of(1)], {})
        await call.bye()


@pytest.mark.parametrize(
    ("user", "offer", "status"),
    [
        ("", offers.sdp("m=image 4000 udptl t38"), 404),
        ("", offers.LINPHONE.replace(b"m=audio", b"a=inactive\r\nm=audio"), 404),
        ("9999**1", offers.LINPHONE, 404),
        ("nobody", offers.LINPHONE, 404),
        ("1002**1", offers.LINPHONE, 403),
        ("1002", offers.sdp("m=image 4000 udptl t38"), 403),
    ],
)
async def test_who_cannot_be_asked_gets_a_status(user, offer, status):
    async with world() as it:
        call = await it.invite(user, offer)
        with pytest.raises(CallRefused) as caught:
            await call.answered()
        assert caught.value.status == status
        assert it.worker.opened == []


async def test_digits_of_both_ways_open_the_room():
    async with world() as it:
        call = await it.invite("")
        await call.answered()
        await it.until(it.moves)
        for key in "1002#":
            it.worker.observers[1](Dtmf(1, key))
            call.info("application/dtmf-relay", f"Signal={key}\r\n".encode())  # the same key press once more
        await it.until(lambda: "attendant-passcode" in it.prompts())
        for key in "2468#":
            call.info("application/dtmf", key.encode())
        await it.until(lambda: it.calls.joined)
        assert it.moves() == [place_of(1), "1002"]
        assert [request.room for request in it.gate.requests] == ["1002", "1002"]
        # Held and resumed inside as any other call.
        await call.reinvite(offers.LINPHONE)
        await it.until(lambda: it.calls.changed == [1])
        await call.bye()


async def test_hold_and_resume_with_the_attendant():
    async with world() as it:
        call = await it.invite("")
        await call.answered()
        held = await call.reinvite(offers.LINPHONE.replace(b"m=audio", b"a=sendonly\r\nm=audio"))
        assert b"m=audio" in held
        await call.reinvite(offers.LINPHONE)
        assert it.calls.changed == []
        await call.bye()


async def test_waiting_callers_are_answered_and_told():
    async with world() as it:
        it.gate.host_came = asyncio.Event()
        call = await it.invite("1001")
        await call.answered()
        await it.until(lambda: it.prompts() == ["waiting-for-host"])
        assert it.calls.joined == {}
        it.gate.host_came.set()
        await it.until(lambda: it.calls.joined)
        assert it.moves() == [place_of(1), "1001"]
        await call.bye()


@pytest.mark.parametrize("room", ["", "1001"])
async def test_whose_session_ends_leaves_the_attendant(room):
    async with world() as it:
        it.gate.host_came = asyncio.Event()
        call = await it.invite(room)
        ended = asyncio.Event()
        call.on_ended = lambda reason: ended.set()
        await call.answered()
        await it.until(it.prompts)
        it.calls.outside[1]()
        await asyncio.wait_for(ended.wait(), 3)
        await it.until(lambda: it.worker.closed)
        assert (it.calls.outside, it.calls.joined) == ({}, {})


async def test_who_still_hears_it_ring_is_told_why():
    async with world() as it:
        it.gate.host_came = asyncio.Event()
        silent = offers.LINPHONE.replace(b"m=audio", b"a=inactive\r\nm=audio").replace(b"m=video 9078", b"m=video 0")
        call = await it.invite("1001", silent)
        await it.until(lambda: call.ringing_status == 180)
        it.calls.outside[1]()
        with pytest.raises(CallRefused) as caught:
            await call.answered()
        assert (caught.value.status, caught.value.reason) == (403, "Not authenticated on the network")
        await it.until(lambda: not it.calls.outside)


async def test_waiting_callers_without_sound_ring():
    async with world() as it:
        it.gate.host_came = asyncio.Event()
        silent = offers.LINPHONE.replace(b"m=audio", b"a=inactive\r\nm=audio").replace(b"m=video 9078", b"m=video 0")
        call = await it.invite("1001", silent)
        await it.until(lambda: call.ringing_status == 180)
        it.gate.host_came.set()
        await call.answered()
        assert not it.gate.requests[0].can_wait
        await call.bye()


async def test_encryption_that_is_missing_is_said_by_status_or_by_the_attendant():
    async with world() as it:
        it.gate.required = Grade.OPPORTUNISTIC
        dialled = await it.invite("1001")
        with pytest.raises(CallRefused) as caught:
            await dialled.answered()
        assert caught.value.status == 488
        late = await it.invite("1001", b"")  # its keys are known after the answer only
        ended = asyncio.Event()
        late.on_ended = lambda reason: ended.set()
        await late.answered()
        keyed = await it.invite("")
        await keyed.answered()
        for key in "1001#":
            keyed.info("application/dtmf", key.encode())
        await it.until(lambda: "attendant-encryption-required" in it.prompts())
        await keyed.ended()
        assert it.calls.joined == {}


async def test_the_test_room_is_dialled_by_word_and_ends_by_itself():
    async with world() as it:
        call = await it.invite("test")
        await call.answered()
        await it.until(lambda: it.desk.gauges()["tested"] == 1)
        await call.ended()
        assert (it.gate.requests, it.prompts()) == ([], ["test-room"])


@pytest.mark.parametrize("user", ["", "9999"])
async def test_the_attendant_is_not_for_those_whom_the_network_does_not_know(user):
    async with world() as it:
        it.gate.is_off_network = True
        it.gate.unknown_room = Refusal.NETWORK
        call = await it.invite(user)
        with pytest.raises(CallRefused) as caught:
            await call.answered()
        assert (caught.value.status, caught.value.reason) == (403, "Not authenticated on the network")
        assert it.worker.opened == []
