"""One registered endpoint (H.225.0 7.9), and how it is kept over a restart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from signaling.h323 import traversal
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias

_MAX_VENDOR_CHARACTERS = 64
_KINDS = ("mcu", "gateway", "terminal")


@dataclass(frozen=True, slots=True)
class Vendor:
    """What a terminal says it is (VendorIdentifier): shown to people, believed by nobody."""

    product: str = ""
    version: str = ""
    manufacturer: tuple[int, int, int] = (0, 0, 0)
    """T.35 country code and extension, and the manufacturer's own code."""

    @classmethod
    def parse(cls, value: Any) -> Vendor:
        """From pycrate's value."""
        code = value["vendor"]
        number = (code["t35CountryCode"], code["t35Extension"], code["manufacturerCode"])
        return cls(_shown(value.get("productId", b"")), _shown(value.get("versionId", b"")), number)


@dataclass(frozen=True, slots=True)
class Registration:
    """Who is registered under which aliases, and where."""

    identifier: str
    """endpointIdentifier: random, ours."""
    aliases: tuple[Alias, ...]
    signalling: Address
    """callSignalAddress, as the terminal wrote it."""
    ras: Address
    """Where its gatekeeper's messages go."""
    source: Address
    """Where its registration came from."""
    local: str
    """The address of ours that it came to."""
    account: str
    """Whose password it signed with, "" for nobody's."""
    senders_id: str
    """What it calls itself in its tokens (H.235.1)."""
    version: int
    """Of H.225.0."""
    vendor: Vendor
    kind: str
    """"terminal", "gateway" or "mcu"."""
    features: frozenset[int]
    """Standard features (H.460.x) that it supports, by number."""
    time_to_live_s: int
    registered_at: float
    """First seen; seconds UTC."""
    refreshed_at: float
    is_almost_full: bool = False
    """It said that it runs out of resources (RAI)."""

    @property
    def expires_at(self) -> float:
        """When it is asked whether it is still there; seconds UTC."""
        return self.refreshed_at + self.time_to_live_s

    @property
    def is_translated(self) -> bool:
        """A NAT stands between: the terminal knows itself under another address."""
        return self.signalling[0] != self.source[0]

    @property
    def is_traversing(self) -> bool:
        """It opens every connection itself (H.460.18): where it says that it is counts for nothing."""
        return traversal.SIGNALLING in self.features

    @property
    def data(self) -> str:
        """All of it, for the database."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def parse(cls, data: bytes | str) -> Registration:
        """What `data` was. Raises msgspec.MsgspecError."""
        return msgspec.json.decode(data, type=cls)


def kind_of(terminal_type: Any) -> str:
    """The kind that an EndpointType names; an MCU may say that it is a terminal as well."""
    return next((kind for kind in _KINDS if kind in terminal_type), "terminal")


def _shown(octets: bytes) -> str:
    text = octets[:_MAX_VENDOR_CHARACTERS].decode("utf-8", "replace")
    return "".join(char for char in text if char.isprintable()).strip()
