from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from config.webrtc import WebrtcSettings
from mcu.fleet.worker import WorkerError
from mcu.leg import HangUp
from mcu.media import Grade, H235Keys, Kind, LegMedia, StreamSpec
from mcu.participant import Role
from mcu.policy import LayoutMode, RecordPolicy, RoomPolicy
from mcu.worker.messages import AttachLeg, LegFailed, LegSilent, Levels, MuteLeg
from signaling.admission import Waiting, WaitReason
from signaling.network_access import Proof
from signaling.refusal import Refusal, Refused
from signaling.tries import Block
from signaling.webrtc.protocol import MAX_MESSAGE_BYTES
from signaling.webrtc.seats import Seats
from signaling.webrtc.services import Visitor
from signaling.webrtc.session import Session
from tests.mcu.fakes import FakeLeg
from tests.signaling.webrtc.fakes import BrowserWorker, FakeGate, FakeLink, answer_of, server

FIRST, SHARE, UNSHARE = (answer_of(f"chromium_camera_{step}") for step in ("first", "share", "unshare"))
FAST = WebrtcSettings(roster_interval_s=0.01, restart_interval_s=0.001)


class House:
    """A server and the pages that visit it."""

    def __init__(self, settings: WebrtcSettings = FAST, **policy) -> None:
        self.services, self.gate, self.worker = server(settings, **policy)
        self.gate: FakeGate
        self.worker: BrowserWorker
        self.seats = Seats(self.services)
        self.tasks: list[asyncio.Task] = []
        self.visitor = Visitor("192.0.2.7", "192.0.2.1", is_secure=True)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[House]:
        keeper = asyncio.create_task(self.seats.run())
        try:
            yield self
        finally:
            await self.seats.close()
            for task in [*self.tasks, keeper]:
                task.cancel()
            await asyncio.gather(*self.tasks, keeper, return_exceptions=True)

    def visit(self, **change) -> FakeLink:
        link = FakeLink()
        visitor = replace(self.visitor, **change)
        self.tasks.append(asyncio.create_task(Session(self.seats, visitor, link).serve()))
        return link

    async def join(self, passcode: str = "2468", name: str = "Li", answer: str = FIRST, **change) -> FakeLink:
        link = self.visit(**change)
        link.say("join", room="1001", name=name, passcode=passcode)
        offer = await link.expect("offer")
        link.say("answer", id=offer["id"], sdp=answer)
        await link.expect("joined")
        await link.expect("roster")
        return link

    @property
    def conference(self):
        return self.services.conferences.get("1001")


