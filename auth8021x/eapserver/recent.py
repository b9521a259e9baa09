"""The newest logins at the embedded server, for people who look why a device does not get in. Pure.

One for each device and switch, refusals apart from those let in: a thousand devices that sign in every hour push out
none that is refused.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from audit.lines import shown
from auth8021x.eapserver.server import Verdict
from auth8021x.errors import MalformedPacketError
from auth8021x.wire import mac_address
from auth8021x.wire.eap import Method

MAX_LOGINS: Final = 200
"""Of each kind."""
_METHODS: Final[dict[int, str]] = {
    0: "", Method.MD5_CHALLENGE: "EAP-MD5", Method.TLS: "EAP-TLS", Method.TTLS: "TTLS", Method.PEAP: "PEAP",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Login:
    """What came of it the last time. All texts can be shown."""

    at: float
    """UTC seconds."""
    client: str
    """Which [[dot1x.eap_server.clients]] asked."""
    switch: str
    """What the switch calls itself, "" where it does not say."""
    port: str
    mac: str
    """As people write it; what cannot be read as a MAC address is shown as it came."""
    identity: str
    """Who it proved to be, or tried to be; else what it called itself."""
    method: str
    """"EAP-TLS", ...; "" for MAC authentication bypass and for who did not come so far."""
    reason: str
    """A word of small letters and hyphens, "" where it was let in."""
    detail: str
    count: int
    """How often this was said of it in a row."""


class RecentLogins:
    """`clock` gives UTC seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tables: dict[bool, OrderedDict[tuple[str, str], Login]] = {True: OrderedDict(), False: OrderedDict()}
        """By whether they were let in."""
        self._observers: list[Callable[[], None]] = []

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` with each login; returns "stop observing"."""
        self._observers.append(callback)

        def stop() -> None:
            if callback in self._observers:
                self._observers.remove(callback)

        return stop

    def decided(self, verdict: Verdict) -> None:
        """The server has let somebody in, or not."""
        table = self._tables[not verdict.reason]
        mac = _mac(verdict.station)
        before = table.pop((verdict.client, mac), None)
        identity = shown(verdict.identity or verdict.outer)
        is_same = before is not None and (before.reason, before.identity) == (verdict.reason, identity)
        table[verdict.client, mac] = Login(
            self._clock(), verdict.client, shown(verdict.place.switch), shown(verdict.place.port), mac, identity,
            _METHODS.get(verdict.method, str(verdict.method)), verdict.reason, shown(verdict.detail),
            before.count + 1 if before is not None and is_same else 1,
        )  # fmt: skip
        if len(table) > MAX_LOGINS:
            table.popitem(last=False)
        for observer in list(self._observers):
            observer()

    def refused(self) -> list[Login]:
        """Newest first."""
        return list(reversed(self._tables[False].values()))

    def let_in(self) -> list[Login]:
        """Newest first."""
        return list(reversed(self._tables[True].values()))


def _mac(station: str) -> str:
    try:
        return mac_address.plain(mac_address.parse(station))
    except MalformedPacketError:
        return shown(station)
