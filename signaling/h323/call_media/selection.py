"""Which media we would send now: what both ends speak, less what the peer has refused, in the order it asked for."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace

from mcu.media import Codec, Kind
from signaling.h323.call_media.negotiation import KINDS, Negotiation
from signaling.h323.capabilities.channel import Medium
from signaling.h323.capabilities.choice import choose
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.capabilities.remote import RemoteCapabilities


class Selection:
    """The memory of what the peer wants of us and what not."""

    def __init__(self, negotiation: Negotiation) -> None:
        self.presents = False
        """Whether we want to send content."""
        self._negotiation = negotiation
        self._given_up: set[Kind] = set()
        self._refused: set[tuple[Kind, Codec]] = set()
        self._denied: set[Kind] = set()
        """Those that the peer does not take encrypted, whatever its capabilities say."""
        self._asked: dict[Kind, Codec] = {}
        """By requestMode, or because the peer sends the same."""

    def forget(self) -> None:
        """The peer's capabilities have changed: everything is worth another try."""
        self._given_up.clear()
        self._refused.clear()
        self._denied.clear()
        self._asked.clear()

    def deny(self, kind: Kind) -> None:
        """The peer takes nothing encrypted of a kind: it gets it in clear, or not at all.

        Not where it encrypts itself, since a stream is encrypted in both directions or in none.
        """
        theirs = self._negotiation.newest(kind)
        is_encrypted = theirs is not None and theirs.medium.is_encrypted
        is_over = is_encrypted or self._negotiation.wishes.must_encrypt
        if is_over:
            self.give_up(kind)
        else:
            self._denied.add(kind)

    def give_up(self, kind: Kind) -> None:
        """Not again before the peer's capabilities change; content not before the owner wants it again."""
        if kind is Kind.CONTENT:
            self.presents = False
        else:
            self._given_up.add(kind)

    def ask(self, codecs: Mapping[Kind, Codec]) -> None:
        """Send these where we can."""
        self._asked.update(codecs)

    def refuse(self, kind: Kind, medium: Medium, cause: str) -> None:
        """The peer does not take a channel of ours; what is left is tried, dearest first, and clear at last."""
        if medium.is_encrypted and cause == "securityDenied":
            self.deny(kind)
        elif cause in ("timeout", "closed") or (kind is Kind.CONTENT and not medium.is_encrypted):
            self.give_up(kind)
        else:
            self._refused.add((kind, medium.capability.codec))
            self._ask_for_the_same(kind, cause)
            if kind not in self.chosen():
                self._exhaust(kind, medium.is_encrypted)

    def _ask_for_the_same(self, kind: Kind, cause: str) -> None:
        """Terminals that speak one codec at a time in both directions refuse like this, as masters (H.245 C.4.1.3)."""
        theirs = self._negotiation.newest(kind)
        if theirs is not None and cause == "masterSlaveConflict":
            self._asked[kind] = theirs.medium.capability.codec

    def _exhaust(self, kind: Kind, was_encrypted: bool) -> None:
        """Every codec was refused."""
        if was_encrypted:
            self._refused = {each for each in self._refused if each[0] is not kind}
            self.deny(kind)
        else:
            self.give_up(kind)

    def chosen(
        self, asked: Mapping[Kind, Codec] | None = None, ignored: Container[Kind] = (), has_content: bool | None = None
    ) -> dict[Kind, Medium]:
        """One medium of each kind that we want to send and can.

        `asked` replaces what the peer has asked for, `ignored` are kinds of which it does not matter whether the peer
        sends them in clear, `has_content` says whether there were content.
        """
        remote = self._negotiation.remote
        if remote is None:
            return {}
        presents = self.presents if has_content is None else has_content
        kinds = [kind for kind in KINDS if self._wants(kind, presents)]
        clear = {kind for kind in kinds if self._is_clear(kind, ignored)}
        own = self._own(self._asked if asked is None else asked)
        chosen = choose(_in_clear(remote, clear), own, kinds)
        return {kind: each for kind, each in chosen.items() if (kind, each.capability.codec) not in self._refused}

    def could_encrypt(self, kind: Kind) -> bool:
        """Whether what we send of a kind is, or could be, encrypted."""
        ours = self._negotiation.outgoing.get(kind)
        if ours is not None and ours.medium.is_encrypted:
            return True
        medium = self.chosen(ignored=(kind,)).get(kind)
        return medium is None or medium.is_encrypted

    def can_send(self, codecs: Mapping[Kind, Codec]) -> bool:
        """Whether all of these could be sent at once, beside the rest."""
        chosen = self.chosen(asked={**self._asked, **codecs})
        return all(kind in chosen and chosen[kind].capability.codec is codec for kind, codec in codecs.items())

    def _wants(self, kind: Kind, presents: bool) -> bool:
        negotiation = self._negotiation
        if kind in self._given_up or kind not in negotiation.ports:
            return False
        if kind is Kind.CONTENT:
            return presents
        if kind is Kind.CAMERA and any(each.channel.reverse is not None for each in negotiation.open_channels(kind)):
            return False  # the peer's channel goes both ways
        return kind in negotiation.wishes.sends

    def _is_clear(self, kind: Kind, ignored: Container[Kind]) -> bool:
        """Where the peer sends in clear we do as well, unless that is out of the question."""
        if self._negotiation.wishes.must_encrypt:
            return False
        theirs = None if kind in ignored else self._negotiation.newest(kind)
        return kind in self._denied or (theirs is not None and not theirs.medium.is_encrypted)

    def _own(self, asked: Mapping[Kind, Codec]) -> OwnMedia:
        own = self._negotiation.own()
        audio = self._ordered(Kind.AUDIO, own.audio, asked)
        return replace(own, audio=audio, video=self._ordered(Kind.VIDEO, own.video, asked))

    def _ordered(self, kind: Kind, codecs: tuple[Codec, ...], asked: Mapping[Kind, Codec]) -> tuple[Codec, ...]:
        """What is asked for first, else what is open already: nothing is closed for a dearer codec."""
        ours = self._negotiation.outgoing.get(kind)
        first = asked.get(kind) or (ours.medium.capability.codec if ours is not None else None)
        left = [codec for codec in codecs if (kind, codec) not in self._refused]
        return tuple(sorted(left, key=lambda codec: codec is not first))


def _in_clear(remote: RemoteCapabilities, clear: set[Kind]) -> RemoteCapabilities:
    """The same peer, as if it could not decrypt media of these kinds."""
    if not clear:
        return remote
    capabilities = (replace(each, algorithms=()) if each.kind in clear else each for each in remote.capabilities)
    return replace(remote, capabilities=tuple(capabilities))
