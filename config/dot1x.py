"""Settings of 802.1X: RADIUS servers, accounting, dynamic authorisation, and the authenticator on our own ports."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

import msgspec

from config.dot1x_enforcement import EnforcementSettings, site_of
from config.dot1x_server import EapServerSettings
from config.dot1x_sites import (
    DirectorySettings,
    Dot1xGateSettings,
    ListenerSettings,
    SiteSettings,
    check_sites,
)
from config.dot1x_switches import SwitchSettings, check_switches
from config.media import Port, PortOrAny

Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,31}\Z")]
Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Tries = Annotated[int, msgspec.Meta(ge=1, le=20)]


class RadiusServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One RADIUS server. Servers are asked in the order in which they stand in the file."""

    name: Name
    """How it is called in logs, metrics and the portal."""
    address: str
    """Numeric IPv4 or IPv6 address."""
    transport: Literal["udp", "radsec"] = "udp"
    """"radsec": RADIUS over TLS (RFC 6614)."""
    authentication_port: PortOrAny = 1812
    """0: it is not asked about terminals. RadSec has one port for everything: 2083 unless another one is given."""
    accounting_port: PortOrAny = 1813
    """0: it is told nothing about sessions."""
    secret_file: str = ""
    """File (mode 0600) whose first line is the secret; else the systemd credential drumtower-radius-NAME. RadSec needs
    none: its secret is "radsec", what protects it is TLS."""
    demands_message_authenticator: bool = True
    """Off only for an old server that cannot be renewed: who sits between us and it can then let anybody in
    (BlastRADIUS). EAP without it is refused all the same."""
    has_status_server: bool = True
    """Whether it answers Status-Server (RFC 5997); one that does not is tried again after `revive_s`."""
    max_sockets: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    """256 requests may wait on each."""
    tls_ca: str = ""
    """RadSec: PEM file with the CA of the server's certificate."""
    tls_certificate: str = ""
    """RadSec: PEM file with our certificate and its chain."""
    tls_key: str = ""
    """RadSec: PEM file with its key, mode 0600."""
    tls_name: str = ""
    """RadSec: the name in the server's certificate; "" is its address."""

    def __post_init__(self) -> None:
        ipaddress.ip_address(self.address)
        if self.transport == "radsec" and not (self.tls_ca and self.tls_certificate and self.tls_key):
            raise ValueError(f"{self.name}: radsec needs tls_ca, tls_certificate and tls_key")


class RadiusTimers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long servers are waited for (RFC 5080 2.2.1, RFC 5997 4)."""

    retransmit_s: Seconds = 1.0
    """Until a request is sent again (IRT); doubled each time. RFC 5080 proposes 2 s, by which a second server would be
    asked too late for people who wait."""
    max_retransmit_s: Seconds = 16.0
    """MRT."""
    max_tries: Tries = 5
    """Times that a request is sent, all servers together (MRC)."""
    max_request_s: Seconds = 30.0
    """A request is given up after this time at the latest (MRD)."""
    tries_per_server: Tries = 2
    """Times that it is sent to one server while there is another one."""
    probe_interval_s: Annotated[float, msgspec.Meta(ge=0.05, le=3600)] = 6.0
    """A server that is taken for dead is asked for its status this often (RFC 3539 3.4.1: not below 6 s)."""
    probe_timeout_s: Seconds = 3.0
    answers_to_revive: Tries = 2
    """Answers in a row after which it is asked again."""
    revive_s: Seconds = 60.0
    """A dead server without Status-Server is tried again after this time."""


class AccountingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is told about sessions, kept on disk until a server has taken it."""

    directory: str = ""
    """"" is accounting under the data directory."""
    max_records: Positive = 10_000
    """Over it interim updates make way, then new records are refused."""
    max_in_flight: Positive = 64
    retry_s: Seconds = 5.0
    """A record that no server took is sent again after this time, doubled each time."""
    max_retry_s: Seconds = 300.0
    max_age_s: Annotated[float, msgspec.Meta(gt=0, le=60 * 86_400)] = 7 * 86_400.0
    """An older record is dropped."""


class DynamicClientSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may end and change sessions on our ports (RFC 5176)."""

    name: Name
    address: str
    """Numeric address that the requests come from."""
    secret_file: str = ""
    """File (mode 0600) whose first line is the secret; else the systemd credential drumtower-radius-NAME."""
    demands_message_authenticator: bool = True
    demands_event_timestamp: bool = True
    """Without Event-Timestamp a request that somebody recorded can be sent again later."""

    def __post_init__(self) -> None:
        ipaddress.ip_address(self.address)


class DynamicSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Dynamic authorisation: Disconnect and CoA requests to us."""

    listen: tuple[str, ...] = ()
    """Numeric addresses of this machine; none: nothing listens."""
    port: PortOrAny = 3799
    window_s: Annotated[float, msgspec.Meta(ge=1, le=3600)] = 300.0
    """How far Event-Timestamp may be off (RFC 5176 6.3)."""
    max_remembered: Positive = 20_000
    """Requests remembered, so that none is taken twice; past it new ones are dropped."""
    clients: Annotated[tuple[DynamicClientSettings, ...], msgspec.Meta(max_length=64)] = ()

    def __post_init__(self) -> None:
        for address in self.listen:
            ipaddress.ip_address(address)


class PaeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The authenticator (IEEE 802.1X-2004 8.2), with the names of the standard."""

    quiet_period_s: Annotated[float, msgspec.Meta(ge=0, le=65_535)] = 60.0
    """After a failure a terminal is not listened to for so long (quietPeriod)."""
    re_auth_max: Tries = 2
    """Times that a terminal is asked before it is given up for the moment (reAuthMax)."""
    server_timeout_s: Seconds = 30.0
    """serverTimeout: longer than `max_request_s` of the timers, or the answer comes for nobody."""
    reauthenticates: bool = False
    """Ask again every `re_auth_period_s`; what the RADIUS server says with Session-Timeout comes first."""
    re_auth_period_s: Annotated[float, msgspec.Meta(ge=1, le=7 * 86_400)] = 3600.0
    request_timeout_s: Seconds = 3.0
    """A terminal that does not answer is asked again after this time (RFC 3748 4.3)."""
    max_requests: Tries = 4
    """Times that one EAP request is sent."""
    start_interval_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 10.0
    """An authenticated terminal that says Start is asked again at most this often."""
    restart_after_s: Seconds = 1.0
    """A Start counts during an authentication only when the terminal has owed an answer for so long."""
    logoff: Literal["honour", "confirm", "ignore"] = "honour"
    """Logoff carries no proof: it may be taken at its word, be a reason to ask the terminal, or nothing."""
    without_server: Literal["end", "keep"] = "end"
    """What becomes of a session that is due for renewal while no RADIUS server answers."""
    server_retry_s: Seconds = 60.0
    """A session that was kept is renewed after this time."""
    bypass: Literal["off", "silent"] = "off"
    """"silent": a terminal that does not speak EAP is looked up by its MAC address (Call-Check)."""
    guest: Literal["off", "silent", "all"] = "off"
    """Who is let into the guest network: terminals that do not speak EAP, or also those that were refused."""
    guest_network: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Its VLAN."""
    max_supplicants_per_port: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 16
    new_supplicants_per_s: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 5.0
    """MAC addresses that may appear on a port, in the long run; a burst of twice the table is let in."""
    min_interim_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 60
    """The shortest interval of interim updates that a server may ask for."""

    def __post_init__(self) -> None:
        if self.guest != "off" and not self.guest_network:
            raise ValueError("guest_network: name the VLAN of guests")


class Dot1xSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """802.1X."""

    nas_identifier: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "drumtower"
    """How we call ourselves towards RADIUS servers."""
    nas_address: str = ""
    """Numeric address that they know us by (NAS-IP-Address); "" sends none."""
    servers: Annotated[tuple[RadiusServerSettings, ...], msgspec.Meta(max_length=16)] = ()
    """Each a table [[dot1x.servers]]."""
    timers: RadiusTimers = RadiusTimers()
    accounting: AccountingSettings = AccountingSettings()
    dynamic: DynamicSettings = DynamicSettings()
    pae: PaeSettings = PaeSettings()
    sites: Annotated[tuple[SiteSettings, ...], msgspec.Meta(max_length=256)] = ()
    """Each a table [[dot1x.sites]]."""
    listener: ListenerSettings = ListenerSettings()
    switches: Annotated[tuple[SwitchSettings, ...], msgspec.Meta(max_length=256)] = ()
    """Each a table [[dot1x.switches]]."""
    directory: DirectorySettings = DirectorySettings()
    gate: Dot1xGateSettings = Dot1xGateSettings()
    eap_server: EapServerSettings = EapServerSettings()
    enforcement: EnforcementSettings = EnforcementSettings()
    max_datagram_bytes: Annotated[int, msgspec.Meta(ge=1024, le=4096)] = 4096
    udp_batch: Positive = 256
    """Datagrams read from one socket before others get their turn."""

    def __post_init__(self) -> None:
        names = [each.name for each in self.servers] + [each.name for each in self.dynamic.clients]
        names += [each.name for each in self.listener.clients] + [each.name for each in self.eap_server.clients]
        names += [each.name for each in self.switches]
        if len(set(names)) != len(names):
            raise ValueError("servers, clients, switches: each needs a name of its own")
        if self.nas_address:
            ipaddress.ip_address(self.nas_address)
        if self.pae.server_timeout_s < self.timers.max_request_s:
            raise ValueError("pae.server_timeout_s: must not be below timers.max_request_s")
        check_sites(self.sites, self.listener.clients)
        check_switches(self.switches, [site.name for site in self.sites])
        for port in self.enforcement.ports:
            site_of(port, [site.name for site in self.sites])


RADSEC_PORT: Port = 2083
"""RFC 6614 2.1."""
