"""The last steps into a conference."""

from dataclasses import replace

import pytest
from msgspec.structs import replace as replace_media

from mcu.conferences import Conferences
from mcu.media import Grade
from mcu.participant import Role
from mcu.policy import LayoutMode, RoomPolicy
from mcu.worker.messages import AttachLeg, MoveLeg, MuteLeg, RemoveAudioLeg, RouteContent, RouteVideo
from signaling.admission import Admission, CallRequest
from signaling.calls import Calls
from signaling.refusal import Refusal, Refused
from tests.mcu.fakes import FakeFleet, FakeLeg, FakeRegister


def admission(role: Role = Role.GUEST, max_participants: int = 2) -> Admission:
    policy = RoomPolicy("1001", "Ward", max_participants=max_participants)
    return Admission(policy, role, 1, CallRequest("192.0.2.1", "sip", "1001"))


@pytest.fixture
def calls() -> Calls:
    return Calls(Conferences(FakeFleet(), FakeRegister()))


async def test_the_last_seat_goes_to_one_only(calls):
    for leg in (1, 2):
        await calls.connect(FakeLeg(leg), admission(), "x")
    with pytest.raises(Refused) as refused:
        await calls.connect(FakeLeg(3), admission(), "x")
    assert refused.value.reason is Refusal.FULL


async def test_a_lock_that_came_after_the_gate_still_holds_but_not_for_hosts(calls):
    await calls.connect(FakeLeg(1), admission(max_participants=9), "x")
    calls.conferences.get("1001").lock(is_locked=True)
    with pytest.raises(Refused) as refused:
        await calls.connect(FakeLeg(2), admission(max_participants=9), "x")
    assert refused.value.reason is Refusal.LOCKED
    await calls.connect(FakeLeg(3), admission(Role.HOST, max_participants=9), "x")


async def test_who_is_refused_leaves_no_empty_conference(calls):
    locked = replace(admission().policy, is_locked=True)
    with pytest.raises(Refused):
        await calls.connect(FakeLeg(1), replace(admission(), policy=locked), "x")
    assert calls.conferences.running() == []


