"""Callers with keys instead of a keyboard: the attendant, the waiting room, remote controls and the test room."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray
from PIL import Image

from tests.interop import oracles, rtp_eyes
from tests.interop.baresip import Baresip
from tests.interop.hall import Hall, hall
from tests.interop.media import BLUE, RED, Person
from tests.interop.namespace import OTHER_TERMINAL, TERMINAL
from tests.interop.namespace import SERVER as ADDRESS
from tests.interop.server import GUEST_PASSCODE, HOST_PASSCODE
from tests.interop.sniffer import Sniffer
from tests.interop.tones import Telephone
from tests.interop.waiting import until
from tests.interop.wire import Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = """
[attendant]
goodbye_s = 4.0
test_delay_s = 1.0
"""
ROOMS: dict[str, dict[str, Any]] = {
    "1001": {},
    "1002": {},
    "1003": {"passcodes": False, "no_guest_passcode": True, "no_host_passcode": True},
    "1004": {},
    "1005": {"encryption": "authenticated"},
}
H264 = 96
WRONG = "11223344"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clinic(tmp_path_factory) -> AsyncIterator[Hall]:
    # Without segmentation offload every packet is seen on the wire as it is.
    async with hall(tmp_path_factory.mktemp("attendant"), ROOMS, SETTINGS, DRUMTOWER_NET_HAS_GSO="false") as made:
        yield made
        log = made.server.log()
        assert "Traceback" not in log, log[-4000:]
        assert not [secret for secret in (GUEST_PASSCODE, HOST_PASSCODE, WRONG) if secret in log]


@pytest.fixture
def sniffer() -> Iterator[Sniffer]:
    with Sniffer() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def cleaning() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


class Terminal:
    """A baresip without encryption, so that what it is sent can be looked at on the wire."""

    def __init__(self, baresip: Baresip, clinic: Hall, sniffer: Sniffer) -> None:
        self.baresip = baresip
        self._clinic = clinic
        self._sniffer = sniffer

    async def call(self, user: str) -> None:
        event = await self.baresip.dial(f"sip:{user}@{ADDRESS}")
        assert event["type"] == "CALL_ESTABLISHED", self.baresip.log()[-3000:]

    async def keys(self, keys: str) -> None:
        """Press keys (RFC 4733), each when the one before has arrived."""
        for key in keys:
            before = await count(self._clinic, "sip", "digit-rfc4733")
            await self.baresip.command("sndcode", key)

            async def is_heard(before: int = before) -> object:
                return await count(self._clinic, "sip", "digit-rfc4733") > before

            await until("the digit has come", is_heard, every_s=0.05)

    def pictures(self) -> list[NDArray[np.uint8]]:
        """All that it was sent, decoded by somebody else's decoder."""
        ports = range(self.baresip.rtp_port, self.baresip.rtp_port + 50)
        found = rtp_eyes.packets(self._sniffer.datagrams(source=ADDRESS, ports=ports))
        return rtp_eyes.pictures(packet for packet in found if packet.payload_type == H264)

    async def sees(self, what: str, file: Path, shows: Any) -> NDArray[np.uint8]:
        """The first picture of which `shows` is true, kept for people to look at."""
        last: list[NDArray[np.uint8]] = []

        async def is_seen() -> object:
            # Of the last one a part may still be on its way.
            last[:] = self.pictures()[-2:-1]
            return bool(last) and bool(shows(last[0]))

        try:
            await until(f"it sees {what}", is_seen)
        finally:
            if last:
                Image.fromarray(last[0]).save(file)
        return last[0]

    async def hears_somebody(self) -> None:
        """Wait until there is speech: no tone of a person, but sound."""

        async def is_heard() -> object:
            return loudness(self.baresip.heard_file()) > 300

        await until("a prompt is heard", is_heard)


def loudness(wav: Path) -> float:
    samples = np.frombuffer(wav.read_bytes()[44:], "<i2").astype(np.float64)
    return float(np.abs(samples[-96_000:]).max()) if len(samples) else 0.0


