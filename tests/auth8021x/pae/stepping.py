"""A machine of 802.1X one state at a time, as the standard draws it; at work it takes all its steps at once."""

from __future__ import annotations

from typing import Any

from auth8021x.pae.machine import Machine


def step(machine: Machine[Any]) -> bool:
    """Enter the next state if there is one; whether there was."""
    following = machine._everywhere() or machine._exit_of[machine.state](machine)
    if following is None:
        return False
    machine._enter(following)
    return True
