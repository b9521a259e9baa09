"""Live sessions of users and devices that were disabled, removed or given another group. Pure.

What was granted holds until the next reauthentication, an hour away. A stolen device must not have that hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from auth8021x.directory.session import Entry, Session
from auth8021x.eapserver.account import Account, Book, spellings
from auth8021x.eapserver.authorization import Authorization
from auth8021x.eapserver.step import Failed
from auth8021x.sites import ByNetwork
from auth8021x.wire.attribute import Attribute
from config.dot1x import Dot1xSettings
from config.dot1x_server import RadiusClientSettings


@dataclass(frozen=True, slots=True)
class Consequence:
    """What becomes of one session."""

    session: Session
    reason: str
    is_out: bool = False
    """It would not be let in any more."""
    change: tuple[Attribute, ...] = ()
    """What its switch would have to change; nothing where it has to authenticate anew."""


class Standing:
    """Judges sessions that this server has let in, or will be asked about again."""

    def __init__(self, settings: Dot1xSettings) -> None:
        server = settings.eap_server
        self._authorization = Authorization(server)
        self._clients = ByNetwork((each.networks, each) for each in server.clients)
        ours = {each.address for each in settings.servers}
        self._own = self._clients.find(min(ours)) if ours and ours <= set(server.listen) else None
        """Whoever our own ports ask us as; None where they ask others."""

    def judge(self, before: Book, after: Book, sessions: Iterable[Session]) -> list[Consequence]:
        """Those sessions that do not go on as they are. A name that was unknown before says nothing of ours."""
        found = (self._consequence(before, after, session) for session in sessions)
        return [consequence for consequence in found if consequence is not None]

    def _consequence(self, before: Book, after: Book, session: Session) -> Consequence | None:
        was, now = _account(before, session), _account(after, session)
        if was is None or was == now:
            return None
        client = self._client(session)
        if client is None:
            return None
        if now is None or (session.entry is Entry.BYPASS and not now.may_bypass):
            return Consequence(session, "disabled or removed", is_out=True)
        if was.group == now.group:
            return None
        granted, earlier = self._authorization.grant(now, client), self._authorization.grant(was, client)
        if isinstance(granted, Failed):
            return Consequence(session, f"another group: {granted.reason}", is_out=True)
        # An order adds and replaces; what the new group has not cannot be taken away by one.
        lacks = isinstance(earlier, Failed) or {each.type for each in earlier} - {each.type for each in granted}
        return Consequence(session, "another group", change=() if lacks else granted)

    def _client(self, session: Session) -> RadiusClientSettings | None:
        """Who asked about it; None where that was not us."""
        if session.is_own:
            return self._own
        naming = session.naming
        return self._clients.find(naming.nas_address) or self._clients.find(naming.source)


def _account(book: Book, session: Session) -> Account | None:
    """Whose session it is: switches that let a device in by its address may call it by that."""
    for name in spellings(session.identity):
        if (found := book.account(name)) is not None:
            return found
    return book.device(session.mac) if session.entry is Entry.BYPASS else None
