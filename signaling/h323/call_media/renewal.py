"""New session keys while media flow: encryptionUpdateCommand, its request and its acknowledgement (H.235.6 8.6.2)."""

from __future__ import annotations

from collections.abc import Iterator

from crypto.h235.algorithm import Algorithm
from mcu.media import Kind
from signaling.h323.call_media import payload_types
from signaling.h323.call_media.keys import ChannelKeys, Key
from signaling.h323.call_media.negotiation import Negotiation
from signaling.h323.call_media.records import Phase
from signaling.h323.errors import MalformedPduError
from signaling.h323.h245.events import Effect, EncryptionUpdate, EncryptionUpdated, EncryptionUpdateWanted


class Renewal:
    """The master makes every key. What we send changes over when the peer has the new one, never before."""

    def __init__(self, negotiation: Negotiation) -> None:
        self._negotiation = negotiation
        self.due_at: float | None = None
        """When we begin, of our own accord."""

    def review(self, now: float) -> None:
        """Keys live from the first encrypted channel on; all are renewed together."""
        lifetime_s = self._negotiation.wishes.key_lifetime_s
        if not lifetime_s or next(self._encrypted(), None) is None:
            self.due_at = None
        elif self.due_at is None:
            self.due_at = now + lifetime_s

    def on_timeout(self, now: float) -> list[Effect]:
        """Renew what has lived long enough."""
        if self.due_at is None or now < self.due_at:
            return []
        self.due_at = None
        self.review(now)
        return self.renew()

    def renew(self) -> list[Effect]:
        """Of all channels."""
        control = self._negotiation.control
        effects: list[Effect] = []
        for number, is_ours in list(self._encrypted()):
            if control.is_master:
                effects += self._give(number, is_ours)
            else:
                effects += self._ask(number, is_ours)
        return effects

    def wanted(self, event: EncryptionUpdateWanted) -> list[Effect]:
        """The slave asks."""
        return self._give(event.number, event.is_ours) if self._negotiation.control.is_master else []

    def given(self, event: EncryptionUpdate) -> list[Effect]:
        """The master has a new key: it is used at once. What does not fit is passed over, the old key holds."""
        control, security = self._negotiation.control, self._negotiation.security
        found = self._find(event.number, event.is_ours)
        if found is None or security is None or control.is_master:
            return []
        _, algorithm, keys = found
        try:
            octets, payload_type = security.read_key(event.encryption_sync, algorithm)
        except MalformedPduError:
            return []
        keys.replace(Key(payload_type, octets))
        return control.acknowledge_encryption(event.number, event.is_ours, payload_type)

    def taken(self, event: EncryptionUpdated) -> None:
        """The slave has the new key."""
        found = self._find(event.number, event.is_ours)
        if found is not None:
            found[2].confirm(event.synch_flag)

    def _give(self, number: int, is_ours: bool) -> list[Effect]:
        """As master. One key at a time: a peer that acknowledges none keeps the one that it has."""
        negotiation = self._negotiation
        found = self._find(number, is_ours)
        if found is None or negotiation.security is None:
            return []
        kind, algorithm, keys = found
        if keys.pending is not None:
            return []
        wanted = payload_types.following(keys.current.payload_type)
        payload_type = payload_types.allot(wanted, negotiation.payload_types(kind))
        octets, encryption_sync = negotiation.security.new_key(algorithm, payload_type)
        keys.pending = Key(payload_type, octets)
        return negotiation.control.update_encryption(number, is_ours, encryption_sync)

    def _ask(self, number: int, is_ours: bool) -> list[Effect]:
        found = self._find(number, is_ours)
        if found is None:
            return []
        return self._negotiation.control.ask_encryption_update(number, is_ours, found[2].current.payload_type)

    def _encrypted(self) -> Iterator[tuple[int, bool]]:
        """Numbers of channels that have a key, and whether they are ours."""
        for ours in self._negotiation.outgoing.values():
            if ours.keys is not None and ours.phase is Phase.OPEN:
                yield ours.channel.number, True
        for number, theirs in self._negotiation.incoming.items():
            if theirs.keys is not None and theirs.is_open:
                yield number, False

    def _find(self, number: int, is_ours: bool) -> tuple[Kind, Algorithm, ChannelKeys] | None:
        """Kind, algorithm and keys of an encrypted channel that stands."""
        if is_ours:
            found = self._negotiation.find_outgoing(number)
            if found is None or found[1].phase is not Phase.OPEN:
                return None
            kind, medium, keys = found[0], found[1].medium, found[1].keys
        else:
            theirs = self._negotiation.incoming.get(number)
            if theirs is None or not theirs.is_open:
                return None
            kind, medium, keys = theirs.kind, theirs.medium, theirs.keys
        if medium.algorithm is None or keys is None:
            return None
        return kind, medium.algorithm, keys
