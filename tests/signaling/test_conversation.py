"""What calls of every protocol share: a protocol without messages, whose peer hangs up when the test says so."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from mcu.media import Codec, Format, Grade, Kind, LegMedia, StreamSpec
from mcu.worker.messages import CameraFrame, Dtmf, LegFailed, LegSilent, LegStats
from signaling.admission import Refusal, Refused
from signaling.call_request import CallRequest
from signaling.called_party import CalledParty
from signaling.conversation import Conversation
from signaling.placed import DialRefused, Outcome
from signaling.visiting_call import VisitingCall
from tests.signaling.fakes import FakeCalls, FakeFleet, FakeGate

MEDIA = LegMedia((StreamSpec("a", Kind.AUDIO, (Format(Codec.PCMA, 8, 8000),), None),), False, Grade.CLEAR)


class Talk(Conversation):
    """A call."""

    has_key_messages = False
    owes_answer = False

    def __init__(self, worker, gate=None, silent_s: float = 60.0) -> None:
        leg = SimpleNamespace(id=7, protocol="test", remote_address="192.0.2.7", media=LegMedia((), False, Grade.CLEAR))
        super().__init__(leg, gate or FakeGate(), silent_s)
        self.is_over = asyncio.Event()
        self.ends = 0
        self.counted: list[str] = []
        self.frames: list[bytes] = []
        self.watch(worker)

    async def follow(self) -> None:
        await self.is_over.wait()

    def entered(self, room, person) -> None:
        self.counted.append(f"entered-{room}")

    def hang_up(self) -> None:
        self.ends += 1
        self.is_over.set()

    def answer(self) -> None:
        pass

    def ring(self) -> None:
        pass

    def _camera_frame(self, data: bytes) -> None:
        self.frames.append(data)

    def _count(self, event: str) -> None:
        self.counted.append(event)


class Guest(VisitingCall):
    """A call that came in, and may not."""

    def __init__(self, house: House, error: Exception) -> None:
        super().__init__(house.talk, house.services, 1.0)
        self.error = error
        self.ends: list[Exception] = []

    async def _request(self):
        raise self.error

    async def _agree(self, worker, admission) -> None:
        raise NotImplementedError

    def _end(self, error: Exception) -> None:
        self.ends.append(error)
        self._talk.hang_up()


class House:
    def __init__(self, **talk) -> None:
        self.gate, self.calls, self.fleet = FakeGate(), FakeCalls(), FakeFleet()
        self.worker = self.fleet.worker
        self.services = SimpleNamespace(gate=self.gate, calls=self.calls, fleet=self.fleet, desk=None)
        self.talk = Talk(self.worker, self.gate, **talk)

    def hear(self, *messages) -> None:
        for message in messages:
            self.worker.observers[7](message)


@pytest.fixture
async def house() -> House:
    return House()


async def nothing() -> None:
    """Sets up at once."""


async def for_ever() -> None:
    await asyncio.Event().wait()


# ---- the call


async def test_the_leg_is_free_once_when_the_peer_hangs_up(house):
    house.talk.is_over.set()
    await house.talk.run(for_ever())
    house.talk.close()
    assert (house.worker.closed, house.talk.ends) == ([7], 1)


async def test_the_call_goes_on_when_it_is_set_up(house):
    running = asyncio.ensure_future(house.talk.run(nothing()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not running.done()
    house.talk.hang_up()
    await running
    assert house.worker.closed == [7]


async def test_a_cancelled_call_is_hung_up(house):
    running = asyncio.ensure_future(house.talk.run(for_ever()))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (house.worker.closed, house.talk.ends) == ([7], 1)


async def test_keys_count_once_whatever_way_they_come(house):
    pressed: list[str] = []
    house.talk.on_digit = pressed.append
    house.hear(Dtmf(7, "5"), Dtmf(7, "#"))
    house.talk._keys("5", "info")
    assert pressed == ["5", "#"]
    assert house.talk.counted == ["digit-rfc4733", "digit-rfc4733", "digit-info"]


async def test_frames_of_the_camera_and_failures_are_passed_on(house):
    house.hear(CameraFrame(7, b"frame"))
    assert (house.talk.frames, house.talk.ends) == ([b"frame"], 0)
    house.hear(LegFailed(7, "ports"))
    assert house.talk.ends == 1


@pytest.mark.parametrize("is_back", [True, False])
async def test_a_silent_peer_is_hung_up_unless_it_comes_back(is_back):
    house = House(silent_s=0.0)
    await house.talk.configure(MEDIA)
    house.hear(LegSilent(7, 0.0))
    if is_back:
        house.hear(LegStats(7, ()))
    for _ in range(3):
        await asyncio.sleep(0)
    assert house.talk.ends == (0 if is_back else 1)


async def test_keys_of_a_refused_leg_never_reach_the_media_plane(house):
    def refuse(_admission, _grade) -> None:
        raise Refused(Refusal.ENCRYPTION_REQUIRED)

    house.gate.check_media = refuse
    house.talk.admission = object()
    with pytest.raises(Refused):
        await house.talk.configure(MEDIA)
    assert house.worker.configured == []
    assert house.talk.leg.media.streams == ()


# ---- calls in and out


@pytest.mark.parametrize("error", [Refused(Refusal.FULL), RuntimeError("a defect")])
async def test_why_a_caller_is_not_let_in_is_said_once(house, error):
    guest = Guest(house, error)
    await guest.run()
    assert (guest.ends, house.calls.joined) == ([error], {})
    assert house.worker.closed == [7]


async def called(house, enter) -> None:
    attempt = SimpleNamespace(admission=None, leg=7, joined=lambda: house.talk.counted.append("joined"))
    await CalledParty(house.talk, house.services, house.worker, attempt, "Ward 3", "192.0.2.1").follow(enter)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Refused(Refusal.FULL), Outcome.FULL),
        (DialRefused(Outcome.NO_ANSWER), Outcome.NO_ANSWER),
        (RuntimeError("a defect"), Outcome.FAILED),
    ],
)
async def test_what_keeps_a_called_party_out_is_told_to_who_called(house, error, outcome):
    async def enter() -> None:
        raise error

    with pytest.raises(DialRefused) as caught:
        await called(house, enter)
    assert caught.value.outcome is outcome
    assert house.worker.closed == [7]


async def test_a_party_that_hangs_up_while_it_is_let_in_is_no_failure(house):
    house.talk.is_over.set()
    await called(house, for_ever)
    assert house.calls.joined == {}


async def test_a_called_party_is_looked_for_in_the_network_where_it_answers_from(house):
    asked = await house.services.gate.admit(CallRequest("pbx.example", "sip", "1001", is_invited=True))
    attempt = SimpleNamespace(admission=asked, leg=7, joined=house.talk.is_over.set)
    party = CalledParty(house.talk, house.services, house.worker, attempt, "Ward 3", "192.0.2.1")
    await party.follow(party.join)
    (request,) = house.services.gate.doors
    assert (request.source, request.local, request.is_invited) == ("192.0.2.7", "192.0.2.1", True)