async def until(condition, seconds=2.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_browser_takes_a_seat():
    async with House().open() as house:
        link = await house.join()
        assert link.of("joined")[0]["role"] == "guest"
        assert link.of("joined")[0]["room_name"] == "Ward 3"
        assert len(link.of("joined")[0]["session"]) == 32
        assert [person["name"] for person in link.of("roster")[-1]["participants"]] == ["Li"]
        assert await link.expect("wanted") == {
            "type": "wanted", "width": 1280, "height": 720, "frame_rate": 25, "max_bitrate_bps": 1_500_000,
        }  # fmt: skip
        leg = link.of("joined")[0]["participant"]
        assert house.worker.told(AttachLeg) == [AttachLeg(leg)]
        assert house.worker.configured[0].streams[1].kind is Kind.VIDEO
        (person,) = house.conference.participants.values()
        assert person.leg.media.grade is Grade.AUTHENTICATED
        assert person.leg.remote_address == "192.0.2.7"
        assert house.gate.requests[0].source == "192.0.2.7"
        assert house.gate.requests[0].has_secure_signalling
        assert (house.gate.requests[0].local, house.gate.requests[0].proof) == ("192.0.2.1", Proof.NONE)
        link.say("leave")
        await until(lambda: link.is_closed and house.conference is None)
        assert leg in house.worker.closed
        assert len(house.seats) == 0


async def test_clear_signalling_is_no_authenticated_lock():
    async with House(required_grade=Grade.AUTHENTICATED).open() as house:
        link = house.visit(is_secure=False)
        link.say("join", room="1001", name="Li", passcode="2468")
        offer = await link.expect("offer")
        link.say("answer", id=offer["id"], sdp=FIRST)
        assert (await link.expect("refused"))["code"] == "encryption-required"
        assert house.conference is None
        assert house.worker.told(AttachLeg) == []
        assert house.worker.closed == [house.worker.configured[0].leg]


async def test_three_tries_on_one_socket_are_one_call():
    async with House().open() as house:
        link = house.visit()
        link.say("join", room="1001", name="Li")
        assert (await link.expect("refused"))["code"] == "passcode-required"
        for number, (passcode, code, left) in enumerate(
            [("0000", "passcode-wrong", 2), ("0001", "passcode-wrong", 1), ("0002", "too-many-tries", None)], 2
        ):
            link.say("join", room="1001", name="Li", passcode=passcode)
            refused = await link.expect("refused", number)
            assert (refused["code"], refused["tries_left"]) == (code, left)
        assert refused["retry_after_s"] == 0.0
        link.say("join", room="1001", name="Li", passcode="2468")
        assert (await link.expect("refused", 5))["code"] == "too-many-tries"
        assert len({request.call for request in house.gate.requests}) == 1
        assert link.of("offer") == []
        other = house.visit()
        other.say("join", room="1002", name="Li")
        assert (await other.expect("refused"))["code"] == "unknown-room"
        assert len({request.call for request in house.gate.requests}) == 2
        assert "2468" not in repr(house.gate.requests)


async def test_waiting_for_the_host():
    async with House(waits_for_host=True).open() as house:
        guest = house.visit()
        guest.say("join", room="1001", name="Guest", passcode="2468")
        guest.say("answer", id=(await guest.expect("offer"))["id"], sdp=FIRST)
        await guest.expect("waiting")
        assert house.worker.told(AttachLeg) == []
        host = await house.join("1357", "Host")
        assert host.of("waiting") == []
        house.gate.host_came.set()
        await guest.expect("joined")
        assert host.of("joined")[0]["role"] == "host"


@pytest.mark.parametrize("way", ["leave", "lost", "locked"])
async def test_who_waited_in_vain_leaves_nothing_behind(way):
    async with House(waits_for_host=True).open() as house:
        guest = house.visit()
        guest.say("join", room="1001", name="Guest", passcode="2468")
        guest.say("answer", id=(await guest.expect("offer"))["id"], sdp=FIRST)
        await guest.expect("waiting")
        if way == "locked":
            house.gate.lock_after_wait = True
            house.gate.host_came.set()
            assert (await guest.expect("refused"))["code"] == "locked"
        else:
            guest.say("leave") if way == "leave" else guest.lose()
        await until(lambda: house.worker.closed)
        assert house.conference is None
        assert len(house.seats) == 0


async def test_whose_session_ends_while_waiting_is_told_so():
    async with House(waits_for_host=True).open() as house:
        guest = house.visit()
        guest.say("join", room="1001", name="Guest", passcode="2468")
        guest.say("answer", id=(await guest.expect("offer"))["id"], sdp=FIRST)
        await guest.expect("waiting")
        dropped = await house.services.calls.drop(("webrtc",), lambda source, _local: source == "192.0.2.7")
        assert dropped == 1
        assert (await guest.expect("refused"))["code"] == "network-access"
        await until(lambda: house.worker.closed)
        assert await house.services.calls.drop(("webrtc",), lambda *_: True) == 0


async def test_a_leg_that_breaks_while_the_host_is_waited_for_takes_no_seat():
    async with House(waits_for_host=True).open() as house:
        guest = house.visit()
        guest.say("join", room="1001", name="Guest", passcode="2468")
        guest.say("answer", id=(await guest.expect("offer"))["id"], sdp=FIRST)
        await guest.expect("waiting")
        leg = house.worker.configured[-1].leg
        house.worker.say_of(leg, LegFailed(leg, "worker-lost"))
        assert (await guest.expect("bye"))["reason"] == "media-failed"
        house.gate.host_came.set()
        await until(lambda: house.worker.closed)
        assert house.conference is None


async def test_without_media_there_is_no_seat():
    async with House(WebrtcSettings(media_timeout_s=0.05)).open() as house:
        house.worker.connects = False
        link = house.visit()
        link.say("join", room="1001", name="Li", passcode="2468")
        link.say("answer", id=(await link.expect("offer"))["id"], sdp=FIRST)
        assert (await link.expect("bye"))["reason"] == "no-media"
        assert house.conference is None
        assert house.worker.closed


@pytest.mark.parametrize(("step", "reason"), [("open", "failed"), ("answer", "no-answer"), ("bad", "bad-answer")])
async def test_calls_that_fail_on_the_way(step, reason):
    async with House(WebrtcSettings(answer_timeout_s=0.05)).open() as house:
        house.worker.error = "no-ports" if step == "open" else ""
        link = house.visit()
        link.say("join", room="1001", name="Li", passcode="2468")
        if step == "bad":
            link.say("answer", id=(await link.expect("offer"))["id"], sdp="v=0")
        assert (await link.expect("bye"))["reason"] == reason
        await until(lambda: link.is_closed)
        assert house.worker.closed


async def test_a_seat_is_taken_back_over_another_socket():
    async with House().open() as house:
        old = await house.join()
        seat = old.of("joined")[0]
        old.lose()
        await until(lambda: old.is_closed)
        new = house.visit()
        new.say("join", room="1001", name="Li", session=seat["session"])
        joined = await new.expect("joined")
        assert joined == seat | {"is_resumed": True}
        await new.expect("roster")
        assert list(house.conference.participants) == [seat["participant"]]
        new.say("restart-ice")
        offer = await new.expect("offer")
        assert "a=ice-ufrag:frag0001" in offer["sdp"]
        new.say("answer", id=offer["id"], sdp=FIRST)
        await until(lambda: len(house.worker.configured) == 2)


async def test_a_seat_taken_over_closes_the_older_socket():
    async with House().open() as house:
        old = await house.join()
        new = house.visit()
        new.say("join", room="1001", name="Li", session=old.of("joined")[0]["session"])
        await new.expect("joined")
        assert (await old.expect("bye"))["reason"] == "replaced"
        await asyncio.sleep(0.02)
        assert len(house.conference.participants) == 1
        new.say("ping", id=4)
        assert (await new.expect("pong"))["id"] == 4


async def test_seats_are_found_by_the_right_token_only():
    async with House().open() as house:
        await house.join()
        link = house.visit()
        link.say("join", room="1001", name="Li", session="0" * 32)
        assert (await link.expect("refused"))["code"] == "session-expired"
        assert house.gate.requests[1:] == []


@pytest.mark.parametrize("is_silent", [True, False])
async def test_a_seat_nobody_comes_back_to_is_given_up(is_silent):
    settings = WebrtcSettings(seat_socket_s=0.05 if not is_silent else 60.0, seat_silence_s=0.05)
    async with House(settings).open() as house:
        link = await house.join()
        leg = link.of("joined")[0]["participant"]
        if is_silent:
            house.worker.say_of(leg, LegSilent(leg, 15.0))
        link.lose()
        await until(lambda: house.conference is None)
        assert leg in house.worker.closed
        late = house.visit()
        late.say("join", room="1001", name="Li", session=link.of("joined")[0]["session"])
        assert (await late.expect("refused"))["code"] == "session-expired"


async def test_a_leg_that_breaks_ends_the_seat():
    async with House().open() as house:
        link = await house.join()
        leg = link.of("joined")[0]["participant"]
        house.worker.say_of(leg, LegFailed(leg, "dtls"))
        assert (await link.expect("bye"))["reason"] == "media-failed"
        await until(lambda: house.conference is None)


@pytest.mark.parametrize("reason", list(HangUp))
async def test_the_conference_hangs_up(reason):
    async with House().open() as house:
        link = await house.join()
        await house.conference.close(reason)
        assert link.of("bye")[0]["reason"] == str(reason)
        assert link.of("joined")[0]["participant"] in house.worker.closed
        assert len(house.seats) == 0


async def test_a_shared_screen_comes_and_goes():
    async with House().open() as house:
        link = await house.join()
        person = house.conference.participants[link.of("joined")[0]["participant"]]
        link.say("share", is_on=True)
        offer = await link.expect("offer", 2)
        assert "a=recvonly" in offer["sdp"]
        assert not person.has_content
        link.say("answer", id=offer["id"], sdp=SHARE)
        await until(lambda: person.has_content)
        link.say("share", is_on=False)
        link.say("answer", id=(await link.expect("offer", 3))["id"], sdp=UNSHARE)
        await until(lambda: not person.has_content)
        assert [stream.kind for stream in house.worker.configured[-1].streams] == [Kind.AUDIO, Kind.VIDEO]


async def test_who_shares_next_takes_over_and_a_host_ends_it():
    async with House().open() as house:
        first, second = await house.join(), await house.join(passcode="1357")
        first.say("share", is_on=True)
        first.say("answer", id=(await first.expect("offer", 2))["id"], sdp=SHARE)
        await until(lambda: house.conference.presenter == first.of("joined")[0]["participant"])
        second.say("share", is_on=True)
        await first.expect("share-ended")
        assert "a=inactive" in (await first.expect("offer", 3))["sdp"]
        assert house.conference.presenter == second.of("joined")[0]["participant"]
        second.say("answer", id=(await second.expect("offer", 2))["id"], sdp=SHARE)
        second.say("take-floor")
        await second.expect("share-ended")
        assert house.conference.presenter == 0
        first.say("take-floor")
        assert (await first.expect("problem"))["code"] == "not-allowed"


async def test_a_room_may_keep_its_presenter():
    async with House().open() as house:
        first, second = await house.join(), await house.join()
        house.conference.policy = replace(house.conference.policy, keeps_presenter=True)
        first.say("share", is_on=True)
        await first.expect("offer", 2)
        second.say("share", is_on=True)
        assert (await second.expect("problem"))["code"] == "floor-taken"
        first.say("share", is_on=False)
        second.say("share", is_on=True)
        await second.expect("offer", 2)


async def test_a_camera_that_is_off_is_no_picture():
    async with House().open() as house:
        link = await house.join()
        person = house.conference.participants[link.of("joined")[0]["participant"]]
        assert person.has_video
        link.say("camera", is_on=False)
        await until(lambda: not person.has_video)
        assert person.leg.media.stream(Kind.VIDEO).send is not None
        link.say("camera", is_on=True)
        await until(lambda: person.has_video)


async def test_a_camera_that_was_off_from_the_start():
    async with House().open() as house:
        link = house.visit()
        link.say("join", room="1001", name="Li", passcode="2468")
        offer = await link.expect("offer")
        link.say("camera", is_on=False)
        link.say("answer", id=offer["id"], sdp=FIRST)
        joined = await link.expect("joined")
        assert not house.conference.participants[joined["participant"]].has_video


async def test_a_camera_that_is_switched_in_the_door(monkeypatch):
    async with House().open() as house:
        connect, came, goes = house.services.calls.connect, asyncio.Event(), asyncio.Event()

        async def slowly(*arguments):
            came.set()
            await goes.wait()
            return await connect(*arguments)

        monkeypatch.setattr(house.services.calls, "connect", slowly)
        link = house.visit()
        link.say("join", room="1001", name="Li", passcode="2468")
        offer = await link.expect("offer")
        link.say("answer", id=offer["id"], sdp=FIRST)
        await came.wait()
        link.say("camera", is_on=False)
        await asyncio.sleep(0.02)
        goes.set()
        joined = await link.expect("joined")
        assert not house.conference.participants[joined["participant"]].has_video


FOR_HOSTS = [
    ("layout", {"mode": "speaker"}, lambda room: room.layout is LayoutMode.SPEAKER),
    ("lock", {"is_locked": True}, lambda room: room.is_locked),
    ("record", {"is_on": True}, lambda room: room.is_recording),
    ("mute-all", {}, lambda room: any(person.is_muted for person in room.participants.values())),
    ("mute", {"is_muted": True, "participant": 0}, lambda room: any(p.is_muted for p in room.participants.values())),
    ("spotlight", {"participant": 0}, lambda room: room.spotlight != 0),
    ("set-role", {"participant": 0, "role": "host"}, lambda room: len(_hosts(room)) == 2),
    ("remove", {"participant": 0}, lambda room: len(room.participants) == 1),
]


def _hosts(room):
    return [person for person in room.participants.values() if person.role is Role.HOST]


@pytest.mark.parametrize(("kind", "fields", "is_done"), FOR_HOSTS, ids=[row[0] for row in FOR_HOSTS])
async def test_what_only_hosts_may_do(kind, fields, is_done):
    async with House(record=RecordPolicy.ON_REQUEST).open() as house:
        host, guest = await house.join("1357", "Host"), await house.join("2468", "Guest")
        numbers = {link: link.of("joined")[0]["participant"] for link in (host, guest)}

        def about(link):
            return fields | ({"participant": numbers[link]} if "participant" in fields else {})

        guest.say(kind, **about(host))
        assert (await guest.expect("problem"))["code"] == "not-allowed"
        assert not is_done(house.conference)
        host.say(kind, **about(guest))
        await until(lambda: is_done(house.conference))
        assert host.of("problem") == []


async def test_a_host_hears_that_the_disk_is_full():
    async with House(record=RecordPolicy.ON_REQUEST).open() as house:
        host = await house.join("1357", "Host")
        house.services.conferences._register.refusal = "disk-full"
        host.say("record", is_on=True)
        assert (await host.expect("problem"))["code"] == "disk-full"
        assert not house.conference.is_recording
        host.say("lock", is_locked=True)
        await until(lambda: house.conference.is_locked)
        assert host.of("bye") == []


async def test_people_mute_and_unmute_themselves():
    async with House().open() as house:
        host, guest = await house.join("1357", "Host"), await house.join("2468", "Guest")
        leg = guest.of("joined")[0]["participant"]
        person = house.conference.participants[leg]
        host.say("mute", is_muted=True, participant=leg)
        await until(lambda: person.is_muted)
        host.say("mute", is_muted=False, participant=leg)
        assert (await host.expect("problem"))["code"] == "not-allowed"
        guest.say("mute", is_muted=False)
        await until(lambda: not person.is_muted)
        assert house.worker.told(MuteLeg)[-1] == MuteLeg(leg, False)


async def test_who_is_taken_to_another_room_is_told_and_sees_its_roster():
    async with House().open() as house:
        guest, host = await house.join("2468", "Guest"), await house.join("1357", "Host")
        leg = guest.of("joined")[0]["participant"]
        await house.services.calls.move(house.conference.policy.number, leg, RoomPolicy("1002", "Ward B"))
        assert (await guest.expect("moved"))["room_name"] == "Ward B"
        await until(lambda: [person["name"] for person in guest.of("roster")[-1]["participants"]] == ["Guest"])
        await until(lambda: [person["name"] for person in host.of("roster")[-1]["participants"]] == ["Host"])
        guest.say("mute", is_muted=True)
        await until(lambda: house.services.conferences.get("1002").participants[leg].is_muted)


async def test_the_lead_is_handed_on_and_nobody_gives_up_the_own():
    async with House().open() as house:
        host, guest = await house.join("1357", "Host"), await house.join("2468", "Guest")
        own, other = (link.of("joined")[0]["participant"] for link in (host, guest))
        host.say("set-role", participant=own, role="guest")
        assert (await host.expect("problem"))["code"] == "unexpected"
        host.say("set-role", participant=other, role="host")
        await until(lambda: len(_hosts(house.conference)) == 2)
        guest.say("set-role", participant=own, role="guest")
        await until(lambda: [person.id for person in _hosts(house.conference)] == [other])
        host.say("lock", is_locked=True)
        await until(lambda: [problem["code"] for problem in host.of("problem")] == ["unexpected", "not-allowed"])


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("mute", {"is_muted": True}), ("remove", {}), ("spotlight", {}), ("set-role", {"role": "host"})],
)
async def test_nobody_of_that_number(kind, fields):
    async with House().open() as house:
        host = await house.join("1357", "Host")
        host.say(kind, participant=4711, **fields)
        assert (await host.expect("problem"))["code"] == "unexpected"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("nope", "malformed"),
        ('{"type":"dance"}', "malformed"),
        (b"\x00\xff", "malformed"),
        ('{"type":"mute","is_muted":true}', "unexpected"),
        ('{"type":"answer","id":1,"sdp":""}', "unexpected"),
        ("x" * (MAX_MESSAGE_BYTES + 1), "too-large"),
    ],
    ids=["text", "type", "binary", "early", "answer", "large"],
)
async def test_three_strikes_close_the_socket(data, code):
    async with House().open() as house:
        link = house.visit()
        for number in (1, 2, 3):
            link.say_raw(data)
            assert (await link.expect("problem", number))["code"] == code
        assert (await link.expect("bye"))["reason"] == "protocol"
        await until(lambda: link.is_closed)


