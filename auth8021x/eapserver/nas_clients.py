"""Who may ask the server: switches by their address, each with a secret of its own. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from auth8021x.eapserver.secret_strength import demand_strong
from auth8021x.sites import ByNetwork
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


class NasClients(ByNetwork[NasClient]):
    """All of them."""

    def __init__(self, clients: Sequence[NasClient]) -> None:
        super().__init__((client.settings.networks, client) for client in clients)
