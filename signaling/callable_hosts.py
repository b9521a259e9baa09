"""Which hosts may be called by address, whatever the protocol: those of the settings' networks and domains. Pure."""

from __future__ import annotations

import ipaddress

from config.dialing import DialingSettings


def may_call(host: str, settings: DialingSettings) -> bool:
    """Whether `sip:...@host` or `h323:...@host` may be dialled."""
    name = host.lower().rstrip(".")
    address = numeric(host)
    if address:
        return any(ipaddress.ip_address(address) in ipaddress.ip_network(network) for network in settings.networks)
    domains = [domain.lower().strip(".") for domain in settings.domains]
    return any(name == domain or name.endswith("." + domain) for domain in domains)


def numeric(host: str) -> str:
    """The address that a host is, in its usual form; "" for a name."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return ""
