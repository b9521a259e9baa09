"""Settings of the server as a whole: where it keeps things and under which addresses it is found."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

import msgspec

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ExternalAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What peers of some networks must be told instead of a local address, because of a NAT in between."""

    local: str
    """Numeric address of this machine."""
    external: str
    """Numeric address under which those peers reach it."""
    networks: tuple[str, ...] = ()
    """Networks of those peers (CIDR); none means everybody who is not in a private network."""

    def __post_init__(self) -> None:
        _numeric(self.local, "external.local")
        _numeric(self.external, "external.external")
        for network in self.networks:
            _network(network, "external.networks")


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Data directory, addresses, HTTPS."""

    data: str = "data"
    """Directory for database, certificates and recordings; relative to where the server is started."""
    listen: tuple[str, ...] = ("127.0.0.1",)
    """Numeric addresses of this machine (IPv4, IPv6) to listen on: web, SIP and media. No wildcards, because an answer
    has to leave from the address that was asked."""
    http_port: Port = 8080
    """TCP port of the portal, HTTP or HTTPS."""
    https: Literal["auto", "on", "off"] = "auto"
    """"auto": HTTPS as soon as one address is not loopback or a certificate is given; "off" only works on loopback."""
    tls_certificate: str = ""
    """PEM file with the server's certificate and its chain; "" uses the private CA made under `data`."""
    tls_key: str = ""
    """PEM file with the key of `tls_certificate`, mode 0600."""
    names: tuple[str, ...] = ()
    """DNS names under which users find the server, for the certificate and for links."""
    external: tuple[ExternalAddress, ...] = ()
    """External addresses, one entry a local address and group of networks; the first that fits counts."""

    def __post_init__(self) -> None:
        if not self.listen:
            raise ValueError("listen: name at least one address")
        for text in self.listen:
            if _numeric(text, "listen").is_unspecified:
                raise ValueError(f"listen: {text} is a wildcard; name the addresses of this machine")
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("tls_certificate and tls_key: give both or neither")
        if self.https == "off" and not self.is_loopback:
            raise ValueError('https: "off" is allowed only while every address of listen is loopback')
        missing = [entry.local for entry in self.external if entry.local not in self.listen]
        if missing:
            raise ValueError(f"external.local: {missing[0]} is not among the addresses of listen")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return all(ipaddress.ip_address(text.partition("%")[0]).is_loopback for text in self.listen)

    @property
    def is_https(self) -> bool:
        """Whether the portal speaks HTTPS; always so where anybody else can reach it."""
        if self.https == "auto":
            return not self.is_loopback or bool(self.tls_certificate)
        return self.https == "on"


def _numeric(text: str, key: str) -> Address:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        raise ValueError(f"{key}: {text!r} is not a numeric IPv4 or IPv6 address") from None


def _network(text: str, key: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{key}: {text!r} is not a network such as 10.0.0.0/8 ({error})") from None
