"""SIP terminals of other makers in a room: codecs, locks, hold, digits, pictures (RFC 3261, 3264, 6184, 7741)."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray
from PIL import Image

from tests.interop import oracles, own_caller, rtp_eyes
from tests.interop.baresip import Baresip
from tests.interop.linphone import Linphone
from tests.interop.media import BLUE, GREEN, RED, YELLOW, Person
from tests.interop.namespace import OTHER_TERMINAL, TERMINAL
from tests.interop.namespace import SERVER as ADDRESS
from tests.interop.rtp_eyes import Rtp
from tests.interop.server import GUEST_PASSCODE, SIP_PORT, Administrator, Server
from tests.interop.sniffer import Sniffer, judged
from tests.interop.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOMS: dict[str, dict[str, Any]] = {str(number): {} for number in range(1001, 1005)} | {
    "1005": {"encryption": "opportunistic"}
}


@dataclass
class Clinic:
    server: Server
    administrator: Administrator

    async def people(self, room: str) -> dict[str, dict[str, Any]]:
        rooms = (await self.administrator.call("GET", "/conferences"))["conferences"]
        return {one["name"]: one for found in rooms if found["number"] == room for one in found["participants"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clinic(tmp_path_factory) -> AsyncIterator[Clinic]:
    # Without segmentation offload every packet is seen on the wire as it is.
    server = Server(tmp_path_factory.mktemp("server"), environment={"DRUMTOWER_NET_HAS_GSO": "false"})
    await server.start(ROOMS)
    administrator = await server.administrator()
    yield Clinic(server, administrator)
    await administrator.close()
    await server.stop()
    assert "Traceback" not in server.log(), server.log()[-4000:]
    assert GUEST_PASSCODE not in server.log()


@pytest.fixture
def sniffer() -> Iterator[Sniffer]:
    with Sniffer() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def cleaning() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def dial(room: str, transport: str = "udp") -> str:
    return f"sip:{room}**{GUEST_PASSCODE}@{ADDRESS}" + (";transport=tcp" if transport == "tcp" else "")


async def started(cleaning: AsyncExitStack, person: Person, folder: Path, **wishes: Any) -> Baresip:
    """A baresip whose ports follow from its person, so that several live side by side."""
    number = [RED, GREEN, BLUE, YELLOW].index(person)
    address = (TERMINAL, OTHER_TERMINAL)[number % 2]
    made = await Baresip(
        person, folder / person.name, address, 15_060 + 10 * number, 14_461 + number, 20_000 + 1000 * number, **wishes
    ).start()
    cleaning.push_async_callback(made.stop)
    return made


async def joined(cleaning: AsyncExitStack, room: str, person: Person, folder: Path, **wishes: Any) -> Baresip:
    """A baresip that is in the room."""
    made = await started(cleaning, person, folder, **wishes)
    event = await made.dial(dial(room, made.transport))
    assert event["type"] == "CALL_ESTABLISHED", made.log()[-3000:]
    return made


async def hears(who: Baresip | Linphone, *people: Person) -> None:
    """Wait until these are heard, all of them and nobody else."""
    wanted = {person.name for person in people}

    async def is_heard() -> object:
        heard = await who.hears()
        return heard == wanted or heard

    await until(f"{who.person.name} hears {wanted}", is_heard)


def received(sniffer: Sniffer, terminal: Baresip, payload_type: int, since: float = 0.0) -> list[Rtp]:
    """What the server has sent to a terminal in one format."""
    ports = range(terminal.rtp_port, terminal.rtp_port + 50)
    found = rtp_eyes.packets(sniffer.datagrams(source=ADDRESS, ports=ports, since=since))
    return [packet for packet in found if packet.payload_type == payload_type]


def colours(picture: NDArray[np.uint8], file: Path) -> set[str]:
    Image.fromarray(picture).save(file)
    return set(oracles.seen(picture))


async def test_plain_and_encrypted_terminals_and_ours_see_and_hear_each_other(
    clinic: Clinic, cleaning: AsyncExitStack, sniffer: Sniffer, tmp_path: Path, needs, artifacts: Path
):
    needs("baresip", "tshark")
    red = await joined(cleaning, "1001", RED, tmp_path, encryption="", audio="PCMU/8000/1", transport="tcp")
    green = await joined(cleaning, "1001", GREEN, tmp_path)
    own = asyncio.create_task(own_caller.call(BLUE, tmp_path, room="1001", passcode=GUEST_PASSCODE, seconds=6))
    await hears(red, GREEN, BLUE)
    await hears(green, RED, BLUE)
    people = await clinic.people("1001")
    assert {name: (one["grade"], one["codecs"]) for name, one in people.items()} == {
        "red": ("clear", ["PCMU", "H264"]),
        "green": ("opportunistic", ["OPUS", "H264"]),
        "blue": ("opportunistic", ["OPUS", "H264"]),
    }
    await red.command("sndcode", "5")
    await a_digit_is_counted(clinic)
    call = await own
    assert (call.status, call.report["ended_by"]) == (0, "us")

    assert oracles.heard(call.sound()[-96_000:-24_000], 48_000) == {"red", "green"}
    assert colours(call.pictures()[-10], artifacts / "terminals-own.png") == {"red", "green", "blue"}
    for someone in (red, green):
        shown, keyframes = await someone.pictures()
        assert shown > 40, someone.log()[-3000:]
        assert keyframes >= 1
    verdict = await judged(sniffer.write(tmp_path / "wire.pcap"), ADDRESS, SIP_PORT)
    assert verdict.wrong == []
    assert verdict.with_sdp == 3
    # Nothing was lost: the digit's packets count too, in our reports and in the roster.
    assert [event["rtcp_stats"]["tx"]["lost"] for event in red.events if event["type"] == "CALL_RTCP"][-1] == 0
    assert (await clinic.people("1001"))["red"]["loss"] == 0


async def a_digit_is_counted(clinic: Clinic) -> None:
    """By RFC 4733; which digit it was is nobody's business."""

    async def is_counted() -> object:
        lines = [line for line in (await clinic.server.metrics()).splitlines() if 'event="digit-' in line]
        return lines == ['drumtower_sip_total{event="digit-rfc4733"} 1.0'] or lines

    await until("the digit is counted", is_counted)


