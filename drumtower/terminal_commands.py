"""`drumtower terminal`: terminals that may register over SIP and H.323. Secrets never come from an argument."""

from __future__ import annotations

import argparse

from crypto.secret import Secret
from drumtower.administration import EXIT_STATUS, CommandError, Office, command
from drumtower.secret_sources import SecretSources
from signaling.terminals import generate_secret
from store.terminals import Terminal

_SOURCES = SecretSources("secret", "DRUMTOWER_TERMINAL_SECRET")
_EPILOG = (
    f"{_SOURCES.rule}; generated ones are printed once and cannot be shown again. one secret serves both protocols. "
    f"a running server notices changes within seconds. {EXIT_STATUS}"
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("terminal", help="terminals that may register (SIP and H.323)", epilog=EXIT_STATUS)
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="create a terminal", epilog=_EPILOG, allow_abbrev=False)
    add.add_argument(
        "alias", help="user name (SIP) and name (H.323 ID): digits and lower-case letters, with . _ - in between"
    )
    add.add_argument("--name", help="what the roster shows (default: the alias)")
    add.add_argument("--site", default="", help="where it stands")
    _add_sources(add)
    add.set_defaults(command=command(_add))
    show = actions.add_parser("list", help="list all terminals", epilog=EXIT_STATUS)
    show.set_defaults(command=command(_list))
    secret = actions.add_parser(
        "set-secret", help="replace a secret; the terminal has to register again", epilog=_EPILOG, allow_abbrev=False
    )
    secret.add_argument("alias", help="whose")
    _add_sources(secret)
    secret.set_defaults(command=command(_set_secret))
    for action, text in (("enable", "let it register again"), ("disable", "end its registration and refuse it")):
        switch = actions.add_parser(action, help=text, epilog=EXIT_STATUS)
        switch.add_argument("alias", help="which")
        switch.set_defaults(command=command(_switch), is_enabled=action == "enable")
    remove = actions.add_parser("remove", help="delete a terminal", epilog=EXIT_STATUS)
    remove.add_argument("alias", help="which")
    remove.set_defaults(command=command(_remove))


def _add_sources(parser: argparse.ArgumentParser) -> None:
    _SOURCES.add_to(parser).add_argument(
        "--generate-secret", action="store_true", help="make one and print it once (default)"
    )


async def _add(options: argparse.Namespace, office: Office) -> None:
    secret, is_generated = _secret(options)
    terminal = await office.terminals.add(options.alias, options.name or options.alias, options.site, secret)
    print(f"created {terminal.alias}")
    _show_once(secret, is_generated)


async def _list(_options: argparse.Namespace, office: Office) -> None:
    for terminal in await office.terminals.all():
        print(_line(terminal))


async def _set_secret(options: argparse.Namespace, office: Office) -> None:
    if await office.terminals.get(options.alias) is None:
        raise CommandError(f"there is no terminal {options.alias}")
    secret, is_generated = _secret(options)
    await office.terminals.set_secret(options.alias, secret)
    print(f"new secret for {options.alias}; it has to register again")
    _show_once(secret, is_generated)


async def _switch(options: argparse.Namespace, office: Office) -> None:
    await office.terminals.change(options.alias, is_enabled=options.is_enabled)
    print(f"{options.alias} is {'enabled' if options.is_enabled else 'disabled'}")


async def _remove(options: argparse.Namespace, office: Office) -> None:
    if not await office.terminals.remove(options.alias):
        raise CommandError(f"there is no terminal {options.alias}")
    print(f"removed {options.alias}")


def _secret(options: argparse.Namespace) -> tuple[Secret, bool]:
    """The secret, and whether it was made here."""
    given = _SOURCES.given(options)
    return (generate_secret(), True) if given is None else (given, False)


def _show_once(secret: Secret, is_generated: bool) -> None:
    if is_generated:
        print(f"secret (shown only now): {secret.reveal()}")


def _line(terminal: Terminal) -> str:
    state = "" if terminal.is_enabled else "disabled"
    old = "for H.323 set its secret again" if terminal.h235_key is None else ""
    marks = [mark for mark in (terminal.site, state, old) if mark]
    return f"{terminal.alias:<24} {terminal.name}" + (f" ({', '.join(marks)})" if marks else "")
