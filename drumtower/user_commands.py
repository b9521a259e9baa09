"""`drumtower user`: accounts of the portal. Passwords never come from an argument."""

from __future__ import annotations

import argparse

from crypto.passcode import check_password, generate_password
from crypto.secret import Secret
from drumtower.administration import EXIT_STATUS, CommandError, Office, command, secret_from_prompt
from drumtower.secret_sources import SecretSources

_SOURCES = SecretSources("password", "DRUMTOWER_PASSWORD")
_EPILOG = f"{_SOURCES.rule}. {EXIT_STATUS}"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("user", help="accounts of the portal", epilog=EXIT_STATUS)
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="create an administrator", epilog=_EPILOG, allow_abbrev=False)
    create.add_argument("name", help="1 to 64 characters; case does not count")
    _add_sources(create)
    create.set_defaults(command=command(_create))
    passwd = actions.add_parser(
        "passwd", help="replace a password; ends a lockout and all sessions", epilog=_EPILOG, allow_abbrev=False
    )
    passwd.add_argument("name", help="whose")
    _add_sources(passwd)
    passwd.set_defaults(command=command(_passwd))
    show = actions.add_parser("list", help="list all accounts", epilog=EXIT_STATUS)
    show.set_defaults(command=command(_list))


def _add_sources(parser: argparse.ArgumentParser) -> None:
    _SOURCES.add_to(parser, "ask for it (default)").add_argument(
        "--generate-password", action="store_true", help="print a one-time password, to be replaced at the next sign-in"
    )


async def _create(options: argparse.Namespace, office: Office) -> None:
    if await office.database.users.find(options.name) is not None:
        raise CommandError(f"the name {options.name} is taken")
    password, is_generated = _password(options)
    user = await office.database.users.add(options.name, await office.hasher.hash(password), must_change=is_generated)
    print(f"created {user.name}")
    _show_once(password, is_generated)


async def _passwd(options: argparse.Namespace, office: Office) -> None:
    user = await office.database.users.find(options.name)
    if user is None:
        raise CommandError(f"there is no user {options.name}")
    password, is_generated = _password(options)
    await office.database.users.set_password(user.id, await office.hasher.hash(password), must_change=is_generated)
    print(f"new password for {user.name}; all sessions are ended")
    _show_once(password, is_generated)


async def _list(_options: argparse.Namespace, office: Office) -> None:
    for user in await office.database.users.all():
        marks = [user.role] + (["must change the password"] if user.must_change else [])
        print(f"{user.name:<24} {', '.join(marks)}")


def _password(options: argparse.Namespace) -> tuple[Secret, bool]:
    """The password, and whether it was made here."""
    if options.generate_password:
        return generate_password(), True
    password = _SOURCES.given(options)
    if password is None:
        password = secret_from_prompt("password")
    check_password(password)
    return password, False


def _show_once(password: Secret, is_generated: bool) -> None:
    if is_generated:
        print(f"one-time password (shown only now): {password.reveal()}")
