"""Terminals behind firewalls: called by their own connections, and with media that they keep open (H.460.18, .19)."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from mcu.media import Grade, Kind, Traversal
from signaling.h323.call_media.traversal import UNKNOWN
from signaling.h323.traversal import MediaFeature
from signaling.placed import Outcome
from tests.signaling.h323.calls.terminal import SETTINGS, Terminal, number
from tests.signaling.h323.dialling.test_out_call import Hall, a_hall

CALL_BACK = msgspec.structs.replace(SETTINGS, call_back_s=0.05)


def hide(hall: Hall, feature: MediaFeature) -> Terminal:
    """The registered terminal, where nobody can connect to it."""
    hall.is_hidden = True
    hall.terminal.signalling._own = Terminal("theatre", feature).signalling._own
    hall.terminal.traversal = feature
    return hall.terminal


def stream(media, kind=Kind.AUDIO):
    return media.stream(kind)


@pytest.mark.parametrize("grade", [Grade.CLEAR, Grade.OPPORTUNISTIC])
async def test_it_is_called_into_the_room(grade) -> None:
    async with a_hall() as hall:
        terminal = hide(hall, MediaFeature())
        hall.gate.required = grade
        leg = await hall.dialer.dial("1001", "theatre", "Dr Li")
        await hall.until(lambda: hall.calls.joined)
        await hall.opening
        (order,) = hall.worker.opened
        assert (order.has_traversal, order.peer) == (True, "127.0.0.1")
        (call,) = terminal.calls
        setup = call.handle.setup
        assert setup.traversal == MediaFeature(multiplexes=True, is_server=True)
        assert setup.called_address is None
        ours = stream(hall.calls.joined[leg][0].media)
        assert (ours.remote, ours.remote_rtcp) == (UNKNOWN, UNKNOWN)
        assert ours.traversal == Traversal(keep_alive_payload_type=127)
        await call.settled()
        theirs = stream(call.media.media)
        ours_rtp = ("127.0.0.1", 40_000 + 100 * leg)
        assert theirs.traversal == Traversal(keep_alive=ours_rtp, keep_alive_s=10)
        assert theirs.remote == ours_rtp


async def test_it_may_take_and_send_all_media_on_one_pair_of_ports() -> None:
    async with a_hall() as hall:
        terminal = hide(hall, MediaFeature(multiplexes=True))
        leg = await hall.dialer.dial("1001", "theatre", "Dr Li")
        await hall.until(lambda: hall.calls.joined)
        (call,) = terminal.calls
        await call.settled()
        rtp, rtcp = ("127.0.0.1", 39_998), ("127.0.0.1", 39_999)
        for index, kind in enumerate((Kind.AUDIO, Kind.VIDEO)):
            await hall.until(lambda: getattr(stream(call.media.media, kind), "remote", None))  # noqa: B023
            await hall.until(lambda: stream(hall.calls.joined[leg][0].media, kind) is not None)  # noqa: B023
            ours, theirs = stream(hall.calls.joined[leg][0].media, kind), stream(call.media.media, kind)
            assert ours.traversal == Traversal(is_multiplexed=True, multiplex_id=70 + index)
            assert theirs.traversal == Traversal(
                is_multiplexed=True, multiplex_id=41_000 + 100 * leg + 2 * index, keep_alive=rtp, keep_alive_s=10
            )
            assert (theirs.remote, theirs.remote_rtcp) == (rtp, rtcp)


async def test_a_server_may_want_no_shared_ports() -> None:
    async with a_hall(msgspec.structs.replace(SETTINGS, has_multiplexed_media=False)) as hall:
        terminal = hide(hall, MediaFeature(multiplexes=True))
        leg = await hall.dialer.dial("1001", "theatre", "Dr Li")
        await hall.until(lambda: hall.calls.joined)
        (call,) = terminal.calls
        await call.settled()
        assert stream(hall.calls.joined[leg][0].media).traversal == Traversal()
        assert not stream(call.media.media).traversal.is_multiplexed


async def test_it_calls_a_room_itself() -> None:
    async with a_hall() as hall:
        terminal = hide(hall, MediaFeature(multiplexes=True))
        call = await terminal.call(hall.server.local_addresses[0], number("1001"))
        await call.settled()
        await hall.until(lambda: hall.calls.joined)
        (order,) = hall.worker.opened
        assert order.has_traversal
        (found,) = hall.calls.joined.values()
        assert stream(found[0].media).traversal.is_multiplexed
        assert stream(found[0].media).remote == UNKNOWN
        assert stream(call.media.media).traversal.keep_alive_s == 10
        await call.hang_up()


async def test_who_does_not_call_back_is_unreachable() -> None:
    async with a_hall(CALL_BACK) as hall:
        hide(hall, MediaFeature())
        hall.answers_gatekeeper = False
        await hall.dialer.dial("1001", "theatre", "Dr Li")
        await hall.until(lambda: hall.outcome() is Outcome.UNREACHABLE)
        assert hall.worker.opened == []


async def test_a_connection_that_is_lost_at_once_ends_the_call() -> None:
    async with a_hall() as hall:
        hide(hall, MediaFeature())
        hall.answers_gatekeeper = False
        await hall.dialer.dial("1001", "theatre", "Dr Li")
        await hall.until(lambda: hall.asked)
        await hall.terminal.signalling.call_back(hall.server.local_addresses[0], hall.asked[0])
        await asyncio.sleep(0)
        await hall.terminal.signalling.stop()
        await hall.until(lambda: hall.outcome() is not None)
