"""What an H.245 Control hands to its owner: messages to send, and what the peer wants, in the order it happened."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from signaling.h323.h245.logical_channel import LogicalChannel


@dataclass(frozen=True, slots=True)
class Send:
    """A MultimediaSystemControlMessage for the peer, ready for per.encode(Type.H245, ...)."""

    message: Any


@dataclass(frozen=True, slots=True)
class Ready:
    """Master and slave are known and each end has the other's capabilities: channels may be opened (H.323 8.2).

    Comes again after a hold of the peer has ended.
    """

    is_master: bool


@dataclass(frozen=True, slots=True)
class CapabilitiesReceived:
    """The peer has told, or changed, what it can receive; not empty. Precedes Ready."""

    capability_set: dict[str, Any]
    """TerminalCapabilitySet, for capabilities.read()."""


@dataclass(frozen=True, slots=True)
class Held:
    """An empty capability set: the channels that we send on are being closed (H.323 8.4.6)."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The end of Held. CapabilitiesReceived and Ready follow, then open anew."""


@dataclass(frozen=True, slots=True)
class ChannelOffered:
    """The peer wants to send: answer with Control.accept() or Control.reject()."""

    channel: LogicalChannel


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """A channel stands. Of ours (`is_ours`): `channel` carries what the peer said in its acknowledgement."""

    channel: LogicalChannel
    is_ours: bool


@dataclass(frozen=True, slots=True)
class ChannelRefused:
    """The peer does not take a channel of ours."""

    number: int
    cause: str
    """openLogicalChannelReject's cause by its ASN.1 name, "timeout", or "closed" by the peer while it was opened."""


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """A channel is gone, by whoever's wish. An offer that was not answered yet may end like this too."""

    number: int
    is_ours: bool
    must_reopen: bool = False
    """The peer asked to close our channel in order to open it in another way (requestChannelClose, reason reopen)."""


@dataclass(frozen=True, slots=True)
class ModeRequested:
    """The peer has asked for a mode of ours (requestMode): answer with answer_mode(). Any one of `modes` would do."""

    modes: tuple[tuple[Any, ...], ...]
    """requestedModes in the order of the peer's wish; each a tuple of ModeElement."""


@dataclass(frozen=True, slots=True)
class ModeAnswered:
    """What became of our request_mode()."""

    is_accepted: bool


class PictureRequest(Enum):
    """What the receiver of our picture lacks (H.245 7.11.5)."""

    PICTURE = "videoFastUpdatePicture"
    GOB = "videoFastUpdateGOB"
    MACROBLOCKS = "videoFastUpdateMB"
    LOST = "lostPicture"
    LOST_PARTIAL = "lostPartialPicture"
    RECOVERY = "recoveryReferencePicture"
    FREEZE = "videoFreezePicture"
    """Not a wish for data: show the last picture until the next fresh one."""


@dataclass(frozen=True, slots=True)
class FastUpdate:
    """A wish about the picture of channel `number`: of ours, for FREEZE of the peer's."""

    number: int
    request: PictureRequest = PictureRequest.PICTURE


@dataclass(frozen=True, slots=True)
class FlowControl:
    """Send at most so much from now on."""

    number: int | None
    """The channel of ours; None for all of them together."""
    bitrate_bps: int | None
    """None lifts the limit."""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """The answer to our round-trip request has taken so long; None: it did not come (the peer may be gone)."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class UserInput:
    """Keys of the terminal: digits, also "*", "#", "A" to "D", "!" for a hook flash (H.245 7.12.6)."""

    digits: str
    duration_ms: int | None = None
    """Of a signal; None where the peer does not say."""


@dataclass(frozen=True, slots=True)
class UserInputUpdate:
    """The key of the last signal was held so long (signalUpdate)."""

    duration_ms: int


@dataclass(frozen=True, slots=True)
class TerminalLabel:
    """An MCU has numbered us (terminalNumberAssign, H.243 6)."""

    mcu: int
    terminal: int


@dataclass(frozen=True, slots=True)
class PasswordWanted:
    """An MCU asks for the conference's password: answer with answer_password()."""


@dataclass(frozen=True, slots=True)
class Password:
    """The answer to ask_password()."""

    octets: bytes

    def __repr__(self) -> str:
        return "Password(...)"  # stays out of logs


class ContentState(Enum):
    """What has happened to the presentation token of H.239 (11)."""

    REQUESTED = "requested"
    """The peer wants to present: answer with grant_content() or refuse_content()."""
    GRANTED = "granted"
    """The peer lets us present: open the content channel."""
    REFUSED = "refused"
    """It does not, or did not answer in time."""
    RELEASED = "released"
    """The peer presents no longer."""
    OWNED = "owned"
    """The peer says that it presents (presentationTokenIndicateOwner)."""
    LOST = "lost"
    """The peer presents instead of us: close our content channel."""


@dataclass(frozen=True, slots=True)
class ContentToken:
    """A step of the presentation token."""

    state: ContentState


@dataclass(frozen=True, slots=True)
class EncryptionUpdateWanted:
    """The peer, as slave, wants a new key (encryptionUpdateRequest): answer with update_encryption()."""

    number: int
    is_ours: bool
    """Whether the channel is one of ours."""


@dataclass(frozen=True, slots=True)
class EncryptionUpdate:
    """The peer, as master, gives a new key (H.235.6 8.6.2)."""

    number: int
    is_ours: bool
    encryption_sync: Any


@dataclass(frozen=True, slots=True)
class EncryptionUpdated:
    """The peer has taken our new key (encryptionUpdateAck): the old one may be forgotten."""

    number: int
    is_ours: bool
    synch_flag: int


@dataclass(frozen=True, slots=True)
class GenericReceived:
    """A generic message that Control itself does not know, of H.460.18 for one."""

    kind: str
    """request, response, command or indication."""
    message: dict[str, Any]
    """GenericMessage."""


@dataclass(frozen=True, slots=True)
class EndSession:
    """The peer ends H.245; send no more (H.323 8.5). Control has answered, where it had not said so before."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The session cannot become or stay Ready: end the call."""

    reason: str


Event = (
    Ready
    | CapabilitiesReceived
    | Held
    | Resumed
    | ChannelOffered
    | ChannelOpened
    | ChannelRefused
    | ChannelClosed
    | ModeRequested
    | ModeAnswered
    | FastUpdate
    | FlowControl
    | RoundTrip
    | UserInput
    | UserInputUpdate
    | TerminalLabel
    | PasswordWanted
    | Password
    | ContentToken
    | EncryptionUpdateWanted
    | EncryptionUpdate
    | EncryptionUpdated
    | GenericReceived
    | EndSession
    | Failed
)

Effect = Send | Event


def request(name: str, body: Any) -> Send:
    """A RequestMessage."""
    return Send(("request", (name, body)))


def response(name: str, body: Any) -> Send:
    """A ResponseMessage."""
    return Send(("response", (name, body)))


def command(name: str, body: Any) -> Send:
    """A CommandMessage."""
    return Send(("command", (name, body)))


def indication(name: str, body: Any) -> Send:
    """An IndicationMessage."""
    return Send(("indication", (name, body)))
