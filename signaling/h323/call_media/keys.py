"""The session keys of one channel, while they change from one to the next (H.235.6 8.6.2)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Key:
    """One session key; `payload_type` marks its packets (synchFlag)."""

    payload_type: int
    octets: bytes = field(repr=False)


class ChannelKeys:
    """Of one channel, of either direction. At most three are known at a time."""

    def __init__(self, first: Key) -> None:
        self.current = first
        """What its sender uses, as far as we know."""
        self.pending: Key | None = None
        """Made by us as master; the peer has not said that it has it."""
        self._previous: Key | None = None

    @property
    def taken(self) -> tuple[Key, ...]:
        """What packets of the peer may be encrypted with: some are under way when keys change."""
        known = (self._previous, self.current, self.pending)
        by_payload_type = {key.payload_type: key for key in known if key is not None}
        return tuple(by_payload_type.values())

    def replace(self, key: Key) -> None:
        """The next one is in use; that before is taken until the next change."""
        if key != self.current:
            self._previous, self.current = self.current, key

    def confirm(self, payload_type: int) -> None:
        """The peer has the pending one (encryptionUpdateAck)."""
        if self.pending is not None and self.pending.payload_type == payload_type:
            self.replace(self.pending)
            self.pending = None
