"""What a call hands to its shell: octets to send, connections to make, and what happened, in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from signaling.h323.call.causes import Cause
from signaling.h323.call.setup import Setup
from signaling.h323.h245 import events as h245
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias
from signaling.h323.traversal import MediaFeature


@dataclass(frozen=True, slots=True)
class SendSignalling:
    """A Q.931 message for the call signalling connection, to be framed by TPKT."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SendControl:
    """An H.245 message for the connection of its own, to be framed by TPKT."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenControl:
    """Open the H.245 connection, and listen for it no longer: control_opened() or control_lost() follows.

    The address is the peer's word. A shell that knows where the peer is may refuse another host, by control_lost().
    """

    address: Address


@dataclass(frozen=True, slots=True)
class ListenControl:
    """Take an H.245 connection: control_listening() with the address follows, then control_opened()."""


@dataclass(frozen=True, slots=True)
class CloseControl:
    """Close the H.245 connection and stop listening for it."""


@dataclass(frozen=True, slots=True)
class CloseSignalling:
    """Close the call signalling connection once everything is sent."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """Somebody calls: answer with alert(), accept(), redirect() or release()."""

    setup: Setup


@dataclass(frozen=True, slots=True)
class Proceeding:
    """The peer works on our call; it will not be asked for more digits."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """The peer's network has something to say before the end (Progress)."""


@dataclass(frozen=True, slots=True)
class MoreDigits:
    """The peer wants the rest of the number (SetupAcknowledge): keypad() sends it."""


@dataclass(frozen=True, slots=True)
class Alerting:
    """It rings."""

    display: str = ""


@dataclass(frozen=True, slots=True)
class Connected:
    """Our call is answered."""

    conference_id: bytes
    display: str = ""
    endpoint_type: dict[str, Any] = field(default_factory=dict)
    """EndpointType of the peer."""


@dataclass(frozen=True, slots=True)
class FastStartAnswered:
    """The channels of ours that the peer took, as it returned them (OpenLogicalChannel, H.323 8.1.7.1)."""

    channels: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class FastStartRefused:
    """It took none: channels are opened by H.245."""


@dataclass(frozen=True, slots=True)
class TokensReceived:
    """ClearTokens of H.235 in a message behind Setup; those of a Setup are in it."""

    message_type: int
    tokens: tuple[Any, ...]
    crypto_tokens: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class TraversalAgreed:
    """One of the two ends is behind a firewall, and the called one has said what it can (H.460.19); once."""

    peer: MediaFeature


@dataclass(frozen=True, slots=True)
class KeypadDigits:
    """Keys of the terminal in Q.931 (Keypad facility): Asterisk sends them like this."""

    digits: str


@dataclass(frozen=True, slots=True)
class Redirected:
    """The peer wants the call elsewhere (Facility). A call of ours that was not answered yet has been released."""

    reason: str
    """FacilityReason by its ASN.1 name: callForwarded, routeCallToGatekeeper or routeCallToMC."""
    address: Address | None = None
    aliases: tuple[Alias, ...] = ()
    conference_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class StatusReceived:
    """Where the peer believes the call to be (CallState), and why it says so."""

    state: int
    cause: int | None


@dataclass(frozen=True, slots=True)
class StatusMissing:
    """No Status came for our enquiry: the peer is gone, or does not know the message."""


@dataclass(frozen=True, slots=True)
class ControlMissing:
    """There will be no H.245: the channels of fast start are all that this call has."""


@dataclass(frozen=True, slots=True)
class Released:
    """The end of the call, told once; `cause` is Q.931's, `reason` ReleaseCompleteReason by its ASN.1 name."""

    cause: int
    reason: str
    is_by_peer: bool = False

    @property
    def is_normal(self) -> bool:
        """Whether somebody just hung up."""
        return self.cause in (Cause.NORMAL_CLEARING, Cause.NORMAL_UNSPECIFIED)


Action = SendSignalling | SendControl | OpenControl | ListenControl | CloseControl | CloseSignalling

Event = (
    Incoming
    | Proceeding
    | Progressed
    | MoreDigits
    | Alerting
    | Connected
    | FastStartAnswered
    | FastStartRefused
    | TokensReceived
    | TraversalAgreed
    | KeypadDigits
    | Redirected
    | StatusReceived
    | StatusMissing
    | ControlMissing
    | Released
)

Effect = Action | Event | h245.Event
