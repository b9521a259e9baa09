"""What a call over H.323 is to do, beside what calls of all protocols do; and whom it is for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote

from caller.errors import OptionError
from crypto.h235.algorithm import Algorithm
from crypto.h235.diffie_hellman import GROUPS, Group

SIGNALLING_PORT = 1720
SLIDES_COLOR = "#e8e4d0"
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_TARGET = re.compile(r"h323:(?P<alias>[^@\s]{1,256})@(?P<host>\[[0-9A-Fa-f:.%]+\]|[^@:\s\[\]]+)(?::(?P<port>\d{1,5}))?")
_NO_TARGET = "the address is no H.323 address such as h323:1001@192.0.2.1"
_DAY_S = 86_400.0
_MOST_CHARACTERS = 128


class Encryption(StrEnum):
    """Of media, by H.235.6."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


class FirewallTraversal(StrEnum):
    """What is done about a firewall, or a NAT, between us and the server."""

    NONE = "none"
    H460 = "h460"
    """H.460.18 and H.460.19: every connection is opened by us, and empty packets keep the ways of media open."""
    MULTIPLEXED = "multiplexed"
    """Likewise, with all media on one pair of ports."""


class PasscodeWay(StrEnum):
    """How the passcode gets to the room."""

    DIALLED = "dialled"
    """Behind the alias: room**passcode."""
    INPUT = "input"
    """H.245 user input as a string."""
    SIGNAL = "signal"
    """H.245 user input key by key."""
    KEYPAD = "keypad"
    """Q.931, as Asterisk sends keys."""
    H243 = "h243"
    """Asked for by the conference (enterH243Password)."""


@dataclass(frozen=True, slots=True)
class H323Options:
    """One or several calls at once."""

    encryption: Encryption = Encryption.OPTIONAL
    key_bits: tuple[int, ...] = (256, 192, 128)
    groups: tuple[int, ...] = (4096, 2048, 1024)
    """Bits of the Diffie-Hellman groups that are offered."""
    is_master: bool = False
    """Whether to be the H.245 master even of an MCU; the master makes all keys."""
    is_tunnelling: bool = True
    has_fast_start: bool = False
    passcode_way: PasscodeWay = PasscodeWay.DIALLED
    slides: str = ""
    """The colour of slides that are presented (H.239), "" for none."""
    rate_bps: int = 1_920_000
    """Of the call, each way."""
    renew_keys_s: float = 0.0
    """Get new keys so often; 0 for never."""
    account: str = ""
    """The alias whose password signs the call (H.235.1)."""
    password: str = field(default="", repr=False)
    traversal: FirewallTraversal = FirewallTraversal.NONE
    waits: bool = False
    """Register under the alias of the address, and wait for a call instead of making one."""
    ras_port: int = 1719
    """Of the gatekeeper, at the host of the address."""
    steals: bool = False
    """Send stolen ciphertext where others pad."""

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """Dearest first; none where nothing is encrypted."""
        if self.encryption is Encryption.OFF:
            return ()
        return tuple(_ALGORITHMS[bits] for bits in sorted(self.key_bits, reverse=True))

    @property
    def dh_groups(self) -> tuple[Group, ...]:
        """Those to offer."""
        return tuple(group for group in GROUPS.values() if group.bits in self.groups)

    @property
    def registers(self) -> bool:
        """Whether a gatekeeper is needed; who has no account can call rooms from behind a firewall without one."""
        return self.waits or (self.traversal is not FirewallTraversal.NONE and bool(self.account))

    @property
    def terminal_type(self) -> int:
        """A terminal without an MC (H.323 table 1), or more than any that there is: the greater one is master."""
        return 255 if self.is_master else 50

    def check(self) -> None:
        """Raises OptionError for what cannot be done."""
        claims = (
            (self.key_bits and set(self.key_bits) <= _ALGORITHMS.keys(), "--key-bits must be of 128, 192, 256"),
            (
                self.groups and set(self.groups) <= {group.bits for group in GROUPS.values()},
                "--dh-groups must be of 1024, 2048, 4096",
            ),
            (not self.slides or _COLOR.fullmatch(self.slides), "--present must look like #e8e4d0"),
            (64_000 <= self.rate_bps <= 10_000_000, "--rate must be 64 to 10000 kbit/s"),
            (bool(self.account) == bool(self.password), "--account and its password need each other"),
            (len(self.account) <= _MOST_CHARACTERS, "--account: the alias is too long"),
            (0 < self.ras_port < 1 << 16, "--ras-port must be 1 to 65535"),
            (0 <= self.renew_keys_s <= _DAY_S, "--renew-keys must be 0 to 86400 s"),
        )
        for is_true, text in claims:
            if not is_true:
                raise OptionError(text)


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to call, and at which call signalling address."""

    alias: str
    host: str
    port: int = SIGNALLING_PORT


def parse_target(text: str) -> Target:
    """An h323 URL (RFC 3508) with a host. Raises OptionError."""
    found = _TARGET.fullmatch(text)
    port = int(found["port"] or SIGNALLING_PORT) if found else 0
    if found is None or not 0 < port < 1 << 16:
        raise OptionError(_NO_TARGET)
    return Target(unquote(found["alias"]), found["host"].strip("[]"), port)


_ALGORITHMS = {8 * each.key_bytes: each for each in Algorithm}
