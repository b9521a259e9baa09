"""Bandwidth admission (H.323 8.4.1): what the calls of each site take, and how much another one gets. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import lru_cache

from config.h323 import H323Settings

UNIT_BPS = 100
"""Of BandWidth (H.225.0 7.6): hundreds of bits a second, both directions added."""
_LEAST_BPS = 128_000
"""A call that asked for more and gets less than one voice channel each way is refused."""


@dataclass(slots=True)
class _Site:
    max_bps: int | None
    """None: no line that could be full."""
    max_call_bps: int
    used_bps: int = 0
    calls: dict[Hashable, int] = field(default_factory=dict)


class BandwidthBudget:
    """Grants bandwidth to calls by the site of the terminal; the caller bounds how many calls there are."""

    def __init__(self, settings: H323Settings) -> None:
        self._networks = [
            (ipaddress.ip_network(network), site.name) for site in settings.sites for network in site.networks
        ]
        self._sites = {site.name: _Site(site.max_bps, site.max_call_bps) for site in settings.sites}
        self._elsewhere = _Site(None, settings.max_call_bps)
        self._calls: dict[Hashable, _Site] = {}
        self.site_of = lru_cache(4096)(self._site_of)

    def take(self, call: Hashable, host: str, wanted_bps: int, *, exactly: bool = False) -> int | None:
        """What a call of the terminal at `host` may use, up to what it wants; None where that is too little.

        A call that has something already asks for another amount: on refusal it keeps what it has. With `exactly` less
        than it wants is too little.
        """
        site = self._calls.get(call) or self._sites.get(self.site_of(host), self._elsewhere)
        had = site.calls.get(call, 0)
        allowed = self._allowed(site, had)
        granted = min(wanted_bps, allowed)
        if granted < (wanted_bps if exactly else min(wanted_bps, _LEAST_BPS)):
            return None
        site.calls[call] = granted
        site.used_bps += granted - had
        self._calls[call] = site
        return granted

    def allowed(self, call: Hashable) -> int:
        """The most that this call could have now, 0 for one that is unknown."""
        site = self._calls.get(call)
        return self._allowed(site, site.calls[call]) if site is not None else 0

    def give_back(self, call: Hashable) -> None:
        """The call is over."""
        site = self._calls.pop(call, None)
        if site is not None:
            site.used_bps -= site.calls.pop(call)

    def used_bps(self, site: str = "") -> int:
        """What the calls of a site take, "" for terminals outside all of them."""
        return self._sites.get(site, self._elsewhere).used_bps

    def _site_of(self, host: str) -> str:
        address = ipaddress.ip_address(host.partition("%")[0])
        return next((name for network, name in self._networks if address in network), "")

    @staticmethod
    def _allowed(site: _Site, had: int) -> int:
        if site.max_bps is None:
            return site.max_call_bps
        return max(0, min(site.max_call_bps, site.max_bps - site.used_bps + had))