async def test_strikes_cost_the_socket_but_not_the_seat():
    async with House().open() as house:
        link = await house.join()
        for _ in range(3):
            link.say_raw("nope")
        await until(lambda: link.is_closed)
        again = house.visit()
        again.say("join", room="1001", name="Li", session=link.of("joined")[0]["session"])
        assert (await again.expect("joined"))["is_resumed"]


async def test_too_many_messages():
    async with House(WebrtcSettings(messages_per_s=0.001, message_burst=2)).open() as house:
        link = house.visit()
        for _ in range(5):
            link.say("ping")
        await until(lambda: link.is_closed)
        assert len(link.of("pong")) == 2
        assert [problem["code"] for problem in link.of("problem")] == ["too-fast"] * 3


async def test_sockets_are_counted_by_source():
    async with House(WebrtcSettings(max_sockets_per_source=2)).open() as house:
        first, second, third = house.visit(), house.visit(), house.visit()
        assert (await third.expect("bye"))["reason"] == "too-many-connections"
        assert third.is_closed
        other = house.visit(source="192.0.2.8")
        other.say("ping")
        await other.expect("pong")
        first.lose()
        await until(lambda: first.is_closed)
        fourth = house.visit()
        fourth.say("ping")
        await fourth.expect("pong")
        assert second.sent == []


