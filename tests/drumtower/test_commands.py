"""`room` and `user` from the command line: exit status, what is printed, and what never is."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from config.settings import Settings, load
from drumtower import room_commands, user_commands
from drumtower.keyring import master_key, passcode_hasher
from store.database import Database
from store.rooms import Room
from store.users import User
from tests.drumtower.command_line import Run, typing


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(
        None,
        {
            "HOME": str(tmp_path / "home"),
            "DRUMTOWER_SERVER_DATA": str(tmp_path / "data"),
            "DRUMTOWER_GATE_HASH_MEMORY_KIB": "8192",
            "DRUMTOWER_GATE_HASH_ITERATIONS": "1",
        },
    )


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Run:
    return typing(settings, capsys, room_commands, user_commands)


def stored(settings: Settings, number: str) -> Room:
    async def look() -> Room | None:
        database = Database(settings.database_url)
        try:
            return await database.rooms.get(number)
        finally:
            await database.close()

    room = asyncio.run(look())
    assert room is not None
    return room


def fits(settings: Settings, passcode: str, hashed: str | None) -> bool:
    return asyncio.run(passcode_hasher(settings, master_key(settings)).verify(passcode, hashed))


def printed(out: str, role: str) -> str:
    return next(line for line in out.splitlines() if line.startswith(f"{role} passcode")).rsplit(" ", 1)[1]


def test_create_prints_generated_passcodes_once(run: Run, settings: Settings) -> None:
    status, out, err = run("room", "create", "2002", "--name", "病房")
    assert (status, err) == (0, "")
    room = stored(settings, "2002")
    guest, host = printed(out, "guest"), printed(out, "host")
    assert fits(settings, guest, room.guest_hash)
    assert fits(settings, host, room.host_hash)
    assert room.name == "病房"
    for show in (("room", "list"), ("room", "list", "--json")):
        status, out, _ = run(*show)
        assert (status, "病房" in out) == (0, True)
        assert not any(secret in out for secret in (guest, host, "argon2"))


def test_auto_takes_the_first_free_number(run: Run, settings: Settings) -> None:
    assert "created room 1001" in run("room", "create", "--auto")[1]
    assert "created room 1002" in run("room", "create", "--auto", "--generate-passcodes", "10")[1]
    assert [room["number"] for room in json.loads(run("room", "list", "--json")[1])] == ["1001", "1002"]


def test_options_are_kept(run: Run, settings: Settings) -> None:
    options = "--alias ward --lock --wait-for-host --max-participants 5 --record always --layout grid --keep-presenter"
    passcodes = "--full-hd --no-guest-passcode --no-host-passcode"
    values = f"{options} {passcodes} --encryption authenticated"
    assert run("room", "create", "1001", *values.split())[0] == 0
    room = stored(settings, "1001")
    assert (room.alias, room.is_locked, room.waits_for_host, room.max_participants) == ("ward", True, True, 5)
    assert (room.record, room.layout, room.required_grade, room.keeps_presenter) == ("always", "grid", 2, True)
    assert room.encryption == "required"
    assert room.has_full_hd
    assert (room.guest_hash, room.host_hash) == (None, None)
    assert run("room", "set", "1001", "--no-lock", "--alias", "", "--encryption", "off", "--name", "New")[0] == 0
    room = stored(settings, "1001")
    assert (room.alias, room.is_locked, room.waits_for_host, room.required_grade, room.name) == (
        "",
        False,
        True,
        0,
        "New",
    )
    assert room.encryption == "off"
    assert room.generation == 1


def test_encryption_and_its_grade_have_one_word(run: Run, settings: Settings) -> None:
    run("room", "create", "1001", "--no-guest-passcode", "--no-host-passcode")
    for word, expected in (
        ("", ("automatic", 0)), ("required", ("required", 1)), ("authenticated", ("required", 2)),
        ("required", ("required", 2)), ("opportunistic", ("required", 1)), ("automatic", ("automatic", 0)),
        ("off", ("off", 0)),
    ):  # fmt: skip
        assert run("room", "set", "1001", *(("--encryption", word) if word else ("--name", "Ward")))[0] == 0
        room = stored(settings, "1001")
        assert (room.encryption, room.required_grade) == expected
    run("room", "set", "1001", "--encryption", "authenticated")
    (listed,) = json.loads(run("room", "list", "--json")[1])
    assert (listed["encryption"], listed["required_grade"]) == ("required", "authenticated")
    assert "encryption required (authenticated)" in run("room", "list")[1]


def test_passcodes_from_file_and_environment(
    run: Run, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "guest").write_text("839274\nsecond line\n")
    monkeypatch.setenv("DRUMTOWER_HOST_PASSCODE", "4427190")
    arguments = ["--guest-passcode-file", str(tmp_path / "guest"), "--host-passcode-env"]
    status, out, _ = run("room", "create", "1001", *arguments)
    assert status == 0
    assert "839274" not in out
    room = stored(settings, "1001")
    assert fits(settings, "839274", room.guest_hash)
    assert fits(settings, "4427190", room.host_hash)
    monkeypatch.setattr("sys.stdin", io.StringIO("5501928\n"))
    assert run("room", "set", "1001", "--guest-passcode-file", "-")[0] == 0
    room = stored(settings, "1001")
    assert fits(settings, "5501928", room.guest_hash)
    assert fits(settings, "4427190", room.host_hash)
    assert room.generation == 2


def test_weak_ones_only_when_insisted(run: Run, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "p").write_text("2468")
    arguments = ["room", "create", "1001", "--no-host-passcode", "--guest-passcode-file", str(tmp_path / "p")]
    status, _, err = run(*arguments)
    assert (status, "easily guessed" in err, "2468" in err) == (1, True, False)
    assert run(*arguments, "--insist")[0] == 0
    assert stored(settings, "1001").is_guest_weak
    assert "weak passcode" in run("room", "list")[1]


def test_same_passcode_for_both_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p").write_text("839274")
    both = ["--guest-passcode-file", str(tmp_path / "p"), "--host-passcode-file", str(tmp_path / "p")]
    assert "different" in run("room", "create", "1001", *both)[2]
    assert run("room", "create", "1001", *both[:2], "--no-host-passcode")[0] == 0
    assert "different" in run("room", "set", "1001", *both[2:])[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["room", "create", "1"], "number"),
        (["room", "create", "1001", "--max-participants", "0"], "max_participants"),
        (["room", "create", "1001", "--guest-passcode-prompt"], "no terminal"),
        (["room", "create", "1001", "--guest-passcode-env"], "DRUMTOWER_GUEST_PASSCODE"),
        (["room", "create", "1001", "--guest-passcode-file", "/nonexistent"], "nonexistent"),
        (["room", "create", "1001", "--generate-passcodes", "4"], "6 to 10"),
        (["room", "set", "1009", "--lock"], "no room 1009"),
        (["room", "delete", "1009", "--yes"], "no room 1009"),
        (["user", "passwd", "nobody"], "no user nobody"),
        (["user", "create", "admin"], "no terminal"),
    ],
)
def test_what_cannot_be_done_is_said_with_status_1(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    status, _, err = run(*arguments)
    assert status == 1
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["room"], ["room", "create"], ["room", "create", "1001", "--guest-passcode", "2468"],
        ["user", "create", "a", "--password", "x"],
    ],
)  # fmt: skip
def test_no_secret_is_taken_as_an_argument(run: Run, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    assert caught.value.code == 2


def test_taken_number_and_delete(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("room", "create", "1001")[0] == 0
    assert "already" in run("room", "create", "1001")[2]
    assert "test room" in run("room", "create", "1002", "--alias", "test")[2]
    assert "test room" in run("room", "set", "1001", "--alias", "test")[2]
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "--yes" in run("room", "delete", "1001")[2]
    assert run("room", "delete", "1001", "--yes")[0] == 0
    assert "no rooms" in run("room", "list")[1]


def test_users(run: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def user() -> User:
        async def look() -> User | None:
            database = Database(settings.database_url)
            try:
                return await database.users.find("ADMIN")
            finally:
                await database.close()

        found = asyncio.run(look())
        assert found is not None
        return found

    status, out, _ = run("user", "create", "admin", "--generate-password")
    password = out.strip().rsplit(" ", 1)[1]
    assert status == 0
    assert user().must_change
    assert fits(settings, password, user().password_hash)
    monkeypatch.setenv("DRUMTOWER_PASSWORD", "a long enough password")
    assert run("user", "passwd", "Admin", "--password-env")[0] == 0
    assert not user().must_change
    assert fits(settings, "a long enough password", user().password_hash)
    (tmp_path / "p").write_text("short\n")
    assert "10 to 256" in run("user", "passwd", "admin", "--password-file", str(tmp_path / "p"))[2]
    assert "taken" in run("user", "create", "ADMIN", "--generate-password")[2]
    assert run("user", "list")[1].split() == ["admin", "admin"]


def test_bad_key_is_said_in_words(run: Run, tmp_path: Path) -> None:
    key = tmp_path / "home" / ".config" / "drumtower" / "master.key"
    key.parent.mkdir(parents=True)
    key.write_text("rubbish")
    status, _, err = run("room", "list")
    assert (status, "chmod 600" in err, "rubbish" in err) == (1, True, False)
