"""The administrator's terminals as accounts of the gatekeeper (H.235.1)."""

from __future__ import annotations

import secrets
from typing import Final, Protocol

from crypto.h235.password_key import PasswordKey
from signaling.h323.ras.admission import Account

_KEY_BYTES: Final = 20


class Directory(Protocol):
    """What is asked of signaling.terminals.TerminalDirectory."""

    def has(self, alias: str) -> bool:
        """Whether there is such a terminal, be it disabled."""

    def key_of(self, alias: str) -> PasswordKey | None:
        """The key of its secret; None where it may not register."""


class TerminalAccounts:
    """signaling.h323.ras.admission.Accounts.

    A terminal that is disabled, or whose secret is older than H.323, is an account that nobody has the key of: its name
    is not free for others.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._nobodys = PasswordKey(secrets.token_bytes(_KEY_BYTES))

    def account_of(self, alias: str) -> Account | None:
        """Whose alias this is; people do not tell capital letters apart on a remote control."""
        name = alias.casefold()
        if not self._directory.has(name):
            return None
        return Account(name, self._directory.key_of(name) or self._nobodys)
