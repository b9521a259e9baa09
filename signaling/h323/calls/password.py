"""The conference's password by H.243: a terminal shows a field of its own for it, and its answer is keyed in for it."""

from __future__ import annotations

from collections.abc import Callable

from signaling.digits import DIGITS
from signaling.h323.h245.control import Control
from signaling.h323.h245.events import Effect

MCU_NUMBER = 1
"""Ours; conferences are not cascaded."""
_TERMINALS = 192
"""Numbers that one MCU has for its terminals (H.243 6)."""
_END_OF_ENTRY = "#"


def ask(control: Control, leg: int) -> list[Effect]:
    """Number the terminal, which answers by that number, and ask it (H.243 6, H.245 7.14). Some have no such field."""
    return [*control.assign_terminal(MCU_NUMBER, leg % _TERMINALS + 1), *control.ask_password()]


def key_in(password: str, on_digit: Callable[[str], None]) -> None:
    """What the terminal answered, as if its user had pressed the keys; an empty answer is none."""
    digits = [char for char in password.strip().removesuffix(_END_OF_ENTRY) if char in DIGITS]
    if digits:
        for digit in (*digits, _END_OF_ENTRY):
            on_digit(digit)