async def test_an_idle_socket_is_closed():
    async with House(WebrtcSettings(join_timeout_s=0.02)).open() as house:
        link = house.visit()
        assert (await link.expect("bye"))["reason"] == "idle"


async def test_the_roster_tells_the_lock_of_each_leg():
    async with House().open() as house:
        link = await house.join()
        h235 = StreamSpec("1", Kind.AUDIO, h235=H235Keys(bytes(32)))
        media = LegMedia((h235,), is_encrypted=True, grade=Grade.OPPORTUNISTIC)
        await house.conference.join(FakeLeg(77, media, "h323"), "Theatre 3", Role.GUEST)
        await until(lambda: len(link.of("roster")[-1]["participants"]) == 2)
        rows = link.of("roster")[-1]["participants"]
        assert [(row["grade"], row["cipher"], row["is_encrypted"], row["has_integrity"]) for row in rows] == [
            ("authenticated", "DTLS-SRTP", True, True), ("opportunistic", "H.235.6 AES-256-CBC", True, False),
        ]  # fmt: skip


async def test_the_roster_is_throttled_and_sent_when_it_changed():
    async with House(WebrtcSettings(roster_interval_s=0.05)).open() as house:
        link = await house.join()
        leg = link.of("joined")[0]["participant"]
        await asyncio.sleep(0.12)
        before, began = len(link.of("roster")), time.monotonic()
        for level in range(20, 40):
            house.conference.heard(Levels("1001", {leg: level}, (leg,), leg))
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.06)
        assert 1 <= len(link.of("roster")) - before <= 2 + (time.monotonic() - began) / 0.05
        assert link.of("roster")[-1]["participants"][0]["level"] == 39
        count = len(link.of("roster"))
        house.conference.set_layout(house.conference.layout)
        await asyncio.sleep(0.12)
        assert len(link.of("roster")) == count


