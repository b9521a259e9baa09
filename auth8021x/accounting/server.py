"""Accounting server (RFC 2866 2 and 4.2, RFC 5080 2.2.2, RFC 5997): checks, reports, answers once. Pure.

Whoever is not believed gets no answer. A report is acknowledged only after the directory has taken it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from auth8021x.accounting.reading import read
from auth8021x.directory.report import Report
from auth8021x.errors import MalformedPacketError
from auth8021x.pae.arrivals import Arrivals
from auth8021x.radius.replies import Replies, Seen, Source
from auth8021x.sites import ByNetwork, address_of
from auth8021x.wire import attribute, authenticity, packet
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.packet import Packet
from config.dot1x_sites import AccountingClientSettings, ListenerSettings

_BURST_S: Final = 4.0
"""Seconds' worth of packets that may come at once: the power is back, and with it a hundred switches."""
_COUNTERS: Final = {Seen.AGAIN: "repeated", Seen.REPLAYED: "replayed", Seen.TOO_MANY: "too-many"}


@dataclass(frozen=True, slots=True)
class AccountingClient:
    """Who may tell us about sessions of one site."""

    settings: AccountingClientSettings
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """A report for the directory; where it is taken, AccountingServer.acknowledge() gives the answer."""

    report: Report
    request: Packet
    client: AccountingClient
    key: bytes = field(repr=False)


class AccountingServer:
    """One for all addresses that are listened on."""

    def __init__(self, settings: ListenerSettings, clients: Sequence[AccountingClient]) -> None:
        self._settings = settings
        self._clients = ByNetwork((client.settings.networks, client) for client in clients)
        self._all = Arrivals(settings.packets_per_s, settings.packets_per_s)
        rate = settings.client_packets_per_s
        self._each = {client.settings.name: Arrivals(rate, _BURST_S * rate) for client in clients}
        self._replies = {is_timed: Replies(settings.max_remembered) for is_timed in (False, True)}
        """By whether Event-Timestamp is demanded: entries of one table are kept equally long."""
        self._keep_s = {False: settings.remembered_s, True: max(settings.remembered_s, 2 * settings.window_s + 1)}
        """A time may be ahead of ours by the window: it is as long again until it is refused for its age."""
        self.counters: Counter[str] = Counter()
        """What was dropped, by reason, and "acknowledged"; cumulative."""

    def receive(self, data: bytes, source: Source, now: float, now_utc: float) -> Told | bytes | None:
        """A datagram: something to be taken, an answer to be sent at once, or nothing. `now` is monotonic."""
        client = self._clients.find(source[0])
        request: Packet | str = "unknown-client" if client is None else self._believed(client, data, now, now_utc)
        if client is None or isinstance(request, str):
            self.counters[str(request)] += 1
            return None
        if request.code == Code.STATUS_SERVER:
            return self._sealed(request, client)
        return self._told(request, client, source, now)

    def acknowledge(self, told: Told) -> bytes:
        """The answer, remembered for when the request comes again."""
        sealed = self._sealed(told.request, told.client)
        self._replies[told.client.settings.demands_event_timestamp].answered(told.key, sealed)
        self.counters["acknowledged"] += 1
        return sealed

    def _believed(self, client: AccountingClient, data: bytes, now: float, now_utc: float) -> Packet | str:
        """The request, or why it is none, as the name of a counter."""
        if not self._all.take(now):
            return "rate"
        try:
            request = packet.parse(data)
            stamp = attribute.first_number(request.attributes, Type.EVENT_TIMESTAMP)
            age_s = attribute.first_number(request.attributes, Type.ACCT_DELAY_TIME) or 0
        except MalformedPacketError:
            return "malformed"
        if request.code not in (Code.ACCOUNTING_REQUEST, Code.STATUS_SERVER):
            return "unexpected"
        fault = authenticity.check_request(request, client.secret)
        if fault is not None:
            return fault.value
        if not self._each[client.settings.name].take(now):
            return "rate-client"
        is_timed = client.settings.demands_event_timestamp and request.code == Code.ACCOUNTING_REQUEST
        return (self._untimely(stamp, age_s, now_utc) if is_timed else "") or request

    def _told(self, request: Packet, client: AccountingClient, source: Source, now: float) -> Told | bytes | None:
        name, is_timed = client.settings.name, client.settings.demands_event_timestamp
        replies = self._replies[is_timed]
        key = f"{name} {request.identifier} ".encode() + request.authenticator
        seen, reply = replies.check(key, source, now, self._keep_s[is_timed])
        if seen in (Seen.REPLAYED, Seen.TOO_MANY) or (seen is Seen.AGAIN and reply is not None):
            self.counters[_COUNTERS[seen]] += 1
            return reply
        # Again and without an answer: the directory had no room for it then, and may have some now.
        host = str(address_of(source[0]))
        try:
            report = read(request.attributes, client.settings.site, name, host, client.settings.interim_s)
        except MalformedPacketError:
            self.counters["malformed"] += 1
            return None
        if report is not None:
            return Told(report, request, client, key)
        self.counters["about-no-session"] += 1
        sealed = self._sealed(request, client)
        replies.answered(key, sealed)
        return sealed

    def _untimely(self, stamp: int | None, age_s: int, now_utc: float) -> str:
        if stamp is None:
            return "no-event-timestamp"
        # RFC 2866 5.2 with RFC 2869 5.3: a record that waits keeps the time of its event, and tells how long it did.
        return "old-event-timestamp" if abs(now_utc - age_s - stamp) > self._settings.window_s else ""

    def _sealed(self, request: Packet, client: AccountingClient) -> bytes:
        """Accounting-Response, also to Status-Server (RFC 5997 4.2), with what proxies put in (RFC 2866 5)."""
        proxies: tuple[Attribute, ...] = tuple(each for each in request.attributes if each.type == Type.PROXY_STATE)
        answer = Packet(Code.ACCOUNTING_RESPONSE, request.identifier, attributes=proxies)
        return authenticity.seal_response(answer, request.authenticator, client.secret).serialize()
