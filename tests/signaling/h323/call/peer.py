"""The other end of a scripted conversation: makes its messages by hand, and reads ours."""

from __future__ import annotations

from typing import Any

from signaling.h323 import per
from signaling.h323.call import events, message
from signaling.h323.call.call import Call
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call.message import CallIdentity, Signal
from signaling.h323.call.setup import SetupRequest
from signaling.h323.h245 import events as h245
from signaling.h323.q931 import Element, MessageType
from signaling.h323.ras.alias import Alias, AliasKind

GUID = bytes(range(16))
CONFERENCE = bytes(range(16, 32))
ROOM = b"the room's own ID"[:16]
IDENTITY = CallIdentity(0x1234, GUID, CONFERENCE)
OWN = LocalEndpoint((Alias(AliasKind.H323_ID, "mcu"), Alias(AliasKind.DIALLED_DIGITS, "88")), "Ward 3")
TERMINAL = {"terminal": {}, "mc": False, "undefinedNode": False}
ADDRESS = ("192.0.2.7", 1503)
TRANSPORT = ("ipAddress", {"ip": bytes((192, 0, 2, 7)), "port": 1503})
SETUP = {
    "sourceInfo": TERMINAL,
    "activeMC": False,
    "conferenceID": CONFERENCE,
    "conferenceGoal": ("create", 0),
    "callType": ("pointToPoint", 0),
    "mediaWaitForConnect": False,
    "canOverlapSend": False,
    "multipleCalls": False,
    "maintainConnection": False,
}
DESTINATION = {"destinationInfo": TERMINAL, "multipleCalls": False, "maintainConnection": False}
CHANNEL = {
    "forwardLogicalChannelNumber": 101,
    "forwardLogicalChannelParameters": {
        "dataType": ("audioData", ("g711Ulaw64k", 20)),
        "multiplexParameters": (
            "h2250LogicalChannelParameters",
            {
                "sessionID": 1,
                "mediaControlChannel": (
                    "unicastAddress",
                    ("iPAddress", {"network": bytes((192, 0, 2, 7)), "tsapIdentifier": 5001}),
                ),
            },
        ),
    },
}
TOKEN = {"tokenOID": (0, 0, 8, 235, 0, 3, 24)}


def control(number: int) -> Any:
    """An H.245 message that can be told from others."""
    return ("request", ("roundTripDelayRequest", {"sequenceNumber": number}))


def units(*numbers: int) -> list[bytes]:
    return [per.encode(per.Type.H245, control(number)) for number in numbers]


class FakeControl:
    """A Control that says 1 at the start and n + 100 to n; 99 ends the session, 98 fails."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self.deadline: float | None = None

    def start(self, now: float) -> list[h245.Effect]:
        self.deadline = now + 10
        return [h245.Send(control(1))]

    def receive(self, message: Any, now: float) -> list[h245.Effect]:
        match message:
            case ("request", ("roundTripDelayRequest", {"sequenceNumber": number})):
                pass
            case _:
                return []
        self.received.append(number)
        if number == 99:
            return [h245.Send(control(199)), h245.EndSession()]
        if number == 98:
            return [h245.Failed("no")]
        return [h245.Send(control((number + 100) % 256)), h245.UserInput(str(number))]

    def next_timeout(self) -> float | None:
        return self.deadline

    def on_timeout(self, now: float) -> list[h245.Effect]:
        self.deadline = None
        return [h245.RoundTrip(None)]

    def end_session(self) -> list[h245.Effect]:
        return [] if 99 in self.received else [h245.Send(control(255))]


def octets(
    kind: MessageType,
    body: dict[str, Any] | None = None,
    *,
    is_caller: bool,
    tunnels: bool = True,
    carries: tuple[int, ...] = (),
    elements: tuple[Element, ...] = (),
    identity: CallIdentity = IDENTITY,
) -> bytes:
    """A message of the peer."""
    return message.serialize(
        kind,
        identity,
        body,
        is_from_destination=not is_caller,
        is_tunnelling=tunnels,
        control=units(*carries),
        elements=elements,
    )


def sent(effects: list[events.Effect]) -> list[Signal]:
    """Our messages of call signalling among some effects."""
    return [message.parse(effect.octets) for effect in effects if isinstance(effect, events.SendSignalling)]


def told(effects: list[events.Effect]) -> list[Any]:
    """What is neither octets of call signalling nor of H.245."""
    return [effect for effect in effects if not isinstance(effect, (events.SendSignalling, events.SendControl))]


def numbers(control_units: tuple[bytes, ...]) -> list[int]:
    """Of messages that FakeControl made."""
    return [per.decode(per.Type.H245, unit)[1][1]["sequenceNumber"] for unit in control_units]


def on_connection(effects: list[events.Effect]) -> list[int]:
    return numbers(tuple(effect.octets for effect in effects if isinstance(effect, events.SendControl)))


def in_tunnel(effects: list[events.Effect]) -> list[tuple[int, list[int]]]:
    """By message: its type, and what it carries."""
    return [(signal.type, numbers(signal.control)) for signal in sent(effects)]


def kinds(effects: list[events.Effect]) -> list[str]:
    """What happened, in a word each."""
    return [type(effect).__name__ for effect in effects]


def called(*, tunnels: bool = True, body: dict[str, Any] | None = None, **others: Any) -> tuple[Call, FakeControl, Any]:
    """A call that came in, with what came of its Setup."""
    fake = FakeControl()
    call = Call(OWN, fake)
    effects = call.receive(
        octets(MessageType.SETUP, SETUP | (body or {}), is_caller=True, tunnels=tunnels, **others), 0
    )
    return call, fake, effects


def calling(**request: Any) -> tuple[Call, FakeControl, Any]:
    """A call of ours, with its Setup."""
    fake = FakeControl()
    call = Call(OWN, fake)
    setup = SetupRequest(**{"called": (Alias(AliasKind.DIALLED_DIGITS, "777"),)} | request)
    return call, fake, call.place(setup, IDENTITY, 0)
