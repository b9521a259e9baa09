"""`drumtower room`: create, list, set and delete rooms. Passcodes never come from an argument."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from crypto.passcode import check_passcode, generate_passcode
from crypto.secret import Secret
from drumtower.administration import EXIT_STATUS, CommandError, Office, command
from drumtower.secret_sources import SecretSources
from store.rooms import LAYOUTS, MAX_PARTICIPANTS, RECORD_POLICIES, Room, with_encryption

_FIRST_AUTOMATIC = 1001
_ENCRYPTIONS: dict[str | None, tuple[str | None, int | None]] = {
    None: (None, None), "off": ("off", 0), "automatic": ("automatic", 0), "required": ("required", None),
    "opportunistic": ("required", 1), "authenticated": ("required", 2),
}  # fmt: skip
"""Policy and grade by the word on the command line."""
_GRADES = ("clear", "opportunistic", "authenticated")
_ROLES = ("guest", "host")
_PASSCODES = (
    "passcodes come from a prompt, a file or the environment (DRUMTOWER_GUEST_PASSCODE, DRUMTOWER_HOST_PASSCODE), "
    "never from an argument; generated ones are printed once and cannot be shown again. "
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("room", help="create, list, change and delete rooms", epilog=EXIT_STATUS)
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    epilog = _PASSCODES + EXIT_STATUS

    create = actions.add_parser("create", help="create a room", epilog=epilog, allow_abbrev=False)
    number = create.add_mutually_exclusive_group(required=True)
    number.add_argument("number", nargs="?", help="2 to 12 digits")
    number.add_argument("--auto", action="store_true", help=f"take the first free number from {_FIRST_AUTOMATIC} on")
    create.add_argument("--name", help="shown to everybody (default: the number)")
    _add_options(create, "generate one for each role")
    create.set_defaults(command=command(_create))

    change = actions.add_parser("set", help="change a room", epilog=epilog, allow_abbrev=False)
    change.add_argument("number", help="the room")
    change.add_argument("--name", help="shown to everybody")
    _add_options(change, "keep what is there")
    change.set_defaults(command=command(_set))

    show = actions.add_parser("list", help="list all rooms", epilog=EXIT_STATUS)
    show.add_argument("--json", action="store_true", help="for programs")
    show.set_defaults(command=command(_list))

    remove = actions.add_parser("delete", help="delete a room; its recordings stay", epilog=EXIT_STATUS)
    remove.add_argument("number", help="the room")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    remove.set_defaults(command=command(_delete))


def _add_options(parser: argparse.ArgumentParser, default: str) -> None:
    switch = argparse.BooleanOptionalAction
    parser.add_argument("--alias", help='another word to dial ("" removes it)')
    parser.add_argument("--lock", dest="is_locked", action=switch, help="nobody but hosts comes in")
    parser.add_argument("--wait-for-host", dest="waits_for_host", action=switch, help="guests wait until a host is in")
    parser.add_argument(
        "--keep-presenter", dest="keeps_presenter", action=switch, help="nobody takes over a shared screen"
    )
    parser.add_argument(
        "--full-hd", dest="has_full_hd", action=switch, help="1920x1080 for terminals, networks and machines that can"
    )
    parser.add_argument("--max-participants", type=int, metavar="N", help=f"1 to {MAX_PARTICIPANTS}")
    parser.add_argument("--record", choices=RECORD_POLICIES, help="when the room is recorded")
    parser.add_argument("--layout", choices=LAYOUTS, help="how the picture is arranged at first")
    parser.add_argument(
        "--encryption", choices=[word for word in _ENCRYPTIONS if word], metavar="POLICY",
        help="of terminals' media: off (not asked for; browsers are encrypted all the same), automatic (with all that "
        "can), required (keys over clear signalling will do; also: opportunistic), authenticated (required, with keys "
        "that are vouched for)",
    )  # fmt: skip
    group = parser.add_argument_group("passcodes", f"default: {default}")
    group.add_argument(
        "--generate-passcodes", type=int, nargs="?", const=8, metavar="DIGITS", help="new ones for both roles (6 to 10)"
    )
    for role in _ROLES:
        one = _sources(role).add_to(group, f"ask for the {role} passcode")
        one.add_argument(f"--generate-{role}-passcode", action="store_true", help=f"a new {role} passcode of 8 digits")
        one.add_argument(f"--no-{role}-passcode", action="store_true", help=f"the room has no {role} passcode")
    group.add_argument("--insist", action="store_true", help="take a weak passcode all the same, and flag it")


async def _create(options: argparse.Namespace, office: Office) -> None:
    rooms = office.database.rooms
    number = options.number or _free_number([room.number for room in await rooms.all()])
    room = _with_options(Room(number, options.name or number), options)
    _check_free(room, office)
    if await rooms.find(number) is not None:
        raise CommandError(f"there is a room {number} already")
    room, secrets = await _with_passcodes(room, options, office, is_new=True)
    room = await rooms.add(room)
    print(f"created room {room.number}: {room.name}")
    _show_once(secrets)


async def _set(options: argparse.Namespace, office: Office) -> None:
    rooms = office.database.rooms
    old = await rooms.get(options.number)
    if old is None:
        raise CommandError(f"there is no room {options.number}")
    new, secrets = await _with_passcodes(old, options, office, is_new=False)
    is_rekeyed = (new.guest_hash, new.host_hash) != (old.guest_hash, old.host_hash)

    def change(room: Room) -> Room:
        room = _with_options(room, options)
        _check_free(room, office)
        if not is_rekeyed:
            return room
        return replace(
            room, guest_hash=new.guest_hash, host_hash=new.host_hash,
            is_guest_weak=new.is_guest_weak, is_host_weak=new.is_host_weak,
        )  # fmt: skip

    room = await rooms.change(options.number, change)
    print(f"changed room {room.number}: {room.name}")
    _show_once(secrets)


async def _list(options: argparse.Namespace, office: Office) -> None:
    rooms = [_described(room) for room in await office.database.rooms.all()]
    if options.json:
        print(json.dumps(rooms, ensure_ascii=False, indent=2))
        return
    if not rooms:
        print("no rooms; `drumtower room create --auto` makes one")
    for room in rooms:
        marks = [
            word
            for word, is_set in (
                ("locked", room["is_locked"]),
                ("waits for host", room["waits_for_host"]),
                ("keeps presenter", room["keeps_presenter"]),
                ("full HD", room["has_full_hd"]),
            )
            if is_set
        ]
        marks += [f"{role}: {room[f'{role}_passcode']} passcode" for role in _ROLES]
        grade = f" ({room['required_grade']})" if room["encryption"] == "required" else ""
        marks += [f"record {room['record']}", f"encryption {room['encryption']}{grade}"]
        marks.append(f"at most {room['max_participants']}")
        print(f"{room['number']:<12} {room['name']}\n{'':<12} {', '.join(marks)}")


async def _delete(options: argparse.Namespace, office: Office) -> None:
    room = await office.database.rooms.get(options.number)
    if room is None:
        raise CommandError(f"there is no room {options.number}")
    if not options.yes:
        _confirm(f"Delete room {room.number} ({room.name})?")
    await office.database.rooms.delete(options.number)
    print(f"deleted room {room.number}")


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError("there is no terminal to ask; add --yes")
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was deleted")


def _with_options(room: Room, options: argparse.Namespace) -> Room:
    names = (
        "name", "alias", "is_locked", "waits_for_host", "keeps_presenter", "has_full_hd", "max_participants", "record",
        "layout",
    )  # fmt: skip
    values: dict[str, Any] = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    encryption, grade = _ENCRYPTIONS[options.encryption]
    return with_encryption(replace(room, **values), encryption, grade)


async def _with_passcodes(
    room: Room, options: argparse.Namespace, office: Office, *, is_new: bool
) -> tuple[Room, dict[str, Secret]]:
    """The room with the passcodes that were asked for, and those that have to be shown once."""
    given = {role: _sources(role).given(options) for role in _ROLES}
    digits = options.generate_passcodes or (8 if is_new else 0)
    shown: dict[str, Secret] = {}
    for role in _ROLES:
        if given[role] is None and (getattr(options, f"generate_{role}_passcode") or digits):
            if getattr(options, f"no_{role}_passcode"):
                continue
            given[role] = shown[role] = generate_passcode(digits or 8)
    if given["guest"] is not None and given["guest"] == given["host"]:
        raise CommandError("guests and hosts need different passcodes")
    for role in _ROLES:
        room = await _with_passcode(room, role, given[role], options, office)
    return room, shown


async def _with_passcode(
    room: Room, role: str, passcode: Secret | None, options: argparse.Namespace, office: Office
) -> Room:
    if getattr(options, f"no_{role}_passcode"):
        return replace(room, **{f"{role}_hash": None, f"is_{role}_weak": False})  # type: ignore[arg-type]  # by role
    if passcode is None:
        return room
    other = room.host_hash if role == "guest" else room.guest_hash
    if await office.hasher.verify(passcode, other):
        raise CommandError("guests and hosts need different passcodes")
    is_weak = check_passcode(passcode, insists=options.insist)
    hashed = await office.hasher.hash(passcode)
    return replace(room, **{f"{role}_hash": hashed, f"is_{role}_weak": is_weak})  # type: ignore[arg-type]  # by role


def _sources(role: str) -> SecretSources:
    return SecretSources(f"{role}-passcode", f"DRUMTOWER_{role.upper()}_PASSCODE")


def _show_once(secrets: dict[str, Secret]) -> None:
    for role, secret in secrets.items():
        print(f"{role} passcode (shown only now): {secret.reveal()}")


def _check_free(room: Room, office: Office) -> None:
    """Raises CommandError where number or alias are those of the test room."""
    attendant = office.settings.attendant
    if attendant.is_test_room(room.number) or attendant.is_test_room(room.alias):
        raise CommandError("number and alias of the test room are taken; [attendant] in the settings changes them")


def _free_number(taken: Sequence[str]) -> str:
    number = _FIRST_AUTOMATIC
    while str(number) in taken:
        number += 1
    return str(number)


def _described(room: Room) -> dict[str, object]:
    def passcode(hashed: str | None, is_weak: bool) -> str:
        return "no" if hashed is None else "weak" if is_weak else "strong"

    return {
        "number": room.number, "name": room.name, "alias": room.alias,
        "guest_passcode": passcode(room.guest_hash, room.is_guest_weak),
        "host_passcode": passcode(room.host_hash, room.is_host_weak),
        "is_locked": room.is_locked, "waits_for_host": room.waits_for_host, "keeps_presenter": room.keeps_presenter,
        "has_full_hd": room.has_full_hd, "max_participants": room.max_participants,
        "record": room.record, "layout": room.layout, "encryption": room.encryption,
        "required_grade": _GRADES[room.required_grade],
        "created_at": room.created_at.isoformat(), "updated_at": room.updated_at.isoformat(),
    }  # fmt: skip
