"""`drumtower conference`: what hosts do on the live page of a room, as one-liners for the running server."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final
from urllib.parse import quote

from audit.lines import shown
from config.settings import Settings
from drumtower import conference_report
from drumtower.administration import DONE, EXIT_STATUS, FAILED, CommandError
from drumtower.control_client import ControlClient
from mcu.policy import LayoutMode

_EPILOG: Final = (
    "WHO is the number of a participant (see `show`), its name, or the beginning of its name. The command speaks with "
    f"the server that runs with the same settings on this machine. {EXIT_STATUS}"
)
_LAYOUTS: Final = [str(mode) for mode in LayoutMode]
Work = Callable[[argparse.Namespace, ControlClient], Coroutine[Any, Any, None]]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("conference", help="see and control running conferences", epilog=_EPILOG)
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    _add(actions, "list", "list what runs now", _list, has_room=False)
    _add(actions, "show", "who is in a room, how well connected, who waits outside", _show)
    _add_for_all(actions)
    _add_for_one(actions)
    _add_for_callers(actions)


def _add_for_all(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, text, path, body in (
        ("lock", "let nobody else in", "lock", {"is_locked": True}),
        ("unlock", "let people in again", "lock", {"is_locked": False}),
        ("mute-all", "mute all guests", "mute-all", {}),
        ("record", "start recording", "recording", {}),
        ("end", "hang up on everybody", "end", {}),
    ):
        _add(actions, name, text, _verb("POST", path, body))
    _add(actions, "stop-recording", "finish the recording", _verb("DELETE", "recording"))
    _add(actions, "take-floor", "end the shared screen", _verb("DELETE", "floor"))
    layout = _add(actions, "layout", "arrange the picture, of all or of one", _layout)
    layout.add_argument("layout", choices=[*_LAYOUTS, "shared"], help="'shared', with --for: as all others see it")
    layout.add_argument("--for", dest="who", metavar="WHO", help="only the picture of this participant")
    message = _add(actions, "message", "let everybody read a line in the picture", _message)
    message.add_argument("text", help="'' takes the line away")
    message.add_argument("--seconds", type=int, default=20, help="for so long (default: 20)")


def _add_for_one(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, text, path, body in (
        ("mute", "mute somebody", "mute", {"is_muted": True}),
        ("unmute", "let somebody be heard again", "mute", {"is_muted": False}),
        ("spotlight", "give somebody the big tile, whoever speaks", "spotlight", {"is_on": True}),
        ("no-spotlight", "take the big tile away again", "spotlight", {"is_on": False}),
        ("host", "make somebody a host", "role", {"role": "host"}),
        ("guest", "make somebody a guest again", "role", {"role": "guest"}),
        ("lower-hand", "lower a raised hand", "lower-hand", {}),
    ):
        _add(actions, name, text, _verb_for_one("POST", path, body)).add_argument("who", metavar="WHO")
    _add(actions, "remove", "hang up on somebody", _verb_for_one("DELETE")).add_argument("who", metavar="WHO")
    move = _add(actions, "move", "take somebody to another room; the call goes on", _move)
    move.add_argument("who", metavar="WHO")
    move.add_argument("other", metavar="OTHER", help="number of the other room")
    volume = _add(actions, "volume", "how loud all others hear somebody", _volume)
    volume.add_argument("who", metavar="WHO")
    volume.add_argument(
        "gain_db", type=int, metavar="DB", help="-24 to 12; 0 is as it comes (after `--` when negative)"
    )
    camera = _add(actions, "camera", "turn the camera of a terminal for a moment", _camera)
    camera.add_argument("who", metavar="WHO")
    for axis, text in (("pan", "1 right, -1 left"), ("tilt", "1 up, -1 down"), ("zoom", "1 in, -1 out")):
        camera.add_argument(f"--{axis}", type=int, choices=(-1, 0, 1), default=0, help=text)


def _add_for_callers(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    invite = _add(actions, "invite", "call somebody into the room", _invite)
    invite.add_argument("target", help="a terminal, a telephone number, a sip: or h323: address")
    invite.add_argument("--host", action="store_true", help="with the rights of a host")
    for name, text in (("let-in", "let one in who waits outside"), ("turn-away", "send one away who waits outside")):
        _add(actions, name, text, _decide, verb=name).add_argument("who", metavar="WHO")


def _add(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, work: Work, *,
    has_room: bool = True, **defaults: object,
) -> argparse.ArgumentParser:  # fmt: skip
    parser = actions.add_parser(name, help=text, description=text, epilog=_EPILOG)
    if has_room:
        parser.add_argument("room", metavar="ROOM", help="its number")
    parser.set_defaults(command=_command(work), **defaults)
    return parser


def _command(work: Work) -> Callable[[argparse.Namespace, Settings], int]:
    def run(options: argparse.Namespace, settings: Settings) -> int:
        try:
            asyncio.run(work(options, ControlClient(settings.data)))
        except (CommandError, OSError) as error:
            print(f"drumtower: {error}", file=sys.stderr)
            return FAILED
        return DONE

    return run


def _path(options: argparse.Namespace, *parts: object) -> str:
    return "/".join(["/conferences", quote(options.room, safe=""), *(str(part) for part in parts if part != "")])


def _verb(method: str, path: str, body: Mapping[str, object] | None = None) -> Work:
    async def work(options: argparse.Namespace, client: ControlClient) -> None:
        await client.ask(method, _path(options, path), body)

    return work


def _verb_for_one(method: str, path: str = "", body: Mapping[str, object] | None = None) -> Work:
    async def work(options: argparse.Namespace, client: ControlClient) -> None:
        await client.ask(method, await _participant(options, client, path), body)

    return work


async def _layout(options: argparse.Namespace, client: ControlClient) -> None:
    if options.who is not None:
        layout = None if options.layout == "shared" else options.layout
        await client.ask("POST", await _participant(options, client, "layout"), {"layout": layout})
    elif options.layout == "shared":
        raise CommandError("'shared' is for one participant: add --for WHO")
    else:
        await client.ask("POST", _path(options, "layout"), {"layout": options.layout})


async def _message(options: argparse.Namespace, client: ControlClient) -> None:
    if options.text:
        await client.ask("POST", _path(options, "message"), {"text": options.text, "seconds": options.seconds})
    else:
        await client.ask("DELETE", _path(options, "message"))


async def _volume(options: argparse.Namespace, client: ControlClient) -> None:
    await client.ask("POST", await _participant(options, client, "volume"), {"gain_db": options.gain_db})


async def _move(options: argparse.Namespace, client: ControlClient) -> None:
    await client.ask("POST", await _participant(options, client, "move"), {"room": options.other})


async def _camera(options: argparse.Namespace, client: ControlClient) -> None:
    move = {"pan": options.pan, "tilt": options.tilt, "zoom": options.zoom}
    await client.ask("POST", await _participant(options, client, "camera"), move)


async def _invite(options: argparse.Namespace, client: ControlClient) -> None:
    role = "host" if options.host else "guest"
    await client.ask("POST", _path(options, "calls"), {"target": options.target, "role": role})
    print(f"calling {shown(options.target)}; `drumtower conference show {options.room}` tells how it goes")


async def _decide(options: argparse.Namespace, client: ControlClient) -> None:
    path = f"/rooms/{quote(options.room, safe='')}/waiting"
    waiting = await client.get(path)
    one = _pick(options.who, waiting["waiting"], "waits outside")
    await client.ask("POST", f"{path}/{one}/{options.verb}")


async def _participant(options: argparse.Namespace, client: ControlClient, path: str) -> str:
    """The path of the participant that WHO names. Raises CommandError."""
    conference = await client.get(_path(options))
    return _path(options, "participants", _pick(options.who, conference["participants"], "is in the room"), path)


def _pick(who: str, people: list[dict[str, Any]], where: str) -> int:
    """The number of the one that is meant: by its number, its whole name, else the beginning of its name."""
    wanted = who.casefold()
    ways: tuple[Callable[[dict[str, Any]], bool], ...] = (
        lambda one: str(one["id"]) == who,
        lambda one: str(one["name"]).casefold() == wanted,
        lambda one: str(one["name"]).casefold().startswith(wanted),
    )
    for is_meant in ways:
        found = [one for one in people if is_meant(one)]
        if len(found) > 1:
            names = ", ".join(f"{one['id']} ({shown(one['name'])})" for one in found)
            raise CommandError(f"{shown(who)} is not clear: {names}")
        if found:
            return int(found[0]["id"])
    raise CommandError(f"nobody called {shown(who)} {where}")


async def _list(_options: argparse.Namespace, client: ControlClient) -> None:
    found = await client.get("/conferences")
    print(*conference_report.overview(found["conferences"]), sep="\n")


async def _show(options: argparse.Namespace, client: ControlClient) -> None:
    waiting = await client.get(f"/rooms/{quote(options.room, safe='')}/waiting")
    outside = conference_report.outside(waiting["waiting"])
    try:
        inside = conference_report.inside(await client.get(_path(options)))
    except CommandError:
        if not outside:
            raise
        inside = []
    print(*inside, *outside, sep="\n")
