"""Settings of the embedded RADIUS server: who may ask it, which EAP methods it knows, what it grants."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from itertools import combinations
from typing import Annotated, Literal

import msgspec

from config.media import PortOrAny

Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,31}\Z")]
Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Vlan = Annotated[str, msgspec.Meta(max_length=64)]
EapMethod = Literal["tls", "peap", "ttls", "md5"]


class RadiusClientSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Switches, or our own authenticator, that may ask the embedded server."""

    name: Name
    networks: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    """CIDR, or a single address: where their packets come from. Of several the narrowest counts."""
    secret_file: str = ""
    """File (mode 0600) whose first line is the secret; else the systemd credential drumtower-radius-NAME. `drumtower
    dot1x secret FILE` makes one. Weak ones are refused."""
    demands_message_authenticator: bool = True
    """Off only for an old switch that cannot be renewed, and then not for EAP: who sits in between can forge its
    requests (BlastRADIUS)."""
    vlans: dict[Name, Vlan] = {}
    """Table [dot1x.eap_server.clients.vlans]: group = VLAN, where these switches have another number or name for it."""

    def __post_init__(self) -> None:
        for network in self.networks:
            ipaddress.ip_network(network)


class GroupSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the devices of one group are granted."""

    name: Name
    vlan: Vlan = ""
    """Number or name; "" leaves them in the network of the port."""
    filter_id: Annotated[str, msgspec.Meta(max_length=253)] = ""
    """Filter-Id: their role at the switch."""
    session_timeout_s: Annotated[int, msgspec.Meta(ge=0, le=7 * 86_400)] = 0
    """0: as for all."""
    clients: Annotated[tuple[Name, ...], msgspec.Meta(max_length=256)] = ()
    """Names of [[dot1x.eap_server.clients]]: at which switches they are let in; none: at all."""


class EapServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The embedded server."""

    listen: tuple[str, ...] = ("127.0.0.1",)
    """Numeric addresses of this machine. Without clients nothing listens at all."""
    port: PortOrAny = 1812
    clients: Annotated[tuple[RadiusClientSettings, ...], msgspec.Meta(max_length=256)] = ()
    """Each a table [[dot1x.eap_server.clients]]."""
    groups: Annotated[tuple[GroupSettings, ...], msgspec.Meta(max_length=256)] = ()
    """Each a table [[dot1x.eap_server.groups]]."""
    methods: Annotated[tuple[EapMethod, ...], msgspec.Meta(min_length=1)] = ("tls",)
    """EAP methods, the one that is proposed first in front. "tls": certificates of the devices. "peap" (MSCHAPv2) and
    "ttls" (PAP): passwords inside TLS. "md5" protects neither the password nor from who sits in between: only for old
    terminals on wires that nobody else can reach."""
    bypasses: bool = False
    """Whether devices may be let in by their MAC address alone (Call-Check), those that are marked for it."""
    anonymous: tuple[str, ...] = ("", "anonymous", "anon")
    """Outer identities (what stands before "@") that are nobody's name. Any other has to be the one that is proved."""
    certificate: str = ""
    """PEM file: our certificate and its chain; "" is dot1x/server.pem under the data directory."""
    key: str = ""
    """PEM file with its key, mode 0600; "" is dot1x/server.key there."""
    client_ca: str = ""
    """PEM file: who signs the certificates of devices, and nobody else; "" is dot1x/ca.pem there."""
    fragment_bytes: Annotated[int, msgspec.Meta(ge=64, le=3000)] = 1000
    """TLS in one EAP packet; less where a switch says so (Framed-MTU)."""
    max_message_bytes: Annotated[int, msgspec.Meta(ge=4096, le=1 << 17)] = 1 << 15
    """One flight of TLS of a peer: its certificate and chain."""
    max_rounds: Annotated[int, msgspec.Meta(ge=10, le=1000)] = 64
    """Requests in one conversation."""
    max_sessions: Positive = 4096
    """Conversations at a time; past it no new one begins."""
    max_sessions_per_client: Positive = 2048
    session_s: Seconds = 60.0
    """A conversation that takes longer is over."""
    handshakes_per_context: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 500
    """Certificates are read again after so many."""
    session_timeout_s: Annotated[int, msgspec.Meta(ge=60, le=7 * 86_400)] = 3600
    """A terminal has to prove again who it is after this time (Session-Timeout, Termination-Action RADIUS-Request)."""
    failures_per_station: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    """Wrong passwords for one name from one device, within `failure_window_s`; past it neither is looked at."""
    failures_per_identity: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 50
    """The same from all devices together, since MAC addresses can be invented."""
    failure_window_s: Seconds = 600.0
    max_failures: Positive = 20_000
    """Names and devices that are counted."""
    remembered_s: Seconds = 10.0
    """An answer is kept for so long, for when the request comes again (RFC 5080 2.2.2)."""
    max_remembered: Positive = 20_000

    def __post_init__(self) -> None:
        for address in self.listen:
            ipaddress.ip_address(address)
        for entries in (self.clients, self.groups):
            _check_names(entries)
        _check_references(self.clients, self.groups)
        if len(set(self.methods)) != len(self.methods):
            raise ValueError("methods: one is named twice")
        for one, other in combinations(self.clients, 2):
            if _networks(one) & _networks(other):
                raise ValueError(f"clients: {one.name} and {other.name} have the same network")


def _check_names(entries: Sequence[RadiusClientSettings | GroupSettings]) -> None:
    if len({each.name for each in entries}) != len(entries):
        raise ValueError("clients, groups: each needs a name of its own")


def _networks(client: RadiusClientSettings) -> set[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return {ipaddress.ip_network(each) for each in client.networks}


def _check_references(clients: Sequence[RadiusClientSettings], groups: Sequence[GroupSettings]) -> None:
    """What is misspelled must not put a device into another network, or let it in nowhere."""
    known_clients, known_groups = {each.name for each in clients}, {each.name for each in groups}
    for group in groups:
        if unknown := set(group.clients) - known_clients:
            raise ValueError(f"groups: {group.name}: there is no client {min(unknown)}")
    for client in clients:
        if unknown := set(client.vlans) - known_groups:
            raise ValueError(f"clients: {client.name}: there is no group {min(unknown)}")
