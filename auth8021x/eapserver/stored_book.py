"""Users and devices from the store, in memory, as every request of RADIUS asks for them; and how they are made."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from auth8021x.eapserver.account import Account
from auth8021x.wire import mac_address
from crypto.keys import KeyFault, MasterKey
from crypto.nt_hash import NtHash
from crypto.secret import Secret
from store.errors import Invalid, StoreError
from store.supplicants import Supplicant, Supplicants, identity_key

logger = logging.getLogger(__name__)

MIN_PASSWORD_CHARACTERS: Final = 8
MAX_PASSWORD_CHARACTERS: Final = 128


class SupplicantOffice:
    """Makes users and devices; passwords are given in clear once, and kept sealed."""

    def __init__(self, supplicants: Supplicants, master: MasterKey) -> None:
        self._supplicants = supplicants
        self._master = master

    async def all(self) -> list[Supplicant]:
        """Everybody, by name."""
        return await self._supplicants.all()

    async def add(
        self, identity: str, group: str, mac: str | None, password: Secret | None, *, may_bypass: bool, has_md5: bool
    ) -> Supplicant:
        """Create one; without a password it has its certificate, or its address. Raises AlreadyExists, Invalid."""
        nt_hash, clear = self._sealed(identity, password, has_md5)
        return await self._supplicants.add(Supplicant(identity, group, mac, nt_hash, clear, may_bypass))

    async def set_password(self, identity: str, password: Secret, *, has_md5: bool) -> Supplicant:
        """Replace it. Raises NotFound, Invalid."""
        return await self._supplicants.set_credentials(identity, *self._sealed(identity, password, has_md5))

    async def set_group(self, identity: str, group: str) -> Supplicant:
        """Put it into another group; "" is none. Raises NotFound, Invalid."""
        return await self._supplicants.set_group(identity, group)

    async def enable(self, identity: str, is_enabled: bool) -> Supplicant:
        """Let it in again, or no more. Raises NotFound."""
        return await self._supplicants.enable(identity, is_enabled)

    async def remove(self, identity: str) -> bool:
        """Delete one; False when it was not there."""
        return await self._supplicants.delete(identity)

    def _sealed(self, identity: str, password: Secret | None, has_md5: bool) -> tuple[bytes | None, bytes | None]:
        if password is None:
            return None, None
        if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS or not password.isprintable():
            raise Invalid(f"password: {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} printable characters")
        name = identity_key(identity)
        clear = self._master.wrap(password.reveal().encode(), _context(name)) if has_md5 else None
        return NtHash.of(password).seal(self._master, name), clear


@dataclass(frozen=True, slots=True)
class Known:
    """Everybody who is let in, at one time: see account.Book."""

    accounts: Mapping[str, Account] = field(default_factory=dict)
    devices: Mapping[bytes, Account] = field(default_factory=dict)

    def account(self, identity: str) -> Account | None:
        """The user or device of this name; None also for those that are switched off."""
        return self.accounts.get(identity_key(identity))

    def device(self, mac: bytes) -> Account | None:
        """The device with this address."""
        return self.devices.get(mac)


Changed = Callable[[Known, Known], Awaitable[None]]
"""Is told who was known before, and who is now."""


class StoredBook:
    """See account.Book. Changes by others (the command line) are seen within `recheck_s`."""

    def __init__(self, supplicants: Supplicants, master: MasterKey, recheck_s: float = 5.0) -> None:
        self._supplicants = supplicants
        self._master = master
        self._recheck_s = recheck_s
        self._known = Known()
        self._version: object = None
        self._task: asyncio.Task[None] | None = None
        self._changed: Changed | None = None

    async def start(self) -> None:
        """Read all, then look for changes from time to time. Raises StoreError."""
        await self.refresh()
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def account(self, identity: str) -> Account | None:
        """The user or device of this name; None also for those that are switched off."""
        return self._known.account(identity)

    def device(self, mac: bytes) -> Account | None:
        """The device with this address."""
        return self._known.device(mac)

    def observe(self, changed: Changed) -> None:
        """Call `changed` with every change from now on; there is one who is told."""
        self._changed = changed

    async def refresh(self) -> None:
        """Read what has changed. Raises StoreError."""
        version = await self._supplicants.version()
        if version == self._version:
            return
        rows = [row for row in await self._supplicants.all() if row.is_enabled]
        found = await asyncio.to_thread(self._opened, rows)
        before = self._known
        self._known = Known(
            {identity_key(row.identity): account for row, account in found},
            {mac_address.parse(row.mac): account for row, account in found if row.mac},
        )
        self._version = version
        if self._changed is not None:
            await self._changed(before, self._known)

    def _opened(self, rows: list[Supplicant]) -> list[tuple[Supplicant, Account]]:
        found = []
        for row in rows:
            try:
                found.append((row, self._account(row)))
            except (KeyFault, ValueError) as error:
                logger.error("802.1X: %s is not let in: %s", row.identity, error)
        return found

    def _account(self, row: Supplicant) -> Account:
        name = identity_key(row.identity)
        nt_hash = NtHash.unseal(self._master, name, row.nt_hash) if row.nt_hash else None
        clear = Secret(self._master.unwrap(row.password, _context(name)).decode()) if row.password else None
        return Account(row.identity, row.group_name, nt_hash, clear, row.may_bypass)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._recheck_s)
            try:
                await self.refresh()
            except StoreError as error:
                logger.warning("802.1X: users and devices stay as they were: %s", error)
            except Exception:
                # Whatever it is: were this to end, who is switched off from now on would stay in.
                logger.exception("802.1X: users and devices")


def _context(name: str) -> str:
    return f"dot1x-password/{name}"
