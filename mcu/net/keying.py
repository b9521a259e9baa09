"""Keys of one transport by DTLS (RFC 5763): whom to shake hands with, how often, and from where."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from mcu.media import DtlsPeer, SdesKeys
from mcu.net.dtls import DtlsSession
from mcu.net.handshakes import Handshakes
from mcu.net.ice import Address

_MAX_EARLY_DATAGRAMS = 8


class DtlsKeying:
    """At most one association at a time; `max_tries` failures end it.

    Without ICE the first address that speaks DTLS has the handshake until it fails, and the certificate decides; one
    that was negotiated always may. Over ICE all addresses that come here have passed a check.
    """

    def __init__(
        self, handshakes: Handshakes, send: Callable[[bytes, Address], None],
        agreed: Callable[[SdesKeys, Address | None], None], failed: Callable[[str], None], counters: Counter[str],
    ) -> None:  # fmt: skip
        self.is_agreed = False
        self.max_tries = 1
        self._handshakes = handshakes
        self._send = send
        self._agreed = agreed
        self._failed = failed
        self._counters = counters
        self._peer: DtlsPeer | None = None
        self._session: DtlsSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._remote: Address | None = None
        self._tries = 0
        self._early: list[tuple[bytes, Address, bool]] = []

    def use(self, peer: DtlsPeer) -> None:
        """Signalling named the peer; an association with the same peer, done or under way, goes on."""
        if peer == self._peer:
            return
        self.end()
        self._peer = peer
        self._tries = 0
        self.is_agreed = False
        early, self._early = self._early, []
        for data, source, is_known in early:
            self.receive(data, source, is_known=is_known)

    def start(self, remote: Address) -> None:
        """There is an address to speak to; a client begins."""
        if self._peer is not None and self._peer.is_client and self._session is None:
            self._remote = self._remote or remote
            self._begin()

    def receive(self, data: bytes, source: Address, *, is_known: bool) -> None:
        """A DTLS datagram; `is_known` when it comes from where media comes from."""
        if self._peer is None:
            # A browser may begin before its answer has come to us.
            if len(self._early) < _MAX_EARLY_DATAGRAMS:
                self._early.append((data, source, is_known))
            return
        if is_known or (self._remote is None and not self.is_agreed):
            self._remote = source
        if source != self._remote:
            self._counters["dtls-wrong-source"] += 1
            return
        if self._session is None:
            self._begin()
        if self._session is not None and not self._session.receive(data):
            self._counters["dtls-too-many"] += 1

    def end(self) -> None:
        """Cancel the handshake, close the association."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._session is not None:
            self._handshakes.end(self._session)
            self._session = None

    def _begin(self) -> None:
        if self._peer is None or self._tries >= self.max_tries:
            return
        session = self._handshakes.session(self._peer, self._write)
        task = self._handshakes.start(session, self._finish, self._fail)
        if task is None:
            self._counters["dtls-busy"] += 1
            return
        self._tries += 1
        self._session, self._task = session, task

    def _write(self, data: bytes) -> None:
        if self._remote is not None:
            self._send(data, self._remote)

    def _finish(self, keys: SdesKeys) -> None:
        self._task = None
        self.is_agreed = True
        self._agreed(keys, self._remote)

    def _fail(self, reason: str) -> None:
        self._counters[reason] += 1
        self._task = None
        self.end()
        self._remote = None
        if self._tries >= self.max_tries or reason == "dtls-timeout":
            self._failed(reason)
