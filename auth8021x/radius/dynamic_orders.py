"""What a RADIUS server orders while a session runs (RFC 5176 3): which session, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from auth8021x.errors import MalformedPacketError
from auth8021x.wire import attribute, mac_address, tunnel
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import ErrorCause, TerminationAction, Type

SELECTORS: Final = frozenset({
    Type.USER_NAME, Type.CALLING_STATION_ID, Type.ACCT_SESSION_ID, Type.NAS_PORT, Type.NAS_PORT_ID,
})  # fmt: skip
"""Attributes that name a session here (RFC 5176 3)."""
_OWN: Final = frozenset({Type.NAS_IP_ADDRESS, Type.NAS_IPV6_ADDRESS, Type.NAS_IDENTIFIER})
_IGNORED: Final = frozenset({
    Type.MESSAGE_AUTHENTICATOR, Type.EVENT_TIMESTAMP, Type.PROXY_STATE, Type.REPLY_MESSAGE, Type.ACCT_TERMINATE_CAUSE,
    Type.NAS_PORT_TYPE, Type.CALLED_STATION_ID, Type.CLASS,
})  # fmt: skip
_CHANGES: Final = frozenset({
    Type.SESSION_TIMEOUT, Type.TERMINATION_ACTION, Type.ACCT_INTERIM_INTERVAL, Type.FILTER_ID, Type.TUNNEL_TYPE,
    Type.TUNNEL_MEDIUM_TYPE, Type.TUNNEL_PRIVATE_GROUP_ID,
})  # fmt: skip
_MAX_CHARACTERS: Final = 253


class Kind(Enum):
    """Which of the two requests."""

    DISCONNECT = auto()
    CHANGE = auto()


@dataclass(frozen=True, slots=True)
class Selector:
    """Which sessions are meant: all of these have to fit; "" and None fit all."""

    user_name: str = ""
    mac: bytes = b""
    session_id: str = ""
    port: int | None = None
    port_id: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes different; None stays as it is."""

    session_timeout_s: int | None = None
    termination_action: TerminationAction | None = None
    interim_s: int | None = None
    filter_id: str | None = None
    vlan: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One request of a client, to be answered with DynamicServer.reply()."""

    kind: Kind
    client: str
    selector: Selector
    change: Change


class Refusal(Exception):
    """The request cannot be done; `cause` tells the client why."""

    def __init__(self, cause: ErrorCause) -> None:
        super().__init__(cause.name)
        self.cause = cause


def read(
    kind: Kind, client: str, attributes: tuple[Attribute, ...], nas_identifier: str, nas_addresses: frozenset[bytes]
) -> Order:  # fmt: skip
    """The order that the attributes of a request are. `nas_addresses`: ours; none: any is. Raises Refusal."""
    _check_whom(attributes, nas_identifier, nas_addresses)
    _check_known(kind, attributes)
    try:
        selector = _selector(attributes)
        change = _change(attributes) if kind is Kind.CHANGE else Change()
    except (MalformedPacketError, ValueError):
        raise Refusal(ErrorCause.INVALID_ATTRIBUTE_VALUE) from None
    if selector == Selector():
        raise Refusal(ErrorCause.MISSING_ATTRIBUTE)
    if kind is Kind.CHANGE and change == Change():
        raise Refusal(ErrorCause.MISSING_ATTRIBUTE)
    return Order(kind, client, selector, change)


def _check_whom(attributes: tuple[Attribute, ...], nas_identifier: str, nas_addresses: frozenset[bytes]) -> None:
    """A request for another authenticator is none for us (RFC 5176 3)."""
    for each in attributes:
        if each.type == Type.NAS_IDENTIFIER and each.value != nas_identifier.encode():
            raise Refusal(ErrorCause.NAS_IDENTIFICATION_MISMATCH)
        is_address = each.type in (Type.NAS_IP_ADDRESS, Type.NAS_IPV6_ADDRESS)
        if is_address and nas_addresses and each.value not in nas_addresses:
            raise Refusal(ErrorCause.NAS_IDENTIFICATION_MISMATCH)


def _check_known(kind: Kind, attributes: tuple[Attribute, ...]) -> None:
    """What is not understood must not be passed over: all of a request is done, or nothing (RFC 5176 2.3)."""
    if attribute.first(attributes, Type.SERVICE_TYPE) is not None:
        raise Refusal(ErrorCause.UNSUPPORTED_SERVICE)
    known = SELECTORS | _OWN | _IGNORED | (_CHANGES if kind is Kind.CHANGE else frozenset())
    if any(each.type not in known for each in attributes):
        raise Refusal(ErrorCause.UNSUPPORTED_ATTRIBUTE)


def _selector(attributes: tuple[Attribute, ...]) -> Selector:
    station = _text(attributes, Type.CALLING_STATION_ID)
    return Selector(
        _text(attributes, Type.USER_NAME) or "",
        b"" if station is None else mac_address.parse(station),
        _text(attributes, Type.ACCT_SESSION_ID) or "",
        attribute.first_number(attributes, Type.NAS_PORT),
        _text(attributes, Type.NAS_PORT_ID) or "",
    )


def _change(attributes: tuple[Attribute, ...]) -> Change:
    action = attribute.first_number(attributes, Type.TERMINATION_ACTION)
    return Change(
        attribute.first_number(attributes, Type.SESSION_TIMEOUT),
        None if action is None else TerminationAction(action),
        attribute.first_number(attributes, Type.ACCT_INTERIM_INTERVAL),
        _text(attributes, Type.FILTER_ID),
        tunnel.vlan(attributes) or None,
    )


def _text(attributes: tuple[Attribute, ...], kind: Type) -> str | None:
    """Empty text names nothing, so that it must not fit all."""
    found = attribute.first_text(attributes, kind)
    if found == "":
        raise MalformedPacketError("RADIUS: empty text")
    return found
