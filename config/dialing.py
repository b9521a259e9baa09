"""Settings of dialling out: who may be called by address, how often, and how long it rings."""

from __future__ import annotations

import ipaddress
from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=600)]

PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
"""RFC 1918, RFC 6598, RFC 4193. Loopback is not among them: what listens there trusts those who can reach it."""


class DialingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls that hosts and administrators have the server make. Registered terminals may always be called."""

    networks: tuple[str, ...] = PRIVATE_NETWORKS
    """Networks (CIDR) of the numeric hosts that `sip:...` may name; by default private ones only."""
    domains: tuple[str, ...] = ()
    """Domain names that `sip:...` may name; each stands for itself and for all names below it. Names of the server
    ([server] names, listen) always mean terminals that are registered here, so they need not be listed."""

    ring_timeout_s: Seconds = 45.0
    """A party that has not answered by then is given up."""
    max_calls: Count = 50
    """Calls that ring at the same time, all rooms together."""
    max_calls_per_room: Count = 8
    """Calls of one room that ring at the same time."""
    calls_per_minute: Count = 30
    """Calls that one room may start in a minute."""
    max_forks: Annotated[int, msgspec.Meta(ge=1, le=32)] = 8
    """Devices of one terminal's alias that ring at the same time."""
    result_shown_s: Seconds = 20.0
    """How long hosts see why a call was not answered."""

    def __post_init__(self) -> None:
        for network in self.networks:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ValueError(f"networks: {network!r} is not a network such as 10.0.0.0/8") from None
