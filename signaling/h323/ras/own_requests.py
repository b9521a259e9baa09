"""What the gatekeeper asks of endpoints: URQ, DRQ, BRQ, IRQ and SCI (H.225.0 7.10 to 7.20)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Literal

from signaling.h323 import traversal
from signaling.h323.h2351 import Fault
from signaling.h323.ras import address
from signaling.h323.ras.answers import Datagram
from signaling.h323.ras.bandwidth import UNIT_BPS
from signaling.h323.ras.calls import AdmittedCall
from signaling.h323.ras.events import Answered, Leaving
from signaling.h323.ras.pending import PendingRequests, Waiting
from signaling.h323.ras.registration import Registration
from signaling.h323.ras.zone import Request, Zone

UnregisterReason = Literal["reregistrationRequired", "ttlExpired", "securityDenial", "undefinedReason", "maintenance"]
DisengageReason = Literal["forcedDrop", "normalDrop", "undefinedReason"]
_NO_CALL: Final = bytes(16)


class OwnRequests:
    """Sends requests to registered endpoints and tells their answers; each verb gives what to send."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._pending = PendingRequests(zone.settings.max_requests)
        self._last_ticket = 0
        self._doubted: dict[str, int] = {}
        """Endpoints whose time is over and who were asked whether they are there, with the ticket of that."""

    def unregister(
        self, identifier: str, reason: UnregisterReason, now: float, why: Leaving = Leaving.REVOKED
    ) -> list[Datagram]:
        """URQ (7.10): it is not registered any more from now on, whatever it answers."""
        found = self._zone.registrations.get(identifier)
        if found is None:
            return []
        body = {
            "callSignalAddress": [address.value_of(found.signalling)],
            "endpointAlias": [entry.value for entry in found.aliases],
            "endpointIdentifier": identifier,
            "reason": (reason, 0),
        }
        sent = self._ask("unregistrationRequest", body, found, now)
        self._doubted.pop(identifier, None)
        self._zone.leave(found, why)
        return sent

    def disengage(self, call: AdmittedCall, reason: DisengageReason, now: float) -> list[Datagram]:
        """DRQ (7.14): the endpoint shall end a call; its bandwidth is free at once."""
        found = self._zone.registrations.get(call.identifier)
        self._zone.hang_up(call.identifier, call.call_id)
        if found is None:
            return []
        body = _call(call) | {"endpointIdentifier": call.identifier, "disengageReason": (reason, 0)}
        return self._ask("disengageRequest", body | {"answeredCall": call.is_answer}, found, now)

    def change_bandwidth(self, call: AdmittedCall, bandwidth_bps: int, now: float) -> list[Datagram]:
        """BRQ (7.12): the endpoint shall use no more than this. Nothing where the site has not as much."""
        found = self._zone.registrations.get(call.identifier)
        if found is None or self._zone.calls.get(*call.key) is None:
            return []
        granted = self._zone.budget.take(call.key, found.source[0], bandwidth_bps, exactly=True)
        if granted is None:
            return []
        self._zone.calls.put(replace(call, bandwidth_bps=granted))
        body = _call(call) | {"endpointIdentifier": call.identifier, "bandWidth": granted // UNIT_BPS}
        return self._ask("bandwidthRequest", body | {"answeredCall": call.is_answer}, found, now)

    def query(self, identifier: str, now: float, call: AdmittedCall | None = None) -> list[Datagram]:
        """IRQ (7.15): is it there, and what do its calls do; of one call or, reference 0, of all."""
        found = self._zone.registrations.get(identifier)
        if found is None:
            return []
        reference = call.call_reference if call else 0
        guid = call.call_id if call and len(call.call_id) == len(_NO_CALL) else _NO_CALL
        body = {"callReferenceValue": reference, "callIdentifier": {"guid": guid}}
        return self._ask("infoRequest", body, found, now, call.call_id if call else b"")

    def call_back(self, identifier: str, call_id: bytes, now: float) -> list[Datagram]:
        """SCI (7.20): the endpoint shall open the call signalling connection of a call to it (H.460.18 8)."""
        found = self._zone.registrations.get(identifier)
        if found is None:
            return []
        ours = self._zone.signalling_address(found.local, found.source[0])
        body = {
            "serviceControl": [],
            "endpointIdentifier": identifier,
            "genericData": [traversal.call_indication(ours, call_id)],
        }
        return self._ask("serviceControlIndication", body, found, now, call_id)

    def answered(self, request: Request) -> bool:
        """Take an answer; False where nobody asked. Some terminals sign answers: a signature must be right then."""
        waiting = self._pending.find(request.name, request.number, request.source)
        if waiting is None or isinstance(self._zone.prove(request, waiting.to.account, waiting.to.aliases), Fault):
            return False
        self._pending.answered(waiting)
        identifier = waiting.to.identifier
        if waiting.call_id and request.name == "infoRequestResponse":
            self._check(waiting, request.body, request.now)
        if self._doubted.get(identifier) == waiting.ticket:
            del self._doubted[identifier]
            found = self._zone.registrations.get(identifier)
            if found is not None and request.name == "infoRequestResponse":
                self._zone.registrations.touch(found, request.now)
        self._tell(waiting, request.name, request.body)
        return True

    def progress(self, request: Request) -> None:
        """RIP of an endpoint: it answers later (7.19)."""
        delay_s = request.body["delay"] / 1000
        if not self._pending.progress(request.number, delay_s, request.source, request.now):
            self._zone.counters["dropped-unasked"] += 1

    def next_timeout(self) -> float | None:
        """When a request is to be sent again or given up."""
        return self._pending.next_timeout()

    def on_timeout(self, now: float) -> list[Datagram]:
        """Send again, give up, and ask endpoints whose time to live is over whether they are there (H.323 7.2.2)."""
        sent = [waiting.datagram for waiting in self._pending.repeat(now)]
        for waiting in self._pending.given_up(now):
            self._tell(waiting, None, {})
            if waiting.call_id and waiting.name == "infoRequest":
                self._unanswered(waiting)
            if self._doubted.get(waiting.to.identifier) == waiting.ticket:
                sent += self._expire(waiting.to.identifier, now)
        for registration in self._zone.registrations.due(now):
            if registration.identifier not in self._doubted:
                sent += self._doubt(registration, now)
        for call in self._zone.calls.unchecked(now - self._zone.settings.call_check_s):
            self._zone.calls.put(replace(call, checked_at=now))
            sent += self.query(call.identifier, now, call)
        return sent

    def __len__(self) -> int:
        return len(self._pending)

    def _check(self, waiting: Waiting, body: dict[str, Any], now: float) -> None:
        """A call that its terminal does not name any more is over."""
        if waiting.call_id not in self._zone.calls.named(waiting.to.identifier, body, now):
            self._vanished(waiting)

    def _unanswered(self, waiting: Waiting) -> None:
        """chan_ooh323 answers no IRQ: it sends one IRR when a call is answered, and no DRQ for a Setup that failed."""
        call = self._zone.calls.get(waiting.to.identifier, waiting.call_id)
        if call is not None and not call.is_reported:
            self._vanished(waiting)

    def _vanished(self, waiting: Waiting) -> None:
        if self._zone.hang_up(waiting.to.identifier, waiting.call_id):
            self._zone.counters["call-vanished"] += 1

    def _doubt(self, registration: Registration, now: float) -> list[Datagram]:
        sent = self.query(registration.identifier, now)
        if not sent:
            return self._expire(registration.identifier, now)
        self._doubted[registration.identifier] = self._last_ticket
        return sent

    def _expire(self, identifier: str, now: float) -> list[Datagram]:
        self._doubted.pop(identifier, None)
        found = self._zone.registrations.get(identifier)
        if found is None or found.expires_at > now:
            return []
        return self.unregister(identifier, "ttlExpired", now, Leaving.EXPIRED)

    def _ask(
        self, name: str, body: dict[str, Any], to: Registration, now: float, call_id: bytes = b""
    ) -> list[Datagram]:
        if self._pending.is_full:
            self._zone.counters["dropped-own-request"] += 1
            return []
        number = self._pending.number()
        octets = self._zone.guard.encode((name, {"requestSeqNum": number, **body}), self._zone.proof_of(to), now)
        self._zone.counters[f"sent-{name}"] += 1
        datagram = Datagram(octets, to.ras, to.local)
        self._last_ticket = self._pending.add(name, number, datagram, to, now, call_id)
        return [datagram]

    def _tell(self, waiting: Waiting, name: str | None, body: dict[str, Any]) -> None:
        self._zone.tell(Answered(waiting.ticket, waiting.to.identifier, waiting.name, name, body, waiting.call_id))


def _call(call: AdmittedCall) -> dict[str, Any]:
    body: dict[str, Any] = {"conferenceID": call.conference_id, "callReferenceValue": call.call_reference}
    if len(call.call_id) == len(_NO_CALL):
        body["callIdentifier"] = {"guid": call.call_id}
    return body
