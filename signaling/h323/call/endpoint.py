"""Who we are in call signalling: EndpointType and VendorIdentifier (H.225.0 7.9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from signaling.h323.h245.determination import MCU_TERMINAL_TYPE
from signaling.h323.ras.alias import Alias
from signaling.h323.traversal import MediaFeature

TERMINAL_TYPE = 50
"""A terminal without multipoint controller (H.323 6.2.8.1)."""


@dataclass(frozen=True, slots=True)
class LocalEndpoint:
    """What every call says of us."""

    aliases: tuple[Alias, ...] = ()
    display: str = ""
    product: str = "Drumtower"
    version: str = ""
    manufacturer: tuple[int, int, int] = (181, 0, 0)
    """T.35 country code and extension, and a manufacturer code: we have none, 181 is the country of most stacks."""
    is_mcu: bool = True
    terminal_type: int | None = None
    """Of H.245, where neither an MCU's (240) nor a terminal's (50) will do (H.323 6.2.8.1)."""
    offers_tunnelling: bool = True
    """Whether H.245 may travel in Q.931 messages (H.323 8.2.1)."""
    traversal: MediaFeature | None = None
    """What we say of firewalls (H.460.19): that we are reached by everybody, or by nobody; None for nothing."""

    @property
    def h245_type(self) -> int:
        """terminalType: the greater one becomes master of H.245."""
        if self.terminal_type is not None:
            return self.terminal_type
        return MCU_TERMINAL_TYPE if self.is_mcu else TERMINAL_TYPE

    @property
    def is_hidden(self) -> bool:
        """Whether connections to us come to nothing, so that we open them (H.460.18)."""
        return self.traversal is not None and not self.traversal.is_server

    def endpoint_type(self) -> dict[str, Any]:
        """For pycrate. An MCU has a multipoint controller (H.323 8.4.3.1)."""
        country, extension, code = self.manufacturer
        vendor = {
            "vendor": {"t35CountryCode": country, "t35Extension": extension, "manufacturerCode": code},
            "productId": self.product.encode()[:256],
            "versionId": self.version.encode()[:256],
        }
        kind: dict[str, Any] = {"mcu": {}} if self.is_mcu else {"terminal": {}}
        return {"vendor": {name: part for name, part in vendor.items() if part}} | kind | {
            "mc": self.is_mcu,
            "undefinedNode": False,
        }  # fmt: skip
