"""Which of the administrator's terminals a call comes from: what it calls itself proves nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

from signaling.h323.calls.services import Identity
from signaling.h323.ras.address import Address
from signaling.h323.ras.calls import AdmittedCall
from signaling.h323.ras.registration import Registration

_MAX_USED: Final = 4000
"""Admissions that a call has used; past it the oldest is forgotten."""


class Names(Protocol):
    """What is asked of signaling.terminals.TerminalDirectory."""

    def name_of(self, alias: str) -> str | None:
        """The display name; None where there is no such terminal, or it is disabled."""


class Callers:
    """A call is a terminal's if it signed the Setup (H.235.1), or signed the admission of this very call before.

    Most terminals sign RAS alone. What they sign holds the random callIdentifier of the call: one Setup with it, from
    the host that the terminal registered from, is believed.
    """

    def __init__(
        self, names: Names, admitted: Callable[[str, bytes], tuple[Registration, AdmittedCall] | None]
    ) -> None:
        """`admitted`: a registration by its endpointIdentifier, and the call of that callIdentifier."""
        self._names = names
        self._admitted = admitted
        self._used: OrderedDict[bytes, None] = OrderedDict()

    def identify(self, account: str, remote: Address, endpoint_identifier: str, call_id: bytes) -> Identity | None:
        """The terminal, None for a stranger. `account` has signed the Setup, "" for nobody."""
        alias = account or self._by_admission(remote, endpoint_identifier, call_id)
        name = self._names.name_of(alias) if alias else None
        return Identity(alias, name) if name is not None else None

    def _by_admission(self, remote: Address, endpoint_identifier: str, call_id: bytes) -> str:
        found = self._admitted(endpoint_identifier, call_id)
        if found is None or call_id in self._used:
            return ""
        registration, call = found
        if call.is_answer or registration.source[0] != remote[0] or not registration.account:
            return ""
        self._used[call_id] = None
        if len(self._used) > _MAX_USED:
            self._used.popitem(last=False)
        return registration.account
