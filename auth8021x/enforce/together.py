"""Several that hear what ports decide: the driver, and the directory beside it; and one that does nothing."""

from __future__ import annotations

from auth8021x.pae.grant import Grant
from auth8021x.ports.runner import Enforcement
from auth8021x.wire.dictionary import TerminateCause


class Together:
    """All of them, in their order: who closes goes before who tells."""

    def __init__(self, *each: Enforcement) -> None:
        self._each = each

    def admit(self, port: str, mac: bytes, grant: Grant, session: str) -> None:
        """Let in, or move."""
        for one in self._each:
            one.admit(port, mac, grant, session)

    def expel(self, port: str, mac: bytes, session: str, cause: TerminateCause) -> None:
        """Let in no longer."""
        for one in self._each:
            one.expel(port, mac, session, cause)


class NullEnforcement:
    """Keeps nobody out: 802.1X is tried, and watched, before it is enforced."""

    def admit(self, port: str, mac: bytes, grant: Grant, session: str) -> None:
        """Nothing: it was in already."""

    def expel(self, port: str, mac: bytes, session: str, cause: TerminateCause) -> None:
        """Nothing: it stays."""
