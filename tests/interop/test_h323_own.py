"""What no terminal that can be installed has: H.264, H.235.6, H.239 and H.243 over H.323, with a terminal of our own.

Whoever is in the room beside it is not ours: Chromium, baresip; FFmpeg decodes what it receives, tshark reads the wire.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from caller.h323.options import Encryption, PasscodeWay
from mcu.media import Kind, LegMedia
from tests.interop import oracles, own_caller, rtp_eyes
from tests.interop.baresip import Baresip
from tests.interop.browser import Visitor
from tests.interop.h323_presence import RATE_HZ, Presence, calling, options_of, slides_of
from tests.interop.hall import Hall, hall
from tests.interop.media import BLUE, GREEN, RED, YELLOW, Person
from tests.interop.namespace import OTHER_TERMINAL, SERVER, TERMINAL
from tests.interop.process import said_by
from tests.interop.server import GUEST_PASSCODE, TERMINAL_SECRET
from tests.interop.shared_screen import SHARED_SCREEN
from tests.interop.sniffer import Sniffer
from tests.interop.waiting import until
from tests.peers import needs_programs

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = """
[attendant]
goodbye_s = 4.0

[gate]
source_free_failures = 50
"""
ROOMS: dict[str, dict[str, Any]] = {
    **{str(number): {} for number in range(1001, 1010)},
    "1010": {"encryption": "opportunistic"},
    "1011": {},
}
WRONG = "13572468"
ACCOUNT = "ward3"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hall]:
    needs_programs("chromium", "tshark")
    async with hall(tmp_path_factory.mktemp("h323"), ROOMS, SETTINGS, DRUMTOWER_NET_HAS_GSO="false") as made:
        yield made
        log = made.server.log()
        assert "Traceback" not in log, log[-4000:]
        assert not [secret for secret in (GUEST_PASSCODE, WRONG, TERMINAL_SECRET) if secret in log]


_TRIED = (PasscodeWay.DIALLED, PasscodeWay.H243)
"""Asterisk keys in by the other ways (test_h323_terminals.py)."""


async def hears(visitor: Visitor, *people: Person) -> None:
    async def listen() -> object:
        found = oracles.heard(await visitor.sound(1.2), 48_000)
        return found == {person.name for person in people} or found

    await until(f"the browser hears {[person.name for person in people]}", listen)


async def sees(visitor: Visitor, *people: Person) -> None:
    async def look() -> object:
        found = set(oracles.seen(await visitor.picture()))
        return {person.name for person in people} <= found or found

    await until(f"the browser sees {[person.name for person in people]}", look)


async def is_in(house: Hall, room: str, person: Person, timeout_s: float = 12.0) -> dict[str, Any]:
    """Wait until the person is in a room that somebody else is in, too; its line of the roster."""

    async def look() -> object:
        return person.name in await house.people(room)

    await until(f"{person.name} is in {room}", look, timeout_s)
    return (await house.people(room))[person.name]


async def meets(house: Hall, room: str, presence: Presence, visitor: Visitor) -> dict[str, Any]:
    """Blue, over H.323, and red see and hear each other, and blue does not hear itself; blue's line of the roster."""
    line = await is_in(house, room, BLUE)
    await until("blue sees both", presence.sees(RED, BLUE))
    await until("blue hears red alone", presence.hears(RED))
    await hears(visitor, BLUE)
    await sees(visitor, RED, BLUE)
    return line


async def test_three_protocols_meet(house: Hall, tmp_path: Path, artifacts: Path):
    needs_programs("baresip")
    async with house.visitors("1001", RED) as (visitor,), AsyncExitStack() as leaving:
        green = await Baresip(GREEN, tmp_path / "green", OTHER_TERMINAL, 15_080, 14_463, 22_000).start()
        leaving.push_async_callback(green.stop)
        event = await green.dial(f"sip:1001**{GUEST_PASSCODE}@{SERVER}")
        assert event["type"] == "CALL_ESTABLISHED", green.log()[-3000:]
        blue = await leaving.enter_async_context(calling(options_of(BLUE, "1001", encryption=Encryption.OFF)))
        line = await is_in(house, "1001", BLUE)
        assert (line["protocol"], line["codecs"], line["grade"], line["cipher"]) == (
            "h323", ["G722", "H264"], "clear", "",
        )  # fmt: skip
        await until("blue sees all three", blue.sees(RED, GREEN, BLUE))
        await until("blue hears the others", blue.hears(RED, GREEN))
        await hears(visitor, GREEN, BLUE)
        await sees(visitor, RED, GREEN, BLUE)

        async def green_hears() -> object:
            found = set(await green.hears(1.2))
            return found == {"red", "blue"} or found

        await until("green hears the others", green_hears)
        Image.fromarray(blue.session.picture()).save(artifacts / "h323-own.png")
    report = blue.report
    assert (report.outcome, report.ended_by) == ("ok", "us")
    assert all(not stream.suite and stream.lost_packets == 0 for stream in report.streams.values()), report


