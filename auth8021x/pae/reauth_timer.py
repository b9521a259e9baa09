"""Reauthentication Timer state machine (IEEE 802.1X-2004 8.2.8, figure 8-11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import auto
from typing import Any

from auth8021x.pae.machine import AUTH_PAE, Machine, States
from auth8021x.pae.variables import PortControl, Variables


class State(States):
    """8.2.8.1."""

    INITIALIZE = auto()
    REAUTHENTICATE = auto()


class ReauthTimer(Machine[State]):
    """Says when a supplicant is to be asked again."""

    def __init__(self, variables: Variables) -> None:
        self._v = variables
        super().__init__(State.INITIALIZE)

    @property
    def is_running(self) -> bool:
        """Whether its time counts: the port is open and reauthentication wanted."""
        v = self._v
        return v.port_control is PortControl.AUTO and not v.initialize and v.is_authorized and v.re_auth_enabled

    @classmethod
    def _exits(cls) -> Mapping[State, Callable[[Any], State | None]]:
        return {State.INITIALIZE: cls._from_initialize, State.REAUTHENTICATE: lambda _: State.INITIALIZE}

    @classmethod
    def _actions(cls) -> Mapping[State, Callable[[Any], None]]:
        return {State.INITIALIZE: cls._initialize, State.REAUTHENTICATE: cls._reauthenticate}

    @classmethod
    def _concerns(cls) -> Mapping[State, int]:
        return {State.REAUTHENTICATE: AUTH_PAE}

    def _from_initialize(self) -> State | None:
        return State.REAUTHENTICATE if self._v.re_auth_when <= self._v.now and self.is_running else None

    def _initialize(self) -> None:
        self._v.re_auth_when = self._v.now + self._v.re_auth_period

    def _reauthenticate(self) -> None:
        self._v.re_authenticate = True