def differs_from(before: NDArray[np.uint8]) -> Any:
    """Whether the words of a picture are others: a share of its pixels changed a lot."""

    def differs(picture: NDArray[np.uint8]) -> bool:
        if picture.shape != before.shape:
            return True
        change = np.abs(picture.astype(np.int16) - before.astype(np.int16)).max(axis=2)
        return bool((change > 80).mean() > 0.002)

    return differs


def has_words(picture: NDArray[np.uint8]) -> bool:
    """Bright strokes on a dark ground."""
    bright = (picture.min(axis=2) > 150).mean()
    return bool(0.002 < bright < 0.4)


async def count(clinic: Hall, family: str, event: str) -> int:
    """A counter of the server."""
    found = re.search(rf'drumtower_{family}_total{{event="{event}"}} (\d+)', await clinic.server.metrics())
    return int(found[1]) if found else 0


async def people(clinic: Hall, room: str) -> dict[str, dict[str, Any]]:
    rooms = (await clinic.administrator.call("GET", "/conferences"))["conferences"]
    return {one["name"]: one for found in rooms if found["number"] == room for one in found["participants"]}


async def are_in(clinic: Hall, room: str, *names: str) -> None:
    async def hold() -> object:
        found = sorted(await people(clinic, room))
        return found == sorted(names) or found

    await until(f"{names} are in {room}", hold)


async def terminal(cleaning: AsyncExitStack, clinic: Hall, sniffer: Sniffer, person: Person, folder: Path) -> Terminal:
    number = [RED, BLUE].index(person)
    made = await Baresip(
        person, folder / person.name, (TERMINAL, OTHER_TERMINAL)[number], 15_160 + 10 * number, 14_561 + number,
        26_000 + 1000 * number, encryption="", audio="PCMU/8000/1",
    ).start()  # fmt: skip
    cleaning.push_async_callback(made.stop)
    return Terminal(made, clinic, sniffer)


async def test_a_remote_control_finds_room_and_passcode_and_raises_a_hand(
    clinic: Hall, cleaning: AsyncExitStack, sniffer: Sniffer, tmp_path: Path, needs, artifacts: Path
):
    needs("baresip")
    red = await terminal(cleaning, clinic, sniffer, RED, tmp_path)
    await red.call("4711")
    unknown = await red.sees("that there is no such room", artifacts / "attendant-unknown.png", has_words)
    await red.hears_somebody()
    await red.keys("100*1001")
    typed = await red.sees("what it typed", artifacts / "attendant-room.png", differs_from(unknown))
    await red.keys("#")
    passcode = await red.sees("the second question", artifacts / "attendant-passcode.png", differs_from(typed))
    await red.keys(WRONG)
    await red.sees("dots", artifacts / "attendant-dots.png", differs_from(passcode))
    await red.keys("#")
    assert await people(clinic, "1001") == {}
    await red.keys(GUEST_PASSCODE + "#")
    await are_in(clinic, "1001", "red")
    await red.sees("the room", artifacts / "attendant-inside.png", lambda picture: "red" in oracles.seen(picture))

    await red.keys("*")
    await red.sees("the menu", artifacts / "attendant-menu.png", has_words)
    await red.keys("4")
    await red.keys(f"*3{HOST_PASSCODE}#")

    async def is_host_with_a_hand() -> object:
        found = (await people(clinic, "1001"))["red"]
        return (found["has_hand_raised"], found["role"]) == (True, "host") or found

    await until("the hand is up, and the chair taken", is_host_with_a_hand)
    await red.keys("*0")
    await red.baresip.wait_for(lambda event: event.get("type") == "CALL_CLOSED")
    assert await people(clinic, "1001") == {}


async def test_three_wrong_passcodes_then_goodbye(
    clinic: Hall, cleaning: AsyncExitStack, sniffer: Sniffer, tmp_path: Path, needs, artifacts: Path
):
    needs("baresip")
    blue = await terminal(cleaning, clinic, sniffer, BLUE, tmp_path)
    goodbyes = await count(clinic, "attendant", "goodbyes")
    await blue.call("1002")
    asked = await blue.sees("the question for the passcode", artifacts / "goodbye-asked.png", has_words)
    for _ in range(3):
        await blue.keys("99#")
    await blue.baresip.wait_for(lambda event: event.get("type") == "CALL_CLOSED")
    why = await blue.sees("why", artifacts / "goodbye-why.png", has_words)
    assert differs_from(asked)(why)
    assert await count(clinic, "attendant", "goodbyes") == goodbyes + 1
    assert await people(clinic, "1002") == {}


