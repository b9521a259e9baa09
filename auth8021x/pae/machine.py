"""What the machines of 802.1X have in common: states are entered where a condition holds, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar


class States(Enum):
    """States of a machine. A member is itself and nothing else, so that tables need not look at its name."""

    __hash__ = object.__hash__


State = TypeVar("State", bound=States)


class Machine(Generic[State]):
    """One machine. A subclass says which state follows, and what is done on entering one."""

    state: State
    entered: list[State]
    """States entered since whoever runs the machine emptied the list."""
    _exit_of: ClassVar[Mapping[Any, Callable[[Any], Any]]]
    _action_of: ClassVar[Mapping[Any, Callable[[Any], None]]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._exit_of, cls._action_of = cls._exits(), cls._actions()

    def __init__(self, first: State) -> None:
        self.entered = []
        self._enter(first)

    def step(self) -> bool:
        """Enter the next state if there is one; whether there was."""
        following = self._everywhere() or self._exit_of[self.state](self)
        if following is None:
            return False
        self._enter(following)
        return True

    def _everywhere(self) -> State | None:
        """The state that is entered from everywhere, where its condition holds."""
        return None

    @classmethod
    def _exits(cls) -> Mapping[State, Callable[[Any], State | None]]:
        """By state: which one follows, None where none does now."""
        raise NotImplementedError

    @classmethod
    def _actions(cls) -> Mapping[State, Callable[[Any], None]]:
        """By state: what is done on entering it."""
        raise NotImplementedError

    def _enter(self, state: State) -> None:
        self.state = state
        self.entered.append(state)
        self._action_of[state](self)