@pytest.mark.thorough
@pytest.mark.parametrize(("tunnels", "fast"), [(True, True), (False, False)])
async def test_every_way_of_setting_up(house: Hall, tunnels: bool, fast: bool):
    with Sniffer() as wire:
        async with house.visitors("1002", RED) as (visitor,):
            wishes = {"encryption": Encryption.OFF, "is_tunnelling": tunnels, "has_fast_start": fast}
            async with calling(options_of(BLUE, "1002", **wishes)) as blue:
                await meets(house, "1002", blue, visitor)
    assert blue.report.h323 is not None
    assert blue.report.h323.is_tunnelling == tunnels
    assert blue.report.h323.has_fast_start == fast
    await no_message_is_malformed(wire, house.folder)


@pytest.mark.parametrize(
    ("is_master", "key_bits", "steals"),
    [(False, 128, False), pytest.param(False, 192, True, marks=pytest.mark.thorough), (True, 256, True)],
)
async def test_encrypted_by_h235_in_both_roles(house: Hall, is_master: bool, key_bits: int, steals: bool):
    async with house.visitors("1003", RED) as (visitor,):
        options = options_of(
            BLUE, "1003", encryption=Encryption.REQUIRED, key_bits=(key_bits,), is_master=is_master, steals=steals
        )
        async with calling(options) as blue:
            line = await meets(house, "1003", blue, visitor)
    assert (line["grade"], line["cipher"]) == ("opportunistic", f"H.235.6 AES-{key_bits}-CBC")
    assert (line["is_encrypted"], line["has_integrity"]) == (True, False)
    report = blue.report
    assert report.h323 is not None
    assert (report.h323.is_master, report.h323.group_bits) == (is_master, 4096)
    for stream in report.streams.values():
        assert (stream.suite, stream.lost_packets, stream.dropped) == (f"AES-{key_bits}-CBC", 0, {}), report


@pytest.mark.thorough
async def test_an_old_group_will_do(house: Hall):
    async with house.visitors("1003", RED) as (visitor,):
        options = options_of(BLUE, "1003", encryption=Encryption.REQUIRED, groups=(1024,))
        async with calling(options) as blue:
            line = await meets(house, "1003", blue, visitor)
    assert line["cipher"] == "H.235.6 AES-128-CBC"
    assert blue.report.h323 is not None
    assert blue.report.h323.group_bits == 1024


@pytest.mark.parametrize("is_master", [pytest.param(False, marks=pytest.mark.thorough), True])
async def test_keys_are_renewed_in_both_directions(house: Hall, is_master: bool):
    """As master we make them, as slave we ask for them; nothing is lost while they change."""
    async with house.visitors("1004", RED) as (visitor,):
        options = options_of(BLUE, "1004", encryption=Encryption.REQUIRED, is_master=is_master, renew_keys_s=0.7)
        async with calling(options) as blue:
            await meets(house, "1004", blue, visitor)
            await until("keys of both ends are new", lambda: has_new_keys(blue, 4))
            await meets(house, "1004", blue, visitor)
    for kind in ("audio", "video"):
        stream = blue.report.streams[kind]
        assert stream.own_keys >= 4, blue.report
        assert stream.peer_keys >= 4, blue.report
        assert (stream.lost_packets, stream.dropped) == (0, {}), blue.report


async def test_nothing_clear_is_on_the_wire(house: Hall):
    seen: dict[Encryption, tuple[bytes, bytes, int]] = {}
    for encryption in (Encryption.REQUIRED, Encryption.OFF):
        with Sniffer() as wire:
            async with house.visitors("1005", RED) as (visitor,):
                async with calling(options_of(BLUE, "1005", encryption=encryption)) as blue:
                    await meets(house, "1005", blue, visitor)
                    if encryption is Encryption.REQUIRED:
                        await until("enough has passed both ways", lambda blue=blue: has_carried(blue, 80_000))
                ports = {port for pair in blue.session.ports.values() for port in pair}
        sent = b"".join(
            one.payload
            for one in rtp_eyes.packets(each for each in wire.datagrams(source=TERMINAL) if each.source[1] in ports)
        )
        got = b"".join(one.payload for one in rtp_eyes.packets(wire.datagrams(source=SERVER, ports=ports)))
        clear = [*blue.programme.audio, *(unit.payload for unit in blue.programme.video)]
        seen[encryption] = (sent, got, runs_in_common(clear, sent))
        await no_message_is_malformed(wire, house.folder)
    sent, got, in_common = seen[Encryption.REQUIRED]
    assert in_common == 0
    for payloads in (sent, got):
        assert len(payloads) >= 65_536
        assert bits_a_byte(payloads) > 7.9
    assert seen[Encryption.OFF][2] > 1000, "the search finds what is there"


