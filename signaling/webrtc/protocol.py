"""The JSON messages between the join page and us, one object a WebSocket text message, told apart by `type`."""

from __future__ import annotations

import unicodedata
from typing import Annotated

import msgspec
from msgspec import Meta

from mcu.participant import Role
from mcu.policy import LayoutMode
from signaling.placed import MAX_TARGET_CHARACTERS
from signaling.refusal import WaitReason
from signaling.webrtc.errors import MessageError

MAX_MESSAGE_BYTES = 65536
MAX_NAME_CHARACTERS = 48

RoomName = Annotated[str, Meta(pattern=r"\A[0-9A-Za-z](?:[0-9A-Za-z._-]{0,62}[0-9A-Za-z])?\Z")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Passcode = Annotated[str, Meta(max_length=64)]
SeatToken = Annotated[str, Meta(max_length=64)]
Number = Annotated[int, Meta(ge=0, le=2**53)]


def _tag(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


# ---- page -> server ---------------------------------------------------------------------------------------------


class PageMessage(msgspec.Struct, frozen=True, tag_field="type", tag=_tag):
    """Base of what the page sends; unknown fields are ignored, so that an older server takes a newer page."""


class Join(PageMessage, frozen=True):
    """Ask for a place in a room, or take a seat back (`session`) after a network change."""

    room: RoomName
    name: Name
    passcode: Passcode = ""
    session: SeatToken = ""

    def __repr__(self) -> str:
        return f"Join(room={self.room!r})"


class Answer(PageMessage, frozen=True):
    """The answer to the offer of the same number."""

    id: Number
    sdp: Annotated[str, Meta(max_length=MAX_MESSAGE_BYTES)]


class Camera(PageMessage, frozen=True):
    """The camera was switched: without it the seat shows a card, not a frozen picture."""

    is_on: bool


class Share(PageMessage, frozen=True):
    """A shared screen starts or ends; a new offer follows."""

    is_on: bool


class TakeFloor(PageMessage, frozen=True):
    """Hosts: end what is shared, whoever shares it."""


class Mute(PageMessage, frozen=True):
    """Mute or unmute oneself, or (hosts) somebody else."""

    is_muted: bool
    participant: Number | None = None


class MuteAll(PageMessage, frozen=True):
    """Hosts: mute everybody else."""


class Layout(PageMessage, frozen=True):
    """Hosts: choose how the picture is arranged."""

    mode: LayoutMode


class Lock(PageMessage, frozen=True):
    """Hosts: let nobody else in, or open the room again."""

    is_locked: bool


class Record(PageMessage, frozen=True):
    """Hosts: start or stop the recording."""

    is_on: bool


class Unblock(PageMessage, frozen=True):
    """Hosts: let strangers try passcodes again, after too many wrong ones closed the room to them."""


class Remove(PageMessage, frozen=True):
    """Hosts: take somebody out of the room."""

    participant: Number


class Spotlight(PageMessage, frozen=True):
    """Hosts: give somebody the big tile, whoever speaks; 0: nobody any more."""

    participant: Number


class SetRole(PageMessage, frozen=True):
    """Hosts: make somebody else a host, or a guest again."""

    participant: Number
    role: Role


class LetIn(PageMessage, frozen=True):
    """Hosts: let one in who waits outside."""

    waiting: Number


class TurnAway(PageMessage, frozen=True):
    """Hosts: one who waits outside is not wanted."""

    waiting: Number


class Hand(PageMessage, frozen=True):
    """Raise or lower one's hand; hosts lower the hands of others too."""

    is_raised: bool
    participant: Number | None = None


class Call(PageMessage, frozen=True):
    """Hosts: call a terminal, a number or an address into the room."""

    target: Annotated[str, Meta(min_length=1, max_length=MAX_TARGET_CHARACTERS)]
    role: Role = Role.GUEST


class CancelCall(PageMessage, frozen=True):
    """Hosts: give up a call, or take its result off the list."""

    call: Number


class RestartIce(PageMessage, frozen=True):
    """The path is gone or the network changed (RFC 8445 9); a new offer follows."""


class Leave(PageMessage, frozen=True):
    """Goodbye: the seat is given up."""


class Ping(PageMessage, frozen=True):
    """Is the WebSocket alive? Answered by Pong with the same number."""

    id: Number = 0


AnyPageMessage = (
    Join | Answer | Camera | Share | TakeFloor | Mute | MuteAll | Layout | Lock | Record | Unblock | Remove
    | Spotlight | SetRole | LetIn | TurnAway | Hand | Call | CancelCall | RestartIce | Leave | Ping
)  # fmt: skip


# ---- server -> page ---------------------------------------------------------------------------------------------


class ServerMessage(msgspec.Struct, frozen=True, tag_field="type", tag=_tag):
    """Base of what we send."""


class IceServer(msgspec.Struct, frozen=True):
    """A STUN or TURN server, as RTCPeerConnection takes it."""

    urls: tuple[str, ...]
    username: str = ""
    credential: str = ""

    def __repr__(self) -> str:
        return f"IceServer(urls={self.urls!r})"


class Offer(ServerMessage, frozen=True):
    """A session description to be answered, and the servers that help to find a way."""

    id: int
    sdp: str
    ice_servers: tuple[IceServer, ...] = ()
    is_relay_only: bool = False

    def __repr__(self) -> str:
        return f"Offer(id={self.id})"


class Waiting(ServerMessage, frozen=True):
    """The gate is open, but something is waited for; sent again when that changes."""

    reason: WaitReason = WaitReason.HOST


class Joined(ServerMessage, frozen=True):
    """The seat is taken; `session` takes it back after the WebSocket was lost."""

    participant: int
    role: Role
    session: str
    room: str
    room_name: str
    is_resumed: bool = False
    allowance: str = "full"
    """What the machine has left for it: full, small (pictures) or sound."""

    def __repr__(self) -> str:
        return f"Joined(participant={self.participant})"


class Moved(ServerMessage, frozen=True):
    """A host has taken this participant to another room; the call goes on."""

    room: str
    room_name: str


class Refused(ServerMessage, frozen=True):
    """The gate stays shut; the page may ask again after `retry_after_s`, unless the socket is closed."""

    code: str
    retry_after_s: float = 0.0
    tries_left: int | None = None


class Roster(ServerMessage, frozen=True):
    """The room as its participants may see it."""

    layout: str
    is_locked: bool
    is_recording: bool
    can_record: bool
    """Whether the room's policy lets a host record."""
    participants: list[dict[str, object]]
    spotlight: int = 0
    """Who has the big tile, whoever speaks."""
    is_blocked: bool = False
    """Told to hosts: somebody guessed passcodes, and strangers cannot find the room now."""
    waiting: list[dict[str, object]] = []
    """Told to hosts: who waits outside."""
    calls: list[dict[str, object]] = []
    """Told to hosts: who is being called, and who did not come a moment ago."""
    can_call: bool = False
    """Told to hosts: whether they may call others into the room."""
    is_disk_full: bool = False
    """A recording has just ended, because the disk of the server is full."""
    recording_ends_in_min: int | None = None
    """The disk of the server fills: about so long the recording goes on."""


class Wanted(ServerMessage, frozen=True):
    """The largest picture that is of use to the mix now: the page scales what it sends down to this."""

    width: int
    height: int
    frame_rate: int
    max_bitrate_bps: int


class ShareEnded(ServerMessage, frozen=True):
    """The page has to stop sharing its screen: somebody else does, or a host has ended it."""


class Bye(ServerMessage, frozen=True):
    """The end, and why."""

    reason: str


class Pong(ServerMessage, frozen=True):
    """Answer to Ping."""

    id: int


class Problem(ServerMessage, frozen=True):
    """A message was not carried out; the call goes on."""

    code: str
    """too-large, malformed, unexpected, too-fast, not-allowed, bad-answer, disk-full, floor-taken or failed."""
    detail: str = ""


_decoder: msgspec.json.Decoder[AnyPageMessage] = msgspec.json.Decoder(AnyPageMessage)
_encoder = msgspec.json.Encoder()


def parse(data: str | bytes) -> AnyPageMessage:
    """The message in `data`. Raises MessageError with a code for Problem; the detail never repeats what was sent."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_MESSAGE_BYTES:
        raise MessageError("too-large", f"a message has at most {MAX_MESSAGE_BYTES} bytes")
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise MessageError("malformed", _shape(str(error))) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise MessageError("malformed", "not a JSON message") from error


def serialize(message: ServerMessage) -> str:
    """The text of a message for the WebSocket."""
    return _encoder.encode(message).decode()


def clean_name(name: str) -> str:
    """A name fit for labels and rosters: no control or direction characters, single spaces, bounded length."""
    kept = "".join(" " if letter.isspace() else letter for letter in name)
    kept = "".join(letter for letter in kept if unicodedata.category(letter)[0] != "C")
    return " ".join(kept.split())[:MAX_NAME_CHARACTERS].strip()


def _shape(text: str) -> str:
    # msgspec quotes an unknown tag: cut it, it is the peer's text.
    return "unknown type of message" if text.startswith("Invalid value") else text[:200]
