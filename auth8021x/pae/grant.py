"""What an Access-Accept grants (RFC 2865 5, RFC 2869 5.16, RFC 3580 3)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec

from auth8021x.errors import MalformedPacketError
from auth8021x.wire import attribute, tunnel
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import TerminationAction, Type

MAX_CLASSES: Final = 8
_READ: Final = frozenset({
    *tunnel.TYPES, Type.USER_NAME, Type.FILTER_ID, Type.CLASS, Type.SESSION_TIMEOUT, Type.TERMINATION_ACTION,
    Type.ACCT_INTERIM_INTERVAL,
})  # fmt: skip
"""All others, EAP-Message among them, grant nothing."""
_ACTIONS: Final = {int(each): each for each in TerminationAction}


class By(Enum):
    """How a terminal got in."""

    EAP = "eap"
    BYPASS = "bypass"
    """By its MAC address alone."""
    GUEST = "guest"
    """Into the network of guests, by policy."""

    @property
    def rank(self) -> int:
        """How well it is known who it is; 0 is best."""
        return (By.EAP, By.BYPASS, By.GUEST).index(self)


class Grant(msgspec.Struct, frozen=True, gc=False):
    """What a terminal may do, and for how long."""

    identity: str
    by: By = By.EAP
    vlan: str = ""
    filter_id: str = ""
    classes: tuple[bytes, ...] = ()
    """Sent back in accounting, unread (RFC 2865 5.25)."""
    session_timeout_s: int | None = None
    termination_action: TerminationAction = TerminationAction.DEFAULT
    interim_s: int | None = None


def read_grant(attributes: Sequence[Attribute], identity: str, by: By = By.EAP) -> Grant:
    """The grant of an Access-Accept. Raises MalformedPacketError: half understood is not granted (RFC 2865 5)."""
    attributes = [each for each in attributes if each.type in _READ]
    action = _ACTIONS.get(attribute.first_number(attributes, Type.TERMINATION_ACTION) or 0)
    if action is None:
        raise MalformedPacketError("RADIUS: unknown Termination-Action")
    return Grant(
        attribute.first_text(attributes, Type.USER_NAME) or identity,  # RFC 2865 5.1: the name for accounting
        by,
        tunnel.vlan(attributes),
        attribute.first_text(attributes, Type.FILTER_ID) or "",
        tuple(attribute.every(attributes, Type.CLASS)[:MAX_CLASSES]),
        attribute.first_number(attributes, Type.SESSION_TIMEOUT),
        action,
        attribute.first_number(attributes, Type.ACCT_INTERIM_INTERVAL),
    )
