"""`drumtower recording`: list recordings, and check that they are whole."""

from __future__ import annotations

import argparse
import asyncio
import json

from drumtower.administration import EXIT_STATUS, CommandError, Office, command
from drumtower.keyring import master_key
from recorder.errors import NoSuchFileError
from recorder.inspection import Verdict
from recorder.library import Library
from store.recordings import Recording

_PAGE = 500


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("recording", help="list recordings and check that they are whole", epilog=EXIT_STATUS)
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")

    show = actions.add_parser("list", help="list recordings, newest first", epilog=EXIT_STATUS)
    show.add_argument("--room", default="", metavar="NUMBER", help="of this room alone")
    show.add_argument("--json", action="store_true", help="for programs")
    show.set_defaults(command=command(_list))

    verify = actions.add_parser(
        "verify", help="read whole recordings, and name the first bytes that were changed or are missing",
        epilog=f"A changed or missing byte is a failure. {EXIT_STATUS}",
    )  # fmt: skip
    which = verify.add_mutually_exclusive_group(required=True)
    which.add_argument("recordings", nargs="*", default=[], metavar="ID", help="as in the list")
    which.add_argument("--all", action="store_true", help="every recording that has ended")
    verify.set_defaults(command=command(_verify))


async def _list(options: argparse.Namespace, office: Office) -> None:
    recordings = await _all(office, options.room)
    if options.json:
        print(json.dumps([_described(recording) for recording in recordings], ensure_ascii=False, indent=2))
        return
    if not recordings:
        print("no recordings")
    for recording in recordings:
        error = f", {recording.error}" if recording.error else ""
        minutes, seconds = divmod(round(recording.duration_s), 60)
        print(f"{recording.id}  room {recording.room_number}  {minutes}:{seconds:02d}  {recording.state}{error}")


async def _verify(options: argparse.Namespace, office: Office) -> None:
    if options.all:
        recordings = [recording for recording in await _all(office, "") if recording.ended_at is not None]
    else:
        recordings = [await _get(office, name) for name in options.recordings]
    settings = office.settings
    library = Library(office.database.recordings, settings.recordings, master_key(settings), settings.recording)
    broken = 0
    for recording in recordings:
        fault = await asyncio.to_thread(_fault, library, recording)
        broken += bool(fault)
        print(f"{recording.id}  {fault or 'whole'}", flush=True)
    if broken:
        raise CommandError(f"{broken} of {len(recordings)} recordings are not whole")


def _fault(library: Library, recording: Recording) -> str:
    try:
        verdict = library.verify(recording)
    except NoSuchFileError:
        return "the file is missing"
    return "" if verdict.is_intact else said(verdict)


def said(verdict: Verdict) -> str:
    """What is wrong, and where: the first byte that does not hold, and the last of that part."""
    if verdict.first_bad is None:
        return verdict.reason
    first, end = verdict.first_bad
    where = f"from byte {first} on" if end <= first else f"bytes {first} to {end - 1}"
    return f"{verdict.reason}: {where} of {verdict.file}"


async def _get(office: Office, name: str) -> Recording:
    recording = await office.database.recordings.get(name)
    if recording is None:
        raise CommandError(f"there is no recording {name}")
    if recording.ended_at is None:
        raise CommandError(f"recording {name} has not ended")
    return recording


async def _all(office: Office, room: str) -> list[Recording]:
    found: list[Recording] = []
    page = await office.database.recordings.page(room=room, limit=_PAGE)
    while page:
        found += page
        page = await office.database.recordings.page(room=room, before=page[-1].started_at, limit=_PAGE)
    return found


def _described(recording: Recording) -> dict[str, object]:
    return {
        "id": recording.id,
        "room": recording.room_number,
        "started_at": recording.started_at.isoformat(),
        "duration_s": recording.duration_s,
        "size_bytes": recording.size_bytes,
        "state": recording.state,
        "error": recording.error,
        "chain_head": recording.chain_head,
    }
