"""Orders of RADIUS servers and administrators for whoever has the session, on whichever port (RFC 5176 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from auth8021x.radius.dynamic_orders import Order, Selector
from auth8021x.wire.dictionary import ErrorCause


class OnePort(Protocol):
    """What a port can be told: PortRunner."""

    def count(self, selector: Selector) -> int:
        """How many sessions fit."""

    def disconnect(self, selector: Selector) -> ErrorCause | None:
        """End the sessions that fit."""

    def change(self, order: Order) -> ErrorCause | None:
        """Change the session that fits."""


def any_vlan(_vlan: str) -> bool:
    """Where nothing is enforced."""
    return True


class AllPorts:
    """All ports of the authenticator (`radius.dynamic_udp.Sessions`)."""

    def __init__(self, ports: Iterable[OnePort], has_vlan: Callable[[str], bool] = any_vlan) -> None:
        """`has_vlan`: whether a terminal can be let into it."""
        self._ports = tuple(ports)
        self._has_vlan = has_vlan

    def disconnect(self, selector: Selector) -> ErrorCause | None:
        """End the sessions that fit, wherever they are."""
        found = [port for port in self._ports if port.count(selector)]
        causes = [cause for port in found if (cause := port.disconnect(selector)) is not None]
        if not found:
            return ErrorCause.SESSION_CONTEXT_NOT_FOUND
        return causes[0] if causes else None

    def change(self, order: Order) -> ErrorCause | None:
        """Change the session that fits: none is changed where several do, or to a VLAN that is not here."""
        counts = [(port, port.count(order.selector)) for port in self._ports]
        found = [port for port, count in counts if count]
        if not found:
            return ErrorCause.SESSION_CONTEXT_NOT_FOUND
        if sum(count for _, count in counts) > 1:
            return ErrorCause.MULTIPLE_SESSION_SELECTION_UNSUPPORTED
        if order.change.vlan and not self._has_vlan(order.change.vlan):
            return ErrorCause.INVALID_ATTRIBUTE_VALUE
        return found[0].change(order)
