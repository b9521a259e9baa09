"""The embedded RADIUS server: who was let in or not of late, at which switch and port, and why; who got no answer."""

from __future__ import annotations

from auth8021x.eapserver.recent import Login
from auth8021x.eapserver.unheard import Unheard
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


def describe_unheard(unheard: Unheard) -> dict[str, object]:
    """Who got no answer, as JSON."""
    return {"at": iso(unheard.at), "source": unheard.source, "reason": unheard.reason, "count": unheard.count}
