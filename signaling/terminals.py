"""The terminals of the administrator: making and changing them, and the copy in memory that every request asks.

Protocol-neutral: what a terminal proves itself with is kept as the hashes that its protocols need (crypto.ha1 for SIP,
crypto.h235.password_key for H.323).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from crypto.h235.password_key import PasswordKey
from crypto.ha1 import Ha1
from crypto.keys import KeyFault, MasterKey
from crypto.passcode import generate_password
from crypto.secret import Secret
from store.errors import Invalid, StoreError
from store.terminals import Terminal, Terminals

logger = logging.getLogger(__name__)

MIN_SECRET_CHARACTERS: Final = 8
MAX_SECRET_CHARACTERS: Final = 128
_UNSEALED_AT_ONCE: Final = 30
"""Terminals that are read in one go: the loop is held for 2 to 3 ms."""


class TerminalBook:
    """Creates and changes terminals; secrets are given in clear once and kept sealed."""

    def __init__(self, terminals: Terminals, master: MasterKey, realm: str) -> None:
        self._terminals = terminals
        self._master = master
        self._realm = realm

    async def all(self) -> list[Terminal]:
        """Every terminal, by alias."""
        return await self._terminals.all()

    async def get(self, alias: str) -> Terminal | None:
        """The terminal of this alias."""
        return await self._terminals.get(alias)

    async def add(self, alias: str, name: str, site: str, secret: Secret) -> Terminal:
        """Create one. Raises AlreadyExists, Invalid."""
        ha1, key = self._sealed(alias, secret)
        return await self._terminals.add(Terminal(alias, name.strip(), ha1, key, site.strip()))

    async def change(
        self, alias: str, *, name: str | None = None, site: str | None = None, is_enabled: bool | None = None,
        version: int | None = None,
    ) -> Terminal:  # fmt: skip
        """Replace what is given, in this `version` alone where one is. Raises NotFound, Outdated, Invalid."""
        name, site = (text.strip() if text is not None else None for text in (name, site))
        return await self._terminals.change(alias, name=name, site=site, is_enabled=is_enabled, version=version)

    async def set_secret(self, alias: str, secret: Secret, *, version: int | None = None) -> Terminal:
        """Replace the secret; what is registered with the old one is forgotten. Raises NotFound, Outdated, Invalid."""
        ha1, key = self._sealed(alias, secret)
        return await self._terminals.change(alias, secret=ha1, h235_key=key, version=version)

    async def remove(self, alias: str, *, version: int | None = None) -> bool:
        """Delete one, only this `version` of it where one is given; False when it was not there."""
        return await self._terminals.delete(alias, version=version)

    def _sealed(self, alias: str, secret: Secret) -> tuple[bytes, bytes]:
        """What is kept of a secret: one hash for each protocol."""
        check_secret(secret)
        ha1, key = Ha1.of(alias, self._realm, secret), PasswordKey.of(secret)
        return ha1.seal(self._master, alias), key.seal(self._master, alias)


def generate_secret() -> Secret:
    """A random secret that can be typed with a remote control: lower case, digits and hyphens, about 99 bits."""
    return generate_password()


def check_secret(secret: Secret) -> None:
    """Raises Invalid where terminals may not use it: everybody on the way may try to guess it without limit."""
    if not MIN_SECRET_CHARACTERS <= len(secret) <= MAX_SECRET_CHARACTERS:
        raise Invalid(f"secret: {MIN_SECRET_CHARACTERS} to {MAX_SECRET_CHARACTERS} characters")
    if not (secret.isprintable() and secret.isascii()) or len(set(secret)) < MIN_SECRET_CHARACTERS // 2:
        raise Invalid("secret: printable ASCII characters, not always the same few")


@dataclass(frozen=True, slots=True)
class _Known:
    terminal: Terminal
    secret: Ha1
    key: PasswordKey | None


class TerminalDirectory:
    """What every REGISTER, INVITE and RAS message asks: enabled terminals with their secrets, in memory.

    Changes of this process are seen by refresh(), those of others (the command line) within `recheck_s`.
    """

    def __init__(self, terminals: Terminals, master: MasterKey, realm: str, recheck_s: float) -> None:
        self._terminals = terminals
        self._master = master
        self._realm = realm
        self._recheck_s = recheck_s
        self._known: dict[str, _Known] = {}
        self._all: frozenset[str] = frozenset()
        self._version: object = None
        self._observers: list[Callable[[frozenset[str]], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()

    async def start(self) -> None:
        """Read all, then look for changes from time to time. Raises StoreError."""
        await self.refresh()
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def secret_of(self, alias: str) -> Ha1 | None:
        """None where there is no such terminal, or it is disabled."""
        known = self._known.get(alias)
        return known.secret if known is not None else None

    def name_of(self, alias: str) -> str | None:
        """The display name; None where there is no such terminal, or it is disabled."""
        known = self._known.get(alias)
        return known.terminal.name if known is not None else None

    def key_of(self, alias: str) -> PasswordKey | None:
        """The key of H.235.1; None as for secret_of(), and for secrets of before H.323."""
        known = self._known.get(alias)
        return known.key if known is not None else None

    def has(self, alias: str) -> bool:
        """Whether there is such a terminal, be it disabled: nobody else may be called so."""
        return alias in self._all

    def without_key(self) -> list[str]:
        """Enabled terminals that cannot use H.323 before their secret is set again."""
        return [alias for alias, known in self._known.items() if known.key is None]

    def observe(self, callback: Callable[[frozenset[str]], None]) -> Callable[[], None]:
        """Call `callback` with the aliases whose secret does not hold any more; returns "stop observing"."""
        self._observers.append(callback)

        def stop() -> None:
            if callback in self._observers:
                self._observers.remove(callback)

        return stop

    async def refresh(self) -> None:
        """Read what changed. Raises StoreError."""
        async with self._reading:
            version = await self._terminals.version()
            if version == self._version:
                return
            known: dict[str, _Known] = {}
            aliases: set[str] = set()
            page = await self._terminals.page("", _UNSEALED_AT_ONCE)
            while page:
                aliases.update(terminal.alias for terminal in page)
                for terminal in page:
                    if terminal.is_enabled and (found := self._unsealed(terminal)) is not None:
                        known[terminal.alias] = found
                page = await self._terminals.page(page[-1].alias, _UNSEALED_AT_ONCE)
            before, self._known, self._version = self._known, known, version
            self._all = frozenset(aliases)
        revoked = frozenset(
            alias for alias, old in before.items() if alias not in known or known[alias].secret != old.secret
        )
        for observer in list(self._observers):
            observer(revoked)

    def _unsealed(self, terminal: Terminal) -> _Known | None:
        old = self._known.get(terminal.alias)
        if old is not None and _is_same_secret(old.terminal, terminal):
            return _Known(terminal, old.secret, old.key)
        try:
            secret = Ha1.unseal(self._master, terminal.alias, terminal.secret)
            sealed = terminal.h235_key
            key = PasswordKey.unseal(self._master, terminal.alias, sealed) if sealed is not None else None
        except (KeyFault, ValueError) as error:
            logger.error("terminal=%s its secret cannot be opened: %s", terminal.alias, error)
            return None
        if secret.realm != self._realm:
            logger.error("terminal=%s its secret is for the realm %r; set it again", terminal.alias, secret.realm)
            return None
        return _Known(terminal, secret, key)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._recheck_s)
            with suppress(StoreError):
                await self.refresh()


def _is_same_secret(one: Terminal, other: Terminal) -> bool:
    return (one.secret, one.h235_key) == (other.secret, other.h235_key)
