"""Whether a registration still holds when the terminals of the administrator, or the settings, have changed."""

from __future__ import annotations

from typing import Literal, Protocol

from signaling.h323.ras.admission import Accounts
from signaling.h323.ras.registration import Registration


class Keys(Protocol):
    """What is asked of signaling.terminals.TerminalDirectory."""

    def key_of(self, alias: str) -> object | None:
        """The key of its secret; None where it may not register."""


class RegistrationRights:
    """What the gatekeeper asks of a RegistrationRequest, asked again of one that was confirmed before."""

    def __init__(self, authentication: Literal["required", "known", "off"], keys: Keys, accounts: Accounts) -> None:
        self._authentication = authentication
        self._keys = keys
        self._accounts = accounts

    def holds(self, registration: Registration) -> bool:
        """Whether it could register now."""
        if self._authentication == "off":
            return True
        if registration.account:
            return self._keys.key_of(registration.account) is not None
        # Names that a terminal was given since are not for those who have shown no secret.
        is_free = all(self._accounts.account_of(alias.text) is None for alias in registration.aliases)
        return self._authentication == "known" and is_free
