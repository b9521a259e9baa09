"""What commands that change stored things share: opening the store, asking for secrets, saying what went wrong."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.environment import take_secret
from config.settings import Settings
from crypto.keys import KeyFault
from crypto.passcode import PasscodeError, PasscodeHasher
from crypto.secret import Secret
from drumtower.keyring import master_key, passcode_hasher
from signaling.terminals import TerminalBook
from store.database import Database
from store.errors import StoreError

DONE: Final = 0
FAILED: Final = 1
_MAX_SECRET_BYTES: Final = 4096
EXIT_STATUS: Final = "exit status: 0 done; 1 not done, and the reason was printed; 2 the command was not understood"


class CommandError(Exception):
    """The command cannot be done; the text is printed."""


@dataclass(frozen=True, slots=True)
class Office:
    """What an administrative command works with."""

    database: Database
    hasher: PasscodeHasher
    terminals: TerminalBook
    settings: Settings


Action = Callable[[argparse.Namespace, Office], Awaitable[None]]


def command(action: Action) -> Callable[[argparse.Namespace, Settings], int]:
    """Make a command of `action`: the store is opened (and migrated) before and closed after it."""

    def run(options: argparse.Namespace, settings: Settings) -> int:
        try:
            asyncio.run(_run(action, options, settings))
        except (CommandError, PasscodeError, StoreError, KeyFault, OSError) as error:
            print(f"drumtower: {error}", file=sys.stderr)
            return FAILED
        except EOFError:
            print("drumtower: nothing was entered", file=sys.stderr)
            return FAILED
        return DONE

    return run


async def _run(action: Action, options: argparse.Namespace, settings: Settings) -> None:
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database, master = Database(settings.database_url, settings.store), master_key(settings)
    terminals = TerminalBook(database.terminals, master, settings.sip.realm)
    office = Office(database, passcode_hasher(settings, master), terminals, settings)
    try:
        await office.database.open()
        await action(options, office)
    finally:
        office.hasher.close()
        await office.database.close()


def secret_from_prompt(what: str, *, is_new: bool = True) -> Secret:
    """Ask on the terminal, for a new one twice, without showing what is typed. Raises CommandError."""
    if not sys.stdin.isatty():
        raise CommandError(f"there is no terminal to ask for the {what}; use a file or the environment")
    first = getpass.getpass(f"{what}: ")
    if is_new and getpass.getpass(f"{what} again: ") != first:
        raise CommandError("the two differ; nothing was changed")
    return Secret(first)


def secret_from_file(path: str) -> Secret:
    """The first line of a file; "-" is the standard input. Raises CommandError, OSError."""
    try:
        if path == "-":
            text = sys.stdin.readline(_MAX_SECRET_BYTES)
        else:
            with Path(path).open(encoding="utf-8") as file:
                text = file.readline(_MAX_SECRET_BYTES)
    except UnicodeDecodeError:
        raise CommandError(f"{path}: is not UTF-8 text") from None
    return Secret(text.rstrip("\r\n"))


def secret_from_environment(variable: str) -> Secret:
    """The value of a variable, which is then removed. Raises CommandError."""
    value = take_secret(variable)
    if value is None:
        raise CommandError(f"the environment variable {variable} is not set")
    return Secret(value)
