"""Registrations over a restart: what the gatekeeper has in memory follows into the database in batches."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from signaling.h323.ras.registration import Registration
from signaling.h323.ras.registrations import kept_until
from store.bindings import Keepable, KeptBinding

logger = logging.getLogger(__name__)


class Rows(Protocol):
    """store.bindings.Bindings of the gatekeeper."""

    def put(self, binding: Keepable) -> None:
        """Keep the newest value of its key."""

    def remove(self, key: str) -> None:
        """Keep nothing under this key."""

    async def load(self, now: float) -> Sequence[KeptBinding]:
        """Those that have not expired."""


@dataclass(frozen=True, slots=True)
class _Row:
    """store.bindings.Keepable."""

    registration: Registration

    @property
    def key(self) -> str:
        return self.registration.identifier

    @property
    def alias(self) -> str:
        return self.registration.account

    @property
    def expires_at(self) -> float:
        return kept_until(self.registration)

    @property
    def data(self) -> str:
        return self.registration.data


class KeptRegistrations:
    """signaling.h323.ras.registrations.RegistrationStore."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def put(self, registration: Registration) -> None:
        """Keep it, in the place of what its identifier had before."""
        self._rows.put(_Row(registration))

    def remove(self, identifier: str) -> None:
        """Forget it."""
        self._rows.remove(identifier)

    async def load(self, now: float) -> list[Registration]:
        """Who was registered. Raises StoreError."""
        return [found for row in await self._rows.load(now) if (found := _parsed(row)) is not None]


def _parsed(row: KeptBinding) -> Registration | None:
    """None for a row of another version of the program: the terminal registers again."""
    try:
        return Registration.parse(row.data)
    except msgspec.MsgspecError:
        logger.warning("endpoint=%s a kept registration cannot be read", row.key)
        return None
