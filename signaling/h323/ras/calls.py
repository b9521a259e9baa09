"""Calls that were admitted and are not over (H.225.0 7.11, 7.12 and 7.14): a bounded table. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

_NO_ID = bytes(16)

CallKey = tuple[str, bytes]
"""endpointIdentifier and call: the two ends of a call are admitted each for themselves."""


@dataclass(frozen=True, slots=True)
class AdmittedCall:
    """One end of a call."""

    identifier: str
    """The endpoint's."""
    call_id: bytes
    conference_id: bytes
    call_reference: int
    is_answer: bool
    bandwidth_bps: int
    admitted_at: float
    checked_at: float
    """When the endpoint named it last, was asked about it, or was admitted to it."""
    is_reported: bool = False
    """The endpoint named it in an IRR, so that it was answered at least."""
    routed_to: str = ""
    """The endpoint that its Setup, which comes to us, is passed on to; "" where it is not routed."""

    @property
    def key(self) -> CallKey:
        """In tables."""
        return self.identifier, self.call_id


def call_id_of(body: Any) -> bytes:
    """callIdentifier; before version 2 of H.225.0 conferenceID and callReferenceValue tell calls apart."""
    call_id: bytes = body.get("callIdentifier", {}).get("guid", _NO_ID)
    if call_id != _NO_ID:
        return call_id
    conference_id: bytes = body.get("conferenceID", _NO_ID)
    reference: int = body["callReferenceValue"] & 0x7FFF
    return conference_id + reference.to_bytes(2, "big")


class AdmittedCalls:
    """Calls by endpoint."""

    def __init__(self, max_calls: int, max_per_endpoint: int) -> None:
        self._max_calls = max_calls
        self._max_per_endpoint = max_per_endpoint
        self._endpoints: defaultdict[str, dict[bytes, AdmittedCall]] = defaultdict(dict)
        self._count = 0
        self._routed: defaultdict[bytes, set[str]] = defaultdict(set)

    def get(self, identifier: str, call_id: bytes) -> AdmittedCall | None:
        """One call of an endpoint."""
        return self._endpoints[identifier].get(call_id) if identifier in self._endpoints else None

    def of(self, identifier: str) -> list[AdmittedCall]:
        """All calls of an endpoint."""
        return list(self._endpoints[identifier].values()) if identifier in self._endpoints else []

    def routed(self, call_id: bytes) -> list[AdmittedCall]:
        """Routed calls of this callIdentifier: their endpoints chose it."""
        found = (self.get(identifier, call_id) for identifier in self._routed.get(call_id, ()))
        return [call for call in found if call is not None]

    @property
    def has_routed(self) -> bool:
        """Whether there is any."""
        return bool(self._routed)

    def named(self, identifier: str, body: Any, now: float) -> set[bytes]:
        """Calls that an IRR of this endpoint names: they are still there."""
        ids = {call_id_of(entry) for entry in body.get("perCallInfo", ())}
        for call in self.of(identifier):
            if call.call_id in ids:
                self.put(replace(call, checked_at=now, is_reported=True))
        return ids

    def unchecked(self, since: float) -> list[AdmittedCall]:
        """Calls about which nothing was said or asked since then."""
        return [call for kept in self._endpoints.values() for call in kept.values() if call.checked_at <= since]

    def has_room(self, identifier: str) -> bool:
        """Whether this endpoint may have one more."""
        of_endpoint = len(self._endpoints[identifier]) if identifier in self._endpoints else 0
        return self._count < self._max_calls and of_endpoint < self._max_per_endpoint

    def put(self, call: AdmittedCall) -> None:
        """Add or replace."""
        self._count += call.call_id not in self._endpoints[call.identifier]
        self._endpoints[call.identifier][call.call_id] = call
        if call.routed_to:
            self._routed[call.call_id].add(call.identifier)
        else:
            self._forget_route(call)

    def remove(self, identifier: str, call_id: bytes) -> AdmittedCall | None:
        """It is over; None where it was not there."""
        call = self._endpoints[identifier].pop(call_id, None) if identifier in self._endpoints else None
        if call is not None:
            self._count -= 1
            if not self._endpoints[identifier]:
                del self._endpoints[identifier]
            self._forget_route(call)
        return call

    def __len__(self) -> int:
        return self._count

    def _forget_route(self, call: AdmittedCall) -> None:
        if call.call_id in self._routed:
            self._routed[call.call_id].discard(call.identifier)
            if not self._routed[call.call_id]:
                del self._routed[call.call_id]
