"""What a peer's terminalCapabilitySet says, and what of it we may send at once (H.245 B.2.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crypto.h235.algorithm import Algorithm
from mcu.media import Codec, Kind
from signaling.h323.capabilities import content, medium, security
from signaling.h323.capabilities.capability import Capability, Packetization

MOST_CAPABILITIES = 256
MOST_DESCRIPTORS = 8
MOST_SETS = 32
"""Of simultaneous capabilities in one descriptor; what is more is passed over, terminals have a tenth of it."""

_PACKETIZATIONS = {packetization.value: packetization for packetization in Packetization}


@dataclass(frozen=True, slots=True)
class RemoteCapabilities:
    """What the peer can receive."""

    capabilities: tuple[Capability, ...] = ()
    """In the order of its table."""
    packetizations: frozenset[Packetization] = frozenset()
    descriptors: tuple[tuple[frozenset[int], ...], ...] = ()
    """Each a tuple of sets of alternatives; those of one descriptor may be used at once, one of each set."""
    secured: tuple[tuple[int, int], ...] = ()
    """Entry of a medium and entry of its security."""
    has_content: bool = False
    """H.239."""
    user_input: frozenset[str] = frozenset()
    """Names of UserInputCapability that it receives, as dtmf and basicString."""

    def of(self, kind: Kind) -> list[Capability]:
        """Media of one kind, without telephone events."""
        return [each for each in self.capabilities if each.kind is kind and each.codec is not Codec.TELEPHONE_EVENT]

    @property
    def telephone_event(self) -> int | None:
        """The payload type by which it takes RFC 4733."""
        events = [each.payload_type for each in self.capabilities if each.codec is Codec.TELEPHONE_EVENT]
        return events[0] if events else None

    def allows(self, chosen: Sequence[Capability]) -> bool:
        """Whether these media may all be sent at once; a terminal without descriptors is taken at its table's word."""
        wanted = [self._entries(each) for each in chosen]
        return not self.descriptors or any(_fits(wanted, sets) for sets in self.descriptors)

    def _entries(self, chosen: Capability) -> set[int]:
        secured = {security_entry for entry, security_entry in self.secured if entry == chosen.number}
        return secured | {chosen.number} if chosen.algorithms else {chosen.number}


def read(capability_set: Any) -> RemoteCapabilities:
    """The set of CapabilitiesReceived. What we do not understand is not there."""
    table = {
        entry["capabilityTableEntryNumber"]: entry["capability"]
        for entry in capability_set.get("capabilityTable", ())[:MOST_CAPABILITIES]
        if "capability" in entry
    }
    secured, algorithms = _read_security(table)
    return RemoteCapabilities(
        capabilities=tuple(_read_table(table, algorithms)),
        packetizations=_read_packetizations(capability_set.get("multiplexCapability")),
        descriptors=_read_descriptors(capability_set.get("capabilityDescriptors", ())),
        secured=secured,
        has_content=any(content.is_control(value) for value in table.values()),
        user_input=frozenset(body[0] for name, body in table.values() if name in _USER_INPUT),
    )


def _read_table(table: dict[int, Any], algorithms: dict[int, tuple[Algorithm, ...]]) -> Iterable[Capability]:
    for number, value in table.items():
        for each in medium.read_capability(value):
            yield replace(each, number=number, algorithms=algorithms.get(number, ()))


def _read_security(table: dict[int, Any]) -> tuple[tuple[tuple[int, int], ...], dict[int, tuple[Algorithm, ...]]]:
    secured: list[tuple[int, int]] = []
    algorithms: dict[int, tuple[Algorithm, ...]] = {}
    for number, (name, body) in table.items():
        if name == "h235SecurityCapability":
            entry = body["mediaCapability"]
            secured.append((entry, number))
            found = security.read(body["encryptionAuthenticationAndIntegrity"])
            algorithms[entry] = tuple(dict.fromkeys((*algorithms.get(entry, ()), *found)))
    return tuple(secured), algorithms


def _read_packetizations(multiplex: Any) -> frozenset[Packetization]:
    if multiplex is None or multiplex[0] != "h2250Capability":
        return frozenset()
    told = multiplex[1]["mediaPacketizationCapability"].get("rtpPayloadType", ())
    found = (packetization_of(each) for each in told)
    return frozenset(each for each in found if each is not None)


def packetization_of(payload_type: Any) -> Packetization | None:
    """What an RTPPayloadType names; None for what we do not know."""
    kind, value = payload_type["payloadDescriptor"]
    if kind == "oid":
        return _PACKETIZATIONS.get((kind, tuple(value)))
    return _PACKETIZATIONS.get((kind, value)) if kind == "rfc-number" else None


def _read_descriptors(descriptors: Sequence[Any]) -> tuple[tuple[frozenset[int], ...], ...]:
    return tuple(
        tuple(frozenset(alternatives) for alternatives in descriptor["simultaneousCapabilities"][:MOST_SETS])
        for descriptor in descriptors[:MOST_DESCRIPTORS]
        if "simultaneousCapabilities" in descriptor
    )


def _fits(wanted: Sequence[set[int]], sets: Sequence[frozenset[int]]) -> bool:
    """Whether each wish finds a set of its own (augmenting paths)."""
    taken: dict[int, int] = {}

    def place(wish: int, tried: set[int]) -> bool:
        for index, alternatives in enumerate(sets):
            if index in tried or wanted[wish].isdisjoint(alternatives):
                continue
            tried.add(index)
            if index not in taken or place(taken[index], tried):
                taken[index] = wish
                return True
        return False

    return all(place(wish, set()) for wish in range(len(wanted)))


_USER_INPUT = ("receiveUserInputCapability", "receiveAndTransmitUserInputCapability")