async def test_digits_by_info_of_both_kinds(clinic: Hall):
    caller = Caller(TERMINAL)
    assert (await caller.dial("1001")).status == 200
    for number, key in enumerate(GUEST_PASSCODE + "#"):
        if number % 2:
            answer = await caller.info("application/dtmf-relay", f"Signal={key}\r\nDuration=160\r\n")
        else:
            answer = await caller.info("application/dtmf", key)
        assert answer.status == 200
    await are_in(clinic, "1001", "caller")
    await caller.hang_up()
    caller.close()


async def test_digits_as_tones_of_a_plain_telephone(clinic: Hall):
    caller = Caller(TERMINAL)
    answer = await caller.dial("4711")  # no such room: the attendant says so and asks
    assert answer.status == 200
    await Telephone(caller.media, answer.media).press("1003#")
    await are_in(clinic, "1003", "caller")
    await caller.hang_up()
    caller.close()


async def test_a_room_that_wants_better_than_clear_signalling_takes_no_passcode(clinic: Hall):
    caller = Caller(TERMINAL)
    answer = await caller.dial("1005")
    assert (answer.status, answer.header("Warning")[:13]) == (488, "399 drumtower")
    assert (await caller.dial("")).status == 200
    for key in "1005#":
        await caller.info("application/dtmf-relay", f"Signal={key}\r\n")
    await caller.is_hung_up_on()
    caller.close()


async def test_callers_without_sound_get_a_status(clinic: Hall):
    caller = Caller(TERMINAL)
    for user, status in (("", 404), ("4711", 404), ("1001", 403)):
        offer = "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n"
        asking = caller.begin(user, offer + "a=inactive\r\n")
        assert (await caller.finish(asking)).status == status
    caller.close()


async def test_a_host_in_a_browser_admits_one_of_two(clinic: Hall, artifacts: Path, needs):
    needs("chromium")
    host = await clinic.visitor(BLUE, "/join/1004")
    await host.join("Host", HOST_PASSCODE)
    await clinic.administrator.call("POST", "/conferences/1004/lock", {"is_locked": True})
    ward, stranger = Caller(TERMINAL), Caller(OTHER_TERMINAL)
    for caller in (ward, stranger):
        assert (await caller.dial(f"1004**{GUEST_PASSCODE}")).status == 200
    assert sorted(await people(clinic, "1004")) == ["Host"]
    await host.page.click("button.chip[aria-expanded]")
    rows = host.page.locator(".outside-list .person")
    await rows.nth(1).wait_for()
    await host.page.screenshot(path=artifacts / "waiting-host.png")
    assert TERMINAL in await rows.nth(0).inner_text()
    await rows.nth(0).locator("button.primary").click()
    await are_in(clinic, "1004", "Host", "caller")
    await rows.nth(1).wait_for(state="detached")
    await rows.nth(0).locator("button:not(.primary)").click()
    await stranger.is_hung_up_on()
    assert (await clinic.administrator.call("GET", "/rooms/1004/waiting"))["waiting"] == []
    await are_in(clinic, "1004", "Host", "caller")
    await ward.hang_up()
    await host.close()
    for caller in (ward, stranger):
        caller.close()


async def test_the_test_room_plays_back(
    clinic: Hall, cleaning: AsyncExitStack, sniffer: Sniffer, tmp_path: Path, needs, artifacts: Path
):
    needs("baresip")
    red = await terminal(cleaning, clinic, sniffer, RED, tmp_path)
    await red.call("test")
    await red.sees("itself", artifacts / "test-room.png", lambda picture: "red" in oracles.seen(picture))

    async def hears_itself() -> object:
        heard = await red.baresip.hears()
        return heard == {"red"} or heard

    await until("it hears itself", hears_itself)
    await red.keys("*")
    await red.baresip.wait_for(lambda event: event.get("type") == "CALL_CLOSED")
