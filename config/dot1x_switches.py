"""Settings of the hospital's own switches: where orders about their sessions are sent, and in which words."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from itertools import combinations
from typing import Annotated, Literal

import msgspec

from config.media import Port

Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,31}\Z")]
NamedBy = Literal["user-name", "calling-station-id", "acct-session-id", "nas-port", "nas-port-id"]


class SwitchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Switches that are told to end and to change sessions (RFC 5176)."""

    name: Name
    site: Name
    """Whose sessions they have."""
    networks: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    """CIDR, or single addresses: which switches these are, by the NAS-IP-Address that they say in accounting, or by
    where it comes from. Orders go to that address."""
    port: Port = 3799
    secret_file: str = ""
    """File (mode 0600) whose first line is the secret; else the systemd credential drumtower-radius-NAME."""
    named_by: Annotated[tuple[NamedBy, ...], msgspec.Meta(min_length=1)] = (
        "user-name", "calling-station-id", "acct-session-id", "nas-port",
    )  # fmt: skip
    """What names a session to them (RFC 5176 3). Where that is refused Calling-Station-Id and Acct-Session-Id alone
    are tried."""
    changes: Literal["disconnect", "coa"] = "disconnect"
    """What is sent when a device is given another group: "coa" changes its VLAN and role while the session runs;
    "disconnect", which more switches know, has it authenticate anew."""

    def __post_init__(self) -> None:
        for network in self.networks:
            ipaddress.ip_network(network)
        if not {"calling-station-id", "acct-session-id"} & set(self.named_by):
            raise ValueError(f"switches: {self.name}: named_by needs calling-station-id or acct-session-id")


def check_switches(switches: tuple[SwitchSettings, ...], sites: Collection[str]) -> None:
    """Raises ValueError where it could not be told which switches are meant."""
    for switch in switches:
        if switch.site not in sites:
            raise ValueError(f"switches: {switch.name}: there is no site {switch.site}")
    for one, other in combinations(switches, 2):
        if one.site == other.site and _networks(one) & _networks(other):
            raise ValueError(f"switches: {one.name} and {other.name} have the same network")


def _networks(switch: SwitchSettings) -> set[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return {ipaddress.ip_network(each) for each in switch.networks}
