"""What goes on during calls: NAT mappings are held open, so that requests of ours still find the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from config.sip import SipSettings
from signaling.errors import TransportError
from signaling.sip.sessions.dialog import Dialog
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transport.layer import TransportLayer

BEAT_S = 2.5


class Pulse:
    """Beats until stop(). `dialogs` are those of the calls that stand.

    Whoever has such a call is no stranger to the limits of the transports. One behind a NAT gets two CRLFs now and
    then (RFC 5626 3.5.1 and, over UDP, what every terminal drops): its mapping is forgotten after 30 s of silence,
    and media do not pass by the port of the signalling.
    """

    def __init__(
        self, settings: SipSettings, transports: TransportLayer, dialogs: Callable[[], Iterable[Dialog]]
    ) -> None:
        self._settings = settings
        self._transports = transports
        self._dialogs = dialogs
        self._pinged: dict[Flow, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin."""
        self._timer = asyncio.get_running_loop().call_later(BEAT_S, self._beat)

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        now, pinged = loop.time(), {}
        for dialog in self._dialogs():
            self._transports.vouch(dialog.flow)
            if dialog.is_nat or dialog.flow.is_reliable:
                flow = replace(dialog.flow, host="")
                pinged[flow] = self._ping(flow, now)
        self._pinged = pinged
        self._timer = loop.call_later(BEAT_S, self._beat)

    def _ping(self, flow: Flow, now: float) -> float:
        """When this flow was pinged last; a new one counts from now."""
        last = self._pinged.get(flow, now)
        interval_s = self._settings.stream_ping_s if flow.is_reliable else self._settings.udp_ping_s
        if now - last < interval_s:
            return last
        with suppress(TransportError):
            self._transports.ping(flow)
        return now
