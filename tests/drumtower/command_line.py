"""The command line as tests type it: exit status, what is printed, and what is printed as an error."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Protocol

import pytest

from config.settings import Settings

Run = Callable[..., tuple[int, str, str]]


class Commands(Protocol):
    """A module of drumtower that has commands."""

    def add_parser(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None: ...


def typing(settings: Settings, capsys: pytest.CaptureFixture[str], *modules: Commands, before: str = "") -> Run:
    """Runs commands of these modules; `before` is typed before each."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    for module in modules:
        module.add_parser(commands)

    def call(*arguments: str) -> tuple[int, str, str]:
        options = parser.parse_args([*before.split(), *arguments])
        status: int = options.command(options, settings)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call
