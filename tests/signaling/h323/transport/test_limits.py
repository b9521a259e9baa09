"""What a terminal, or a stranger, may cost: connections, halves of messages, floods, and calls."""

from __future__ import annotations

import asyncio
import struct

import pytest

from config.media import LocalAddress
from signaling.h323 import tpkt
from signaling.h323.call import events
from signaling.h323.call.references import MOST_MALFORMED
from signaling.h323.q931 import MessageType
from signaling.h323.q931_elements import keypad
from signaling.h323.transport import streams
from signaling.h323.transport.streams import Streams
from tests.signaling.h323.transport.ends import End, Peer, eventually, running, until

RELEASE = MessageType.RELEASE_COMPLETE


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(streams, "_SWEEP_S", 0.01)


@pytest.fixture
def limited(monkeypatch):
    """Loopback has limits, too."""
    monkeypatch.setattr("signaling.rates.SourceRates.is_unlimited", lambda rates, address: False)


async def test_several_calls_share_a_connection():
    end = End()
    async with running(end):
        peer = await Peer.connect(end.signalling.addresses[0])
        peer.setup(1)
        peer.setup(2)
        found = [await peer.hear(MessageType.CONNECT) for _ in range(2)]
        assert [signal.q931.call_reference for signal in found] == [1, 2]
        first, second = end.calls
        peer.say(MessageType.INFORMATION, {}, 2, elements=(keypad("7"),))
        assert (await until(second, events.KeypadDigits)).digits == "7"
        peer.say(RELEASE, {"reason": ("undefinedReason", 0)}, 1)
        await until(first, events.Released)
        assert not second.is_over
        peer.say(MessageType.STATUS_ENQUIRY, {}, 2)
        assert (await peer.hear(MessageType.STATUS)).q931.call_reference == 2
        peer.close()
        assert await until(second, events.Released) == events.Released(41, "adaptiveBusy", True)


async def test_messages_for_no_call_are_answered_and_keep_alives_are_not():
    end = End()
    async with running(end):
        peer = await Peer.connect(end.signalling.addresses[0])
        peer.setup(1)
        await peer.hear(MessageType.CONNECT)
        peer.writer.write(tpkt.frame(b"") * 3)
        peer.say(MessageType.FACILITY, None, 0)
        peer.say(MessageType.INFORMATION, {}, 9)
        answer = await peer.hear(RELEASE)
        assert answer.q931.call_reference == 9
        assert not end.calls[0].is_over
        assert end.signalling.counters == {"signalling-stray": 1, "signalling-dropped": 1}
        peer.close()


async def test_a_setup_in_pieces_is_a_setup():
    end = End()
    async with running(end):
        peer = await Peer.connect(end.signalling.addresses[0])
        whole: list[bytes] = []
        peer.writer.write, write = whole.append, peer.writer.write
        peer.setup(1)
        for place in range(0, len(whole[0]), 7):
            write(whole[0][place : place + 7])
            await asyncio.sleep(0)
        await peer.hear(MessageType.CONNECT)
        peer.close()


@pytest.mark.parametrize("sent", [b"", struct.pack("!BBH", 3, 0, 100) + b"\x08\x02"])
async def test_who_brings_no_call_is_cut_off(soon, sent):
    end = End(first_setup_s=0.05)
    async with running(end):
        peer = await Peer.connect(end.signalling.addresses[0])
        peer.writer.write(sent)
        assert await peer.is_cut()
        assert end.signalling.counters["stream-mute"] == 1


async def test_a_call_may_last_longer_than_its_connection_had_time_for_it(soon):
    end = End(first_setup_s=0.05)
    async with running(end):
        peer = await Peer.connect(end.signalling.addresses[0])
        peer.setup(1)
        await peer.hear(MessageType.CONNECT)
        await asyncio.sleep(0.15)
        peer.say(MessageType.STATUS_ENQUIRY, {}, 1)
        await peer.hear(MessageType.STATUS)
        peer.close()


