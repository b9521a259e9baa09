"""Runs DTLS handshakes as tasks of the process, bounded in number and time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from mcu.media import DtlsPeer, SdesKeys
from mcu.net.dtls import Certificate, DtlsFailed, DtlsSession

logger = logging.getLogger(__name__)


class Handshakes:
    """Shared by all legs: the certificate, the task group, the bounds."""

    def __init__(
        self, certificate: Certificate, tasks: asyncio.TaskGroup, *, max_handshakes: int, timeout_s: float
    ) -> None:
        self.certificate = certificate
        self._tasks = tasks
        self._max_handshakes = max_handshakes
        self._timeout_s = timeout_s
        self._running: set[asyncio.Task[None]] = set()

    def session(self, peer: DtlsPeer, send: Callable[[bytes], None]) -> DtlsSession:
        """An association that has not begun."""
        return DtlsSession(self.certificate, peer, send)

    def start(
        self, session: DtlsSession, agreed: Callable[[SdesKeys], None], failed: Callable[[str], None]
    ) -> asyncio.Task[None] | None:
        """Begin; exactly one of the callbacks is called later, none when the task is cancelled. None: too many run."""
        if len(self._running) >= self._max_handshakes:
            return None
        task = self._tasks.create_task(self._run(session, agreed, failed))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def end(self, session: DtlsSession) -> None:
        """Close an association in the background."""
        self._tasks.create_task(_close(session))

    async def _run(
        self, session: DtlsSession, agreed: Callable[[SdesKeys], None], failed: Callable[[str], None]
    ) -> None:
        # A peer's bytes must not end the process, with all its other legs: neither those of the handshake (OpenSSL's
        # errors are many) nor the packets that were held until there were keys.
        try:
            try:
                agreed(await session.handshake(self._timeout_s))
            except DtlsFailed as error:
                failed(error.reason)
        except Exception:
            logger.exception("DTLS handshake broke")
            with contextlib.suppress(Exception):  # what broke may be this very call
                failed("dtls-failed")


async def _close(session: DtlsSession) -> None:
    try:
        await session.close()
    except Exception:
        logger.exception("DTLS association did not close")
