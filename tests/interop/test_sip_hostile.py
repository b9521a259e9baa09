"""What nobody should send: to SIP, in SDP, to the media ports. A call goes on meanwhile and hears nothing of it."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from tests.interop import hostile, oracles, rtp_eyes
from tests.interop.baresip import Baresip
from tests.interop.hostile import Forger
from tests.interop.media import GREEN, RED, YELLOW
from tests.interop.namespace import OTHER_TERMINAL, TERMINAL
from tests.interop.namespace import SERVER as ADDRESS
from tests.interop.rtp_eyes import Rtp
from tests.interop.server import GUEST_PASSCODE, SIP_PORT, Server
from tests.interop.sniffer import Address, Sniffer
from tests.interop.waiting import until
from tests.interop.wire import Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIP = (ADDRESS, SIP_PORT)
STRANGER = (TERMINAL, 39_999)
"""An address of which nobody has ever spoken."""
PCMU, H264 = 0, 96


@dataclass
class Call:
    """An encrypted terminal (red) and a plain one (green) in a room; all that they get is on the sniffer."""

    server: Server
    red: Baresip
    green: Baresip
    sniffer: Sniffer

    @property
    def net(self) -> int:
        """The process that is attacked."""
        return self.server.children()["net"]

    def path(self, who: Baresip, payload_types: tuple[int, ...] = ()) -> tuple[Address, Address, Rtp]:
        """From where to where a terminal sends the stream with one of these payload types, and its last packet."""
        ports = range(who.rtp_port, who.rtp_port + 50)
        for datagram in reversed(list(self.sniffer.datagrams(since=time.monotonic() - 2))):
            for packet in rtp_eyes.packets([datagram]) if datagram.source[1] in ports else ():
                if packet.payload_type in payload_types:
                    return datagram.source, datagram.destination, packet
        raise AssertionError(f"{who.person.name} sends nothing")

    def sound_to_green(self, since: float) -> tuple[list[Rtp], np.ndarray]:
        """What the plain terminal was sent since then."""
        ports = range(self.green.rtp_port, self.green.rtp_port + 50)
        sent = rtp_eyes.packets(self.sniffer.datagrams(source=ADDRESS, ports=ports, since=since))
        packets = [packet for packet in sent if packet.payload_type == PCMU]
        return packets, rtp_eyes.sound(packets)

    async def counted(self, event: str) -> float:
        """A counter of the net process."""
        found = re.search(
            rf'^drumtower_events_total{{event="{event}",process="net",worker="1"}} (\S+)$',
            await self.server.metrics(),
            re.MULTILINE,
        )
        return float(found[1]) if found else 0.0

    async def is_unharmed(self, since: float) -> None:
        """Nobody was hung up on, and red was heard all the time: packets without a hole, a tone without a gap."""
        assert await asyncio.gather(self.red.hears(1.5), self.green.hears(1.5)) == [{"green"}, {"red"}]
        packets, sound = self.sound_to_green(since)
        steps = Counter((b.sequence - a.sequence) & 0xFFFF for a, b in itertools.pairwise(packets))
        assert set(steps) == {1}, steps
        assert len(packets) > (time.monotonic() - since) * 50 * 0.9
        assert oracles.heard(sound, 8000) == {"red"}
        assert oracles.longest_gap_s(sound, 8000, 0.3 * float(np.abs(sound).max())) <= 0.04
        for terminal in (self.red, self.green):
            assert not [event for event in terminal.events if event["type"] == "CALL_CLOSED"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(tmp_path_factory) -> AsyncIterator[Call]:
    folder = tmp_path_factory.mktemp("hostile")
    server = Server(folder / "server", environment={"DRUMTOWER_NET_HAS_GSO": "false"})
    await server.start({"1001": {}, "1002": {"passcodes": False, "no_guest_passcode": True, "no_host_passcode": True}})
    red = await Baresip(RED, folder / "red", TERMINAL, 15_060, 14_461, 20_000).start()
    green = await Baresip(
        GREEN, folder / "green", OTHER_TERMINAL, 15_070, 14_462, 21_000, encryption="", audio="PCMU/8000/1"
    ).start()
    with Sniffer() as sniffer:
        for terminal in (red, green):
            assert (await terminal.dial(f"sip:1001**{GUEST_PASSCODE}@{ADDRESS}"))["type"] == "CALL_ESTABLISHED"
        made = Call(server, red, green, sniffer)

        async def is_up() -> object:
            heard = (await red.hears(), await green.hears())
            return heard == ({"green"}, {"red"}) or heard

        await until("the terminals hear each other", is_up)
        yield made
    for terminal in (red, green):
        await terminal.stop()
    await server.stop()
    assert "Traceback" not in server.log(), server.log()[-4000:]
    assert GUEST_PASSCODE not in server.log()


@pytest.fixture(autouse=True)
def _programs(needs) -> None:
    needs("baresip")


async def talk(transport: str, data: bytes, patience_s: float, answers: int = 1) -> bytes:
    """Send something from a fresh port; what comes back until it holds so many final answers, or the patience ends."""
    loop = asyncio.get_running_loop()
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.setblocking(False)
        sock.bind((TERMINAL, 0))
        await loop.sock_connect(sock, SIP)
        data = data.replace(b"PORT", str(sock.getsockname()[1]).encode())
        await loop.sock_sendall(sock, data.replace(b"/UDP", b"/" + transport.upper().encode()))
        received = b""
        try:
            async with asyncio.timeout(patience_s):
                while not answers or len(statuses(received)) < answers:
                    chunk = await loop.sock_recv(sock, 65_535)
                    if not chunk and transport == "tcp":
                        break
                    received += chunk
        except (TimeoutError, ConnectionError):
            pass
        return received


def statuses(received: bytes) -> list[int]:
    """Final ones."""
    found = re.findall(rb"^SIP/2\.0 (\d{3}) ", received, re.MULTILINE)
    return [int(status) for status in found if status != b"100"]


async def the_server_answers(call: Call) -> None:
    for transport in ("udp", "tcp"):
        assert statuses(await talk(transport, hostile.request(f"o{time.monotonic_ns()}", "OPTIONS"), 5)) == [200]
    assert "internal-error" not in await call.server.metrics()


def unheard(transport: str, name: str) -> set[int]:
    """A stream whose Content-Length is wrong cannot be followed; it is closed."""
    return {400} if transport == "tcp" and name.startswith("Content-Length") else set()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_malformed_sip_is_refused_or_dropped(call: Call, transport: str):
    began = time.monotonic()
    # The same request by a second way would be a loop (RFC 3261 8.2.2.2).
    own = b"Call-ID: " + transport.encode()
    cases = {name: (data.replace(b"Call-ID: h", own), wanted) for name, (data, wanted) in hostile.torture().items()}
    answers = await asyncio.gather(*(
        talk(transport, data, 5 if wanted - unheard(transport, name) else 0.5) for name, (data, wanted) in cases.items()
    ))  # fmt: skip
    wrong = {
        name: (found[:200], wanted)
        for (name, (_, wanted)), found in zip(cases.items(), answers, strict=True)
        if not (set(statuses(found)) <= wanted and bool(statuses(found)) == bool(wanted - unheard(transport, name)))
    }
    assert not wrong
    for found in answers:
        assert b"Traceback" not in found and b"Error:" not in found and b".py" not in found
    await the_server_answers(call)
    await call.is_unharmed(began)


async def test_random_and_cut_messages_do_no_harm(call: Call):
    began = time.monotonic()
    whole = hostile.torture()["other body"][0].replace(b"application/xml", b"application/sdp")
    chance = random.Random(4475)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((TERMINAL, 0))
        for number in range(600):
            data = bytearray(whole[: chance.randrange(1, len(whole))] if number % 2 else whole)
            for _ in range(chance.randrange(6)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            sock.sendto(bytes(data) if number % 5 else chance.randbytes(chance.randrange(1400)), SIP)
            if number % 50 == 0:
                await asyncio.sleep(0.05)
    endless, byte_by_byte = await asyncio.gather(
        talk("tcp", b"INVITE sip:1001@x SIP/2.0\r\n" + b"X: y\r\n" * 30_000, 5),
        slowly(hostile.request("slow", "OPTIONS")),
    )
    assert endless == b""  # closed without a word: where the next message begins nobody knows
    assert statuses(byte_by_byte) == [200]
    pipelined = hostile.request("p1", "OPTIONS") + b"\r\n\r\n" + hostile.request("p2", "OPTIONS")
    assert statuses(await talk("tcp", pipelined, 5, answers=2)) == [200, 200]
    await the_server_answers(call)
    await call.is_unharmed(began)


async def slowly(data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*SIP, local_addr=(TERMINAL, 0))
    data = data.replace(b"PORT", b"5062").replace(b"/UDP", b"/TCP")
    for number in range(0, len(data), 7):
        writer.write(data[number : number + 7])
        await writer.drain()
        await asyncio.sleep(0.001)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    writer.close()
    return answer


async def test_malformed_sdp_is_refused_or_answered_and_leaves_nothing(call: Call):
    began = time.monotonic()
    ports = hostile.open_ports(call.net)
    caller = Caller(TERMINAL)
    for body in hostile.hopeless_sdp():
        answer = await caller.finish(caller.begin("1002", body))
        assert answer.status in (400, 488), (answer.raw, body[:200])
    for body in hostile.strange_sdp():
        answer = await caller.finish(caller.begin("1002", body))
        assert (answer.status, (await caller.hang_up()).status) == (200, 200), (answer.raw, body[:200])
    caller.close()

    async def are_closed() -> object:
        return hostile.open_ports(call.net) == ports or (hostile.open_ports(call.net), ports)

    await until("all ports are free again", are_closed)
    await the_server_answers(call)
    await call.is_unharmed(began)


async def test_garbage_on_every_port_is_dropped(call: Call):
    before_kib, began = hostile.resident_kib(call.net), time.monotonic()
    ports = hostile.open_ports(call.net)
    assert len(ports) >= 9  # two legs with two pairs each, and the one for browsers
    peers = {
        destination[1]: source for who in (call.red,) for source, destination, _ in [call.path(who, (96, 97, 99, 111))]
    }
    with Forger() as forger:
        for number, data in enumerate(hostile.garbage(1500)):
            for port in ports:
                source = peers.get(port, STRANGER) if number % 2 else STRANGER
                forger.send(data, source, (ADDRESS, port))
            if number % 10 == 0:
                await asyncio.sleep(0.01)
    await asyncio.sleep(1)
    await call.is_unharmed(began)
    assert hostile.resident_kib(call.net) - before_kib < 30_000
    for event in ("not-media", "media-invalid"):
        assert await call.counted(event) > 100, event


async def test_ten_thousand_packets_with_a_bad_tag_do_not_end_a_call(call: Call):
    before_kib, before, began = hostile.resident_kib(call.net), await call.counted("srtp-auth"), time.monotonic()
    source, destination, last = call.path(call.red, (96, 97, 98, 99, 111))
    payload = bytes(90)
    with Forger() as forger:
        for number in range(10_000):
            sender = STRANGER if number % 2 else source
            data = hostile.rtp(last.payload_type, last.sequence + number, last.timestamp + number, last.ssrc, payload)
            forger.send(data, sender, destination)
            if number % 40 == 0:
                await asyncio.sleep(0.01)

    async def are_counted() -> object:
        counted = await call.counted("srtp-auth") - before
        return counted >= 9_500 or counted

    await until("they are counted", are_counted)
    await call.is_unharmed(began)
    assert hostile.resident_kib(call.net) - before_kib < 10_000


async def test_a_stranger_takes_over_no_plain_leg(call: Call):
    began, before = time.monotonic(), await call.counted("media-wrong-source")
    _, destination, last = call.path(call.green, (PCMU,))
    time_s = np.arange(160 * 150) / 8000
    tone = encoded(9000 * np.sin(2 * np.pi * YELLOW.tone_hz * time_s))
    with Forger() as forger:
        for number in range(150):
            payload = tone[number * 160 : (number + 1) * 160]
            for ssrc in (last.ssrc, 0xBAD5EED):
                packet = hostile.rtp(PCMU, last.sequence + number, last.timestamp + 160 * number, ssrc, payload)
                forger.send(packet, STRANGER, destination)
            await asyncio.sleep(0.02)
    assert await call.red.hears() == {"green"}

    async def are_counted() -> object:
        return await call.counted("media-wrong-source") - before >= 290 or await call.counted("media-wrong-source")

    await until("the stranger's packets are counted", are_counted)
    assert not list(call.sniffer.datagrams(source=ADDRESS, ports=(STRANGER[1],), since=began))
    await call.is_unharmed(began)


def encoded(samples: np.ndarray[Any, Any]) -> bytes:
    """PCMU by FFmpeg."""
    import av

    encoder = av.AudioCodecContext.create("pcm_mulaw", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 8000, "mono", "s16"
    frame = av.AudioFrame.from_ndarray(samples.astype("<i2").reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = 8000
    return b"".join(bytes(packet) for packet in encoder.encode(frame))
