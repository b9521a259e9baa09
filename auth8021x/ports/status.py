"""What people are shown: who is at our own ports, and why it is in or not; RADIUS servers and clients. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from auth8021x.pae.grant import By
from auth8021x.pae.terminal import Terminal


class Standing(Enum):
    """Where a terminal stands."""

    IN = "in"
    KEPT_OUT = "kept-out"
    """It was granted something that this port cannot give it: `why` says what (enforce.plan.KeptOut)."""
    ASKED = "asked"
    """It is being asked, or a server is; `why` says what came of it the last time."""
    REFUSED = "refused"
    """`why` says by what."""
    SILENT = "silent"
    """It speaks no EAP, and nothing else lets it in."""


@dataclass(frozen=True, slots=True)
class TerminalStatus:
    """A terminal at one of our ports."""

    mac: bytes
    standing: Standing
    why: str
    """A word of small letters and hyphens: "eap", "bypass", "guest"; "rejected", "no-server", "unknown-vlan", ..."""
    identity: str = ""
    """Who it proved to be; where it is not in, who it says it is."""
    by: By | None = None
    vlan: str = ""
    role: str = ""
    """Filter-Id."""
    session: str = ""
    """Acct-Session-Id."""


@dataclass(frozen=True, slots=True)
class PortStatus:
    """One of our ports."""

    name: str
    """Its interface, and its NAS-Port-Id."""
    number: int
    """NAS-Port."""
    site: str
    bridge: str
    """The bridge that it belongs to now; it follows the VLAN of who is in."""
    is_up: bool
    """Whether it has a carrier."""
    terminals: tuple[TerminalStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """A RADIUS server, as we see it."""

    name: str
    address: str
    transport: str
    """"udp" or "radsec"."""
    is_up: bool
    """Taken for alive: it answers, or nobody has asked it yet. A dead one is asked for its status until it is back."""
    is_accounting_up: bool = True
    """The same of accounting, which has a port of its own."""
    is_excused: bool = False
    """An administrator lets it do without Message-Authenticator: whoever sits in between can forge its answers."""
    excused: int = 0
    """Answers of it that were believed without; cumulative."""


class ClientKind(Enum):
    """What a RADIUS client wants of us."""

    LOGINS = "logins"
    """A switch that asks the embedded server."""
    ORDERS = "orders"
    """Who may end and change sessions on our ports (RFC 5176)."""


@dataclass(frozen=True, slots=True)
class ClientStatus:
    """Who may send us RADIUS requests that let somebody in or put somebody out, as the settings name it."""

    name: str
    kind: ClientKind
    networks: tuple[str, ...]
    """Where its packets come from."""
    is_excused: bool = False
    """An administrator lets it do without Message-Authenticator."""
    excused: int = 0
    """Requests of it that were believed without; cumulative."""


def terminal_status(terminal: Terminal, kept_out: str) -> TerminalStatus:
    """How a terminal stands; `kept_out`: why it is not in although it has a grant, "" where it is."""
    grant = terminal.grant
    if grant is not None:
        standing = Standing.KEPT_OUT if kept_out else Standing.IN
        return TerminalStatus(
            terminal.mac, standing, kept_out or grant.by.value, grant.identity, grant.by, grant.vlan, grant.filter_id,
            terminal.session,
        )  # fmt: skip
    if (refusal := terminal.refusal) is not None:
        return TerminalStatus(terminal.mac, Standing.REFUSED, refusal.reason, refusal.identity)
    authenticator = terminal.authenticator
    claimed = authenticator.conversation.identity.decode("utf-8", "replace")
    return TerminalStatus(terminal.mac, Standing.ASKED, authenticator.last_reason, claimed)


def silent_status(mac: bytes) -> TerminalStatus:
    """A terminal that was asked in vain."""
    return TerminalStatus(mac, Standing.SILENT, "no-eap")
