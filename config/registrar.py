"""Settings of the registrar: how long terminals stay registered, and the bounds on what they can make grow."""

from __future__ import annotations

from typing import Annotated

import msgspec

Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=7 * 86_400)]


class RegistrarSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Registration of terminals (RFC 3261 10, RFC 5626)."""

    min_expires_s: Seconds = 60
    """Shorter wishes are refused with 423."""
    default_expires_s: Seconds = 600
    """For terminals that name no time."""
    max_expires_s: Seconds = 3600
    """Longer wishes are cut to this."""
    max_contacts_per_terminal: Annotated[int, msgspec.Meta(ge=1, le=100)] = 8
    """Past it the contact that was refreshed longest ago makes room."""
    max_contacts_per_source: Positive = 500
    """Contacts that came from one source (IPv4 address, IPv6 /64); past it new ones are refused with 503."""
    max_contacts: Positive = 20_000
    """Contacts of all terminals."""
    flow_timer_s: Seconds = 120
    """Terminals with outbound are told to send a keep-alive at least this often (Flow-Timer, RFC 5626 4.4.1)."""

    nonce_lifetime_s: Seconds = 300
    """An older nonce is stale: the terminal answers once more, nobody is asked for anything."""
    max_used_nonces: Positive = 20_000
    """Nonces whose counts are remembered; past it the oldest are stale before their time."""

    audit_failures_per_minute: Positive = 600
    """Lines about failed authentication in the log; what is over is counted and summed up in one line."""
    recheck_terminals_s: Annotated[float, msgspec.Meta(ge=0.05, le=3600)] = 5.0
    """Terminals changed from the command line are noticed after this time."""

    def __post_init__(self) -> None:
        if not self.min_expires_s <= self.default_expires_s <= self.max_expires_s:
            raise ValueError("min_expires_s, default_expires_s, max_expires_s: must not fall")