async def test_hold_silences_and_resume_brings_sound_and_a_fresh_picture(
    clinic: Clinic, cleaning: AsyncExitStack, sniffer: Sniffer, tmp_path: Path, needs, artifacts: Path
):
    needs("baresip")
    red = await joined(cleaning, "1002", RED, tmp_path, encryption="", audio="PCMA/8000/1")
    green = await joined(cleaning, "1002", GREEN, tmp_path)
    await hears(green, RED)
    await red.command("hold")
    await hears(green)
    held_since = time.monotonic()

    async def has_room_left() -> object:
        seen, people = (await green.pictures())[0], await clinic.people("1002")
        return (people["red"]["codecs"] == [] and seen > 0) or people["red"]

    await until("the roster shows the hold", has_room_left)
    await asyncio.sleep(max(0.0, held_since + 1.5 - time.monotonic()))
    assert received(sniffer, red, 8, held_since) == received(sniffer, red, 96, held_since) == []

    resumed = time.monotonic()
    await red.command("resume")
    await hears(green, RED)

    async def gets_sound() -> object:
        return len(received(sniffer, red, 8, resumed)) > 75 and len(received(sniffer, red, 96, resumed)) > 40

    await until("the terminal gets sound and picture again", gets_sound)
    sound = rtp_eyes.sound(received(sniffer, red, 8, resumed)[-50:])
    assert oracles.heard(sound, 8000) == {"green"}
    video = received(sniffer, red, 96, resumed)
    # Packetization-mode 0: whole NAL units, and the first ones begin a picture anew.
    assert all(1 <= packet.payload[0] & 31 <= 23 and len(packet.payload) <= 1200 for packet in video)
    assert {packet.payload[0] & 31 for packet in video if packet.timestamp == video[0].timestamp} >= {5, 7, 8}
    pictures = rtp_eyes.pictures(video)
    assert len(pictures) > 20
    assert colours(pictures[-1], artifacts / "terminals-resumed.png") == {"red", "green"}
    assert red.events[-1]["type"] != "CALL_CLOSED"


