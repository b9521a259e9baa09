"""The attendant's shell and the remote control on a real gate, a worker that notes, and real conferences."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from config.attendant import AttendantSettings
from mcu.conferences import Conferences
from mcu.media import Codec, Format, Grade, LegMedia, StreamSpec, place_of
from mcu.participant import Role
from mcu.worker.messages import LegStats, MoveLeg, Panel, PlayPrompt, SetScene, StreamStats
from signaling.admission import Admission, CallRequest, Gate, Refusal, Refused
from signaling.attendant.desk import Desk, can_be_told, can_send_digits
from signaling.attendant.reception import Doors, Reception, SaidGoodbye
from signaling.attendant.remote import RemoteControl
from signaling.calls import Calls
from tests.mcu.fakes import FakeFleet, FakeLeg, FakeRegister, media
from tests.signaling.test_admission import GUARDED, GUEST, HOST, WRONG, FakeRooms, FakeVerifier

FAST = AttendantSettings(
    digit_timeout_s=0.05, prompt_interval_s=0.2, goodbye_s=0.02, max_calls=2, max_calls_per_source=2, test_max_calls=1,
    test_max_s=0.05,
)  # fmt: skip


class Hospital:
    """One caller at a time unless a test makes more."""

    def __init__(self, *rooms, settings: AttendantSettings = FAST) -> None:
        self.fleet = FakeFleet()
        self.conferences = Conferences(self.fleet, FakeRegister())
        self.gate = Gate(FakeRooms(*(rooms or (GUARDED,))), self.conferences, FakeVerifier())
        self.desk = Desk(settings, self.gate, self.conferences)
        self.calls = Calls(self.conferences)
        self.worker = self.fleet.worker

    def caller(self, leg: int, room: str = "", agreed: LegMedia | None = None, **values: object) -> Caller:
        return Caller(self, leg, room, agreed or media(), **values)

    def panels(self, leg: int) -> list[Panel]:
        scenes = [message for message in self.worker.told(SetScene) if message.room == place_of(leg)]
        return [scene.panel for scene in scenes if scene.panel is not None]

    def prompts(self, leg: int) -> list[str]:
        return [message.prompt for message in self.worker.told(PlayPrompt) if message.leg == leg]


class Caller:
    def __init__(self, hospital: Hospital, leg: int, room: str, agreed: LegMedia, **values: object) -> None:
        self.hospital = hospital
        self.leg = FakeLeg(leg, agreed)
        self.agreed = agreed
        self.answered = 0
        self.admission: Admission | None = None
        self.request = CallRequest("192.0.2.1", "sip", room, name=f"Caller {leg}", call=f"call-{leg}", **values)
        doors = Doors(lambda: self.agreed, lambda: self.answered > 0, self._answer, self._connect)
        self.reception = Reception(hospital.desk, self.request, hospital.worker, leg, doors)

    def _answer(self) -> None:
        self.answered += 1

    async def _connect(self, admission: Admission) -> None:
        await self.hospital.calls.connect(self.leg, admission, self.request.name)
        self.admission = admission

    async def keys(self, keys: str) -> None:
        for key in keys:
            self.reception.receive_digit(key)
            await settle()


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_from_the_question_into_the_room():
    it = Hospital()
    caller = it.caller(1)
    asking = asyncio.create_task(caller.reception.ask())
    await settle()
    assert (caller.answered, it.prompts(1)) == (1, ["attendant-welcome-room"])
    await caller.keys("1001#")
    assert it.conferences.count("1001") == 0
    await caller.keys(f"{GUEST}#")
    await asking
    assert (caller.admission.role, it.conferences.count("1001")) == (Role.GUEST, 1)
    # The leg is a leg of the room before the gate of the media plane opens for it.
    moves = [message.room for message in it.worker.told(MoveLeg) if message.leg == 1]
    assert moves == [place_of(1), "1001"]
    assert it.desk.gauges() == {"attended": 0, "tested": 0}
    assert all(GUEST not in str(panel) for panel in it.panels(1))


async def test_three_wrong_passcodes_are_the_gates_business_then_goodbye():
    it = Hospital()
    caller = it.caller(1, "1001")
    asking = asyncio.create_task(caller.reception.ask(Refusal.PASSCODE_REQUIRED))
    for _ in range(3):
        await settle()
        await caller.keys(f"{WRONG}#")
    with pytest.raises(SaidGoodbye):
        await asking
    assert it.gate.counters["refused-passcode-wrong"] == 2
    assert it.gate.counters["refused-too-many-tries"] == 1
    assert "Too many" in it.panels(1)[-1].note
    assert it.desk.counters["goodbyes"] == 1


async def test_who_has_to_wait_is_answered_told_and_let_in():
    it = Hospital(replace(GUARDED, is_locked=True))
    caller = it.caller(1, "1001")
    admission = await it.gate.admit(replace(caller.request, passcode=GUEST))
    waiting = asyncio.create_task(caller.reception.wait(admission))
    await settle()
    assert (caller.answered, it.prompts(1)) == (1, ["waiting-locked"])
    assert it.gate.let_in("1001", it.gate.waiting("1001")[0].id)
    await asyncio.wait_for(waiting, 2)
    assert caller.admission.is_let_in and it.conferences.count("1001") == 1


async def test_who_need_not_wait_is_not_answered_before_the_room():
    it = Hospital()
    caller = it.caller(1, "1001")
    await caller.reception.wait(await it.gate.admit(replace(caller.request, passcode=GUEST)))
    assert (caller.answered, it.panels(1), it.conferences.count("1001")) == (0, [], 1)


async def test_a_lock_between_gate_and_door_means_waiting():
    it = Hospital()
    first, second = it.caller(1, "1001"), it.caller(2, "1001")
    await first.reception.wait(await it.gate.admit(replace(first.request, passcode=GUEST)))
    admission = await it.gate.admit(replace(second.request, passcode=GUEST))
    gone_on = asyncio.create_task(second.reception.wait(admission))
    it.conferences.get("1001").lock(is_locked=True)
    await settle()
    assert [one.name for one in it.gate.waiting("1001")] == ["Caller 2"]
    gone_on.cancel()
    await asyncio.gather(gone_on, return_exceptions=True)
    assert it.gate.waiting("1001") == []


async def test_encryption_is_asked_for_in_words_once_the_room_is_known():
    it = Hospital(replace(GUARDED, required_grade=1))
    clear = replace_grade(media(), Grade.CLEAR)
    caller = it.caller(1, agreed=clear)
    asking = asyncio.create_task(caller.reception.ask())
    await settle()
    await caller.keys("1001#")
    await caller.keys(f"{GUEST}#")
    with pytest.raises(SaidGoodbye):
        await asking
    assert it.prompts(1)[-2:] == ["attendant-encryption-required", "attendant-goodbye"]
    assert "encrypted" in it.panels(1)[-1].note
    assert it.conferences.count("1001") == 0


def replace_grade(agreed: LegMedia, grade: Grade) -> LegMedia:
    return LegMedia(agreed.streams, is_encrypted=False, grade=grade)


async def test_who_lowers_its_lock_while_waiting_does_not_come_in():
    it = Hospital(replace(GUARDED, required_grade=1, is_locked=True))
    caller = it.caller(1, "1001")
    admission = await it.gate.admit(replace(caller.request, passcode=GUEST))
    waiting = asyncio.create_task(caller.reception.wait(admission))
    await settle()
    caller.agreed = replace_grade(media(), Grade.CLEAR)
    it.gate.let_in("1001", it.gate.waiting("1001")[0].id)
    with pytest.raises(SaidGoodbye):
        await asyncio.wait_for(waiting, 2)
    assert it.conferences.count("1001") == 0


@pytest.mark.parametrize("number", ["1001", "2002"])
async def test_a_blocked_room_is_an_unknown_number_here_too(number):
    it = Hospital()
    for guess in range(21):
        with pytest.raises(Refused):
            request = CallRequest(f"198.51.100.{guess}", "sip", "1001", WRONG, call=f"guess-{guess}")
            await it.gate.admit(request)
    caller = it.caller(1)
    asking = asyncio.create_task(caller.reception.ask())
    await settle()
    await caller.keys(f"{number}#")
    await settle()
    assert it.prompts(1)[-2:] == ["attendant-unknown-room", "attendant-welcome-room"]
    assert "no such room" in it.panels(1)[-1].note
    assert number not in it.panels(1)[-1].note
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_places_are_bounded_and_given_back():
    it = Hospital()
    asking = [asyncio.create_task(it.caller(leg).reception.ask()) for leg in (1, 2)]
    await settle()
    with pytest.raises(Refused) as refused:
        await it.caller(3).reception.ask()
    assert refused.value.reason is Refusal.CAPACITY
    # Who needs no place comes in all the same.
    direct = it.caller(4, "1001")
    await direct.reception.wait(await it.gate.admit(replace(direct.request, passcode=GUEST)))
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    assert it.desk.gauges()["attended"] == 0
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def test_the_test_room_shows_figures_and_ends():
    it = Hospital()
    caller, late = it.caller(1, "test"), it.caller(2, "test")
    testing = asyncio.create_task(caller.reception.test())
    await settle()
    it.worker.say_of(1, LegStats(1, (StreamStats("video", 90, 10, 3.0, 500_000, 0, 400_000, 0.05, 20.0, "H264"),)))
    text = " ".join(it.panels(1)[-1].lines)
    assert "500 kbit/s" in text and "10.0 %" in text and "5.0 %" in text and "20 ms" in text
    with pytest.raises(Refused) as refused:
        await late.reception.test()
    assert refused.value.reason is Refusal.FULL
    with pytest.raises(SaidGoodbye):
        await testing
    assert it.desk.gauges() == {"attended": 0, "tested": 0}


async def test_star_ends_the_test():
    it = Hospital(settings=AttendantSettings())
    caller = it.caller(1, "test")
    testing = asyncio.create_task(caller.reception.test())
    await settle()
    caller.reception.receive_digit("*")
    with pytest.raises(SaidGoodbye):
        await asyncio.wait_for(testing, 1)


# ---- inside ---------------------------------------------------------------------------------------------------------


async def inside(it: Hospital, leg: int, passcode: str = GUEST) -> tuple[RemoteControl, list[str]]:
    caller, ended = it.caller(leg, "1001"), []
    await caller.reception.wait(await it.gate.admit(replace(caller.request, passcode=passcode)))
    return RemoteControl(it.desk, caller.admission, leg, lambda: ended.append("hung up")), ended


async def test_keys_inside_a_room():
    it = Hospital(settings=AttendantSettings())
    remote, ended = await inside(it, 1)
    conference = it.conferences.get("1001")
    for key in "*1":
        remote.receive_digit(key)
    assert conference.participants[1].is_muted
    for key in "*4":
        remote.receive_digit(key)
    assert conference.participants[1].has_hand_raised
    for key in f"*3{HOST}#":
        remote.receive_digit(key)
    await settle()
    assert conference.participants[1].role is Role.HOST
    layout = conference.layout
    for key in "*2*":
        remote.receive_digit(key)
    assert conference.layout is not layout
    assert it.prompts(1)[:4] == ["menu", "muted", "menu", "hand-raised"]
    assert "you-are-host" in it.prompts(1)
    for key in "*0":
        remote.receive_digit(key)
    assert ended == ["hung up"]
    remote.close()
    await conference.close()


async def test_a_host_lets_in_who_knocks_and_a_guest_cannot():
    it = Hospital(replace(GUARDED, is_locked=True), settings=AttendantSettings())
    host, _ = await inside(it, 1, HOST)
    knocking = it.caller(2, "1001")
    admission = await it.gate.admit(replace(knocking.request, passcode=GUEST))
    waiting = asyncio.create_task(knocking.reception.wait(admission))
    await settle()
    for key in "*5":
        host.receive_digit(key)
    await asyncio.wait_for(waiting, 2)
    assert it.conferences.count("1001") == 2
    host.close()


async def test_digits_after_leaving_do_nothing():
    it = Hospital()
    remote, ended = await inside(it, 1)
    await it.conferences.get("1001").leave(1)
    for key in "*0":
        remote.receive_digit(key)
    assert ended == []


# ---- who can be served ----------------------------------------------------------------------------------------------

_EVENTS = Format(Codec.TELEPHONE_EVENT, 101, 8000)
_PCMA = Format(Codec.PCMA, 8, 8000)
_OPUS = Format(Codec.OPUS, 111, 48_000)


@pytest.mark.parametrize(
    ("receive", "send", "has_messages", "is_told", "has_keys"),
    [
        ((_PCMA, _EVENTS), _PCMA, False, True, True),
        ((_PCMA,), _PCMA, False, True, True),
        ((_OPUS, _EVENTS), _OPUS, False, True, True),
        ((_OPUS,), _OPUS, False, True, False),
        ((_OPUS,), _OPUS, True, True, True),
        ((), _PCMA, False, True, False),
        ((), None, False, False, False),
    ],
)
def test_who_hears_and_who_has_keys(receive, send, has_messages, is_told, has_keys):
    agreed = LegMedia((StreamSpec("0", "audio", receive, send),), is_encrypted=False, grade=Grade.CLEAR)
    assert can_be_told(agreed) is is_told
    assert can_send_digits(agreed, has_messages=has_messages) is has_keys
