"""Several that hear what ports decide: the driver, and the directory beside it; and one that does nothing."""

from __future__ import annotations

import logging

from auth8021x.enforce.whereabouts import Whereabouts
from auth8021x.pae.grant import Grant
from auth8021x.ports.runner import Enforcement
from auth8021x.wire import mac_address
from auth8021x.wire.dictionary import TerminateCause

logger = logging.getLogger(__name__)


class Together:
    """All of them, in their order: who closes goes before who tells. None hears of an impostor."""

    def __init__(self, whereabouts: Whereabouts, *each: Enforcement) -> None:
        self._whereabouts = whereabouts
        self._each = each

    def admit(self, port: str, mac: bytes, grant: Grant, session: str) -> None:
        """Let in, or move."""
        if not self._whereabouts.comes(port, mac, grant.by):
            text = "port=%s mac=%s session=%s kept out: in at another port, and known better there"
            logger.warning(text, port, mac_address.plain(mac), session)
            return
        for one in self._each:
            one.admit(port, mac, grant, session)

    def expel(self, port: str, mac: bytes, session: str, cause: TerminateCause) -> None:
        """Let in no longer."""
        self._whereabouts.goes(port, mac)
        for one in self._each:
            one.expel(port, mac, session, cause)


class NullEnforcement:
    """Keeps nobody out: 802.1X is tried, and watched, before it is enforced."""

    def admit(self, port: str, mac: bytes, grant: Grant, session: str) -> None:
        """Nothing: it was in already."""

    def expel(self, port: str, mac: bytes, session: str, cause: TerminateCause) -> None:
        """Nothing: it stays."""
