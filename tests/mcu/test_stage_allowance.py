"""What a conference sends to and asks of those who came when the machine was busy."""

from __future__ import annotations

import asyncio

from mcu.capacity import SMALL, SMALL_SEEN, Allowance
from mcu.conference import Conference
from mcu.conferences import Conferences
from mcu.media import Kind, stream_id
from mcu.participant import Role
from mcu.policy import RoomPolicy
from mcu.worker.messages import AddAudioLeg, LimitSource, OpenRendition, RouteVideo, SetScene
from tests.mcu.fakes import FakeFleet, FakeLeg, FakeRegister, FakeWorker, media


async def room(*allowances: Allowance) -> tuple[Conference, FakeWorker]:
    fleet = FakeFleet()
    conference = await Conferences(fleet, FakeRegister()).open(RoomPolicy("1001", "Ward 3"))
    for leg, allowance in enumerate(allowances, 1):
        await conference.join(FakeLeg(leg, media()), f"P{leg}", Role.GUEST, "", allowance)
    return conference, fleet.worker


def sizes(worker: FakeWorker, leg: int) -> int:
    """The width of the rendition that a leg gets; 0 for none."""
    opened = {each.rendition: each.width for each in worker.told(OpenRendition) if isinstance(each, OpenRendition)}
    routes = [each.rendition for each in worker.told(RouteVideo) if isinstance(each, RouteVideo) and each.leg == leg]
    return opened.get(routes[-1], 0) if routes else 0


def asked(worker: FakeWorker, leg: int) -> tuple[int, int]:
    """The size that was last asked of a leg's camera."""
    stream = stream_id(leg, Kind.VIDEO)
    wishes = [each for each in worker.told(LimitSource) if isinstance(each, LimitSource) and each.stream == stream]
    return (wishes[-1].width, wishes[-1].height) if wishes else (0, 0)


async def test_small_pictures_both_ways_and_the_others_keep_theirs() -> None:
    _, worker = await room(Allowance.FULL, Allowance.SMALL)
    assert (sizes(worker, 1), sizes(worker, 2)) == (1280, SMALL_SEEN.width)
    assert asked(worker, 2) == (SMALL.width, SMALL.height)
    assert asked(worker, 1)[0] > SMALL.width


async def test_sound_only_is_neither_shown_nor_sent_a_picture_but_heard() -> None:
    conference, worker = await room(Allowance.FULL, Allowance.SOUND)
    scene = [each for each in worker.told(SetScene) if isinstance(each, SetScene)][-1]
    assert [tile.stream for tile in scene.tiles] == [stream_id(1, Kind.VIDEO), 0]
    assert (sizes(worker, 1), sizes(worker, 2)) == (1280, 0)
    assert [each.leg for each in worker.told(AddAudioLeg) if isinstance(each, AddAudioLeg)] == [1, 2]
    person = conference.participants[2]
    assert not (person.has_video or person.has_content or person.takes_content)
    assert person.snapshot()["allowance"] == "sound"


async def test_a_renegotiated_leg_gets_no_more_than_it_was_allowed() -> None:
    conference, worker = await room(Allowance.FULL, Allowance.SOUND)
    conference.leg_changed(2)
    conference.request_floor(2)
    assert (sizes(worker, 2), asked(worker, 2)) == (0, (0, 0))


async def test_what_a_room_needs_is_what_runs() -> None:
    conference, _ = await room(Allowance.FULL, Allowance.FULL, Allowance.SMALL, Allowance.SOUND)
    demand = conference.demand()
    assert (len(demand.senders), demand.people) == (3, 4)
    assert sorted((output.width, output.height) for output in demand.outputs) == [(640, 360), (1280, 720)]
    assert min(sender.width for sender in demand.senders) == SMALL.width
    assert demand.sent_bps == 2 * 1_500_000 + 600_000
    await conference.leave(3)
    assert [output.width for output in conference.demand().outputs] == [1280]


async def test_who_gets_more_later_is_sent_and_asked_for_more() -> None:
    conference, worker = await room(Allowance.FULL, Allowance.SMALL, Allowance.SOUND)
    conference.raise_allowance(2, Allowance.FULL)
    conference.raise_allowance(3, Allowance.SMALL)
    await asyncio.sleep(0)  # what changed is shown once for each turn of the loop
    assert (sizes(worker, 2), sizes(worker, 3)) == (1280, SMALL_SEEN.width)
    assert asked(worker, 2)[0] > SMALL.width
    assert asked(worker, 3) == (SMALL.width, SMALL.height)
    legs = [person.leg for person in conference.participants.values()]
    assert [leg.asked_for_pictures for leg in legs if isinstance(leg, FakeLeg)] == [0, 0, 1]
    conference.raise_allowance(3, Allowance.SOUND)
    conference.raise_allowance(99, Allowance.FULL)
    assert conference.participants[3].allowance is Allowance.SMALL