async def test_keys_differ_by_channel_and_by_call(house: Hall):
    keys: list[bytes] = []
    async with house.visitors("1005", RED) as (visitor,):
        for is_master in (False, True, False):
            async with calling(options_of(BLUE, "1005", encryption=Encryption.REQUIRED, is_master=is_master)) as blue:
                await meets(house, "1005", blue, visitor)
            keys += max((keys_of(media) for media in blue.session.agreed), key=len)
    assert len(keys) == len(set(keys)) >= 12
    assert {len(key) for key in keys} == {32}


async def test_a_clear_terminal_is_told_that_the_room_wants_encryption(house: Hall, artifacts: Path):
    async with house.visitors("1010", RED) as (visitor,):
        async with calling(options_of(BLUE, "1010", encryption=Encryption.OFF)) as blue:
            await until("it is shown something", lambda: shown(blue))
            await until("it is told something", lambda: spoken_to(blue))
            Image.fromarray(blue.session.picture()).save(artifacts / "h323-encryption-required.png")
            report = await blue.over()
            assert "blue" not in await house.people("1010")
        assert report.ended_by == "peer", report
        async with calling(options_of(BLUE, "1010")) as blue:
            line = await meets(house, "1010", blue, visitor)
        assert line["grade"] == "opportunistic"


async def test_a_signed_call_is_authenticated(house: Hall):
    terminal = {"alias": ACCOUNT, "name": BLUE.name, "secret": TERMINAL_SECRET}
    await house.administrator.call("POST", "/terminals", terminal)
    async with house.visitors("1011", RED) as (visitor,):
        async with calling(options_of(BLUE, "1011", account=ACCOUNT, password=TERMINAL_SECRET)) as blue:
            line = await meets(house, "1011", blue, visitor)
        assert (line["grade"], line["cipher"]) == ("authenticated", "H.235.6 AES-256-CBC")
        assert blue.report.h323 is not None
        assert blue.report.h323.is_signed
        async with calling(options_of(BLUE, "1011", account=ACCOUNT, password=WRONG)) as blue:
            report = await blue.over()
        assert (report.outcome, report.reason) == ("refused", "securityDenied")


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=() if way in _TRIED else pytest.mark.thorough) for way in PasscodeWay]
)
async def test_a_passcode_opens_by_every_way_and_a_wrong_one_by_none(house: Hall, way: PasscodeWay):
    async with house.visitors("1006", RED) as (visitor,):
        async with calling(options_of(BLUE, "1006", passcode_way=way)) as blue:
            await meets(house, "1006", blue, visitor)
            assert share_of(RED, await blue.session.sound(2.0)) > 0.9
        assert blue.report.outcome == "ok"
        if way is PasscodeWay.H243:
            assert blue.report.h323 is not None
            assert (blue.report.h323.password_requests, blue.report.h323.terminal[:2]) == (1, "1.")

        async def is_gone() -> object:
            return "blue" not in await house.people("1006")

        await until("blue is gone", is_gone)
        async with calling(options_of(BLUE, "1006", passcode=WRONG, passcode_way=way)) as blue:
            if way is PasscodeWay.DIALLED:
                report = await blue.over()
                assert (report.outcome, report.reason) == ("refused", "securityDenied"), report
                return
            await until("it is shown something", lambda: shown(blue))
            await asyncio.sleep(3 if way is PasscodeWay.H243 else 5)  # keys take their time
            assert set(await house.people("1006")) == {"red"}
            assert blue.session.sees() == set(), "the room is seen"
            # Speech may have 440 Hz in it, but is not made of it.
            assert share_of(RED, await blue.session.sound(2.0)) < 0.5, "the room is heard"


async def test_slides_and_screens_pass_both_ways(house: Hall, artifacts: Path):
    room, encryption = "1008", Encryption.REQUIRED
    with Sniffer() as wire:
        visitor = await house.visitor(RED, f"/join/{room}", script=SHARED_SCREEN)
        try:
            await visitor.join(RED.name, GUEST_PASSCODE)
            async with calling(options_of(BLUE, room, encryption=encryption, slides=slides_of(GREEN))) as blue:
                await is_in(house, room, BLUE)

                async def shows_slides() -> object:
                    return shows(GREEN, await visitor.picture(), 0.3)

                await until("the browser shows slides", shows_slides)
                await visitor.page.screenshot(path=str(artifacts / f"h323-slides-{encryption}.png"))
                await until("blue sees the people without its slides", blue.sees(RED, BLUE, without=(GREEN,)))
                blue.session.forget(Kind.VIDEO)
                await until("and goes on seeing them", blue.sees(RED, BLUE, without=(GREEN,)))

                await visitor.page.mouse.move(300, 300)
                await visitor.page.click('[aria-label="Share screen"]')
                await until("blue sees the screen", blue.sees(YELLOW, kind=Kind.CONTENT))
                assert shows(YELLOW, blue.session.picture(Kind.CONTENT), 0.8)
                await until("and the people beside it", blue.sees(RED, BLUE, without=(YELLOW, GREEN)))
        finally:
            await visitor.close()
    report = blue.report
    assert report.h323 is not None
    assert (report.h323.has_presented, report.h323.saw_presentation) == (True, True)
    assert {stream.suite for stream in report.streams.values()} == {"AES-256-CBC"}
    await no_message_is_malformed(wire, house.folder)


