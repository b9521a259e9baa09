"""How a switch names a session and itself, word for word: orders to it have to say the same (RFC 5176 3)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Naming:
    """What it did not say is empty."""

    source: str = ""
    """Where its packets come from; another one where a RADIUS server passes them on."""
    nas_address: str = ""
    """NAS-IP-Address or NAS-IPv6-Address."""
    nas_identifier: str = ""
    user_name: str = ""
    station: str = ""
    """Calling-Station-Id."""
    port: int | None = None
    """NAS-Port."""
    port_id: str = ""
    """NAS-Port-Id."""

    def and_then(self, later: Naming) -> Naming:
        """With what was said later; what is left out then stays."""
        said = {each.name: getattr(later, each.name) for each in fields(later)}
        return replace(self, **{name: value for name, value in said.items() if value not in ("", None)})


UNSAID: Final = Naming()
"""Of our own ports, which nobody has to be told about."""
