"""What the machines of 802.1X have in common: states are entered where a condition holds, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Generic, TypeVar

State = TypeVar("State", bound=Enum)
Condition = Callable[[], "State | None"]


class Machine(Generic[State]):
    """One machine. A subclass says which state follows, and what is done on entering one."""

    state: State
    entered: list[State]
    """States entered since whoever runs the machine emptied the list."""

    def __init__(self, first: State) -> None:
        self.entered = []
        self.state = first
        self._enter(first)

    def step(self) -> bool:
        """Enter the next state if there is one; whether there was."""
        following = self._everywhere() or self._exits()[self.state]()
        if following is None:
            return False
        self._enter(following)
        return True

    def _everywhere(self) -> State | None:
        """The state that is entered from everywhere, where its condition holds."""
        return None

    def _exits(self) -> Mapping[State, Callable[[], State | None]]:
        """By state: which one follows, None where none does now."""
        raise NotImplementedError

    def _actions(self) -> Mapping[State, Callable[[], None]]:
        """By state: what is done on entering it."""
        raise NotImplementedError

    def _enter(self, state: State) -> None:
        self.state = state
        self.entered.append(state)
        self._actions()[state]()
