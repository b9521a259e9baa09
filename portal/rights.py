"""Who may do what: rights, and the roles that hold them."""

from __future__ import annotations

from enum import StrEnum


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


RIGHTS_OF_ROLE: dict[str, frozenset[Access]] = {
    "admin": frozenset(
        {
            Access.SEE_ROOMS,
            Access.EDIT_ROOMS,
            Access.CONTROL_CONFERENCES,
            Access.REVIEW_RECORDINGS,
            Access.SEE_TERMINALS,
            Access.EDIT_TERMINALS,
            Access.SEE_METRICS,
            Access.CONTROL_NETWORK,
        }
    ),
    "host": frozenset({Access.SEE_ROOMS, Access.CONTROL_CONFERENCES, Access.SEE_TERMINALS}),
    "reviewer": frozenset({Access.REVIEW_RECORDINGS}),
}


def has_right(role: str, access: Access) -> bool:
    """Whether a signed-in person of `role` may use a route that needs `access`; unknown roles may nothing."""
    if access in (Access.PUBLIC, Access.SESSION):
        return True
    return access in RIGHTS_OF_ROLE.get(role, frozenset())
