"""Settings of SIP trunks: lines to a telephone exchange or provider, for calls in both directions."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

import msgspec

TrunkName = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,31}\Z")]
Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
MAX_PATTERN_CHARACTERS = 128
MAX_TABLE = 1000


class TrunkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One trunk. Numbers are compared in their normalised form: digits, with a leading "+" where one was dialled."""

    name: TrunkName
    """How it is called in logs, metrics and the portal."""
    hosts: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=8)]
    """`address`, `name` or either with `:port`; calls go to the first one that can be reached."""
    transport: Literal["udp", "tcp", "tls"] = "udp"
    domain: str = ""
    """What stands behind the @ in our addresses; "" is the first host."""

    registers: bool = False
    """Register there as a client (RFC 3261 10.2), so that the trunk sends its calls to us."""
    user: str = ""
    """User name for registering and for digest."""
    realm: str = ""
    """The only realm that is ever answered. Required together with a secret."""
    secret_file: str = ""
    """File (mode 0600) whose first line is the secret; else the environment's DRUMTOWER_TRUNK_<NAME>_SECRET."""
    expires_s: Annotated[int, msgspec.Meta(ge=60, le=86_400)] = 600
    """The registration is asked for this long, and renewed in time."""
    keep_alive_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = 25.0
    """A keep-alive towards a trunk that we are registered with is sent this often; 0 for none (RFC 5626 3.5)."""

    sources: tuple[str, ...] = ()
    """Addresses or networks whose calls come from this trunk; none means its numeric hosts."""
    tls_names: tuple[str, ...] = ()
    """Where given, calls are the trunk's only over TLS, by a verified certificate of one of these names."""
    inbound_digest: bool = False
    """Calls from elsewhere that name `user` in From may prove by digest that they come from this trunk."""
    numbers: dict[str, str] = {}
    """Called number -> room number, or "attendant"."""
    strip_in: str = ""
    """Leading digits taken off the called number before anything else looks at it."""
    other_numbers: Literal["room", "attendant", "refuse"] = "attendant"
    """What a number that is not in the table means: the room of that number, the attendant, or nothing."""

    allowed: tuple[str, ...] = ()
    """Regular expressions of the numbers that may be called; the whole number has to match. None: no calls out."""
    strip_out: str = ""
    """Leading digits taken off a dialled number before it is matched."""
    prefix_out: str = ""
    """Put before the number when it is called."""
    caller_id: str = ""
    """The number that the called party sees; "" is `user`."""
    max_calls: Count = 4
    """Calls out at the same time, answered ones included."""
    calls_per_minute: Count = 10
    has_video: bool = False
    """Offer pictures too; telephones have none."""

    def __post_init__(self) -> None:
        for pattern in self.allowed:
            if len(pattern) > MAX_PATTERN_CHARACTERS:
                raise ValueError(f"{self.name}: allowed: a pattern is longer than {MAX_PATTERN_CHARACTERS}")
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{self.name}: allowed: {pattern!r} is no regular expression: {error}") from None
        for source in self.sources:
            try:
                ipaddress.ip_network(source)
            except ValueError:
                raise ValueError(f"{self.name}: sources: {source!r} is no address or network") from None
        if len(self.numbers) > MAX_TABLE:
            raise ValueError(f"{self.name}: numbers: more than {MAX_TABLE}")
        if (self.registers or self.inbound_digest) and not (self.user and self.realm):
            raise ValueError(f"{self.name}: registering and digest need user and realm")
        if self.secret_file and not self.realm:
            raise ValueError(f"{self.name}: realm: name the realm that the secret is for")

    @property
    def secret_variable(self) -> str:
        """The environment variable that may hold the secret."""
        return f"DRUMTOWER_TRUNK_{self.name.upper().replace('-', '_')}_SECRET"
