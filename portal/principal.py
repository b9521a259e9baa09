"""Who asks: made once for a request, from its session and source."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from portal.errors import NotSignedIn
from portal.roles import Grant, Role, roles_of_account
from store.sessions import Session


@dataclass(frozen=True, slots=True)
class Principal:
    """A person who is signed in."""

    user_id: int
    name: str
    roles: frozenset[Role]
    """Held everywhere."""
    session_id: int
    signed_in_by: str
    """"password", or portal.local.BY_SOCKET."""
    source: str
    """Address that the request comes from."""
    must_change: bool = False
    """The password was given by somebody else: nothing is open but the change of it."""
    grants: frozenset[Grant] = frozenset()
    """Further roles, each in one place."""

    @classmethod
    def of(cls, session: Session, source: str) -> Principal:
        """The person of a session."""
        user = session.user
        return cls(
            user.id,
            user.name,
            roles_of_account(user.role),
            session.id,
            "password",
            source,
            must_change=user.must_change,
        )


PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal", Principal)


def principal_of(request: web.Request) -> Principal:
    """Who asks. Raises NotSignedIn."""
    if PRINCIPAL not in request:
        raise NotSignedIn
    return request[PRINCIPAL]
