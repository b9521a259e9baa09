"""At which of our ports each terminal is in. A MAC address proves nothing: anybody can take one. Pure."""

from __future__ import annotations

from collections import Counter

from auth8021x.pae.grant import By


class Whereabouts:
    """Of all ports together: whoever is known less well takes nobody's place."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self._inside: dict[bytes, tuple[str, By]] = {}

    def __contains__(self, mac: object) -> bool:
        return mac in self._inside

    def comes(self, port: str, mac: bytes, by: By) -> bool:
        """A port lets it in. False where it is in at another one already, and is known better there."""
        known = self._inside.get(mac)
        if known is not None and known[0] != port and known[1].rank < by.rank:
            self.counters["impostor"] += 1
            return False
        self._inside[mac] = (port, by)
        return True

    def goes(self, port: str, mac: bytes) -> None:
        """A port lets it in no longer."""
        if self._inside.get(mac, ("", None))[0] == port:
            del self._inside[mac]