async def test_pictures_arrive_in_both_h264_modes_and_in_vp8(clinic: Clinic, tmp_path: Path, artifacts: Path):
    ways = {RED: ("--packetization-mode", "0"), GREEN: ("--packetization-mode", "1", "--srtp", "none"),
            BLUE: ("--video", "vp8", "--audio", "g722", "--transport", "tcp")}  # fmt: skip
    calls = await asyncio.gather(*(
        own_caller.call(person, tmp_path, *options, room="1003", passcode=GUEST_PASSCODE, seconds=6)
        for person, options in ways.items()
    ))  # fmt: skip
    for person, call in zip(ways, calls, strict=True):
        video = call.streams["video"]
        assert (call.status, video["decode_errors"], video["width"], video["height"]) == (0, 0, 1280, 720), call.report
        assert video["lost_packets"] == call.streams["audio"]["lost_packets"] == 0, call.report
        middle = call.pictures()[len(call.pictures()) // 2]
        assert colours(middle, artifacts / f"terminals-{person.name}.png") == {"red", "green", "blue"}
        middle_s = len(call.sound()) // 2
        heard = oracles.heard(call.sound()[middle_s - 48_000 : middle_s + 48_000], 48_000)
        assert heard == {"red", "green", "blue"} - {person.name}
    assert [call.streams["video"]["codec"] for call in calls] == ["H264", "H264", "VP8"]
    assert [call.streams["video"]["suite"] for call in calls] == ["AEAD_AES_256_GCM", "", "AEAD_AES_256_GCM"]


def ipv6_until_the_end(cleaning: AsyncExitStack) -> None:
    """An address and a default route: linphone then names its IPv6 address (From, c=) in an IPv4 call."""
    for what in (("addr", "fd00:77::2/64"), ("route", "default")):
        add, delete = (["ip", "-6", what[0], change, what[1], "dev", "veth0"] for change in ("add", "del"))
        subprocess.run([*add, "nodad"] if what[0] == "addr" else add, check=True)
        cleaning.callback(subprocess.run, delete, check=True)


async def test_linphone_that_names_an_ipv6_address_is_seen_heard_and_sent_home(
    clinic: Clinic, cleaning: AsyncExitStack, sniffer: Sniffer, tmp_path: Path, needs, artifacts: Path
):
    needs("linphonec", "tshark")
    ipv6_until_the_end(cleaning)
    yellow = await Linphone(YELLOW, tmp_path / "yellow", TERMINAL, has_ipv6=True).start()
    cleaning.push_async_callback(yellow.stop)
    own = asyncio.create_task(own_caller.call(RED, tmp_path, room="1004", passcode=GUEST_PASSCODE, seconds=7))
    await yellow.dial(dial("1004"))
    await hears(yellow, RED)
    (row,) = [one for name, one in (await clinic.people("1004")).items() if name != "red"]
    assert (row["grade"], row["codecs"]) == ("opportunistic", ["OPUS", "VP8"])
    call = await own
    assert oracles.heard(call.sound()[-96_000:-24_000], 48_000) == {"yellow"}
    assert colours(call.pictures()[-10], artifacts / "terminals-linphone.png") == {"red", "yellow"}
    verdict = await judged(sniffer.write(tmp_path / "linphone.pcap"), ADDRESS, SIP_PORT)
    assert verdict.wrong == []
    assert verdict.with_sdp == 2
    asked = [one.payload for one in sniffer.datagrams(ports=(5060,)) if one.payload.startswith(b"INVITE sip:1004")]
    assert b"c=IN IP6 fd00:77::2" in asked[0], asked[0].decode()
    await clinic.administrator.call("DELETE", f"/conferences/1004/participants/{row['id']}")

    async def is_out() -> object:
        return "ended (No error)" in yellow.log() or yellow.log()[-1500:]

    await until("linphone took our BYE", is_out)


async def test_a_room_that_requires_encryption_says_so(
    clinic: Clinic, cleaning: AsyncExitStack, sniffer: Sniffer, tmp_path: Path, needs
):
    needs("baresip")
    red = await started(cleaning, RED, tmp_path, encryption="", audio="PCMU/8000/1", transport="tcp")
    event = await red.dial(dial("1005", "tcp"))
    assert (event["type"], event["param"]) == ("CALL_CLOSED", "488 Not Acceptable Here")
    plain = await own_caller.call(BLUE, tmp_path, "--srtp", "none", room="1005", passcode=GUEST_PASSCODE, seconds=1)
    assert (plain.report["outcome"], plain.report["status"]) == ("refused", 488)
    assert "requires encryption" in plain.report["warning"]
    green = await joined(cleaning, "1005", GREEN, tmp_path)
    assert set(await clinic.people("1005")) == {"green"}
    assert green.events[-1]["type"] != "CALL_CLOSED"
    assert received(sniffer, red, 0) == []
