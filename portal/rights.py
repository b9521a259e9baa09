"""Who may do what: rights, the roles that hold them, and the one function that is asked."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from portal.principal import Principal
from portal.roles import Role


class Access(StrEnum):
    """What a route needs: nothing, any session, or one right."""

    PUBLIC = "public"
    SESSION = "session"
    """Any session, also one that must change its password first."""
    SEE_ROOMS = "see-rooms"
    EDIT_ROOMS = "edit-rooms"
    CONTROL_CONFERENCES = "control-conferences"
    REVIEW_RECORDINGS = "review-recordings"
    SEE_TERMINALS = "see-terminals"
    EDIT_TERMINALS = "edit-terminals"
    SEE_METRICS = "see-metrics"
    CONTROL_NETWORK = "control-network"
    """Sessions of 802.1X: who is where, and ending them."""


RIGHTS: Final[dict[Role, frozenset[Access]]] = {
    Role.SYSTEM_ADMINISTRATOR: frozenset(
        {Access.SEE_ROOMS, Access.EDIT_ROOMS, Access.SEE_TERMINALS, Access.EDIT_TERMINALS, Access.SEE_METRICS}
    ),
    Role.SECURITY_ADMINISTRATOR: frozenset({Access.SEE_TERMINALS, Access.CONTROL_NETWORK}),
    Role.AUDITOR: frozenset(),
    Role.HOST: frozenset({Access.SEE_ROOMS, Access.CONTROL_CONFERENCES, Access.SEE_TERMINALS}),
    Role.REVIEWER: frozenset({Access.REVIEW_RECORDINGS}),
}


def may(principal: Principal | None, right: Access, room: str = "", organisation: str = "") -> bool:
    """Whether somebody (None: a stranger) may do what needs `right`, in a room or organisation, else everywhere."""
    if right is Access.PUBLIC:
        return True
    if principal is None:
        return False
    if right is Access.SESSION:
        return True
    if principal.must_change:
        return False
    here = {grant.role for grant in principal.grants if grant.holds(room, organisation)}
    return any(right in RIGHTS[role] for role in principal.roles | here)


def rights_of(principal: Principal) -> frozenset[Access]:
    """All that somebody may do everywhere, once the password is one's own."""
    return frozenset[Access]().union(*(RIGHTS[role] for role in principal.roles))