async def test_who_fails_half_way_in_is_out_again(calls, monkeypatch):
    await calls.connect(FakeLeg(1), admission(), "x")
    conference = calls.conferences.get("1001")
    monkeypatch.setattr(conference._stage, "show", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await calls.connect(FakeLeg(2), admission(), "x")
    assert conference.participants.keys() == {1}
    assert RemoveAudioLeg(2) in conference._worker.told(RemoveAudioLeg)
    assert conference._worker.closed == [2]


async def test_leaving_twice_or_from_nowhere_is_no_error(calls):
    await calls.connect(FakeLeg(1), admission(), "x")
    await calls.leave("1001", 1)
    await calls.leave("1001", 1)
    await calls.leave("4711", 1)
    calls.leg_changed("4711", 1)
    assert calls.conferences.running() == []


async def test_calls_from_an_address_end_and_others_go_on(calls):
    legs = {}
    for leg, (source, local) in enumerate([("10.0.0.7", "192.0.2.1"), ("10.0.0.7", "192.0.2.2"), ("10.0.0.8", "")], 1):
        request = CallRequest(source, "sip", "1001", local=local)
        legs[leg] = FakeLeg(leg)
        await calls.connect(legs[leg], replace(admission(max_participants=9), request=request), "x")
    asked = []

    def is_concerned(source: str, local: str) -> bool:
        asked.append((source, local))
        return (source, local) == ("10.0.0.7", "192.0.2.1")

    assert await calls.drop(("h323", "webrtc"), is_concerned) == 0
    assert asked == []
    assert await calls.drop(("sip",), is_concerned) == 1
    assert calls.conferences.get("1001").participants.keys() == {2, 3}
    assert asked == [("10.0.0.7", "192.0.2.1"), ("10.0.0.7", "192.0.2.2"), ("10.0.0.8", "")]
    assert await calls.drop(("sip",), is_concerned) == 0


async def test_who_is_in_no_room_yet_ends_too_and_once(calls):
    ended = []
    for leg, (source, protocol) in enumerate([("10.0.0.7", "sip"), ("10.0.0.8", "sip"), ("10.0.0.7", "h323")], 1):
        request = CallRequest(source, protocol, "")
        calls.arrived(leg, request, lambda leg=leg: ended.append(leg))
    calls.arrived(4, CallRequest("10.0.0.7", "sip", ""), lambda: ended.append(4))
    calls.gone(4)

    def is_concerned(source: str, _local: str) -> bool:
        return source == "10.0.0.7"

    assert await calls.drop(("sip",), is_concerned) == 1
    assert ended == [1]
    assert await calls.drop(("sip", "h323"), is_concerned) == 1
    assert ended == [1, 3]
    assert await calls.drop(("sip", "h323"), is_concerned) == 0


async def test_who_is_in_its_room_is_outside_no_more(calls):
    request = CallRequest("10.0.0.7", "sip", "1001")
    calls.arrived(1, request, lambda: pytest.fail("it is in its room"))
    await calls.connect(FakeLeg(1), replace(admission(), request=request), "x")
    assert calls._outside == {}
    assert await calls.drop(("sip",), lambda source, _local: source == "10.0.0.7") == 1


def to(number: str, **values: object) -> RoomPolicy:
    return RoomPolicy(number, f"Room {number}", **values)  # type: ignore[arg-type]


async def test_who_is_taken_to_another_room_is_there_and_its_call_is_told(calls):
    told = []
    for leg in (1, 2):
        await calls.connect(FakeLeg(leg), admission(), "x")
        calls.follow(leg, admission(), lambda there, person: told.append((there.policy.number, person.id)))
    here = calls.conferences.get("1001")
    here.mute(1, is_muted=True)
    here.participants[1].layout = LayoutMode.SPEAKER
    worker = calls.conferences._fleet.worker
    worker.sent.clear()
    await calls.move("1001", 1, to("1002", is_locked=True))
    there = calls.conferences.get("1002")
    assert (list(here.participants), list(there.participants), told) == ([2], [1], [("1002", 1)])
    person = there.participants[1]
    assert person.is_muted and person.layout is None
    net = [message for process, message in worker.sent if process == "net" and getattr(message, "leg", 0) == 1]
    assert net[:4] == [MoveLeg(1, "1002"), RouteVideo(1, 0), RouteContent(1, 0), AttachLeg(1)]
    assert worker.told(MuteLeg) == [MuteLeg(1, True)]
    assert worker.closed == []
    await calls.move("1002", 1, to("1001"))
    assert calls.conferences.get("1002") is None, "nobody is left there"
    assert list(here.participants) == [2, 1]
    await calls.leave("1001", 1)
    with pytest.raises(KeyError):
        await calls.move("1001", 1, to("1002"))


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (to("1002", max_participants=0), Refusal.FULL),
        (to("1002", required_grade=Grade.AUTHENTICATED), Refusal.ENCRYPTION_REQUIRED),
    ],
)
async def test_who_does_not_fit_into_the_other_room_stays_where_it_is(calls, policy, reason):
    leg = FakeLeg(1)
    leg.media = replace_media(leg.media, grade=Grade.OPPORTUNISTIC)
    await calls.connect(leg, admission(), "x")
    calls.follow(1, admission(), lambda *_: pytest.fail("it was not moved"))
    with pytest.raises(Refused) as refused:
        await calls.move("1001", 1, policy)
    assert refused.value.reason is reason
    assert list(calls.conferences.get("1001").participants) == [1]
    assert calls.conferences.get("1002") is None


async def test_nobody_is_moved_to_where_it_is_or_to_another_worker(calls, monkeypatch):
    await calls.connect(FakeLeg(1), admission(), "x")
    calls.follow(1, admission(), lambda *_: pytest.fail("it was not moved"))
    with pytest.raises(KeyError):
        await calls.move("1001", 1, to("1001"))
    monkeypatch.setattr("mcu.conference.Conference.can_hand_over_to", lambda *_: False)
    with pytest.raises(Refused):
        await calls.move("1001", 1, to("1002"))
    assert list(calls.conferences.get("1001").participants) == [1]


async def test_of_legs_that_are_over_nothing_is_kept(calls, monkeypatch):
    monkeypatch.setattr("signaling.calls._MAX_REMEMBERED", 3)
    for leg in range(1, 20):
        await calls.connect(FakeLeg(leg), admission(max_participants=99), "x")
        await calls.conferences.get("1001").remove(leg)
        assert len(calls._came) <= 3
    await calls.connect(FakeLeg(50), admission(), "x")
    await calls.leave("1001", 50)
    assert 50 not in calls._came


async def test_who_came_back_from_another_address_is_there(calls):
    await calls.connect(FakeLeg(1), admission(), "x")
    calls.moved(1, "10.0.0.9", "192.0.2.2")
    calls.moved(2, "10.0.0.9", "192.0.2.2")
    assert await calls.drop(("sip",), lambda source, _local: source == "192.0.2.1") == 0
    assert calls._came.keys() == {1}
    assert await calls.drop(("sip",), lambda source, local: (source, local) == ("10.0.0.9", "192.0.2.2")) == 1
