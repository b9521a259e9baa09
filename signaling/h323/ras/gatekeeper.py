"""The gatekeeper: RAS messages in, answers and events out (H.225.0 7.8 to 7.20). It does no I/O.

    gatekeeper.receive(octets, source, now) -> list[Datagram]
    gatekeeper.next_event() -> Event | None
    gatekeeper.next_timeout() -> float | None;   gatekeeper.on_timeout(now) -> list[Datagram]

`now` is UTC in seconds everywhere, since tokens of H.235.1 carry it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from config.h323 import H323Settings
from signaling.h323 import per
from signaling.h323.errors import MalformedPduError
from signaling.h323.ras import discovery, registering, reporting
from signaling.h323.ras.address import Address
from signaling.h323.ras.admission import Accounts, Admission, Admit, Refusal
from signaling.h323.ras.admitting import Admissions
from signaling.h323.ras.answers import AnswerCache, Datagram
from signaling.h323.ras.events import Event
from signaling.h323.ras.locating import Locations
from signaling.h323.ras.own_requests import OwnRequests
from signaling.h323.ras.pending import ANSWERS
from signaling.h323.ras.registrations import RegistrationStore
from signaling.h323.ras.zone import Answer, Request, Zone
from signaling.network_access import NetworkAccess
from signaling.tries import SourceTries

_MULTICAST: Final = frozenset({"gatekeeperRequest", "locationRequest"})
"""What may come to the multicast address (7.8, 7.13)."""
_UNKNOWN: Final = frozenset({"nonStandardMessage"})
"""Requests that are answered by XRS (7.17); answers that nobody asked for never are."""

Handler = Callable[[Request], Answer | None]


class Gatekeeper:
    """One zone of H.323 endpoints."""

    def __init__(
        self,
        settings: H323Settings,
        accounts: Accounts,
        admission: Admission,
        random_bytes: Callable[[int], bytes],
        store: RegistrationStore | None = None,
        tries: SourceTries | None = None,
        access: NetworkAccess | None = None,
    ) -> None:
        """`random_bytes` gives so many that nobody can guess; `tries` slows those down who guess passwords.

        `access`: whether the network knows who registers; None, and nobody is asked.
        """
        self._settings = settings
        self.zone = Zone(settings, accounts, random_bytes, store, tries, access)
        self.requests = OwnRequests(self.zone)
        """What we ask of endpoints: its verbs give datagrams to send."""
        self._admissions = Admissions(self.zone, admission)
        self._answers = AnswerCache(settings.max_answers)
        self._handlers: dict[str, Handler] = {
            "gatekeeperRequest": lambda request: discovery.discover(self.zone, request),
            "registrationRequest": lambda request: registering.register(self.zone, request),
            "unregistrationRequest": lambda request: registering.unregister(self.zone, request),
            "admissionRequest": self._admissions.admit,
            "bandwidthRequest": self._admissions.bandwidth,
            "disengageRequest": self._admissions.disengage,
            "locationRequest": Locations(self.zone, admission).locate,
            "infoRequestResponse": lambda request: reporting.report(self.zone, request),
            "resourcesAvailableIndicate": lambda request: reporting.resources(self.zone, request),
            "serviceControlIndication": lambda request: reporting.service_control(self.zone, request),
        }

    def receive(
        self, octets: bytes, source: Address, now: float, *, local: str = "", is_multicast: bool = False
    ) -> list[Datagram]:
        """Take one datagram, which came to our address `local`; what to send."""
        counters = self.zone.counters
        if len(octets) > self._settings.max_datagram_bytes:
            counters["dropped-too-long"] += 1
            return []
        again = self._answers.get(octets, source, now)
        if again is not None:
            counters["repeated"] += 1
            return [again]
        try:
            name, body = per.decode(per.Type.RAS, octets)
        except MalformedPduError:
            counters["dropped-malformed"] += 1
            return []
        if is_multicast and name not in _MULTICAST:
            counters["dropped-multicast"] += 1
            return []
        if not isinstance(body, dict) or "requestSeqNum" not in body:
            # admissionConfirmSequence, which is for endpoints, or a message of later versions.
            counters["dropped-unknown"] += 1
            return []
        counters[f"received-{name}"] += 1
        return self._take(Request(name, body, octets, source, local, is_multicast, now))

    def decide(self, ticket: int, verdict: Admit | Refusal, now: float) -> list[Datagram]:
        """The owner's answer to a Question that it had left open; nothing where that is over."""
        decided = self._admissions.decide(ticket, verdict)
        if decided is None:
            return []
        request, answer = decided
        return self._send(request, answer, now)

    def next_event(self) -> Event | None:
        """What happened, oldest first; None when all of it was taken."""
        return self.zone.events.popleft() if self.zone.events else None

    def next_timeout(self) -> float | None:
        """When on_timeout() has something to do; registrations are looked after every few seconds anyway."""
        deadlines = (self._admissions.next_timeout(), self.requests.next_timeout())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def on_timeout(self, now: float) -> list[Datagram]:
        """Refuse what nobody decided, repeat or give up our own requests, and ask who is silent. May come any time."""
        sent = [out for ticket in self._admissions.overdue(now) for out in self.decide(ticket, Refusal.UNDEFINED, now)]
        self._answers.expire(now)
        return sent + self.requests.on_timeout(now)

    @property
    def counters(self) -> dict[str, int]:
        """Cumulative."""
        return dict(self.zone.counters)

    @property
    def gauges(self) -> dict[str, int]:
        """Sizes of the tables."""
        return {
            "registrations": len(self.zone.registrations),
            "calls": len(self.zone.calls),
            "undecided": len(self._admissions),
            "waiting": len(self.requests),
            "answers": len(self._answers),
        }

    def _take(self, request: Request) -> list[Datagram]:
        if request.name == "requestInProgress":
            self.requests.progress(request)
            return []
        is_answer = request.name in ANSWERS and not request.body.get("unsolicited")
        if request.name == "unknownMessageResponse" or is_answer:
            if self.requests.answered(request):
                return []
            if request.name != "infoRequestResponse":
                self.zone.counters["dropped-unasked"] += 1
                return []
        handler = self._handlers.get(request.name)
        if handler is not None:
            answer = handler(request)
            return self._send(request, answer, request.now) if answer is not None else []
        if request.name not in _UNKNOWN:
            self.zone.counters["dropped-unasked"] += 1
            return []
        return self._send(
            request, Answer("unknownMessageResponse", {"messageNotUnderstood": request.octets}), request.now
        )

    def _send(self, request: Request, answer: Answer, now: float) -> list[Datagram]:
        body: dict[str, Any] = {"requestSeqNum": request.number, **answer.body}
        octets = self.zone.guard.encode((answer.name, body), answer.proof, now)
        self.zone.counters[f"sent-{answer.name}"] += 1
        datagram = Datagram(octets, answer.remote or request.source, request.local)
        self._answers.put(request.octets, request.source, datagram, now)
        return [datagram]
