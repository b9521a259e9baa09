"""What the machines of 802.1X have in common: states are entered where a condition holds, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, ClassVar, Final, Generic, TypeVar

AUTH_PAE: Final = 1
BE_AUTH: Final = 2
REAUTH_TIMER: Final = 4
EAP: Final = 8
ALL: Final = AUTH_PAE | BE_AUTH | REAUTH_TIMER | EAP
"""The machines of one supplicant, as bits of a set: who has to look whether a condition holds now."""


class States(Enum):
    """States of a machine. A member is itself and nothing else, so that tables need not look at its name."""

    __hash__ = object.__hash__


State = TypeVar("State", bound=States)


class Machine(Generic[State]):
    """One machine. A subclass says which state follows, what is done on entering one, and whom that concerns."""

    state: State
    _exit_of: ClassVar[Mapping[Any, Callable[[Any], Any]]]
    _action_of: ClassVar[Mapping[Any, Callable[[Any], None]]]
    _concerned_by: ClassVar[Mapping[Any, int]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        concerns = cls._concerns()
        cls._exit_of, cls._action_of = cls._exits(), cls._actions()
        cls._concerned_by = {state: concerns.get(state, 0) for state in cls._action_of}

    def __init__(self, first: State) -> None:
        self._enter(first)

    def advance(self) -> int:
        """Take all the steps that there are; the other machines that may be able to move because of what was done."""
        concerned, exit_of, action_of, concerned_by = 0, self._exit_of, self._action_of, self._concerned_by
        following = self._everywhere() or exit_of[self.state](self)
        while following is not None:
            self.state = following
            action_of[following](self)
            concerned |= concerned_by[following]
            following = exit_of[following](self)
        return concerned

    def _everywhere(self) -> State | None:
        """The state that is entered from everywhere, where its condition holds. No step of its own makes it hold."""
        return None

    @classmethod
    def _exits(cls) -> Mapping[State, Callable[[Any], State | None]]:
        """By state: which one follows, None where none does now."""
        raise NotImplementedError

    @classmethod
    def _actions(cls) -> Mapping[State, Callable[[Any], None]]:
        """By state: what is done on entering it."""
        raise NotImplementedError

    @classmethod
    def _concerns(cls) -> Mapping[State, int]:
        """By state: the machines that may wait for what entering it sets; a state that is left out concerns none."""
        raise NotImplementedError

    def _enter(self, state: State) -> None:
        self.state = state
        self._action_of[state](self)
