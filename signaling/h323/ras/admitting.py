"""Admission, bandwidth and the end of calls (H.225.0 7.11, 7.12 and 7.14): ARQ, BRQ and DRQ of endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from signaling.h323.h2351 import Fault
from signaling.h323.ras import address, alias
from signaling.h323.ras.address import Address
from signaling.h323.ras.admission import Admission, Admit, Question, Refusal
from signaling.h323.ras.bandwidth import UNIT_BPS
from signaling.h323.ras.calls import AdmittedCall, CallKey, call_id_of
from signaling.h323.ras.events import Admitted
from signaling.h323.ras.registration import Registration
from signaling.h323.ras.security import NOBODY, Proof, rejection
from signaling.h323.ras.zone import Answer, Request, Zone

_MAX_BANDWIDTH = 2**32 - 1
_MAX_DELAY_MS = 65_535
_UUIES = "setup callProceeding connect alerting information releaseComplete facility progress empty"
_LATER_UUIES = "status statusInquiry setupAcknowledge notify"
_NO_UUIES = dict.fromkeys(f"{_UUIES} {_LATER_UUIES}".split(), False)
"""Copies of call signalling messages (uuiesRequested): we want none."""


@dataclass(frozen=True, slots=True)
class _Undecided:
    request: Request
    question: Question
    proof: Proof
    until: float

    @property
    def key(self) -> CallKey:
        return self.question.caller.identifier, self.question.call_id


@dataclass(frozen=True, slots=True)
class _Way:
    """How the call signalling of an admitted call goes (7.11.2)."""

    destination: Address
    is_routed: bool = False
    """callModel: through this gatekeeper."""
    routed_to: str = ""
    """Of a call to be routed: the endpoint behind us."""


class Admissions:
    """Asks the owner about calls, and keeps count of those that it admitted."""

    def __init__(self, zone: Zone, admission: Admission) -> None:
        self._zone = zone
        self._admission = admission
        self._undecided: dict[int, _Undecided] = {}
        self._tickets: dict[CallKey, int] = {}
        self._last_ticket = 0

    def admit(self, request: Request) -> Answer:
        """ARQ (7.11.1): ACF, ARJ, or RIP where the owner needs longer."""
        caller = self._zone.endpoint(request)
        if caller is None:
            return _reject("callerNotRegistered")
        proof = self._zone.prove(request, caller.account, caller.aliases)
        if isinstance(proof, Fault):
            return Answer("admissionReject", {"rejectReason": rejection(proof, caller.version)})
        call_id = call_id_of(request.body)
        known = self._zone.calls.get(caller.identifier, call_id)
        if known is None and not self._zone.calls.has_room(caller.identifier):
            return _reject("exceedsCallCapacity", proof)
        waiting = self._tickets.get((caller.identifier, call_id))
        if waiting is not None:
            # Sent anew while nothing is decided: the decision answers the newest.
            self._undecided[waiting] = replace(self._undecided[waiting], request=request, proof=proof)
            return self._in_progress(proof)
        question = self._question(request, caller, call_id)
        verdict = self._admission.admit(question)
        if verdict is not None:
            return self._answer(request, question, proof, verdict)
        if len(self._undecided) >= self._zone.settings.max_decisions:
            return _reject("resourceUnavailable", proof)
        until = request.now + self._zone.settings.decision_s
        undecided = _Undecided(request, question, proof, until)
        self._undecided[question.ticket] = undecided
        self._tickets[undecided.key] = question.ticket
        return self._in_progress(proof)

    def decide(self, ticket: int, verdict: Admit | Refusal) -> tuple[Request, Answer] | None:
        """The owner knows now; None where nobody waits for it any more."""
        undecided = self._undecided.pop(ticket, None)
        if undecided is None:
            return None
        del self._tickets[undecided.key]
        caller = undecided.question.caller
        if self._zone.registrations.get(caller.identifier) is None:
            return undecided.request, _reject("callerNotRegistered", undecided.proof)
        return undecided.request, self._answer(undecided.request, undecided.question, undecided.proof, verdict)

    def overdue(self, now: float) -> Iterator[int]:
        """Tickets about which nothing was decided in time."""
        return iter([ticket for ticket, undecided in self._undecided.items() if undecided.until <= now])

    def next_timeout(self) -> float | None:
        """When overdue() has something."""
        return min((undecided.until for undecided in self._undecided.values()), default=None)

    def bandwidth(self, request: Request) -> Answer:
        """BRQ (7.12): more or less for a call."""
        found = self._zone.endpoint(request)
        if found is None:
            return self._reject_bandwidth(("notBound", 0))
        proof = self._zone.prove(request, found.account, found.aliases)
        if isinstance(proof, Fault):
            return self._reject_bandwidth(rejection(proof, found.version))
        call = self._zone.calls.get(found.identifier, call_id_of(request.body))
        if call is None:
            return self._reject_bandwidth(("invalidConferenceID", 0), proof)
        wanted_bps = request.body["bandWidth"] * UNIT_BPS
        granted = self._zone.budget.take(call.key, found.source[0], wanted_bps, exactly=True)
        if granted is None:
            allowed = self._zone.budget.allowed(call.key) // UNIT_BPS
            return self._reject_bandwidth(("insufficientResources", 0), proof, allowed)
        self._zone.calls.put(replace(call, bandwidth_bps=granted))
        return Answer("bandwidthConfirm", {"bandWidth": granted // UNIT_BPS}, proof)

    def disengage(self, request: Request) -> Answer:
        """DRQ (7.14): a call is over. One that we do not know is over as well."""
        found = self._zone.endpoint(request)
        if found is None:
            return Answer("disengageReject", {"rejectReason": ("notRegistered", 0)})
        proof = self._zone.prove(request, found.account, found.aliases)
        if isinstance(proof, Fault):
            return Answer("disengageReject", {"rejectReason": rejection(proof, found.version)})
        call_id = call_id_of(request.body)
        ticket = self._tickets.get((found.identifier, call_id))
        if ticket is not None:
            self.decide(ticket, Refusal.UNDEFINED)
        self._zone.hang_up(found.identifier, call_id)
        return Answer("disengageConfirm", {}, proof)

    def __len__(self) -> int:
        return len(self._undecided)

    def _question(self, request: Request, caller: Registration, call_id: bytes) -> Question:
        body = request.body
        most = self._zone.settings.max_aliases
        called = alias.parse_all(body.get("destinationInfo"))[:most]
        there = body.get("destCallSignalAddress")
        self._last_ticket += 1
        return Question(
            ticket=self._last_ticket,
            caller=caller,
            is_answer=body["answerCall"],
            called=called,
            called_address=address.parse(there) if there is not None else None,
            calling=alias.parse_all(body["srcInfo"])[:most],
            call_id=call_id,
            conference_id=body["conferenceID"],
            target=self._zone.registrations.find(called),
            wanted_bps=body["bandWidth"] * UNIT_BPS,
        )

    def _answer(self, request: Request, question: Question, proof: Proof, verdict: Admit | Refusal) -> Answer:
        if isinstance(verdict, Refusal):
            self._zone.hang_up(question.caller.identifier, question.call_id)
            return _reject(verdict.value, proof)
        caller = question.caller
        way = self._way(request, question, verdict)
        call = AdmittedCall(
            caller.identifier,
            question.call_id,
            question.conference_id,
            request.body["callReferenceValue"],
            question.is_answer,
            0,
            request.now,
            request.now,
            routed_to=way.routed_to,
        )
        granted = self._zone.budget.take(call.key, caller.source[0], question.wanted_bps)
        if granted is None:
            self._zone.counters["bandwidth-refused"] += 1
            self._zone.hang_up(caller.identifier, question.call_id)
            return _reject("requestDenied", proof)
        self._zone.calls.put(replace(call, bandwidth_bps=granted))
        self._zone.tell(Admitted(caller, question.call_id, question.is_answer, granted))
        return Answer("admissionConfirm", self._confirmation(request, verdict, way, granted), proof)

    def _confirmation(self, request: Request, verdict: Admit, way: _Way, granted_bps: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "bandWidth": min(granted_bps // UNIT_BPS, _MAX_BANDWIDTH),
            "callModel": ("gatekeeperRouted" if way.is_routed else "direct", 0),
            "destCallSignalAddress": address.value_of(way.destination),
            "willRespondToIRR": True,
            "uuiesRequested": _NO_UUIES,
        }
        if self._zone.settings.irr_interval_s:
            body["irrFrequency"] = self._zone.settings.irr_interval_s
        if verdict.aliases and request.body.get("canMapAlias"):
            body["destinationInfo"] = [entry.value for entry in verdict.aliases]
        return body

    def _way(self, request: Request, question: Question, verdict: Admit) -> _Way:
        ours = self._zone.signalling_address(request.local, request.source[0])
        if question.is_answer:
            callers = self._zone.calls.routed(question.call_id)
            is_routed = any(call.routed_to == question.caller.identifier for call in callers)
            return _Way(question.caller.signalling, is_routed)
        if verdict.is_ours or question.target is None:
            return _Way(verdict.destination or ours)
        if verdict.destination is not None:
            return _Way(verdict.destination)
        if self._zone.is_routed(question.target):
            return _Way(ours, is_routed=True, routed_to=question.target.identifier)
        return _Way(question.target.signalling)

    def _in_progress(self, proof: Proof) -> Answer:
        delay_ms = min(int(self._zone.settings.decision_s * 1000), _MAX_DELAY_MS)
        return Answer("requestInProgress", {"delay": delay_ms}, proof)

    def _reject_bandwidth(self, reason: tuple[str, Any], proof: Proof = NOBODY, allowed: int = 0) -> Answer:
        return Answer("bandwidthReject", {"rejectReason": reason, "allowedBandWidth": allowed}, proof)


def _reject(reason: str, proof: Proof = NOBODY) -> Answer:
    return Answer("admissionReject", {"rejectReason": (reason, 0)}, proof)
