"""What hostile streams may cost: time to the first message, to the end of one, and messages a second."""

from __future__ import annotations

import asyncio
import time

import pytest

from config.sip import SipSettings
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transport import connections
from signaling.sip.ua import UserAgent
from signaling.sip.wire.framing import StreamFramer

OPTIONS = (
    b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK%d\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:a@b>\r\nCall-ID: %d\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


async def test_headers_that_dribble_in_are_not_waited_for(monkeypatch):
    monkeypatch.setattr(connections, "_SWEEP_S", 0.02)
    ua = UserAgent(SipSettings(port=0, message_s=0.1, first_message_s=60.0))
    await ua.start()
    reader, writer = await asyncio.open_connection(*ua.local_addresses[0])
    writer.write(OPTIONS % (1, 1))
    assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    began = time.monotonic()
    async with asyncio.timeout(5):
        for byte in OPTIONS % (2, 2):
            if reader.at_eof():
                break
            writer.write(bytes([byte]))
            await asyncio.sleep(0.005)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
    assert time.monotonic() - began < 2
    assert ua.counters["stream-stuck"] == 1
    await ua.stop()


async def test_a_busy_stream_whose_reads_end_within_messages_goes_on(monkeypatch):
    """A proxy that always has more to say: each message is finished in time, and the next one has begun already."""
    monkeypatch.setattr(connections, "_SWEEP_S", 0.01)
    ua = UserAgent(SipSettings(port=0, message_s=0.1))
    await ua.start()
    reader, writer = await asyncio.open_connection(*ua.local_addresses[0])
    stream = b"".join(OPTIONS % (n, n) for n in range(30))
    size = len(OPTIONS % (10, 10))
    for at in range(-size // 2, len(stream), size):
        writer.write(stream[max(at, 0) : at + size])
        await asyncio.sleep(0.01)
    async with asyncio.timeout(2):
        for n in range(30):
            assert b"Call-ID: %d\r\n" % n in await reader.readuntil(b"\r\n\r\n")
    assert ua.counters["stream-stuck"] == 0
    writer.close()
    await ua.stop()


async def test_a_source_that_is_too_fast_is_read_more_slowly_and_loses_nothing(monkeypatch):
    ua = UserAgent(SipSettings(port=0, messages_per_s_per_source=200.0, message_burst_per_source=20.0))
    monkeypatch.setattr(ua.transports.rates, "is_unlimited", lambda address: False)
    await ua.start()
    reader, writer = await asyncio.open_connection(*ua.local_addresses[0])
    began = time.monotonic()
    writer.write(b"".join(OPTIONS % (n, n) for n in range(60)))
    async with asyncio.timeout(5):
        for n in range(60):
            answer = await reader.readuntil(b"\r\n\r\n")
            assert b"Call-ID: %d\r\n" % n in answer
    assert time.monotonic() - began >= 0.18
    assert ua.counters["stream-throttled"] > 0
    writer.close()
    await ua.stop()


async def test_datagrams_of_a_flood_are_refused_and_then_dropped(monkeypatch):
    ua = UserAgent(SipSettings(port=0, messages_per_s_per_source=1.0, message_burst_per_source=5.0))
    monkeypatch.setattr(ua.transports.rates, "is_unlimited", lambda address: False)
    sent: list[bytes] = []
    await ua.start()
    monkeypatch.setattr(ua.transports, "_send_datagram", lambda data, flow: sent.append(data))
    flow = Flow("udp", ua.local_addresses[0], ("192.0.2.7", 5060))
    for n in range(100):
        ua.transports._datagram((OPTIONS % (n, n)).replace(b"/TCP", b"/UDP"), flow)
    assert b"Retry-After: 10\r\n" in sent[-1]
    ua.transports._drained()
    async with asyncio.timeout(2):
        while ua.gauges["transactions"] < 5:
            await asyncio.sleep(0.005)
    statuses = [data.split()[1] for data in sent]
    assert statuses.count(b"200") == 5
    assert 50 <= statuses.count(b"503") <= 70  # their bucket fills again meanwhile
    assert ua.counters["rate-busy"] == statuses.count(b"503")
    assert ua.counters["rate-busy"] + ua.counters["rate-drop"] == 95
    assert ua.gauges["transactions"] == 5
    await ua.stop()


def test_a_dribble_takes_linear_time():
    framer = StreamFramer()
    framer.receive(b"OPTIONS sip:a@b SIP/2.0\r\nX: ")
    began = time.process_time()
    for _ in range(60_000):
        framer.receive(b"x")
    assert time.process_time() - began < 0.5
    assert framer.has_part
