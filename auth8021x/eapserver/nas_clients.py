"""Who may ask the server: switches by their address, each with a secret of its own. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from auth8021x.eapserver.secret_strength import demand_strong
from auth8021x.sites import Networks, address_of
from config.dot1x_server import RadiusClientSettings


@dataclass(frozen=True, slots=True)
class NasClient:
    """One, with its secret. Raises WeakSecretError."""

    settings: RadiusClientSettings
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        demand_strong(self.secret, self.settings.name)

    @property
    def name(self) -> str:
        """For logs and counters."""
        return self.settings.name


class NasClients:
    """All of them."""

    def __init__(self, clients: Sequence[NasClient]) -> None:
        self._clients = [(Networks(client.settings.networks), client) for client in clients]

    def find(self, source: str) -> NasClient | None:
        """The one with the narrowest network that holds the address."""
        address = address_of(source)
        if address is None:
            return None
        found = max(self._clients, key=lambda entry: entry[0].length(address), default=None)
        return found[1] if found is not None and found[0].length(address) >= 0 else None
