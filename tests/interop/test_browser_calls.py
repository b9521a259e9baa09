"""The join page in real browsers: at the door, with other codecs, on a phone, in other networks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.interop import browser, oracles
from tests.interop.browser import Visitor
from tests.interop.elsewhere import Elsewhere
from tests.interop.hall import Hall, hall
from tests.interop.media import BLUE, GREEN, RED
from tests.interop.server import BASE, GUEST_PASSCODE, HOST_PASSCODE
from tests.interop.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
# What is left of an offer for a browser that cannot do H.264.
NO_H264 = """
const original = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function (description) {
  let sdp = description.sdp;
  const gone = [...sdp.matchAll(/a=rtpmap:(\\d+) H264/g)].map((match) => match[1]);
  const repairs = [...sdp.matchAll(/a=fmtp:(\\d+) apt=(\\d+)/g)];
  gone.push(...repairs.filter((match) => gone.includes(match[2])).map((match) => match[1]));
  for (const type of gone) {
    sdp = sdp.replace(RegExp(`(m=video [^\\r\\n]*?) ${type}\\\\b`, 'g'), '$1');
    sdp = sdp.replace(RegExp(`a=(rtpmap|fmtp|rtcp-fb):${type} [^\\r\\n]*\\r\\n`, 'g'), '');
  }
  return original.call(this, { type: description.type, sdp });
};
"""

# The camera opens while the page answers the offer: neither before, when it is put into the answer, nor after.
LATE_CAMERA = """
let open;
const isTime = new Promise((resolve) => { open = resolve; });
const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => { await isTime; return getUserMedia(wanted); };
const setLocalDescription = RTCPeerConnection.prototype.setLocalDescription;
RTCPeerConnection.prototype.setLocalDescription = async function (...description) {
  open();
  await new Promise((resolve) => setTimeout(resolve, 700));
  return setLocalDescription.apply(this, description);
};
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hall]:
    rooms = {f"10{number:02}": {} for number in range(1, 9)}
    rooms["1002"] = {"wait_for_host": True}
    rooms["1003"] = {"max_participants": 1}
    async with hall(tmp_path_factory.mktemp("calls"), rooms) as made:
        yield made
        assert "Traceback" not in made.server.log(), made.server.log()[-4000:]


async def try_passcode(visitor: Visitor, passcode: str, expected: str) -> None:
    await visitor.page.fill("#join-name", "red")
    await visitor.page.fill("#join-passcode", passcode)
    await visitor.page.click(".lobby-join")
    await visitor.page.locator(".lobby-notice .notice", has_text=expected).wait_for(timeout=15_000)


async def test_wrong_passcodes_are_counted_aloud(site: Hall, needs, artifacts: Path):
    needs("chromium")
    visitor = await site.visitor(RED, "/join/1001")
    await try_passcode(visitor, "", "asks for a passcode")
    await try_passcode(visitor, "11112222", "2 tries left")
    await try_passcode(visitor, "11112223", "One try left")
    await visitor.page.screenshot(path=str(artifacts / "join-wrong-passcode.png"))
    await try_passcode(visitor, "11112224", "Too many wrong passcodes")
    assert "11112222" not in site.server.log()
    await visitor.close()
    unknown = await site.visitor(RED, "/join/4711")
    await try_passcode(unknown, GUEST_PASSCODE, "There is no room with this number")
    await unknown.close()


async def test_full_rooms_say_so(site: Hall, needs):
    needs("chromium")
    async with site.visitors("1003", RED):
        late = await site.visitor(GREEN, "/join/1003")
        await try_passcode(late, GUEST_PASSCODE, "The room is full")
        await late.close()


async def test_who_waits_outside_a_locked_room_is_let_in(site: Hall, needs):
    needs("chromium")
    async with site.visitors("1001", RED):
        await site.administrator.call("POST", "/conferences/1001/lock", {"is_locked": True})
        late = await site.visitor(GREEN, "/join/1001")
        await late.join("green", GUEST_PASSCODE, waits=True)
        await late.page.get_by_text("The room is locked").wait_for()
        (waiting,) = (await site.administrator.call("GET", "/rooms/1001/waiting"))["waiting"]
        assert (waiting["name"], waiting["protocol"], waiting["reason"]) == ("green", "webrtc", "locked")
        await site.administrator.call("POST", f"/rooms/1001/waiting/{waiting['id']}/let-in", {})
        await late.page.locator("video.mix").wait_for(timeout=10_000)
        await late.close()


