"""The command line: serve, room, conference, user, terminal, recording, doctor, call.

Exit status: 0 done; 1 it could not be done, and the reason was printed; 2 the command was not understood.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from config.environment import load_settings
from config.settings import Settings, SettingsError

Command = Callable[[argparse.Namespace, Settings], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings(options.config)
    except SettingsError as error:
        print(f"drumtower: {error}", file=sys.stderr)
        return 2
    command: Command = options.command
    try:
        return command(options, settings)
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="drumtower",
        description="Open-source conferencing for hospitals.",
        epilog="Passcodes and passwords come from a prompt, a file or the environment, never from an argument.",
    )
    parser.add_argument(
        "--config", metavar="FILE", help="settings in TOML (default: $DRUMTOWER_CONFIG, else built-in ones)"
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_administration(commands)
    _add_call(commands)
    return parser


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser(
        "serve", help="run the server", description="Run the server until it is told to stop (Ctrl-C, SIGTERM)."
    )
    serve.add_argument("--demo-room", action="store_true", help="make a demo room at the first start")
    serve.add_argument("--demo-callers", action="store_true", help="let two test callers into the demo room")
    serve.set_defaults(command=_serve)


def _add_administration(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from drumtower import (
        certificate_commands,
        conference_commands,
        doctor_command,
        dot1x_commands,
        recording_commands,
        room_commands,
        terminal_commands,
        user_commands,
    )

    for module in (
        room_commands, conference_commands, user_commands, terminal_commands, recording_commands, certificate_commands,
        dot1x_commands,
        doctor_command,
    ):  # fmt: skip
        module.add_parser(commands)


def _add_call(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from caller import cli as caller

    call = commands.add_parser(
        "call", help="dial in as a terminal would", description="Dial in, play, record, and print what was received."
    )
    caller.add_arguments(call)
    call.set_defaults(command=lambda options, _settings: caller.run(options))


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    from drumtower.serve import serve

    return serve(settings, has_demo_room=options.demo_room, has_demo_callers=options.demo_callers)
