"""A real browser on the console: sign in, make a room, see its passcodes once, control it, watch a recording."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, async_playwright, expect

from mcu.camera import HOLD_S, CameraMove
from mcu.conference import Conference
from mcu.media import Grade, H235Keys, Kind, LegMedia, StreamSpec
from mcu.participant import Role
from portal.hub import HUB
from signaling.admission import policy_of
from store.rooms import Room
from tests.mcu.fakes import FakeLeg
from tests.peers import needs_programs
from tests.portal.fakes import PASSWORD
from tests.portal.whole import open_whole

pytestmark = [pytest.mark.interop, pytest.mark.shares]
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
NEW_PASSWORD = "seven paper boats"


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    needs_programs("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS.split())
        context = await browser.new_context(locale="en-GB", viewport={"width": 1366, "height": 768})
        page = await context.new_page()
        page.failures = []
        page.on("pageerror", lambda error: page.failures.append(str(error)))
        page.on(
            "request", lambda request: page.failures.append(request.url) if "127.0.0.1" not in request.url else None
        )
        yield page
        assert page.failures == []
        await browser.close()


async def sign_in(page: Page, server: TestServer, name: str = "admin") -> None:
    await page.goto(str(server.make_url("/")))
    await page.get_by_label("User name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")


async def test_room_is_made_controlled_and_deleted(page, tmp_path):
    async with open_whole(tmp_path, must_change=True) as whole, TestServer(whole.app) as server:
        await sign_in(page, server)
        await page.get_by_label("One-time password").fill(PASSWORD)
        await page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
        await page.get_by_label("New password again").fill("something else")
        await page.get_by_role("button", name="Save and continue").click()
        await expect(page.get_by_text("The two do not match.")).to_be_visible()
        await page.get_by_label("New password again").fill(NEW_PASSWORD)
        await page.get_by_role("button", name="Save and continue").click()
        await expect(page.get_by_text("Make your first room")).to_be_visible()
        await _make_a_room(page)
        await _control_it(page, whole)
        await _delete_it(page)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("User name")).to_be_visible()


class Camera:
    """At the far end of a fake leg."""

    def __init__(self) -> None:
        self.moves: list[CameraMove] = []

    def move(self, move: CameraMove, hold_s: float = HOLD_S) -> None:
        self.moves.append(move)


async def test_a_camera_is_turned_while_a_button_is_held(page, tmp_path):
    async with open_whole(tmp_path) as whole, TestServer(whole.app) as server:
        room = await whole.database.rooms.add(Room("1001", "Stroke unit"))
        conference = await whole.conferences.open(policy_of(room))
        await conference.join(FakeLeg(1), "Dr Wang", Role.HOST)
        camera = Camera()
        await conference.join(FakeLeg(2, camera=camera), "Ward 4", Role.GUEST)
        await sign_in(page, server)
        await page.get_by_role("link", name="Stroke unit").click()
        left = page.get_by_role("button", name="Turn left: Ward 4")
        await expect(left).to_be_visible()
        await expect(page.get_by_role("button", name="Turn left: Dr Wang")).to_have_count(0)
        await left.hover()
        await page.mouse.down()
        async with asyncio.timeout(5):
            while len(camera.moves) < 3:
                await asyncio.sleep(0.05)
        await page.mouse.up()
        async with asyncio.timeout(5):
            while camera.moves[-1] != CameraMove():
                await asyncio.sleep(0.05)
        assert set(camera.moves[:-1]) == {CameraMove(pan=-1)}
        await page.get_by_role("button", name="Zoom in: Ward 4").press("Enter")
        async with asyncio.timeout(5):
            while camera.moves[-1] != CameraMove(zoom=1):
                await asyncio.sleep(0.05)


async def test_encryption_is_chosen_a_room_and_the_lock_of_each_leg_is_in_sight(page, tmp_path):
    async with open_whole(tmp_path) as whole, TestServer(whole.app) as server:
        await whole.database.rooms.add(Room("1001", "Stroke unit"))
        await sign_in(page, server)
        for choice, stored in (
            ("off", ("off", 0)),
            ("authenticated", ("required", 2)),
            ("opportunistic", ("required", 1)),
        ):
            await page.get_by_role("button", name="Edit: Stroke unit").click()
            await expect(page.get_by_text("Browsers are always encrypted (DTLS-SRTP)")).to_be_visible()
            await page.get_by_label("Encryption of terminals").select_option(choice)
            await page.get_by_role("button", name="Save").click()
            await expect(page.locator("dialog")).to_have_count(0)
            room = await whole.database.rooms.get("1001")
            assert (room.encryption, room.required_grade) == stored
        conference = await whole.conferences.open(policy_of(room))
        stream = StreamSpec("1", Kind.AUDIO, h235=H235Keys(bytes(32)))
        media = LegMedia((stream,), is_encrypted=True, grade=Grade.OPPORTUNISTIC)
        await conference.join(FakeLeg(1, media, "h323"), "Theatre 3", Role.GUEST)
        await conference.join(FakeLeg(2, media, "webrtc"), "Dr Wang", Role.GUEST, network_identity="cart-7")
        await conference.join(FakeLeg(3, media, "sip"), "ward-4", Role.GUEST, "ward-4", network_identity="Ward-4")
        await page.get_by_role("link", name="Stroke unit").click()
        row = page.get_by_role("row", name="Theatre 3")
        await expect(row).to_contain_text("Encrypted")
        await expect(row).to_contain_text("H.235.6 AES-256-CBC · no integrity")
        await expect(page.get_by_role("row", name="Dr Wang")).to_contain_text("Network: cart-7")
        await expect(page.get_by_role("row", name="ward-4")).not_to_contain_text("Network:")


async def _make_a_room(page: Page) -> None:
    await page.locator("#new-room").click()
    await page.get_by_label("Number").fill("10a1")
    await page.get_by_label("Name").fill("Stroke unit")
    await page.get_by_role("button", name="Create room").click()
    await expect(page.get_by_text("This has characters that cannot be used.")).to_be_visible()
    await page.get_by_label("Number").fill("1001")
    await page.get_by_role("button", name="Create room").click()
    await expect(page.locator("[data-passcode]")).to_have_count(2)
    passcodes = await page.locator("[data-passcode]").all_text_contents()
    assert all(code.isdigit() and len(code) >= 6 for code in passcodes)
    await page.get_by_role("button", name="I have noted them").click()
    await expect(page.locator("[data-passcode]")).to_have_count(0)
    await expect(page.get_by_role("link", name="Stroke unit")).to_be_visible()
    for _ in range(2):
        content = await page.content()
        assert not [code for code in passcodes if code in content]
        await page.reload()
        await expect(page.get_by_role("link", name="Stroke unit")).to_be_visible()


async def _control_it(page: Page, whole) -> None:
    await page.get_by_role("link", name="Stroke unit").click()
    await expect(page.get_by_text("Nobody is in this room")).to_be_visible()
    conference = await whole.conferences.open(policy_of(await whole.database.rooms.get("1001")))
    await conference.join(FakeLeg(1), "<b>Dr Wang</b>", Role.HOST)
    ward = FakeLeg(2)
    await conference.join(ward, "Ward 4", Role.GUEST)
    # What a peer wrote stays text.
    await expect(page.get_by_role("row", name="<b>Dr Wang</b>")).to_be_visible()
    await page.get_by_role("button", name="Mute: Ward 4").click()
    await expect(page.get_by_role("button", name="Unmute: Ward 4")).to_be_visible()
    assert conference.participants[2].is_muted
    await page.get_by_role("button", name="Lock", exact=True).click()
    await expect(page.get_by_role("button", name="Unlock")).to_be_visible()
    await page.locator(".controls select").select_option("lecture")
    await _favour(page, conference)
    await _write_into_the_picture(page, conference)
    whole.app[HUB]._cut_off(list(whole.app[HUB]._clients))
    await expect(page.get_by_text("The connection to the server is lost")).to_be_visible()
    await expect(page.get_by_text("The connection to the server is lost")).to_be_hidden()
    await page.get_by_role("button", name="Remove: Ward 4").click()
    await page.locator("dialog").get_by_role("button", name="Remove").click()
    await expect(page.get_by_role("row", name="Ward 4")).to_have_count(0)
    assert ward.hung_up == "removed"
    assert (conference.is_locked, conference.layout) == (True, "lecture")
    await page.get_by_role("button", name="End conference").click()
    await page.locator("dialog").get_by_role("button", name="End conference").click()
    await expect(page.get_by_text("Nobody is in this room")).to_be_visible()


async def _favour(page: Page, conference: Conference) -> None:
    """Spotlight, volume and host rights of one participant."""
    ward = conference.participants[2]
    await page.get_by_role("button", name="More: Ward 4").click()
    dialog = page.get_by_role("dialog", name="Ward 4")
    await dialog.get_by_label("Volume for the others").press("ArrowLeft")
    await dialog.get_by_label("Layout of their picture").select_option("grid")
    await dialog.get_by_role("button", name="Put in the spotlight").click()
    await expect(dialog.get_by_role("button", name="Take out of the spotlight")).to_be_visible()
    await dialog.get_by_role("button", name="Make a host").click()
    await expect(dialog.get_by_role("button", name="Make a guest")).to_be_visible()
    await page.keyboard.press("Escape")
    row = page.get_by_role("row", name="Ward 4")
    for badge in ("Spotlight", "−3 dB", "Host"):
        await expect(row.get_by_text(badge, exact=True)).to_be_visible()
    assert (conference.spotlight, ward.gain_db, ward.role, ward.layout) == (2, -3, Role.HOST, "grid")


async def _write_into_the_picture(page: Page, conference: Conference) -> None:
    await page.get_by_role("button", name="Message").click()
    await page.get_by_label("Line in the picture").fill("Five minutes left")
    await page.get_by_role("button", name="Show", exact=True).click()
    await expect(page.locator(".notice").get_by_text("Five minutes left")).to_be_visible()
    assert conference.message == "Five minutes left"
    await page.get_by_role("button", name="Take it away").click()
    await expect(page.get_by_text("Five minutes left")).to_be_hidden()
    assert conference.message == ""


async def _delete_it(page: Page) -> None:
    await page.get_by_role("link", name="Rooms").first.click()
    await page.get_by_role("button", name="Delete: Stroke unit").click()
    await page.get_by_role("button", name="Delete room").click()
    await expect(page.get_by_text("Make your first room")).to_be_visible()


async def test_recording_is_watched_and_verified(page, tmp_path):
    async with open_whole(tmp_path) as whole, TestServer(whole.app) as server:
        await whole.record(8)
        await sign_in(page, server)
        await page.get_by_role("link", name="Recordings").click()
        await page.get_by_role("link", name="Demo").click()
        video = page.locator("video")
        # A promise, not wait_for_function: the page's own policy forbids evaluating strings.
        await video.evaluate(
            "video => video.readyState >= 2 || new Promise(done => video.addEventListener('loadeddata', done))"
        )
        assert 7.5 < await video.evaluate("video => video.duration") < 8.5
        await video.evaluate("video => new Promise(done => { video.onseeked = done; video.currentTime = 6.2; })")
        assert abs(await video.evaluate("video => video.currentTime") - 6.2) < 0.1
        assert await video.evaluate("video => [video.videoWidth, video.videoHeight]") == [320, 180]
        await page.get_by_role("button", name="Verify").click()
        await expect(page.get_by_text("Intact: not one byte was changed")).to_be_visible()
        await page.get_by_role("button", name="中文").click()
        await expect(page.get_by_role("button", name="开始校验")).to_be_visible()


async def test_who_edits_a_room_does_not_overwrite_what_another_has_just_changed(page, tmp_path):
    async with open_whole(tmp_path) as whole, TestServer(whole.app) as server:
        await whole.database.rooms.add(Room("1001", "Stroke unit"))
        await sign_in(page, server)
        await page.get_by_role("link", name="Stroke unit").click()
        await page.get_by_role("button", name="Settings").click()
        await page.get_by_label("Name").fill("Mine")
        await whole.database.rooms.change("1001", lambda room: replace(room, name="Theirs"))
        await page.get_by_role("button", name="Save changes").click()
        await expect(page.get_by_text("Somebody else has changed this meanwhile")).to_be_visible()
        assert (await whole.database.rooms.get("1001")).name == "Theirs"
        await page.reload()
        await page.get_by_role("button", name="Settings").click()
        await page.get_by_label("Name").fill("Mine")
        await page.get_by_role("button", name="Save changes").click()
        await expect(page.get_by_role("heading", name="Mine")).to_be_visible()


@pytest.mark.parametrize(
    ("role", "menu", "heading"),
    [
        ("reviewer", ["Recordings"], "Recordings"),
        ("host", ["Rooms", "Terminals"], "Rooms"),
        ("system-admin", ["Rooms", "Terminals"], "Rooms"),
        ("auditor", [], "There is nothing here"),
    ],
)
async def test_pages_show_only_what_the_role_may(page, tmp_path, role, menu, heading):
    async with open_whole(tmp_path) as whole, TestServer(whole.app) as server:
        user = await whole.database.users.find("admin")
        await whole.database.users.add("wang", user.password_hash, role=role)
        sockets = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        await sign_in(page, server, "wang")
        await expect(page.get_by_role("heading", name=heading, exact=True).first).to_be_visible()
        links = page.get_by_role("navigation").get_by_role("link")
        assert await links.all_inner_texts() == menu
        for path, name in (("/rooms/1001", "Rooms"), ("/recordings", "Recordings"), ("/terminals", "Terminals")):
            await page.goto(str(server.make_url(path)))
            refused = page.get_by_text("Your role does not allow this.")
            await expect(refused).to_have_count(0 if name in menu else 1)
        await page.goto(str(server.make_url("/")))
        await expect(links).to_have_count(len(menu))
        # Who may not be told of events does not ask, and is not told that the connection is lost.
        assert bool(sockets) is ("Rooms" in menu)


async def test_who_goes_on_before_a_page_is_there_gets_the_last_one(page, tmp_path):
    release = asyncio.Event()

    async def late(route):
        await release.wait()
        await route.continue_()

    async with open_whole(tmp_path) as whole, TestServer(whole.app) as server:
        await page.route("**/pages/terminals.js", late)
        await sign_in(page, server)
        await page.get_by_role("link", name="Terminals").click()
        await page.get_by_role("link", name="Recordings").click()
        await expect(page.get_by_role("heading", name="Recordings", exact=True)).to_be_visible()
        async with page.expect_response("**/pages/terminals.js"):
            release.set()
        await page.evaluate("() => import('/static/js/pages/terminals.js')")
        await expect(page.get_by_role("heading", name="Recordings", exact=True)).to_be_visible()
        assert "dt-terminals" not in await page.content()
