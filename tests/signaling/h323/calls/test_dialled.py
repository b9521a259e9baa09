"""Whom a Setup means, and what its caller is called."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from signaling.h323.calls.dialled import caller_name, dialled
from signaling.h323.ras.alias import Alias, AliasKind

DIGITS, NAME, URL = AliasKind.DIALLED_DIGITS, AliasKind.H323_ID, AliasKind.URL_ID
OWN = frozenset({"drumtower", "10.0.0.1"})


@pytest.mark.parametrize(
    ("aliases", "room", "passcode"),
    [
        ([Alias(DIGITS, "1001")], "1001", None),
        ([Alias(NAME, "1001**2468")], "1001", "2468"),
        ([Alias(NAME, "drumtower"), Alias(DIGITS, "1001")], "1001", None),
        ([Alias(URL, "h323:1001**2468@10.0.0.1")], "1001", "2468"),
        ([Alias(URL, "1001@10.0.0.1")], "1001", None),
        ([Alias(DIGITS, "1001**2468#")], "1001", "2468"),
        ([Alias(NAME, "Ward.Round")], "ward.round", None),
    ],
)
def test_a_room_is_found_among_the_aliases(aliases: list[Alias], room: str, passcode: str | None) -> None:
    found = dialled(aliases, OWN)
    assert (found.room, found.passcode) == (room, passcode)


@pytest.mark.parametrize("aliases", [[], [Alias(NAME, "Drumtower")], [Alias(NAME, "10.0.0.1")]])
def test_who_calls_only_us_gets_the_attendant(aliases: list[Alias]) -> None:
    assert dialled(aliases, OWN).is_attendant


def test_what_cannot_be_a_room_is_none() -> None:
    assert not dialled([Alias(NAME, "**2468")], OWN).is_valid


def name(display: str = "", *calling: Alias, is_restricted: bool = False) -> str:
    setup = SimpleNamespace(display=display, calling=calling, is_restricted=is_restricted)
    return caller_name(setup, "10.0.0.9")  # type: ignore[arg-type]


def test_the_best_name_is_shown() -> None:
    assert name("Theatre 3", Alias(DIGITS, "4711")) == "Theatre 3"
    assert name("", Alias(DIGITS, "4711"), Alias(NAME, "Theatre")) == "Theatre"
    assert name("", Alias(DIGITS, "4711")) == "4711"
    assert name() == "10.0.0.9"


def test_letters_that_display_cannot_have_are_those_of_the_name() -> None:
    assert name("Ward 3 ??", Alias(NAME, "Ward 3 \u4f1a\u8bca")) == "Ward 3 \u4f1a\u8bca"


def test_a_withheld_number_is_not_shown() -> None:
    assert name("", Alias(DIGITS, "4711"), is_restricted=True) == "10.0.0.9"


def test_neither_passcodes_nor_control_characters_are_shown() -> None:
    assert name("1001**2468") == "1001"
    assert name("A\u202eB\n C") == "AB C"
    assert len(name("x" * 500)) == 64
