"""Which switch has a session, and at which address it takes orders. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auth8021x.directory.session import Session
from auth8021x.sites import ByNetwork, address_of
from config.dot1x_switches import SwitchSettings


@dataclass(frozen=True, slots=True)
class Switch:
    """One of those that the settings describe together."""

    settings: SwitchSettings
    address: str

    def __str__(self) -> str:
        return f"{self.settings.name} ({self.address})"


class SwitchBook:
    """All of them, by site."""

    def __init__(self, switches: Sequence[SwitchSettings]) -> None:
        self._sites = {
            site: ByNetwork((each.networks, each) for each in switches if each.site == site)
            for site in {each.site for each in switches}
        }

    def find(self, session: Session) -> Switch | None:
        """The switch that a session is at, None for our own ports and where the settings have none of that address.

        What it calls itself goes before where its packets come from, which may be a RADIUS server that passes them on.
        """
        here = self._sites.get(session.site)
        if here is None or session.is_own:
            return None
        for text in (session.naming.nas_address, session.naming.source):
            found = here.find(text)
            if found is not None:
                return Switch(found, str(address_of(text)))
        return None