@pytest.mark.thorough
async def test_the_command_calls_plays_and_records(house: Hall, tmp_path: Path):
    async with house.visitors("1009", RED) as (visitor,):
        dialled = asyncio.create_task(
            own_caller.call(
                BLUE, tmp_path, "--encryption", "required", "--renew-keys", "2", "--no-tunnelling",
                room="1009", passcode=GUEST_PASSCODE, seconds=9, scheme="h323",
            )
        )  # fmt: skip
        await hears(visitor, BLUE)
        await sees(visitor, RED, BLUE)
        call = await dialled
    assert call.status == 0, call.report
    assert {stream["suite"] for stream in call.streams.values()} == {"AES-256-CBC"}
    assert call.report["h323"]["is_tunnelling"] is False
    assert call.streams["video"]["frames_decoded"] > 100
    assert {"red", "blue"} <= set(oracles.seen(call.pictures()[-10]))
    assert oracles.heard(call.sound()[-96_000:], 48_000) == {"red"}


async def has_new_keys(presence: Presence, least: int) -> object:
    """Whether both ends have had so many keys for sound and for pictures."""
    found = presence.session.fewest_keys()
    return found >= least or found


async def has_carried(presence: Presence, least: int) -> object:
    """Whether so many octets of media went each way."""
    found = presence.session.least_carried()
    return found >= least or found


def keys_of(media: LegMedia) -> list[bytes]:
    """All session keys of H.235.6, of both directions."""
    found = [spec.h235 for spec in media.streams if spec.h235 is not None]
    return [key for each in found for key in (each.local, *(remote for _, remote in each.remote)) if key]


async def shown(presence: Presence) -> object:
    """Whether a picture has come."""
    return presence.session.picture() is not None


async def spoken_to(presence: Presence) -> object:
    """Whether there is sound that is nobody's tone."""
    sound = await presence.session.sound(0.5)
    return bool(len(sound)) and int(np.abs(sound).max()) > 300


def share_of(person: Person, sound: Any) -> float:
    """How much of the energy of some sound is the person's tone; 0 of silence."""
    power = np.abs(np.fft.rfft(sound.astype(np.float64) * np.hanning(len(sound)))) ** 2
    centre, width = person.tone_hz * len(sound) // RATE_HZ, 5 * len(sound) // RATE_HZ
    return float(power[centre - width : centre + width + 1].sum() / max(power.sum(), 1.0))


def shows(person: Person, picture: Any, least: float) -> bool:
    """Whether so much of the picture has the person's colour."""
    if picture is None:
        return False
    distance = np.linalg.norm(picture.astype(np.float32) - np.array(person.colour, np.float32), axis=2)
    return bool((distance < 60).mean() >= least)


def runs_in_common(clear: Iterable[bytes], wire: bytes, length: int = 16) -> int:
    """How many runs of octets of the clear payloads are on the wire."""
    known = {unit[at : at + length] for unit in clear for at in range(len(unit) - length + 1)}
    return sum(wire[at : at + length] in known for at in range(len(wire) - length + 1))


def bits_a_byte(octets: bytes) -> float:
    """Shannon's entropy of the octets one by one."""
    counts = Counter(octets).values()
    return -sum(count / len(octets) * math.log2(count / len(octets)) for count in counts)


async def no_message_is_malformed(wire: Sniffer, folder: Path) -> None:
    """tshark understands all of H.225.0 and H.245, of both ends."""
    file = wire.write(folder / "h323.pcap")
    read = ("tshark", "-n", "-r", str(file), "-T", "fields")
    counts = []
    for wanted in ("h225", "h245", "(h225 || h245 || tpkt) && (_ws.malformed || _ws.expert.severity >= 8388608)"):
        process = await asyncio.create_subprocess_exec(
            *read, "-Y", wanted, "-e", "frame.number", "-e", "_ws.col.Info",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await said_by(process)
        assert process.returncode == 0, errors.decode(errors="replace")
        counts.append(output.decode(errors="replace").splitlines())
    messages, control, wrong = counts
    assert len(messages) >= 3
    assert len(control) >= 3
    assert wrong == []
