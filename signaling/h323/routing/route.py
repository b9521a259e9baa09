"""Whose call is routed, and where to (H.225.0 7.11): asked of the gatekeeper that admitted it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from signaling.h323.call.setup import Setup
from signaling.h323.ras.address import Address
from signaling.h323.ras.registration import Registration


@dataclass(frozen=True, slots=True)
class Route:
    """An admitted call."""

    caller: Registration
    called: Registration


class Routes(Protocol):
    """The owner's say about a Setup."""

    @property
    def has_any(self) -> bool:
        """Whether any call is to be routed now: without one no Setup has to be read for it."""

    def find(self, setup: Setup, remote: Address, account: str) -> Route | str | None:
        """Where a call goes that came from `remote`, signed by `account` ("" for nobody).

        None where it is no call to be routed, else why it is not (ReleaseCompleteReason).
        """
