"""Which passcodes a room gets: wished for, made or checked, hashed, and shown in one answer only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from crypto.passcode import HasherBusy, PasscodeError, PasscodeHasher, check_passcode, generate_passcode
from crypto.secret import Secret
from portal.bodies import Confidential
from portal.errors import Invalid, Unavailable
from store.rooms import Room

Digits = Annotated[str, Meta(max_length=64)]


class PasscodeKind(StrEnum):
    """Where a passcode comes from."""

    GENERATE = "generate"
    GIVEN = "given"
    NONE = "none"
    KEEP = "keep"


class PasscodeWish(Confidential, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which passcodes a room is to have; also the body of POST /rooms/{number}/passcodes."""

    guest_kind: PasscodeKind = PasscodeKind.GENERATE
    guest_passcode: Digits = ""
    host_kind: PasscodeKind = PasscodeKind.GENERATE
    host_passcode: Digits = ""
    allow_weak: bool = False
    """The administrator insists on a short or simple one; the room is flagged."""


@dataclass(frozen=True, slots=True)
class _Passcode:
    """One passcode of an answer: kept, none, or new with its hash."""

    kind: PasscodeKind
    plain: Secret
    hashed: str | None = field(default=None, repr=False)
    is_weak: bool = False


@dataclass(frozen=True, slots=True)
class MadePasscodes:
    """The passcodes of a room, ready to be stored as hashes and shown once."""

    guest: _Passcode
    host: _Passcode

    def apply(self, room: Room) -> Room:
        """The room with these passcodes."""
        if self.guest.kind is not PasscodeKind.KEEP:
            room = replace(room, guest_hash=self.guest.hashed, is_guest_weak=self.guest.is_weak)
        if self.host.kind is not PasscodeKind.KEEP:
            room = replace(room, host_hash=self.host.hashed, is_host_weak=self.host.is_weak)
        return room

    def shown(self) -> dict[str, str | None]:
        """The plain text, for the one answer that has it."""
        return {"guest": self.guest.plain.reveal() or None, "host": self.host.plain.reveal() or None}


async def make_passcodes(wish: PasscodeWish, hasher: PasscodeHasher, room: Room | None = None) -> MadePasscodes:
    """Check or generate what is wished for; `room` has the passcodes that are kept. Raises Invalid, Unavailable."""
    guest, guest_is_weak = _choose("guest", wish.guest_kind, wish.guest_passcode, wish.allow_weak)
    host, host_is_weak = _choose("host", wish.host_kind, wish.host_passcode, wish.allow_weak)
    try:
        if await _are_twins(wish, guest, host, hasher, room):
            raise Invalid({f"{'host' if host else 'guest'}_passcode": "same-as-other"})
        guest_hash = await hasher.hash(guest) if guest else None
        host_hash = await hasher.hash(host) if host else None
    except HasherBusy:
        raise Unavailable from None
    return MadePasscodes(
        _Passcode(wish.guest_kind, guest, guest_hash, guest_is_weak),
        _Passcode(wish.host_kind, host, host_hash, host_is_weak),
    )


async def _are_twins(
    wish: PasscodeWish, guest: Secret, host: Secret, hasher: PasscodeHasher, room: Room | None
) -> bool:
    """Whether both passcodes would be the same, so that every guest would be a host."""
    if guest and host:
        return guest == host
    if room is None:
        return False
    if guest and wish.host_kind is PasscodeKind.KEEP and room.host_hash:
        return await hasher.verify(guest, room.host_hash)
    if host and wish.guest_kind is PasscodeKind.KEEP and room.guest_hash:
        return await hasher.verify(host, room.guest_hash)
    return False


def _choose(whose: str, kind: PasscodeKind, given: str, allow_weak: bool) -> tuple[Secret, bool]:
    """The plain passcode ("" for none or kept) and whether it is weak."""
    if kind is PasscodeKind.GENERATE:
        return generate_passcode(), False
    if kind is not PasscodeKind.GIVEN:
        return Secret(""), False
    try:
        return Secret(given), check_passcode(given, insists=allow_weak)
    except PasscodeError:
        is_digits = given.isascii() and given.isdigit()
        raise Invalid({f"{whose}_passcode": "weak" if is_digits else "digits"}) from None
