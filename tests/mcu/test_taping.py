"""Recordings of a conference when things happen at the same time, or go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from mcu.conference import Conference
from mcu.policy import RecordPolicy
from mcu.taping import RegisterError
from mcu.worker.messages import (
    CloseRoom,
    LegFailed,
    OpenRecorderLeg,
    PlayPrompt,
    RecordingEnded,
    RecordingProgress,
    StartRecording,
    StopRecording,
)
from tests.mcu.fakes import FakeLeg, FakeRegister
from tests.mcu.test_conference import House


class SlowRegister(FakeRegister):
    """Takes its time to begin, as a database does."""

    async def begin(self, *arguments) -> StartRecording:
        await asyncio.sleep(0.01)
        return await super().begin(*arguments)

    async def finish(self, *arguments) -> None:
        await asyncio.sleep(0.01)
        await super().finish(*arguments)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr("mcu.room_recording._AGAIN_AFTER_S", 0.01)
    monkeypatch.setattr("mcu.record_duty._RETRY_S", 0.02)
    return slow(House())


def slow(house: House) -> House:
    house.register = house.conferences._register = SlowRegister()
    return house


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


def recorders(house: House) -> list[int]:
    return [message.leg for message in house.worker.told(OpenRecorderLeg)]


async def test_two_who_start_at_once_make_one_recording(house: House):
    await house.join(1)
    await asyncio.gather(house.conference.start_recording("a"), house.conference.start_recording("b"))
    assert len(recorders(house)) == 1
    assert len(house.register.begun) == 1


async def test_two_who_come_at_once_into_a_room_that_is_always_recorded_make_one_recording():
    house = slow(House(record=RecordPolicy.ALWAYS))
    await asyncio.gather(house.join(1), house.join(2))
    await until(lambda: recorders(house))
    await asyncio.sleep(0.1)
    assert len(recorders(house)) == 1


async def test_a_stop_waits_for_the_start_before_it(house: House):
    await house.join(1)
    starting = asyncio.create_task(house.conference.start_recording("a"))
    await asyncio.sleep(0)
    stopping = asyncio.create_task(house.conference.stop_recording())
    await starting
    await asyncio.sleep(0)
    assert house.worker.told(StopRecording)
    house.worker.say(RecordingEnded("recording-0", 1, 1.0, "ab"))
    await stopping
    assert not house.conference.is_recording


async def test_nothing_is_recorded_behind_the_last_who_left(house: House):
    await house.join(1)
    starting = asyncio.create_task(house.conference.start_recording("a"))
    await asyncio.sleep(0)
    leaving = asyncio.create_task(house.conference.leave(1))
    await starting
    await asyncio.sleep(0)
    assert len(house.worker.told(StopRecording)) == len(recorders(house))
    house.worker.say(RecordingEnded("recording-0", 1, 1.0, "ab"))
    await leaving
    assert house.conferences.get("1001") is None


async def test_an_error_while_it_is_stopped_starts_no_other(house: House):
    await house.join(1)
    await house.conference.start_recording("a")
    stopping = asyncio.create_task(house.conference.stop_recording())
    await asyncio.sleep(0)
    house.worker.say(RecordingEnded("recording-0", 1, 1.0, "ab", error="enospc"))
    await stopping
    await asyncio.sleep(0.1)
    assert not house.conference.is_recording
    assert len(house.register.begun) == 1
    assert house.events.count("recording-ended") == 1


async def test_a_recording_whose_leg_was_lost_is_finished_in_the_register_and_followed_by_another(house: House):
    await house.join(1)
    await house.conference.start_recording("a")
    house.worker.say_of(recorders(house)[0], LegFailed(recorders(house)[0], "worker-lost"))
    assert house.worker.told(StopRecording)
    await asyncio.sleep(0.1)
    house.worker.say(RecordingEnded("recording-0", 7, 1.0, "ab"))
    await until(lambda: house.register.ended and len(house.register.begun) == 2 and house.conference.is_recording)
    assert [(ended.recording, ended.size_bytes) for ended, _ in house.register.ended] == [("recording-0", 7)]
    assert house.conference.is_recording
    assert len(house.register.begun) == 2


async def test_a_room_whose_media_were_lost_closes_behind_its_recording(house: House):
    """All legs fail together: the file is still finished, and who comes back finds a fresh conference."""
    await house.join(1)
    await house.conference.start_recording("a")
    first: Conference = house.conference
    house.worker.say_of(recorders(house)[0], LegFailed(recorders(house)[0], "worker-lost"))
    leaving = asyncio.create_task(first.leave(1))
    await asyncio.sleep(0)
    coming = asyncio.create_task(house.join(2))
    await asyncio.sleep(0.01)
    assert not coming.done(), "what belongs to the old conference is not closed yet"
    house.worker.say(RecordingEnded("recording-0", 7, 1.0, "ab"))
    await leaving
    await coming
    assert [ended.recording for ended, _ in house.register.ended] == ["recording-0"]
    assert house.conference is not first
    assert house.conference.participants.keys() == {2}
    assert len(house.worker.told(CloseRoom)) == 2  # of video and of audio, once


async def test_a_recording_that_was_stopped_is_registered(house: House):
    await house.join(1)
    await house.conference.start_recording("a")
    stopping = asyncio.create_task(house.conference.stop_recording())
    await asyncio.sleep(0)
    house.worker.say(RecordingEnded("recording-0", 7, 1.0, "ab"))
    await stopping
    assert [ended.size_bytes for ended, _ in house.register.ended] == [7], "the database may be closed after this"


async def test_a_room_ends_in_order_though_the_call_that_left_it_is_cancelled(house: House):
    """A server that stops cancels its calls while the last file is being finished."""
    await house.join(1)
    await house.conference.start_recording("a")
    leaving = asyncio.create_task(house.conference.leave(1))
    await asyncio.sleep(0.01)
    leaving.cancel()
    stopping = asyncio.create_task(house.conferences.close())
    await asyncio.sleep(0.01)
    assert leaving.cancelled()
    assert not stopping.done(), "the file is not complete yet"
    house.worker.say(RecordingEnded("recording-0", 7, 1.0, "ab"))
    await stopping
    assert house.conferences.running() == []
    assert len(house.worker.told(CloseRoom)) == 2
    assert len(house.register.ended) == 1


async def test_a_new_record_policy_holds_at_once(house: House):
    await house.join(1)
    house.conference.policy_changed(replace(house.policy, record=RecordPolicy.ALWAYS))
    await until(lambda: house.conference.is_recording)
    house.conference.policy_changed(replace(house.policy, record=RecordPolicy.OFF))
    await asyncio.sleep(0)
    assert len(house.worker.told(StopRecording)) == 1
    house.worker.say(RecordingEnded("recording-0", 7, 1.0, "ab"))
    await until(lambda: not house.conference.is_recording)
    assert len(house.register.begun) == 1


async def test_a_full_disk_keeps_nobody_out_of_a_room_that_is_always_recorded(monkeypatch: pytest.MonkeyPatch):
    """They come in, the picture has no sign, and the recording begins when there is room again."""
    monkeypatch.setattr("mcu.record_duty._RETRY_S", 0.02)
    house = slow(House(record=RecordPolicy.ALWAYS))
    house.register.refusal = "disk-full"
    leg = await house.join(1)
    assert isinstance(leg, FakeLeg)
    assert house.conference.participants.keys() == {1}
    assert not house.conference.is_recording
    assert not house.scene().is_recording
    await asyncio.sleep(0.1)
    house.register.refusal = ""
    await until(lambda: house.conference.is_recording)
    assert len(recorders(house)) == 1


async def test_who_asks_for_a_recording_hears_of_the_full_disk(house: House):
    await house.join(1)
    house.register.refusal = "disk-full"
    with pytest.raises(RegisterError) as caught:
        await house.conference.start_recording("a")
    assert caught.value.reason == "disk-full"
    await asyncio.sleep(0.1)
    house.register.refusal = ""
    await asyncio.sleep(0.1)
    assert not house.conference.is_recording, "nobody asked again"


async def test_who_takes_part_is_noted_while_it_runs(house: House):
    """What is left of a recording that is cut off says who is in it."""
    await house.join(1)
    await house.conference.start_recording("a")
    await house.join(2)
    await until(lambda: house.register.noted.get("recording-0") == ("P1", "P2"))


async def test_all_are_told_of_a_disk_that_fills(house: House):
    await house.join(1)
    await house.conference.start_recording("a")

    def grown(left_s: float | None) -> tuple[str, object]:
        house.worker.say(RecordingProgress("recording-0", 5, 1.0, "ab", left_s))
        return house.scene().caption, house.conference.snapshot()["recording_ends_in_min"]

    assert grown(None) == ("", None)
    caption, minutes = grown(430.0)
    assert minutes == 8
    assert "8 min" in caption
    assert "磁盘将满" in caption
    assert grown(425.0) == (caption, 8)
    assert grown(20.0)[1] == 1
    assert grown(None) == ("", None)
    assert house.events.count("recording-disk-low") == 1
    assert house.events.count("recording-disk-enough") == 1


async def test_a_full_disk_ends_the_recording_and_not_the_conference(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mcu.room_recording._FULL_SHOWN_S", 0.05)
    await house.join(1)
    await house.conference.start_recording("a")
    house.worker.say(RecordingProgress("recording-0", 5, 1.0, "ab", 30.0))
    house.register.refusal = "disk-full"
    house.worker.say(RecordingEnded("recording-0", 5, 1.0, "ab", "disk-full"))
    assert not house.conference.is_recording
    assert house.conference.snapshot()["is_disk_full"]
    assert "磁盘已满" in house.scene().caption
    assert [prompt.prompt for prompt in house.worker.told(PlayPrompt)][-1] == "recording-stopped"
    assert house.conference.participants.keys() == {1}
    await until(lambda: not house.conference.snapshot()["is_disk_full"])
    assert house.scene().caption == ""
    await until(lambda: house.register.ended)
    await house.conference.leave(1)


async def test_nobody_is_told_of_the_disk_once_nothing_is_recorded(house: House):
    await house.join(1)
    await house.conference.start_recording("a")
    house.worker.say(RecordingProgress("recording-0", 5, 1.0, "ab", 30.0))
    stopping = asyncio.create_task(house.conference.stop_recording())
    await asyncio.sleep(0)
    house.worker.say(RecordingEnded("recording-0", 5, 1.0, "ab"))
    await stopping
    assert house.scene().caption == ""
    assert house.conference.snapshot()["recording_ends_in_min"] is None