async def test_guests_are_not_told_addresses():
    async with House().open() as house:
        link = await house.join()
        assert "address" not in link.of("roster")[-1]["participants"][0]


async def test_restarts_are_rare():
    async with House(WebrtcSettings(roster_interval_s=0.01, restart_interval_s=60)).open() as house:
        link = await house.join()
        for _ in range(5):
            link.say("restart-ice")
        await link.expect("offer", 2)
        link.say("ping")
        await link.expect("pong")
        assert house.worker.restarts == 1


async def test_the_server_says_goodbye():
    async with House().open() as house:
        links = [await house.join(name=name) for name in ("a", "b")]
        await house.seats.close()
        assert [link.of("bye")[0]["reason"] for link in links] == ["shutdown", "shutdown"]
        assert house.conference is None


async def test_a_name_of_nothing_visible():
    async with House().open() as house:
        link = house.visit()
        link.say("join", room="1001", name="\u200b\u200b", passcode="2468")
        assert (await link.expect("bye"))["reason"] == "no-name"


async def test_hosts_are_told_apart_from_guests():
    async with House().open() as house:
        await house.join("1357", "Host")
        (person,) = house.conference.participants.values()
        assert person.role is Role.HOST


async def test_a_worker_that_says_no_later_is_a_problem_not_an_end():
    async with House().open() as house:
        link = await house.join()

        async def fail(_leg):
            raise WorkerError("gone")

        house.worker.restart_ice = fail
        link.say("restart-ice")
        assert (await link.expect("problem"))["code"] == "failed"
        link.say("ping")
        await link.expect("pong")


