"""Who wants to come in, and what the gate makes of it: the values that every protocol hands to it and gets back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mcu.capacity import Allowance
from mcu.media import Grade
from mcu.participant import Role
from mcu.policy import LayoutMode, MediaEncryption, RecordPolicy, RoomPolicy
from signaling.network_access import Proof
from store.rooms import Room


@dataclass(frozen=True, slots=True)
class CallRequest:
    """Somebody wants to come in."""

    source: str
    """Transport address of the peer (never a header's), without port."""
    protocol: str
    """"sip" or "webrtc"."""
    room: str
    """Number or alias as dialled; dialplan.parse() gives it."""
    passcode: str | None = field(default=None, repr=False)
    name: str = ""
    is_trusted: bool = False
    """Signed in, registered, or already inside (a reconnect): a block of the room does not concern them."""
    call: str = ""
    """Unique id of the call attempt, for its three tries; the same for every try of one call."""
    has_secure_signalling: bool = False
    """The passcode came over TLS (or loopback): rooms of the authenticated grade take none otherwise."""
    identity: str = ""
    """Alias of a terminal or name of a user, proved by digest or sign-in; "" for everybody else."""
    is_invited: bool = False
    """A host or administrator called them: passcode and lock do not hold; seats, grade and blocks do."""
    invited_as: Role = Role.GUEST
    """What an invited one becomes."""
    can_wait: bool = True
    """Can be told to wait, by picture, sound or page; a locked room refuses the others at once."""
    local: str = ""
    """Our address that the call came in at."""
    claimed: tuple[str, ...] = ()
    """What the caller calls itself."""
    proof: Proof = Proof.NONE
    """How `identity` was proved, or that the call comes by a trunk."""
    network_identity: str = ""
    """As whom the device signed in to the network (IEEE 802.1X), as the gate found out; hosts see it."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The gate is open for this caller, as long as wait_for_host() agrees."""

    policy: RoomPolicy
    role: Role
    generation: int
    """Of the room's passcodes when this one was checked."""
    request: CallRequest
    """Without its passcode."""
    allowance: Allowance = Allowance.FULL
    """What the machine has left for this caller: full pictures, small ones, sound only."""
    is_let_in: bool = False
    """A host let this one in by name: the lock does not hold."""

    @property
    def is_above_the_lock(self) -> bool:
        """Whether a locked room takes this one all the same."""
        return self.role is Role.HOST or self.is_let_in or self.request.is_invited


def admission_to(room: Room, role: Role, request: CallRequest) -> Admission:
    """The admission of `request` to a stored room."""
    return Admission(policy_of(room), role, room.generation, replace(request, passcode=None))


def policy_of(room: Room) -> RoomPolicy:
    """What the conference of a stored room needs to know."""
    return RoomPolicy(
        number=room.number,
        name=room.name,
        max_participants=room.max_participants,
        layout=LayoutMode(room.layout),
        record=RecordPolicy(room.record),
        encryption=MediaEncryption(room.encryption),
        required_grade=Grade(room.required_grade),
        waits_for_host=room.waits_for_host,
        is_locked=room.is_locked,
        keeps_presenter=room.keeps_presenter,
        has_full_hd=room.has_full_hd,
        changed_at=room.updated_at.timestamp(),
    )
