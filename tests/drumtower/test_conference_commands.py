"""`drumtower conference` on a real portal, over the socket in its data directory."""

import asyncio
import os
import stat

import pytest
from aiohttp import ClientSession, UnixConnector, web

from config.server import ServerSettings
from config.settings import Settings
from drumtower import conference_commands, control_socket
from mcu.participant import Role
from mcu.policy import LayoutMode
from portal.app import create_app
from portal.local import principal_of_user
from portal.rights import Access, may
from tests.drumtower.command_line import typing
from tests.portal.fakes import Site


@pytest.fixture
async def site(tmp_path):
    site = Site()
    runner = web.AppRunner(create_app(site.services))
    await runner.setup()
    data = tmp_path / ("a folder with a long name " * 8)
    data.mkdir()
    with control_socket.reachable(data) as path:
        await web.UnixSite(runner, path).start()
        control_socket.restrict(path)
    site.data = data
    await site.add_room()
    site.conference = None
    for leg, name, role in ((7, "Dr Wang", Role.HOST), (8, "Ward 3", Role.GUEST), (9, "Ward 4", Role.GUEST)):
        await site.join("1001", leg, name, role)
    site.conference = site.conferences.get("1001")
    yield site
    await runner.cleanup()
    site.hasher.close()


@pytest.fixture
def run(site, capsys):
    call = typing(
        Settings(server=ServerSettings(data=str(site.data))), capsys, conference_commands, before="conference"
    )

    async def run(*arguments: str) -> tuple[int, str, str]:
        return await asyncio.to_thread(call, *arguments)

    return run


async def test_what_is_seen(run, site):
    assert (await run("list"))[:2] == (0, "1001         Cardiology                         3 in it\n")
    site.conference.lock(True)
    site.conference.mute(8, is_muted=True)
    status, shown, _ = await run("show", "1001")
    lines = shown.splitlines()
    assert status == 0
    assert lines[0] == "1001 Cardiology, layout auto, locked"
    assert lines[2].split()[:4] == ["8", "Ward", "3", "guest,"] and lines[2].endswith("muted")


@pytest.mark.parametrize(
    ("arguments", "is_done"),
    [
        (("lock", "1001"), lambda room: room.is_locked),
        (("layout", "1001", "speaker"), lambda room: room.layout is LayoutMode.SPEAKER),
        (("layout", "1001", "grid", "--for", "8"), lambda room: room.participants[8].layout is LayoutMode.GRID),
        (("mute-all", "1001"), lambda room: room.participants[9].is_muted),
        (("mute", "1001", "8"), lambda room: room.participants[8].is_muted),
        (("mute", "1001", "dr wang"), lambda room: room.participants[7].is_muted),
        (("spotlight", "1001", "Dr"), lambda room: room.spotlight == 7),
        (("volume", "1001", "9", "--", "-6"), lambda room: room.participants[9].gain_db == -6),
        (("host", "1001", "Ward 4"), lambda room: room.participants[9].role is Role.HOST),
        (("message", "1001", "Five minutes left"), lambda room: room.message == "Five minutes left"),
        (("remove", "1001", "9"), lambda room: set(room.participants) == {7, 8}),
        (("record", "1001"), lambda room: room.is_recording),
        (("end", "1001"), lambda room: room.is_closed),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_verbs(run, site, arguments, is_done):
    assert not is_done(site.conference)
    assert await run(*arguments) == (0, "", "")
    assert is_done(site.conference)


async def test_what_cannot_be_done_is_said(run, site):
    assert (await run("mute", "1001", "Ward")) == (1, "", "drumtower: Ward is not clear: 8 (Ward 3), 9 (Ward 4)\n")
    assert (await run("mute", "1001", "Nobody"))[2] == "drumtower: nobody called Nobody is in the room\n"
    assert (await run("lock", "4711"))[0] == 1
    status, _, problem = await run("volume", "1001", "8", "40")
    assert status == 1 and "gain_db" in problem
    assert site.conference.participants[8].gain_db == 0


async def test_without_a_server(tmp_path, capsys):
    for folder in (tmp_path, tmp_path / "missing"):
        call = typing(
            Settings(server=ServerSettings(data=str(folder))), capsys, conference_commands, before="conference"
        )
        status, _, problem = await asyncio.to_thread(call, "list")
        assert status == 1 and "drumtower serve" in problem


async def test_what_is_done_is_in_the_audit_by_name(run, site, caplog):
    caplog.set_level("INFO")
    await run("remove", "1001", "9")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "audit.portal"]
    assert line.startswith("participant=1001/9 removed user=") and "(local)" in line


def test_only_the_user_of_the_server_and_root_are_trusted():
    assert principal_of_user(4711, {0, 1000}) is None
    somebody = principal_of_user(0, {0, 1000})
    assert somebody is not None and somebody.name == "root (local)"
    assert all(may(somebody, access) for access in Access)


async def test_the_socket_is_for_its_user_alone_and_cookies_count_for_nothing_there(site):
    assert stat.S_IMODE((site.data / control_socket.NAME).stat().st_mode) == 0o600
    assert os.geteuid() in {0, (site.data / control_socket.NAME).stat().st_uid}
    with control_socket.reachable(site.data) as path:
        async with ClientSession(connector=UnixConnector(path)) as session:
            answer = await session.post(
                "http://localhost/api/v1/conferences/1001/lock", json={"is_locked": True},
                headers={"Origin": "https://evil.example"},
            )  # fmt: skip
            assert answer.status == 403
            assert not site.conference.is_locked
