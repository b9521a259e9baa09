"""Settings of 802.1X that concern calls: networks of sites, whose switches tell us about sessions, and the gate."""

from __future__ import annotations

import ipaddress
import re
from itertools import combinations
from typing import Annotated, Literal

import msgspec

from config.media import PortOrAny

Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,31}\Z")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=30 * 86_400)]
Mode = Literal["off", "monitor", "enforce"]
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z")


class DeviceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A terminal that calls under other names than the one it shows to the network, or whose address never changes."""

    mac: str = ""
    """As 02:00:5e:00:53:01; "" is any with this identity."""
    identity: Annotated[str, msgspec.Meta(max_length=253)] = ""
    """Of its 802.1X session; "" is any of this MAC address."""
    aliases: Annotated[tuple[Text, ...], msgspec.Meta(max_length=64)] = ()
    """Names that it may call under beside its own."""
    addresses: Annotated[tuple[str, ...], msgspec.Meta(max_length=8)] = ()
    """Static addresses: believed while its session runs and nothing better is known. They need `mac`."""

    def __post_init__(self) -> None:
        if not self.mac and not self.identity:
            raise ValueError("devices: mac or identity is needed")
        if self.mac and not _MAC.match(self.mac):
            raise ValueError(f"devices: {self.mac}: write it as 02:00:5e:00:53:01")
        if self.addresses and not self.mac:
            raise ValueError("devices: addresses need the mac that has them")
        for address in self.addresses:
            ipaddress.ip_address(address)


class SiteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The network of one site. Private ranges may be those of other sites, too: see `arrives_at`."""

    name: Name
    networks: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    """CIDR: where its terminals are."""
    arrives_at: Annotated[tuple[str, ...], msgspec.Meta(max_length=16)] = ()
    """Addresses of this server that the site's calls come in at; none: any. Tells apart sites with the same ranges."""
    mode: Mode = "off"
    """"off": calls are not asked for a session. "monitor": all are let in, with a line in the audit."""
    exempt: Annotated[tuple[str, ...], msgspec.Meta(max_length=64)] = ()
    """CIDR: peers and NATs behind which no session can be told; they have to prove who they are to us."""
    realms: Annotated[tuple[Text, ...], msgspec.Meta(max_length=16)] = ()
    """Realms that may be left out: with "ward.example" here vt1@ward.example is the terminal vt1."""
    any_alias_roles: Annotated[tuple[Text, ...], msgspec.Meta(max_length=16)] = ()
    """Roles that may call under any name, as a gateway does."""
    devices: Annotated[tuple[DeviceSettings, ...], msgspec.Meta(max_length=10_000)] = ()
    """Each a table [[dot1x.sites.devices]]."""

    def __post_init__(self) -> None:
        for network in (*self.networks, *self.exempt):
            ipaddress.ip_network(network)
        for address in self.arrives_at:
            ipaddress.ip_address(address)


class AccountingClientSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Switches, or a RADIUS server that passes on, that tell us about sessions."""

    name: Name
    networks: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    """CIDR, or a single address: where their packets come from."""
    site: Name
    secret_file: str = ""
    """File (mode 0600) whose first line is the secret; else the systemd credential drumtower-radius-NAME."""
    interim_s: Annotated[float, msgspec.Meta(ge=30, le=86_400)] = 900.0
    """How often the switches are set to send interim updates; what they say themselves comes first."""
    demands_event_timestamp: bool = False
    """Refuse what carries no time or an old one, so that nothing that was recorded can be sent again; switches need
    the right time (NTP)."""

    def __post_init__(self) -> None:
        for network in self.networks:
            ipaddress.ip_network(network)


class ListenerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The accounting listener."""

    listen: tuple[str, ...] = ()
    """Numeric addresses of this machine; none: nothing listens."""
    port: PortOrAny = 1813
    clients: Annotated[tuple[AccountingClientSettings, ...], msgspec.Meta(max_length=256)] = ()
    """Each a table [[dot1x.listener.clients]]."""
    packets_per_s: Positive = 5000
    """Packets looked at, all clients together; further ones are dropped unread."""
    client_packets_per_s: Positive = 500
    """Packets of one client in the long run; four times as many at once."""
    remembered_s: Seconds = 30.0
    """An answer is kept for so long, for when the request comes again (RFC 5080 2.2.2)."""
    max_remembered: Positive = 100_000
    """Requests remembered; past it new ones are dropped. Where Event-Timestamp is demanded they are kept for twice its
    window, so that none that was recorded counts again."""
    window_s: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 300.0
    """How far Event-Timestamp may be off, where it is demanded."""

    def __post_init__(self) -> None:
        for address in self.listen:
            ipaddress.ip_address(address)


class DirectorySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The directory of sessions."""

    max_sessions: Positive = 20_000
    """Past it no new session is taken; those that are there stay."""
    max_sessions_per_nas: Positive = 2000
    max_addresses: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    """Of one session; past it the least trusted and oldest goes."""
    max_closed: Positive = 100_000
    """Ended sessions that are remembered, so that a late update opens none of them again."""
    closed_s: Seconds = 86_400.0
    grace_s: Seconds = 60.0
    """A session that is told about by a switch ends this long after three interim updates were missed."""
    fresh_s: Seconds = 900.0
    """For so long after it was seen last an address seen on our own ports is not lost to what accounting says."""
    audit_lines_per_minute: Positive = 600


class Dot1xGateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The gate: whether a terminal may register, call and join."""

    elsewhere: Mode = "off"
    """For sources in no site. They have no session: "enforce" lets in only those who are exempt."""
    exempt: Annotated[tuple[str, ...], msgspec.Meta(max_length=256)] = ()
    """CIDR: exempt wherever they call in; they have to prove who they are to us."""
    protocols: tuple[Literal["sip", "h323", "webrtc"], ...] = ("sip", "h323", "webrtc")
    """Who is asked for a session."""
    identities: tuple[Literal["sip", "h323", "webrtc"], ...] = ("sip", "h323")
    """Whose name must be that of the session. With "webrtc" also the name that somebody types into the join page;
    without it hosts see beside it who the device is. People join on machines that are not theirs."""
    answer_s: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.05
    """A directory that gives no answer in this time has none; in mode "enforce" that is a refusal."""
    drops_calls: Literal["never", "ended", "all"] = "ended"
    """Calls of a session that ended: kept; dropped when its end was told; dropped also when the switch fell silent."""
    drop_after_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 30.0
    """Grace: a terminal that is back in its session by then keeps its call."""
    audit_repeat_s: Seconds = 600.0
    """The same answer to the same question is written again after this time."""
    audit_lines_per_minute: Positive = 600

    def __post_init__(self) -> None:
        for network in self.exempt:
            ipaddress.ip_network(network)


def check_sites(sites: tuple[SiteSettings, ...], clients: tuple[AccountingClientSettings, ...]) -> None:
    """Raises ValueError where it could not be told which site somebody is in."""
    names = {site.name for site in sites}
    if len(names) != len(sites):
        raise ValueError("sites: each needs a name of its own")
    for client in clients:
        if client.site not in names:
            raise ValueError(f"listener.clients: {client.name}: there is no site {client.site}")
    for one, other in combinations(sites, 2):
        if _meet(one, other) and _share(one.networks, other.networks):
            raise ValueError(f"sites: {one.name} and {other.name} have the same network; give each its arrives_at")
    for a, b in combinations(clients, 2):
        if _share(a.networks, b.networks):
            raise ValueError(f"listener.clients: {a.name} and {b.name} have the same network")


def _meet(one: SiteSettings, other: SiteSettings) -> bool:
    """Whether calls of both come in at the same address. A site with `arrives_at` goes before one without."""
    mine, theirs = ({ipaddress.ip_address(each) for each in site.arrives_at} for site in (one, other))
    return bool(mine & theirs) or (not mine and not theirs)


def _share(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Whether they hold the very same network; of a wider and a narrower one the narrower counts."""
    return bool({ipaddress.ip_network(each) for each in some} & {ipaddress.ip_network(each) for each in others})
