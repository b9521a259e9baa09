"""Whether calls are asked for a session of the network (IEEE 802.1X), and who tells of such sessions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auth8021x.accounting.udp import server
from auth8021x.eapserver.secret_strength import ADVICE, weakness
from auth8021x.switches.courier import secrets_of
from config.dot1x_enforcement import site_of
from config.settings import Settings
from crypto.secret_file import SecretFault
from drumtower.checks.finding import Finding, fail, ok, warn
from drumtower.dot1x import has_directory, is_asking

_SAID: Final = {
    "off": "calls are not asked for a session of the network",
    "monitor": "calls without a session of the network are let in and noted",
    "enforce": "calls without a session of the network are refused",
}


def check_dot1x(settings: Settings) -> Iterator[Finding]:
    """Modes of the sites, secrets of the switches, addresses that tell sites apart."""
    dot1x = settings.dot1x
    if not has_directory(dot1x):
        yield ok("dot1x", "802.1X: " + _SAID["off"])
        return
    for site in dot1x.sites:
        yield ok("dot1x", f"site {site.name}: {_SAID[site.mode]}")
    if dot1x.gate.elsewhere != "off":
        yield ok("dot1x", f"everywhere else: {_SAID[dot1x.gate.elsewhere]}")
    try:
        server(dot1x)
        secrets = secrets_of(dot1x)
    except SecretFault as fault:
        secrets = {}
        yield fail("dot1x", str(fault), "make it with `drumtower dot1x secret FILE`, and enter it at the switch")
    for name, secret in secrets.items():
        if reason := weakness(secret):
            yield warn(
                "dot1x", f"switches {name}: whoever has recorded one order can guess the secret: {reason}", ADVICE
            )
    yield from _tellers(settings)
    yield from _arrivals(settings)


def _tellers(settings: Settings) -> Iterator[Finding]:
    listener = settings.dot1x.listener
    if listener.listen and not listener.clients:
        yield warn("dot1x", "accounting is listened for, but no switch may send any", "add [[dot1x.listener.clients]]")
    told = {client.site for client in listener.clients} if listener.listen else set()
    sites = [site.name for site in settings.dot1x.sites]
    told |= {site_of(port, sites) for port in settings.dot1x.enforcement.ports}
    for site in settings.dot1x.sites if is_asking(settings.dot1x) else ():
        if site.mode != "off" and site.name not in told:
            text = f"site {site.name}: no switch tells of its sessions, so that none of its terminals has one"
            yield warn("dot1x", text, "let its switches send accounting here: [dot1x.listener] in docs/dot1x.md")


def _arrivals(settings: Settings) -> Iterator[Finding]:
    """A site that calls come in for at an address that is not served is never found."""
    served = {*settings.server.listen, *(each.address for each in settings.sip.listen)}
    served |= {each.address for each in settings.h323.listen} if settings.h323.enabled else set()
    for site in settings.dot1x.sites:
        for address in site.arrives_at:
            if address not in served:
                advice = "name an address of [server] listen"
                yield warn("dot1x", f"site {site.name}: no call comes in at {address}", advice)