async def test_a_guest_waits_until_the_host_is_in(site: Hall, needs, artifacts: Path):
    needs("chromium")
    guest = await site.visitor(GREEN, "/join/1002")
    await guest.join("green", GUEST_PASSCODE, waits=True)
    await guest.page.screenshot(path=str(artifacts / "join-waiting.png"))
    await asyncio.sleep(1)
    assert await received_frames(guest) == 0
    await site.administrator.call("GET", "/conferences/1002", expect=404)
    async with site.visitors("1002", RED, passcode=HOST_PASSCODE) as (host,):
        await guest.page.locator("video.mix").wait_for(timeout=10_000)
        await until("the guest sees both", lambda: sees(guest, "red", "green"))
        await until("the host sees both", lambda: sees(host, "red", "green"))
        assert {name: person["role"] for name, person in (await site.people("1002")).items()} == {
            "red": "host", "green": "guest",
        }  # fmt: skip
    await guest.close()


async def test_a_browser_without_h264_gets_and_sends_vp8(site: Hall, needs):
    needs("chromium")
    async with site.visitors("1004", RED) as (red,):
        green = await site.visitor(GREEN, "/join/1004", script=NO_H264)
        await green.join("green", GUEST_PASSCODE)
        await until("green sees both", lambda: sees(green, "red", "green"))
        await until("red sees both", lambda: sees(red, "red", "green"))
        both = {"video/VP8", "audio/opus"}
        assert await codecs(green) == {"inbound-rtp": both, "outbound-rtp": both}
        assert "video/H264" in (await codecs(red))["inbound-rtp"]
        assert (await site.people("1004"))["green"]["codecs"] == ["OPUS", "VP8"]
        for visitor in (red, green):
            picture = await visitor.picture()
            for person, place in ((RED, 320), (GREEN, 960)):
                found = picture[360, place].astype(int)
                assert max(abs(found - person.colour)) < 14, f"{person.name} looks like {found}"
        await green.close()


async def test_a_camera_that_opens_in_the_middle_of_the_answer_is_sent(site: Hall, needs):
    needs("chromium")
    async with site.visitors("1004", RED) as (red,):
        green = await site.visitor(GREEN, "/join/1004", script=LATE_CAMERA)
        await green.join("green", GUEST_PASSCODE)
        await until("red sees green", lambda: sees(red, "red", "green"), 6)
        await until("red hears green", lambda: hears(red, "green"), 6)
        await green.close()


async def hears(visitor: Visitor, *names: str) -> object:
    heard = oracles.heard(await visitor.sound(1.0), 48_000)
    return heard == set(names) or heard


async def codecs(visitor: Visitor) -> dict[str, set[str]]:
    """The media types that flow in each direction."""
    rows = await visitor.page.evaluate("""async () => {
      const report = await window.__connections.at(-1).getStats(), found = [];
      report.forEach((row) => {
        const flows = row.codecId && (row.packetsSent || row.packetsReceived);
        if (flows) found.push([row.type, report.get(row.codecId).mimeType]);
      });
      return found;
    }""")
    return {kind: {mime for other, mime in rows if other == kind} for kind in ("inbound-rtp", "outbound-rtp")}


async def sees(visitor: Visitor, *names: str) -> object:
    seen = set(oracles.seen(await visitor.picture()))
    return seen == set(names) or seen


async def received_frames(visitor: Visitor) -> int:
    return sum(row.get("framesDecoded", 0) for row in await visitor.stats() if row["type"] == "inbound-rtp")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_the_page_fits_a_phone(site: Hall, needs, artifacts: Path, language: str):
    needs("chromium")
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    async with site.visitors("1005", RED):
        visitor = await site.visitor(GREEN, "/join/1005", locale=language, **phone)
        await visitor.page.locator(".lobby-join").wait_for()
        await visitor.page.locator("dt-preview video").wait_for(state="visible")
        await visitor.page.screenshot(path=str(artifacts / f"phone-lobby-{language}.png"), full_page=True)
        await visitor.join("green", HOST_PASSCODE)
        await until("green sees both", lambda: sees(visitor, "red", "green"))
        await visitor.page.touchscreen.tap(200, 300)
        await visitor.page.screenshot(path=str(artifacts / f"phone-stage-{language}.png"))
        await fits(visitor, "nav.controls button:visible, .stage-top button:visible")
        await visitor.page.tap(".stage-top .chip[aria-expanded]")
        await visitor.page.locator(".person").nth(1).wait_for()
        await visitor.page.screenshot(path=str(artifacts / f"phone-people-{language}.png"))
        await fits(visitor, ".drawer button:visible, .person:visible")
        await visitor.close()


