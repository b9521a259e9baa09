"""The answer to enterH243Password as keys."""

from __future__ import annotations

import itertools

from signaling.h323.calls import password
from signaling.h323.h245.control import Control, OwnCapabilities
from signaling.h323.h245.events import Send


def keyed(text: str) -> str:
    keys: list[str] = []
    password.key_in(text, keys.append)
    return "".join(keys)


def test_an_answer_is_keyed_in_and_ended() -> None:
    assert keyed("2468") == "2468#"
    assert keyed(" 2468# ") == "2468#"


def test_nothing_is_keyed_in_for_no_answer() -> None:
    assert keyed("") == ""
    assert keyed("\x00") == ""


def test_a_terminal_is_numbered_before_it_is_asked() -> None:
    control = Control(OwnCapabilities({}), itertools.count(1).__next__)
    sent = [effect.message for effect in password.ask(control, 193) if isinstance(effect, Send)]
    assert sent == [
        ("indication", ("conferenceIndication", ("terminalNumberAssign", {"mcuNumber": 1, "terminalNumber": 2}))),
        ("request", ("conferenceRequest", ("enterH243Password", 0))),
    ]
