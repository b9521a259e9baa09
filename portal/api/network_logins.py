"""The newest logins at the embedded RADIUS server: who was let in or not, at which switch and port, and why."""

from __future__ import annotations

from auth8021x.eapserver.recent import Login
from portal.api.times import iso
from portal.services import OwnRadius


def newest_logins(radius: OwnRadius) -> list[Login]:
    """Both kinds, newest first."""
    return sorted((*radius.refused(), *radius.let_in()), key=lambda login: -login.at)


def describe_login(login: Login) -> dict[str, object]:
    """One of them, as JSON."""
    return {
        "at": iso(login.at),
        "client": login.client,
        "switch": login.switch,
        "port": login.port,
        "mac": login.mac,
        "identity": login.identity,
        "method": login.method,
        "is_let_in": not login.reason,
        "reason": login.reason,
        "detail": login.detail,
        "count": login.count,
    }