async def test_a_fault_of_ours_costs_the_socket_but_not_the_seat():
    async with House().open() as house:
        link = await house.join("1357")

        def fail(_is_locked):
            raise ValueError("planted")

        house.conference.lock = fail
        link.say("lock", is_locked=True)
        assert (await link.expect("bye"))["reason"] == "failed"
        await until(lambda: link.is_closed)
        again = house.visit()
        again.say("join", room="1001", name="Li", session=link.of("joined")[0]["session"])
        assert (await again.expect("joined"))["is_resumed"]


async def test_hosts_are_told_of_a_block_and_can_end_it():
    async with House().open() as house:
        host, guest = await house.join("1357", "Host"), await house.join("2468", "Guest")
        house.gate.blocks = [Block("1001", 600.0, 1)]
        host.say("layout", mode="grid")
        await until(lambda: any(roster["is_blocked"] for roster in host.of("roster")))
        assert not any(roster["is_blocked"] for roster in guest.of("roster"))
        guest.say("unblock")
        assert (await guest.expect("problem"))["code"] == "not-allowed"
        host.say("unblock")
        await until(lambda: not host.of("roster")[-1]["is_blocked"])
        assert house.gate.blocks == []


def outside(number: int, name: str) -> Waiting:
    return Waiting(number, "1001", name, "sip", "192.0.2.7", "", 0.0, WaitReason.LOCKED)


