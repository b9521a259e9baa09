"""The attributes that name a session to the switch that has it (RFC 5176 3). Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from auth8021x.directory.session import Session
from auth8021x.wire import attribute, mac_address
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import ErrorCause, Type
from config.dot1x_switches import NamedBy

MISUNDERSTOOD: Final = frozenset({
    ErrorCause.UNSUPPORTED_ATTRIBUTE, ErrorCause.MISSING_ATTRIBUTE, ErrorCause.NAS_IDENTIFICATION_MISMATCH,
    ErrorCause.INVALID_REQUEST, ErrorCause.INVALID_ATTRIBUTE_VALUE, ErrorCause.SESSION_CONTEXT_NOT_FOUND,
})  # fmt: skip
"""Refusals after which the other words are worth a try."""
_FEWEST: Final[tuple[NamedBy, ...]] = ("calling-station-id", "acct-session-id")
"""What every switch knows a session by; hostapd refuses a request that has NAS-Port in it."""


def wordings(session: Session, named_by: Sequence[NamedBy]) -> list[tuple[Attribute, ...]]:
    """Ways to name a session, the better first; at least one. All attributes of each have to fit at the switch."""
    wanted = (*_nas(session), *_named(session, named_by))
    fewest = _named(session, _FEWEST)
    return [wanted] if set(wanted) == set(fewest) else [wanted, fewest]


def _nas(session: Session) -> tuple[Attribute, ...]:
    """The switch as it calls itself: one that passes orders on needs it, any other compares it."""
    naming = session.naming
    address = (attribute.nas_address(naming.nas_address),) if naming.nas_address else ()
    name = (attribute.text(Type.NAS_IDENTIFIER, naming.nas_identifier),) if naming.nas_identifier else ()
    return (*address, *name)


def _named(session: Session, named_by: Sequence[NamedBy]) -> tuple[Attribute, ...]:
    return tuple(found for each in named_by if (found := _WORDS[each](session)) is not None)


def _user(session: Session) -> Attribute | None:
    name = session.naming.user_name
    return attribute.text(Type.USER_NAME, name) if name else None


def _station(session: Session) -> Attribute | None:
    """In its own spelling, for switches that compare letters."""
    spelled = session.naming.station or mac_address.station_id(session.mac)
    return attribute.text(Type.CALLING_STATION_ID, spelled)


def _session(session: Session) -> Attribute | None:
    return attribute.text(Type.ACCT_SESSION_ID, session.session_id)


def _port(session: Session) -> Attribute | None:
    port = session.naming.port
    return attribute.number(Type.NAS_PORT, port) if port is not None else None


def _port_id(session: Session) -> Attribute | None:
    name = session.naming.port_id
    return attribute.text(Type.NAS_PORT_ID, name) if name else None


_WORDS: Final[dict[NamedBy, Callable[[Session], Attribute | None]]] = {
    "user-name": _user,
    "calling-station-id": _station,
    "acct-session-id": _session,
    "nas-port": _port,
    "nas-port-id": _port_id,
}
