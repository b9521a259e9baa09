"""Whole calls out of a fake room to a terminal of our own on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import msgspec
import pytest

from caller.h323.account import signatures_of
from config.dialing import DialingSettings
from config.h323 import H323Settings
from mcu.media import Codec, Grade, Kind
from mcu.participant import Role
from mcu.policy import MediaEncryption
from signaling.admission import Refusal
from signaling.dialing import Dialer
from signaling.h323.dialling.plan import H323Dials, World
from signaling.h323.h245 import events as h245
from signaling.h323.server import H323Server
from signaling.h323.signatures import Signatures
from signaling.placed import CallState, DialRefused, Outcome
from tests.signaling.fakes import FakeCalls, FakeFleet, FakeGate
from tests.signaling.h323.calls.terminal import SETTINGS, Terminal
from tests.signaling.h323.ras.terminal import Book

SECRET = "correct-horse"
IN_CLEAR = msgspec.structs.replace(SETTINGS, encryption="off")


class Hall:
    def __init__(self, h323: H323Settings, **dialing) -> None:
        self.gate, self.calls, self.fleet = FakeGate(), FakeCalls(), FakeFleet()
        self.worker = self.fleet.worker
        signatures = Signatures(h323, Book(theatre=SECRET))
        self.server = H323Server(h323, self.gate, self.calls, self.fleet, signatures=signatures)
        self.terminal = Terminal("theatre")
        self.is_hidden = False
        self.answers_gatekeeper = True
        self.asked: list[bytes] = []
        """Calls that it was to call back for."""
        settings = DialingSettings(networks=("127.0.0.0/8",), **dialing)
        world = World(
            settings, self.server.signalling, self.server.services, self, frozenset({"drumtower"}), self.call_back
        )
        self.dialer = Dialer(settings, self.gate, self.fleet.next_leg_id)
        self.dialer.add(H323Dials(world))

    def call_back(self, identifier: str, call_id: bytes) -> None:
        """As the gatekeeper asks the terminal."""
        assert identifier == "5f"
        self.asked.append(call_id)
        if self.answers_gatekeeper:
            opening = self.terminal.signalling.call_back(self.server.signalling.addresses[0], call_id)
            self.opening = asyncio.ensure_future(opening)

    def find(self, aliases):
        """As the gatekeeper does: "theatre" is registered."""
        if any(alias.text == "theatre" for alias in aliases):
            return SimpleNamespace(
                identifier="5f", signalling=self.terminal.signalling.addresses[0], account="theatre",
                is_traversing=self.is_hidden, source=("127.0.0.1", 1719),
            )  # fmt: skip
        return None

    @property
    def uri(self) -> str:
        host, port = self.terminal.signalling.addresses[0]
        return f"h323:4711@{host}:{port}"

    async def until(self, claim) -> None:
        async with asyncio.timeout(3):
            while not claim():
                await asyncio.sleep(0.005)

    def outcome(self) -> Outcome | None:
        placed = self.dialer.calls("1001")
        return placed[0].outcome if placed else None


@asynccontextmanager
async def a_hall(h323: H323Settings = SETTINGS, **dialing) -> AsyncIterator[Hall]:
    hall = Hall(h323, **dialing)
    await hall.server.start()
    await hall.terminal.signalling.start()
    try:
        yield hall
    finally:
        await hall.dialer.hang_up()
        await hall.terminal.signalling.stop()
        await hall.server.stop()
        await asyncio.sleep(0)
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
        assert sorted(hall.worker.closed) == sorted({opened.leg for opened in hall.worker.opened})
        assert hall.server.gauges["calls"] == 0


@pytest.mark.parametrize("target", ["theatre", "h323:theatre", "h323:theatre@drumtower"])
async def test_a_registered_terminal_is_called_into_the_room(target) -> None:
    async with a_hall() as hall:
        leg = await hall.dialer.dial("1001", target, "Dr Li", Role.HOST)
        await hall.until(lambda: hall.calls.joined)
        found, _ = hall.calls.joined[leg]
        assert found.media.stream(Kind.AUDIO).send.codec is Codec.G722
        assert hall.gate.requests[0].invited_as is Role.HOST
        assert hall.dialer.calls("1001") == []
        await hall.terminal.calls[0].hang_up()
        await hall.until(lambda: hall.calls.left == [leg])


async def test_an_address_is_called_and_keys_are_agreed_on() -> None:
    async with a_hall() as hall:
        hall.gate.required = Grade.OPPORTUNISTIC
        leg = await hall.dialer.dial("1001", hall.uri, "Dr Li")
        await hall.until(lambda: hall.calls.joined)
        assert hall.calls.joined[leg][0].media.grade is Grade.OPPORTUNISTIC
        setup = hall.terminal.calls[0].handle.setup
        assert setup is not None
        assert [alias.text for alias in setup.called] == ["4711"]
        assert setup.goal == "invite"
        assert setup.identity.conference_id == hall.server.services.conference_id("1001")


async def test_no_keys_are_offered_where_the_room_does_without() -> None:
    async with a_hall() as hall:
        hall.gate.encryption = MediaEncryption.OFF
        leg = await hall.dialer.dial("1001", hall.uri, "Dr Li")
        await hall.until(lambda: hall.calls.joined)
        setup = hall.terminal.calls[0].handle.setup
        assert setup is not None
        assert not setup.tokens
        assert hall.calls.joined[leg][0].media.grade is Grade.CLEAR


async def test_a_busy_terminal_is_told_to_who_called() -> None:
    async with a_hall() as hall:
        hall.terminal.is_answering = False
        await hall.dialer.dial("1001", hall.uri, "Dr Li")
        await hall.until(lambda: hall.outcome() is Outcome.BUSY)
        assert hall.calls.joined == {}


async def test_nobody_there_is_unreachable() -> None:
    async with a_hall() as hall:
        uri = hall.uri
        await hall.terminal.signalling.stop()
        await hall.dialer.dial("1001", uri, "Dr Li")
        await hall.until(lambda: hall.outcome() is Outcome.UNREACHABLE)


async def test_who_rings_too_long_is_given_up() -> None:
    async with a_hall(ring_timeout_s=0.2) as hall:
        hall.terminal.is_ringing_only = True
        await hall.dialer.dial("1001", hall.uri, "Dr Li")
        await hall.until(lambda: hall.dialer.calls("1001")[0].state is CallState.RINGING)
        await hall.until(lambda: hall.outcome() is Outcome.NO_ANSWER)


async def test_a_call_may_be_cancelled() -> None:
    async with a_hall() as hall:
        hall.terminal.is_ringing_only = True
        leg = await hall.dialer.dial("1001", hall.uri, "Dr Li")
        await hall.until(lambda: hall.dialer.calls("1001")[0].state is CallState.RINGING)
        assert hall.dialer.cancel("1001", leg)
        await hall.until(lambda: hall.dialer.calls("1001") == [])
        await hall.until(lambda: not hall.server.gauges["calls"])


async def test_who_answers_may_still_be_refused() -> None:
    async with a_hall() as hall:
        hall.gate.refusal_after_waiting = Refusal.FULL
        await hall.dialer.dial("1001", hall.uri, "Dr Li")
        await hall.until(lambda: hall.outcome() is Outcome.FULL)
        await hall.terminal.calls[0].released()


@pytest.mark.parametrize(
    ("target", "outcome"),
    [
        ("h323:4711@203.0.113.9", Outcome.NOT_ALLOWED),
        ("h323:nobody", Outcome.NOT_REGISTERED),
        ("h323:", Outcome.UNKNOWN_TARGET),
        ("nobody", Outcome.UNKNOWN_TARGET),
    ],
)
async def test_what_is_not_called(target, outcome) -> None:
    async with a_hall() as hall:
        with pytest.raises(DialRefused) as caught:
            await hall.dialer.dial("1001", target, "Dr Li")
        assert caught.value.outcome is outcome


@pytest.mark.parametrize("is_taken", [True, False])
async def test_sound_in_clear_is_proposed_with_the_call(is_taken) -> None:
    """Whoever takes it is heard at once; with others channels are opened by H.245, as pictures are with all."""
    async with a_hall(IN_CLEAR) as hall:
        hall.terminal.takes_fast_start = is_taken
        leg = await hall.dialer.dial("1001", hall.uri, "Dr Li")
        await hall.until(lambda: hall.calls.joined)
        (call,) = hall.terminal.calls
        assert len(call.handle.setup.fast_start) == 6, "three codecs, both ways"
        found = hall.calls.joined[leg][0]
        sessions = {2, 3} if is_taken else {1, 2, 3}
        await hall.until(lambda: sessions == {each.channel.session_id for each in call.of(h245.ChannelOffered)})
        assert found.media.stream(Kind.AUDIO).send.codec is Codec.G722


@pytest.mark.parametrize("settings", [SETTINGS, msgspec.structs.replace(IN_CLEAR, has_fast_start=False)])
async def test_nothing_is_proposed_that_could_be_encrypted_or_is_not_to_be(settings) -> None:
    """Keys need H.245: what both ends could encrypt would stay in clear."""
    async with a_hall(settings) as hall:
        hall.terminal.takes_fast_start = True
        await hall.dialer.dial("1001", hall.uri, "Dr Li")
        await hall.until(lambda: hall.calls.joined)
        assert hall.terminal.calls[0].handle.setup.fast_start == ()


async def test_a_terminal_that_signs_its_answer_vouches_for_its_keys() -> None:
    async with a_hall() as hall:
        hall.terminal.sign(signatures_of("theatre", SECRET))
        leg = await hall.dialer.dial("1001", "theatre", "Dr Li")
        await hall.until(lambda: hall.calls.joined)
        assert hall.calls.joined[leg][0].media.grade is Grade.AUTHENTICATED
        await hall.terminal.calls[0].hang_up()
        await hall.until(lambda: hall.calls.left == [leg])
        # From now on nobody answers in its name without its signature.
        hall.terminal.sign(None)
        await hall.dialer.dial("1001", "theatre", "Dr Li")
        await hall.until(lambda: hall.outcome() is Outcome.NOT_ALLOWED)
        assert hall.server.counters["not-signed"] >= 1
        assert len(hall.calls.joined) == 1


@pytest.mark.parametrize("is_strict", [False, True])
async def test_a_terminal_that_signs_no_calls_is_taken_unless_all_have_to_sign(is_strict) -> None:
    async with a_hall(msgspec.structs.replace(SETTINGS, must_sign_all=is_strict)) as hall:
        leg = await hall.dialer.dial("1001", "theatre", "Dr Li")
        if is_strict:
            await hall.until(lambda: hall.outcome() is Outcome.NOT_ALLOWED)
        else:
            await hall.until(lambda: hall.calls.joined)
            assert hall.calls.joined[leg][0].media.grade is Grade.OPPORTUNISTIC
