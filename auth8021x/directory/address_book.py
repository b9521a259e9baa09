"""Addresses of sessions: each belongs to one MAC of its site; the better source wins, then the newer. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from auth8021x.directory.events import LossCause
from auth8021x.directory.session import Held, Key, Source

_ONE_OF_A_FAMILY: Final = (Source.DHCP,)
"""A server gives a device one address of each family."""


@dataclass(frozen=True, slots=True)
class Gain:
    """A device has an address."""

    key: Key
    held: Held


@dataclass(frozen=True, slots=True)
class Loss:
    """A device has one no more."""

    key: Key
    held: Held
    cause: LossCause
    by: bytes = b""


Outcome = Gain | Loss


class AddressBook:
    """Only of live sessions: whoever ends one calls release()."""

    def __init__(self, max_addresses: int, fresh_s: float) -> None:
        self._max_addresses = max_addresses
        self._fresh_s = fresh_s
        self._owners: dict[tuple[str, str], bytes] = {}
        self._held: dict[Key, dict[str, Held]] = {}

    def __len__(self) -> int:
        return len(self._owners)

    def owner(self, site: str, address: str) -> bytes | None:
        """The MAC that has it."""
        return self._owners.get((site, address))

    def of(self, key: Key) -> tuple[Held, ...]:
        """The addresses of a MAC, the oldest first."""
        return tuple(self._held.get(key, {}).values())

    def claim(self, key: Key, address: str, source: Source, now: float) -> list[Outcome] | None:
        """A MAC is said to have an address: what changes; None where better is known."""
        if self._is_outranked(key, address, source, now):
            return None
        made = Held(address, source, now)
        mine = self._held.setdefault(key, {})
        if address in mine:
            mine[address] = self._better(mine[address], made)
            return self._without_worse(key, mine[address])
        site = key[0]
        outcomes: list[Outcome] = []
        owner = self._owners.get((site, address))
        if owner is not None:
            outcomes.append(self._lose((site, owner), address, LossCause.TAKEN, key[1]))
        outcomes += self._without_worse(key, made)
        if len(mine) >= self._max_addresses:
            worst = min(mine.values(), key=lambda held: (held.source.rank, held.seen_at))
            outcomes.append(self._lose(key, worst.address, LossCause.TOO_MANY))
        self._owners[site, address] = key[1]
        self._held.setdefault(key, {})[address] = made
        return [*outcomes, Gain(key, made)]

    def keep_only(self, key: Key, addresses: Collection[str], source: Source) -> list[Outcome]:
        """What this source says now is all that it says; families of which it says nothing stay."""
        families = {_family(address) for address in addresses}
        gone = [
            held.address
            for held in self.of(key)
            if held.source is source and held.address not in addresses and _family(held.address) in families
        ]
        return [self._lose(key, address, LossCause.CHANGED) for address in gone]

    def release(self, key: Key) -> None:
        """The session of a MAC is over."""
        for address in self._held.pop(key, {}):
            del self._owners[key[0], address]

    def _is_outranked(self, key: Key, address: str, source: Source, now: float) -> bool:
        """A source says nothing against a better one that was heard a moment ago: of this address, or of this MAC."""
        owner = self._owners.get((key[0], address))
        rivals = [
            held for held in self.of(key) if held.address != address and _family(held.address) == _family(address)
        ]
        if owner is not None and owner != key[1]:
            rivals.append(self._held[key[0], owner][address])
        return any(held.source.rank > source.rank and now - held.seen_at < self._fresh_s for held in rivals)

    def _without_worse(self, key: Key, made: Held) -> list[Outcome]:
        """Other addresses of that family which a lesser source named, or the same one where it names but one."""
        outcomes: list[Outcome] = []
        for held in self.of(key):
            is_other = held.address != made.address and _family(held.address) == _family(made.address)
            is_renewed = held.source is made.source and made.source in _ONE_OF_A_FAMILY
            if is_other and (held.source.rank < made.source.rank or is_renewed):
                outcomes.append(self._lose(key, held.address, LossCause.CHANGED))
        return outcomes

    def _better(self, held: Held, made: Held) -> Held:
        if made.source.rank >= held.source.rank or made.seen_at - held.seen_at >= self._fresh_s:
            return made
        return held

    def _lose(self, key: Key, address: str, cause: LossCause, by: bytes = b"") -> Loss:
        del self._owners[key[0], address]
        return Loss(key, self._held[key].pop(address), cause, by)


def _family(address: str) -> int:
    return 6 if ":" in address else 4
