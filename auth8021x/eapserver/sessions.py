"""Conversations that wait for the peer, each found by the State that its last challenge carried. Pure."""

from __future__ import annotations

from collections import Counter, OrderedDict

import msgspec

from auth8021x.eapserver.conversation import Conversation


class ServerSession(msgspec.Struct, eq=False):
    """One conversation and whose it is."""

    client: str
    place: tuple[bytes, ...]
    """Port and address of the terminal, as the client says them."""
    conversation: Conversation
    expires_at: float
    state: bytes = b""

    def __repr__(self) -> str:
        return f"ServerSession({self.client!r}, {self.place!r})"


class ServerSessions:
    """Bounded in all and for each client; a place has one, so that who begins again takes no second."""

    def __init__(self, max_sessions: int, max_per_client: int) -> None:
        self._max_sessions = max_sessions
        self._max_per_client = max_per_client
        self._by_state: dict[bytes, ServerSession] = {}
        self._by_place: OrderedDict[tuple[str, tuple[bytes, ...]], ServerSession] = OrderedDict()
        self._of_client: Counter[str] = Counter()
        self.expired = 0
        """Conversations that nobody ended; cumulative."""

    def __len__(self) -> int:
        return len(self._by_place)

    def add(self, session: ServerSession, now: float) -> bool:
        """Keep a new one; False when there is no room."""
        self._expire(now)
        older = self._by_place.get((session.client, session.place))
        if older is not None:
            self.remove(older)
        if len(self) >= self._max_sessions or self._of_client[session.client] >= self._max_per_client:
            return False
        self._by_place[session.client, session.place] = session
        self._of_client[session.client] += 1
        return True

    def wait(self, session: ServerSession, state: bytes) -> None:
        """It is found by this State from now on, and by none that was before."""
        self._by_state.pop(session.state, None)
        session.state = state
        self._by_state[state] = session

    def find(self, state: bytes, client: str, now: float) -> ServerSession | None:
        """The one that this client was given this State for."""
        self._expire(now)
        found = self._by_state.get(state)
        return found if found is not None and found.client == client else None

    def remove(self, session: ServerSession) -> None:
        """It is over."""
        self._by_state.pop(session.state, None)
        if self._by_place.pop((session.client, session.place), None) is not None:
            self._of_client[session.client] -= 1

    def _expire(self, now: float) -> None:
        while self._by_place:
            oldest = next(iter(self._by_place.values()))
            if oldest.expires_at > now:
                return
            self.remove(oldest)
            self.expired += 1