async def test_the_end_of_a_message_is_not_waited_for_long(soon):
    end = End(message_s=0.05)
    async with running(end):
        peer = await Peer.connect(end.signalling.addresses[0])
        peer.setup(1)
        await peer.hear(MessageType.CONNECT)
        peer.writer.write(struct.pack("!BBH", 3, 0, 100))
        assert (await until(end.calls[0], events.Released)).cause == 41
        assert end.signalling.counters["stream-stuck"] == 1
        peer.close()


@pytest.mark.parametrize(
    "rubbish", [b"GET / HTTP/1.1\r\n\r\n", struct.pack("!BBH", 3, 0, 3), struct.pack("!BBH", 3, 0, 65_535)]
)
async def test_what_is_no_tpkt_ends_the_connection(rubbish):
    end = End()
    async with running(end):
        peer = await Peer.connect(end.signalling.addresses[0])
        peer.writer.write(rubbish)
        assert await peer.is_cut()
        assert end.signalling.counters["stream-unreadable"] == 1


async def test_messages_before_rubbish_are_read():
    end = End()
    async with running(end):
        peer = await Peer.connect(end.signalling.addresses[0])
        peer.setup(1)
        peer.writer.write(b"rubbish")
        await eventually(lambda: end.calls and end.calls[0].is_over)
        peer.close()


async def test_so_much_that_is_no_q931_ends_the_connection():
    end = End()
    async with running(end):
        peer = await Peer.connect(end.signalling.addresses[0])
        for _ in range(MOST_MALFORMED):
            peer.send(b"rubbish")
        assert await peer.is_cut()
        assert end.signalling.counters["signalling-dropped"] == MOST_MALFORMED


async def test_a_setup_that_cannot_be_read_is_refused():
    end = End()
    async with running(end):
        peer = await Peer.connect(end.signalling.addresses[0])
        peer.say(MessageType.SETUP, None)
        answer = await peer.hear()
        assert (answer.type, answer.q931.call_reference) == (RELEASE, 1)
        assert await peer.is_cut()
        assert end.calls == []
        peer.close()


async def test_a_source_has_so_many_connections():
    end = End(max_connections_per_source=2)
    async with running(end):
        address = end.signalling.addresses[0]
        peers = [await Peer.connect(address) for _ in range(3)]
        assert await peers[2].is_cut()
        other = await Peer.connect(address, "127.0.0.2")
        other.setup(1)
        await other.hear(MessageType.CONNECT)
        for peer in [*peers, other]:
            peer.close()


async def test_who_only_holds_connections_makes_way():
    end = End(max_half_open=2)
    async with running(end):
        address = end.signalling.addresses[0]
        caller = await Peer.connect(address)
        caller.setup(1)
        await caller.hear(MessageType.CONNECT)
        holding = [await Peer.connect(address) for _ in range(2)]
        await eventually(lambda: end.signalling.gauges["half-open-connections"] == 2)
        late = await Peer.connect(address)
        assert await holding[0].is_cut()
        late.setup(1)
        await late.hear(MessageType.CONNECT)
        assert end.signalling.counters["stream-made-way"] == 1
        assert not end.calls[0].is_over
        for peer in [caller, late, *holding]:
            peer.close()


@pytest.mark.parametrize(
    ("settings", "reason", "counter"),
    [
        ({"max_signalled_calls": 1}, "gatewayResources", "call-too-many"),
        ({"max_signalled_calls_per_source": 1}, "gatewayResources", "call-too-many-of-source"),
        ({"max_stranger_calls": 1}, "gatewayResources", "call-too-many-of-strangers"),
        ({"new_call_burst_per_source": 1.0, "new_calls_per_s_per_source": 0.01}, "adaptiveBusy", "call-too-fast"),
    ],
)
async def test_calls_are_bounded(limited, settings, reason, counter):
    end = End(**settings)
    async with running(end):
        first, second = [await Peer.connect(end.signalling.addresses[0]) for _ in range(2)]
        first.setup(1)
        await first.hear(MessageType.CONNECT)
        second.setup(7)
        answer = await second.hear()
        assert (answer.type, answer.q931.call_reference) == (RELEASE, 7)
        assert answer.body["reason"] == (reason, 0)
        assert await second.is_cut()
        assert end.signalling.counters[counter] == 1
        first.close()
        second.close()


