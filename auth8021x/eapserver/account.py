"""Users and devices as the server wants to know them, and who a name that somebody claims may stand for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final, Protocol

from crypto.nt_hash import NtHash
from crypto.secret import Secret

MAX_IDENTITY_BYTES: Final = 253
"""What User-Name can hold."""


@dataclass(frozen=True, slots=True)
class Account:
    """One user or device that may come in; what it has no credential for it cannot come in with."""

    identity: str
    group: str = ""
    """See config.dot1x_server.GroupSettings; "" is none."""
    nt_hash: NtHash | None = field(default=None, repr=False)
    """For PEAP and TTLS."""
    password: Secret | None = field(default=None, repr=False)
    """In clear, which EAP-MD5 cannot do without."""
    may_bypass: bool = False
    """Devices: whether their MAC address alone is enough."""


MayBe = Callable[[str], bool]
"""Whether this identity may be that of somebody who began as they did: see may_claim()."""


class Book(Protocol):
    """Who is known; those that are switched off are not. It answers from memory."""

    def account(self, identity: str) -> Account | None:
        """The user or device of this name, whatever its letters' case."""

    def device(self, mac: bytes) -> Account | None:
        """The device with this address."""


def read_identity(octets: bytes) -> str | None:
    """The name in an EAP Identity or User-Name; None for what is no name (RFC 7542 2)."""
    if len(octets) > MAX_IDENTITY_BYTES:
        return None
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return None
    return text if not text or text.isprintable() else None


def spellings(claimed: str) -> tuple[str, ...]:
    """The names that a claim may mean: as it is, without the domain of Windows, without its "host/"."""
    return tuple(dict.fromkeys((claimed, claimed.rpartition("\\")[2], claimed.removeprefix("host/"))))


def may_claim(outer: str, identity: str, anonymous: Collection[str]) -> bool:
    """Whether somebody who proved to be `identity` may have begun as `outer`, which everybody on the wire can read.

    Switches put the outer name into accounting, where it would otherwise pass for somebody else's session.
    """
    if outer.partition("@")[0].casefold() in anonymous:
        return True
    return identity.casefold() in {each.casefold() for each in spellings(outer)}