async def test_hosts_see_who_waits_and_let_one_of_two_in():
    async with House().open() as house:
        host, guest = await house.join("1357", "Host"), await house.join("2468", "Guest")
        house.gate.outside = [outside(1, "Ward"), outside(2, "Stranger")]
        for told in house.gate.observers:
            told("1001")
        await until(lambda: host.of("roster")[-1]["waiting"])
        rows = host.of("roster")[-1]["waiting"]
        assert [(row["id"], row["name"], row["address"]) for row in rows] == [
            (1, "Ward", "192.0.2.7"), (2, "Stranger", "192.0.2.7"),
        ]  # fmt: skip
        assert not any(roster["waiting"] for roster in guest.of("roster"))
        guest.say("let-in", waiting=1)
        assert (await guest.expect("problem"))["code"] == "not-allowed"
        host.say("let-in", waiting=1)
        host.say("turn-away", waiting=2)
        host.say("let-in", waiting=99)
        await until(lambda: host.of("roster")[-1]["waiting"] == [])
        assert house.gate.verdicts == [(1, "let-in"), (2, "turned-away")]


async def test_hands_are_raised_by_oneself_and_lowered_by_hosts_too():
    async with House().open() as house:
        host, guest = await house.join("1357", "Host"), await house.join("2468", "Guest")
        number = next(row["id"] for row in host.of("roster")[-1]["participants"] if row["name"] == "Guest")

        def is_raised() -> bool:
            rows = host.of("roster")[-1]["participants"]
            return next(row["has_hand_raised"] for row in rows if row["id"] == number)

        host.say("hand", is_raised=True, participant=number)
        assert (await host.expect("problem"))["code"] == "not-allowed"
        guest.say("hand", is_raised=True)
        await until(is_raised)
        host.say("hand", is_raised=False, participant=number)
        await until(lambda: not is_raised())


