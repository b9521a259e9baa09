"""H.323 calls through gate and attendant into rooms, and out of them, over real connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from config.attendant import AttendantSettings
from config.h323 import H323Settings
from mcu.camera import CameraMove
from mcu.media import Codec, Grade, Kind, place_of
from mcu.policy import MediaEncryption
from mcu.tile_rates import Need
from mcu.worker.messages import CameraFrame, Dtmf, MoveLeg, PeerWantsKeyframe, PlayPrompt
from signaling.admission import Refusal
from signaling.attendant.desk import Desk
from signaling.h323.call.causes import Cause
from signaling.h323.call_media import limits
from signaling.h323.h245 import events as h245
from signaling.h323.server import H323Server
from signaling.network_access import Proof
from tests.signaling.fakes import FakeCalls, FakeFleet, FakeGate
from tests.signaling.h323.calls.terminal import SETTINGS, Terminal, TerminalCall, name, number


class NoConferences:
    def get(self, number: str) -> None:
        return None


class World:
    def __init__(self, settings: H323Settings) -> None:
        self.gate, self.calls, self.fleet = FakeGate(), FakeCalls(), FakeFleet()
        self.worker = self.fleet.worker
        self.desk = Desk(AttendantSettings(goodbye_s=0.05, test_max_s=0.1), self.gate, NoConferences())
        self.server = H323Server(settings, self.gate, self.calls, self.fleet, self.desk)
        self.terminal = Terminal()

    async def call(self, *aliases, is_encrypting: bool = False) -> TerminalCall:
        return await self.terminal.call(self.server.local_addresses[0], *aliases, is_encrypting=is_encrypting)

    def prompts(self) -> list[str]:
        return [message.prompt for _, message in self.worker.sent if isinstance(message, PlayPrompt)]

    def moves(self, leg: int = 1) -> list[str]:
        return [message.room for _, message in self.worker.sent if isinstance(message, MoveLeg) and message.leg == leg]

    async def until(self, claim) -> None:
        async with asyncio.timeout(3):
            while not claim():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def a_world(**settings) -> AsyncIterator[World]:
    it = World(msgspec.structs.replace(SETTINGS, **settings))
    await it.server.start()
    await it.terminal.signalling.start()
    try:
        yield it
    finally:
        await it.terminal.signalling.stop()
        await it.server.stop()
        await asyncio.sleep(0)
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
        assert sorted(it.worker.closed) == sorted({opened.leg for opened in it.worker.opened})
        assert it.desk.gauges() == {"attended": 0, "tested": 0}
        assert it.server.gauges["calls"] == 0


async def test_a_terminal_joins_the_room_it_dialled() -> None:
    async with a_world() as it:
        call = await it.call(number("1001"))
        await it.until(lambda: it.calls.joined)
        leg, shown = it.calls.joined[1]
        assert (shown, leg.protocol, leg.remote_address) == ("Theatre 3", "h323", "127.0.0.1")
        streams = {stream.kind: stream for stream in leg.media.streams}
        assert streams[Kind.AUDIO].send.codec is Codec.G722
        assert streams[Kind.VIDEO].send.codec is Codec.H264
        assert leg.media.grade is Grade.CLEAR
        await call.hang_up()
        await it.until(lambda: it.calls.left == [1])


async def test_all_callers_of_a_room_are_told_one_conference() -> None:
    async with a_world() as it:
        calls = [await it.call(number("1001")) for _ in range(2)]
        told = {(await call.connected()).conference_id for call in calls}
        assert len(told) == 1
        for call in calls:
            await call.hang_up()


async def test_a_passcode_may_be_dialled() -> None:
    async with a_world() as it:
        await it.call(name("1002**2468"))
        await it.until(lambda: it.calls.joined)
        assert it.gate.requests[0].room == "1002"


@pytest.mark.parametrize(
    ("alias", "reason", "cause"),
    [
        (name("nobody"), "unreachableDestination", Cause.UNALLOCATED_NUMBER),
        (name("1002**1"), "securityDenied", Cause.CALL_REJECTED),
        (name("**1"), "unreachableDestination", Cause.UNALLOCATED_NUMBER),
    ],
)
async def test_who_is_not_let_in_is_told_why(alias, reason, cause) -> None:
    async with a_world() as it:
        end = await (await it.call(alias)).released()
        assert (end.reason, end.cause) == (reason, cause)
        assert it.worker.opened == []


async def test_who_dialled_only_the_server_is_asked_for_room_and_passcode() -> None:
    async with a_world() as it:
        call = await it.call()
        await it.until(lambda: it.prompts() == ["attendant-welcome-room"])
        for key in "1002#":
            it.worker.observers[1](Dtmf(1, key))
        call.keys("1002#")  # the same key presses once more
        await it.until(lambda: "attendant-passcode" in it.prompts())
        for key in "2468#":
            call.handle.carry(call.handle.control.signal(key))
        await it.until(lambda: it.calls.joined)
        assert it.moves() == [place_of(1), "1002"]
        assert [request.room for request in it.gate.requests] == ["1002", "1002"]


async def test_whose_session_ends_leaves_the_attendant() -> None:
    async with a_world() as it:
        call = await it.call()
        await it.until(lambda: it.prompts() == ["attendant-welcome-room"])
        it.calls.outside[1]()
        end = await call.released()
        assert (end.reason, end.cause) == ("securityDenied", Cause.CALL_REJECTED)
        await it.until(lambda: it.worker.closed)
        assert it.calls.outside == {}


async def test_keys_of_q931_are_keys() -> None:
    async with a_world() as it:
        call = await it.call(number("1002"))
        await it.until(lambda: it.prompts() == ["attendant-passcode"])
        call.handle.keypad("2468#")
        await it.until(lambda: it.calls.joined)


async def test_a_terminal_with_a_field_for_passwords_fills_it() -> None:
    async with a_world() as it:
        call = await it.call(number("1002"))
        call.password = "2468"
        await it.until(lambda: it.calls.joined)


async def test_keys_and_halfkeys_lock_the_call() -> None:
    async with a_world() as it:
        it.gate.required = Grade.OPPORTUNISTIC
        call = await it.call(number("1001"), is_encrypting=True)
        await it.until(lambda: it.calls.joined)
        leg, _ = it.calls.joined[1]
        assert (leg.media.grade, leg.media.is_encrypted) == (Grade.OPPORTUNISTIC, True)
        ours = {stream.kind: stream.h235 for stream in leg.media.streams}
        theirs = {stream.kind: stream.h235 for stream in call.media.media.streams}
        for kind in (Kind.AUDIO, Kind.VIDEO):
            assert ours[kind].local in dict(theirs[kind].remote).values()
            assert theirs[kind].local in dict(ours[kind].remote).values()
        assert ours[Kind.AUDIO].local != ours[Kind.VIDEO].local


async def test_a_room_may_do_without_encryption() -> None:
    async with a_world() as it:
        it.gate.encryption = MediaEncryption.OFF
        call = await it.call(number("1001"), is_encrypting=True)
        await it.until(lambda: it.calls.joined)
        leg, _ = it.calls.joined[1]
        assert (leg.media.grade, leg.media.is_encrypted) == (Grade.CLEAR, False)
        await call.settled()
        assert all(stream.h235 is None for stream in (*leg.media.streams, *call.media.media.streams))
        assert {Kind.AUDIO, Kind.VIDEO} <= {stream.kind for stream in leg.media.streams if stream.send is not None}


async def test_a_clear_terminal_hears_why_a_locked_room_refuses_it() -> None:
    async with a_world() as it:
        it.gate.required = Grade.OPPORTUNISTIC
        call = await it.call(number("1001"))
        await it.until(lambda: "attendant-encryption-required" in it.prompts())
        assert (await call.released()).reason == "securityDenied"
        assert it.calls.joined == {}


async def test_fast_updates_go_both_ways() -> None:
    async with a_world() as it:
        call = await it.call(number("1001"))
        await it.until(lambda: it.calls.joined)
        call.handle.carry(call.media.fast_update(Kind.VIDEO))
        await it.until(lambda: ("net", PeerWantsKeyframe(1, Kind.VIDEO)) in it.worker.sent)


async def test_the_remote_control_of_a_terminal_turns_cameras_of_its_room() -> None:
    async with a_world() as it:
        call = await it.call(number("1001"))
        await it.until(lambda: it.calls.joined)
        leg, _ = it.calls.joined[1]
        await it.until(lambda: leg.camera is not None)
        for wire in ("018008", "0280", "0380", "0380"):
            it.worker.observers[1](CameraFrame(1, bytes.fromhex("006103 0000 0000 01c0" + wire)))
        assert it.calls.steered == [
            ("1001", 1, CameraMove(pan=-1), 0.4, True), ("1001", 1, CameraMove(pan=-1), 0.4, False),
            ("1001", 1, CameraMove(), 0.0, False),
        ]  # fmt: skip
        await call.hang_up()


async def test_who_waits_hears_so_and_may_be_refused() -> None:
    async with a_world() as it:
        it.gate.host_came = asyncio.Event()
        call = await it.call(number("1001"))
        await it.until(lambda: it.prompts() != [])
        it.gate.refusal_after_waiting = Refusal.NOT_LET_IN
        it.gate.host_came.set()
        await call.released()
        assert it.calls.joined == {}


async def test_a_server_that_stops_says_good_bye() -> None:
    async with a_world() as it:
        call = await it.call(number("1001"))
        await it.until(lambda: it.calls.joined)
        await it.server.stop()
        await call.released()


async def test_the_server_renews_keys_by_itself() -> None:
    async with a_world(key_lifetime_s=0.05) as it:
        call = await it.call(number("1001"), is_encrypting=True)
        await it.until(lambda: it.calls.joined)
        leg, _ = it.calls.joined[1]
        sound = leg.media.stream(Kind.AUDIO).h235
        await it.until(lambda: leg.media.stream(Kind.AUDIO).h235.local != sound.local)
        await it.until(lambda: call.media.media.stream(Kind.AUDIO).h235.local not in dict(sound.remote).values())
        assert it.worker.configured[-1].streams == leg.media.streams
        await call.hang_up()


async def test_a_terminal_is_asked_for_no_more_than_is_seen_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOWER_AFTER_S", 0.05)
    async with a_world() as it:
        call = await it.call(number("1001"))
        await it.until(lambda: it.calls.joined and call.media.is_settled)
        leg, _ = it.calls.joined[1]
        await it.until(lambda: leg.media.stream(Kind.VIDEO) is not None and leg.media.stream(Kind.VIDEO).receive)
        it.calls.people[1].needs[Kind.VIDEO] = Need(320, 180, 200_000)
        leg.roster_changed()
        await it.until(lambda: call.of(h245.FlowControl))
        assert [event.bitrate_bps for event in call.of(h245.FlowControl)] == [300_000]
        it.calls.people[1].needs[Kind.VIDEO] = Need(1280, 720, 1_500_000)
        leg.roster_changed()
        await it.until(lambda: [event.bitrate_bps for event in call.of(h245.FlowControl)] == [300_000, None])
        await call.hang_up()


@pytest.mark.parametrize("aliases", [(number("1001"),), ()])
async def test_whom_the_network_does_not_know_is_released(aliases) -> None:
    async with a_world() as it:
        it.gate.rooms, it.gate.unknown_room, it.gate.is_off_network = {}, Refusal.NETWORK, True
        end = await (await it.call(*aliases)).released()
        assert (end.cause, end.reason) == (Cause.CALL_REJECTED, "securityDenied")
        assert it.worker.opened == []


async def test_the_gate_hears_where_a_call_came_in_and_what_it_calls_itself() -> None:
    async with a_world() as it:
        call = await it.call(number("1001"))
        await it.until(lambda: it.gate.requests)
        (request,) = it.gate.requests
        assert (request.source, request.local, request.proof) == ("127.0.0.1", "127.0.0.1", Proof.NONE)
        assert request.claimed == ("theatre",)
        await call.hang_up()
