"""Keys of one transport by DTLS (RFC 5763): whom to shake hands with, how often, and from where."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial

from mcu.media import DtlsPeer, SdesKeys
from mcu.net.dtls import DtlsSession
from mcu.net.handshakes import Handshakes
from mcu.net.ice import Address

_MAX_EARLY_DATAGRAMS = 8
_MAX_EARLY_OF_ONE = 4
_MAX_TRIES_OF_OTHERS = 64
_MESSAGE_TYPE = 13  # RFC 6347 4.1, 4.2.2: behind the header of the record
_ANSWERS = (b"\x02", b"\x03")  # ServerHello, HelloVerifyRequest


class _Association:
    def __init__(
        self, remote: Address, handshakes: Handshakes, peer: DtlsPeer, send: Callable[[bytes, Address], None]
    ) -> None:
        self.remote = remote
        self.session: DtlsSession = handshakes.session(peer, lambda data: send(data, self.remote))
        self.task: asyncio.Task[None] | None = None
        self.is_heard = False
        """Whether anything has come from `remote`."""


class DtlsKeying:
    """One association over ICE, where all addresses have passed a check; `max_tries` failures end it.

    Without ICE, and as the server, every address that is worth an answer has an association of its own, a few at a
    time: the certificate tells which one is the peer, and the others end. The address that signalling names always
    finds room, and only its failures are the leg's: a stranger who speaks first, or in between, holds nobody up.
    """

    def __init__(
        self, handshakes: Handshakes, send: Callable[[bytes, Address], None],
        agreed: Callable[[SdesKeys, Address | None], None], failed: Callable[[str], None], counters: Counter[str],
    ) -> None:  # fmt: skip
        self.is_agreed = False
        self.max_tries = 1
        self.max_associations = 1
        """More than one: they are told apart by address."""
        self._handshakes = handshakes
        self._send = send
        self._agreed = agreed
        self._failed = failed
        self._counters = counters
        self._peer: DtlsPeer | None = None
        self._associations: dict[Address | None, _Association] = {}
        self._named: Address | None = None
        self._tries = self._tries_of_others = 0
        self._early: list[tuple[bytes, Address]] = []

    def use(self, peer: DtlsPeer) -> None:
        """Signalling named the peer; an association with the same peer, done or under way, goes on."""
        if peer == self._peer:
            return
        self.end()
        self._peer = peer
        self._tries = self._tries_of_others = 0
        self.is_agreed = False
        early, self._early = self._early, []
        for data, source in early:
            self.receive(data, source)

    def start(self, remote: Address) -> None:
        """There is an address to speak to; a client begins."""
        self._named = remote[:2]
        if self._peer is not None and self._peer.is_client and not self._associations:
            self._begin(None, remote)

    def receive(self, data: bytes, source: Address) -> None:
        """A DTLS datagram from an address that is worth an answer."""
        if self._peer is None:
            self._keep_early(data, source)
            return
        association = self._association(data, source)
        if association is None:
            self._counters["dtls-wrong-source"] += 1
            return
        association.remote, association.is_heard = source, True
        if not association.session.receive(data):
            self._counters["dtls-too-many"] += 1

    def end(self) -> None:
        """Cancel the handshakes, close the associations."""
        for key in list(self._associations):
            self._end(key)

    def _association(self, data: bytes, source: Address) -> _Association | None:
        is_client = self._peer is not None and self._peer.is_client
        key = None if is_client or self.max_associations == 1 else source[:2]
        association = self._associations.get(key)
        if association is None:
            return None if self.is_agreed else self._begin(key, source)
        if is_client and self.max_associations > 1 and source[:2] != association.remote[:2]:
            # The peer may answer from behind a NAT; another client's greeting must not end our handshake.
            is_answer = data[_MESSAGE_TYPE : _MESSAGE_TYPE + 1] in _ANSWERS
            return association if is_answer and not association.is_heard else None
        return association

    def _keep_early(self, data: bytes, source: Address) -> None:
        """A browser may begin before its answer has come to us."""
        of_this_one = sum(other == source for _, other in self._early)
        if len(self._early) < _MAX_EARLY_DATAGRAMS and of_this_one < _MAX_EARLY_OF_ONE:
            self._early.append((data, source))

    def _begin(self, key: Address | None, remote: Address) -> _Association | None:
        if self._peer is None or not self._has_room(key):
            return None
        association = _Association(remote, self._handshakes, self._peer, self._send)
        association.task = self._handshakes.start(
            association.session, partial(self._finish, key, association), partial(self._fail, key, association)
        )
        if association.task is None:
            self._counters["dtls-busy"] += 1
            return None
        if self._is_named(key):
            self._tries += 1
        else:
            self._tries_of_others += 1
        self._associations[key] = association
        return association

    def _is_named(self, key: Address | None) -> bool:
        """Whether it is the one transport of ICE or of a client, or comes from where SDP says."""
        return key is None or key == self._named

    def _has_room(self, key: Address | None) -> bool:
        if self._is_named(key):
            return self._tries < self.max_tries
        others = sum(not self._is_named(each) for each in self._associations)
        return self._tries_of_others < _MAX_TRIES_OF_OTHERS and others < self.max_associations - 1

    def _finish(self, key: Address | None, association: _Association, keys: SdesKeys) -> None:
        if self._associations.get(key) is not association:
            return  # it was ended while it came to its end: asyncio may lose a cancellation there
        association.task = None
        for other in [other for other in self._associations if other != key]:
            self._end(other)
        self.is_agreed = True
        self._agreed(keys, association.remote)

    def _fail(self, key: Address | None, association: _Association, reason: str) -> None:
        self._counters[reason] += 1
        if self._associations.get(key) is not association:
            return
        association.task = None
        self._end(key)
        is_over = self._tries >= self.max_tries or reason == "dtls-timeout"
        if not self._associations and (
            is_over if self._is_named(key) else self._tries_of_others >= _MAX_TRIES_OF_OTHERS
        ):
            self._failed(reason)

    def _end(self, key: Address | None) -> None:
        association = self._associations.pop(key)
        if association.task is not None:
            association.task.cancel()
        self._handshakes.end(association.session)