async def test_the_place_of_a_call_is_free_after_it():
    end = End(max_signalled_calls=1)
    async with running(end):
        for reference in (1, 2):
            peer = await Peer.connect(end.signalling.addresses[0])
            peer.setup(reference)
            await peer.hear(MessageType.CONNECT)
            peer.close()
            await until(end.calls[-1], events.Released)


async def test_a_source_that_is_too_fast_is_read_more_slowly_and_loses_nothing(limited):
    end = End(messages_per_s_per_source=200.0, message_burst_per_source=10.0)
    async with running(end):
        peer = await Peer.connect(end.signalling.addresses[0])
        peer.setup(1)
        began = asyncio.get_running_loop().time()
        for number in range(40):
            peer.say(MessageType.INFORMATION, {}, 1, elements=(keypad(str(number % 10)),))
        digits = ""
        await eventually(lambda: end.calls)
        while len(digits) < 40:
            digits += (await until(end.calls[0], events.KeypadDigits)).digits
        assert digits == "0123456789" * 4
        assert asyncio.get_running_loop().time() - began >= 0.12
        assert end.signalling.counters["stream-throttled"] > 0
        peer.close()


async def test_long_messages_count_as_several(limited):
    end = End(messages_per_s_per_source=0.01, message_burst_per_source=10.0)
    shared = Streams(end.signalling._settings, end.signalling.counters)

    class Far:
        remote = ("192.0.2.7", 1)

    shared.took(Far(), bytes(4 * 512), 0.0)
    taken = 0
    while shared.wait_s(Far(), 0.0) == 0:
        taken += 1
    assert taken == 6


async def test_who_does_not_read_is_cut_off():
    end = End(max_unsent_bytes=32_768)
    async with running(end):
        peer = await Peer.connect(end.signalling.addresses[0])
        peer.setup(1)
        await eventually(lambda: end.calls)
        (call,) = end.calls
        async with asyncio.timeout(10):
            while not call.is_over:
                call._line.send(bytes(16_000))
                await asyncio.sleep(0)
        assert end.signalling.counters["stream-slow-peer"] == 1
        peer.close()


async def test_the_reason_of_a_release_arrives_though_the_peer_goes_on_talking():
    """A socket that is closed with octets unread resets, and the peer would lose what it has not read yet."""
    end = End(answers=False)
    async with running(end):
        peer = await Peer.connect(end.signalling.addresses[0])
        peer.setup(1)
        await eventually(lambda: end.calls)
        end.calls[0].release(reason="securityDenied")
        for _ in range(200):
            peer.say(MessageType.INFORMATION, {}, 1, elements=(keypad("1"),))
        await asyncio.sleep(0.05)
        assert (await peer.hear(RELEASE)).body["reason"] == ("securityDenied", 0)
        peer.close()


async def test_a_failure_of_ours_ends_one_connection(caplog):
    end = End()
    end.signalling._take = lambda call: 1 / 0
    async with running(end):
        peer = await Peer.connect(end.signalling.addresses[0])
        peer.setup(1)
        await peer.hear(MessageType.CALL_PROCEEDING)
        assert await peer.is_cut()
        assert "ZeroDivisionError" in caplog.text
        peer.close()


async def test_no_wildcard_is_listened_on():
    end = End(listen=(LocalAddress("0.0.0.0"),))
    with pytest.raises(OSError, match="wildcard"):
        await end.signalling.start()


async def test_what_cannot_be_bound_leaves_nothing_bound():
    first = End()
    async with running(first):
        port = first.signalling.addresses[0][1]
        second = End(listen=(LocalAddress("127.0.0.2"), LocalAddress("127.0.0.1")), signalling_port=port)
        with pytest.raises(OSError, match=f"H.323 on port {port}"):
            await second.signalling.start()
        assert second.signalling.addresses == []
        with pytest.raises(ConnectionRefusedError):
            await Peer.connect(("127.0.0.2", port))