async def fits(visitor: Visitor, selector: str) -> None:
    """Everything is inside the window, and nothing makes the page wider than it."""
    size = visitor.page.viewport_size
    assert size is not None
    assert await visitor.page.evaluate("() => document.documentElement.scrollWidth") <= size["width"]
    found = await visitor.page.locator(selector).all()
    assert found
    for element in found:
        box = await element.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"] + 0.5
        assert box["y"] + box["height"] <= size["height"] + 0.5


async def test_a_host_sees_everybody_and_chooses_the_layout(site: Hall, needs, artifacts: Path):
    needs("chromium")
    async with (
        site.visitors("1006", RED, passcode=HOST_PASSCODE) as (host,),
        site.visitors("1006", GREEN) as (guest,),
    ):
        await until("both are seen", lambda: sees(host, "red", "green"))
        before = oracles.seen(await guest.picture())
        assert before["red"][1] == pytest.approx(before["green"][1], abs=0.05)
        await guest.page.mouse.move(300, 310)
        assert await guest.page.locator('[aria-label="Layout"]').is_hidden()
        await host.page.mouse.move(300, 310)
        await host.page.click('[aria-label="Layout"]')
        await host.page.get_by_role("menuitemradio", name="Lecture").click()

        async def is_big() -> object:
            picture = await guest.picture()
            shares = {p.name: share(picture, p.colour) for p in (RED, GREEN)}
            return max(shares.values()) > 0.6 or shares

        await until("one is big", is_big)
        assert (await site.administrator.conference("1006"))["layout"] == "lecture"
        await host.page.click(".stage-top .chip[aria-expanded]")
        titles = await host.page.locator(".person-title").all_inner_texts()
        assert [title.split()[0] for title in titles] == ["red", "green"]
        rows = await host.page.locator(".person").all_inner_texts()
        assert "Host" in rows[0]
        await host.page.screenshot(path=str(artifacts / "join-people.png"))


def share(picture, colour) -> float:
    """How much of the picture has a colour."""
    return float((abs(picture.astype(int) - colour).max(axis=2) < 40).mean())


async def test_another_address_keeps_the_seat_by_ice_restart(site: Hall, needs, tmp_path: Path):
    """A laptop that moves to another network: its address goes away, and another one comes."""
    needs("chromium", "nsenter", "unshare")
    place = Elsewhere("10.78.0.2")
    away = await browser.launch(site.playwright, BLUE, tmp_path, place.wrapped(tmp_path))
    try:
        async with site.visitors("1008", RED) as (red,):
            blue = await Visitor.open(away, f"{BASE}/join/1008", locale="en")
            await blue.join("blue", GUEST_PASSCODE)
            await until("red sees blue", lambda: sees(red, "red", "blue"))
            before = (await site.people("1008"))["blue"]["id"]
            assert await local_address(blue) == "10.78.0.2"
            place.move("10.78.0.3")

            async def has_moved() -> object:
                return await local_address(blue) == "10.78.0.3" or await local_address(blue)

            took_s = await until("the path goes by the new address", has_moved, 30)
            frames = await received_frames(blue)

            async def flows() -> object:
                return await received_frames(blue) > frames + 25

            took_s += await until("pictures flow again", flows, 15)
            print(f"back after {took_s:.1f} s")
            await until("red sees blue again", lambda: sees(red, "red", "blue"))
            people = await site.people("1008")
            assert people["blue"]["id"] == before
            assert await blue.page.evaluate("() => window.__connections.length") == 1
            assert oracles.heard(await red.sound(1.5), 48_000) == {"blue"}
            assert oracles.heard(await blue.sound(1.5), 48_000) == {"red"}
            await blue.page.locator(".banner").wait_for(state="hidden", timeout=10_000)
    finally:
        await away.close()
        place.close()


async def local_address(visitor: Visitor) -> str:
    """Where the browser sends from, by its own word; "" while no path works."""
    found: str = await visitor.page.evaluate("""async () => {
      const report = await window.__connections.at(-1).getStats(); let address = '';
      report.forEach((row) => { if (row.type === 'transport' && row.selectedCandidatePairId) {
        const pair = report.get(row.selectedCandidatePairId);
        if (pair?.state === 'succeeded') address = report.get(pair.localCandidateId)?.address ?? '';
      } });
      return address;
    }""")
    return found