async def test_who_is_signed_in_has_proved_it():
    async with House().open() as house:
        await house.join(is_trusted=True, identity="dr-wang")
        request = house.gate.requests[0]
        assert (request.identity, request.proof, request.claimed) == ("dr-wang", Proof.SIGN_IN, ())


async def test_whom_the_network_does_not_know_is_told_so(monkeypatch):
    async with House().open() as house:

        async def refuse(_request):
            raise Refused(Refusal.NETWORK)

        monkeypatch.setattr(house.gate, "admit", refuse)
        link = house.visit()
        link.say("join", room="1001", name="Li", passcode="2468")
        assert (await link.expect("refused"))["code"] == "network-access"
        assert house.seats.counters["refused-network-access"] == 1


async def test_hosts_alone_see_as_whom_the_network_knows_a_guest():
    async with House().open() as house:
        here = house.visitor.source
        house.gate.network_identities = {here: "cart-7", "198.51.100.9": "cart-8"}
        guest = await house.join(name="theatre-1")
        host = await house.join("1357", name="Dr. Wang")
        await until(lambda: len(guest.of("roster")[-1]["participants"]) == 2)
        assert all("network_identity" not in row for row in guest.of("roster")[-1]["participants"])
        seen = {row["name"]: row["network_identity"] for row in host.of("roster")[-1]["participants"]}
        assert seen == {"theatre-1": "cart-7", "Dr. Wang": "cart-7"}
        again = house.visit(source="198.51.100.9")
        again.say("join", room="1001", name="theatre-1", session=guest.of("joined")[0]["session"])
        await again.expect("joined")
        await until(lambda: "cart-8" in str(host.of("roster")[-1]["participants"]))


async def test_a_seat_is_not_taken_back_from_a_network_that_does_not_know_the_device():
    async with House().open() as house:
        link = await house.join()
        token = link.of("joined")[0]["session"]
        house.gate.off_network.add("198.51.100.9")
        elsewhere = house.visit(source="198.51.100.9")
        elsewhere.say("join", room="1001", name="Li", session=token)
        assert (await elsewhere.expect("refused"))["code"] == "session-expired"
        again = house.visit()
        again.say("join", room="1001", name="Li", session=token)
        assert (await again.expect("joined"))["is_resumed"]
