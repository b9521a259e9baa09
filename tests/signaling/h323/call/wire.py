"""Two calls, ours at both ends, joined by connections that lose nothing; what travels is kept for tshark."""

from __future__ import annotations

from collections import deque
from typing import Any

from signaling.h323 import tpkt
from signaling.h323.call import events
from signaling.h323.call.call import Call
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call.setup import SetupRequest
from signaling.h323.h245.control import Control, OwnCapabilities
from signaling.h323.ras.alias import Alias, AliasKind
from tests.signaling.h323.call.peer import IDENTITY, ROOM
from tests.signaling.h323.dissection import tcp

CAPABILITIES = {
    "multiplexCapability": (
        "h2250Capability",
        {
            "maximumAudioDelayJitter": 60,
            "receiveMultipointCapability": (POINT := {
                "multicastCapability": False,
                "multiUniCastConference": False,
                "mediaDistributionCapability": [
                    {"centralizedControl": True, "distributedControl": False, "centralizedAudio": True,
                     "distributedAudio": False, "centralizedVideo": True, "distributedVideo": False}
                ],
            }),
            "transmitMultipointCapability": POINT,
            "receiveAndTransmitMultipointCapability": POINT,
            "mcCapability": {"centralizedConferenceMC": False, "decentralizedConferenceMC": False},
            "rtcpVideoControlCapability": False,
            "mediaPacketizationCapability": {"h261aVideoPacketization": False},
        },
    ),
    "capabilityTable": [
        {"capabilityTableEntryNumber": 1, "capability": ("receiveAudioCapability", ("g711Ulaw64k", 20))}
    ],
    "capabilityDescriptors": [{"capabilityDescriptorNumber": 1, "simultaneousCapabilities": [[1]]}],
}  # fmt: skip
HOSTS = ("192.0.2.1", "192.0.2.2")
SIGNALLING_PORTS = (40_000, 1720)


class End:
    """One end, and what was told to its owner."""

    def __init__(self, place: int, tunnels: bool, seal: Any) -> None:
        self.place = place
        self.control = Control(OwnCapabilities(CAPABILITIES, 50 + place), lambda: 1 + place)
        own = LocalEndpoint((Alias(AliasKind.H323_ID, f"end{place}"),), f"End {place}", offers_tunnelling=tunnels)
        self.call = Call(own, self.control, seal=seal)
        self.told: list[Any] = []
        self.deframer = tpkt.Deframer()
        self.is_listening = False
        self.control_port = 0

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.told]

    def find(self, kind: type) -> Any:
        return next(event for event in self.told if isinstance(event, kind))


class Wire:
    """`owner(wire, end, event)` decides what an end does."""

    def __init__(self, owner: Any, tunnels: tuple[bool, bool] = (True, True), seal: Any = None) -> None:
        self.ends = (End(0, tunnels[0], seal), End(1, tunnels[1], seal))
        self.signalling: list[bytes] = []
        self.owner = owner
        self.now = 0.0
        self.packets: list[bytes] = []
        self._queue: deque[Any] = deque()
        self._sequence: dict[Any, int] = {}

    def dial(self, **request: Any) -> None:
        """From end 0 to end 1."""
        setup = SetupRequest(**{"called": (Alias(AliasKind.DIALLED_DIGITS, "777"),)} | request)
        self.do(self.ends[0], self.ends[0].call.place(setup, IDENTITY, self.now))
        self.run()

    def do(self, end: End, effects: list[Any]) -> None:
        for effect in effects:
            other = self.ends[1 - end.place]
            if isinstance(effect, events.SendSignalling):
                self.signalling.append(effect.octets)
                self._packet(end.place, SIGNALLING_PORTS, effect.octets)
                for unit in other.deframer.receive(tpkt.frame(effect.octets)):
                    self._queue.append((other, "receive", unit))
            elif isinstance(effect, events.SendControl):
                self._packet(end.place, (end.control_port, other.control_port), effect.octets, is_control=True)
                self._queue.append((other, "receive_control", effect.octets))
            elif isinstance(effect, events.ListenControl):
                end.is_listening, end.control_port = True, 5_000 + end.place
                self._queue.append((end, "control_listening", (HOSTS[end.place], end.control_port)))
            elif isinstance(effect, events.OpenControl):
                assert effect.address == (HOSTS[other.place], other.control_port)
                assert other.is_listening
                end.control_port = 41_000 + end.place
                self._queue += [(end, "control_opened"), (other, "control_opened")]
            else:
                end.told.append(effect)
                self._queue.append((None, end, effect))

    def run(self) -> None:
        """Until nothing travels."""
        while self._queue:
            end, *rest = self._queue.popleft()
            if end is None:
                self.owner(self, *rest)
            else:
                name, *arguments = rest
                self.do(end, getattr(end.call, name)(*arguments, self.now))

    def _packet(self, place: int, ports: tuple[int, int], unit: bytes, *, is_control: bool = False) -> None:
        source, destination = ports if is_control or place == 0 else ports[::-1]
        payload = tpkt.frame(unit)
        key = (place, source, destination)
        sequence = self._sequence.get(key, 1)
        self._sequence[key] = sequence + len(payload)
        acknowledged = self._sequence.get((1 - place, destination, source), 1)
        ends = (HOSTS[place], source), (HOSTS[1 - place], destination)
        self.packets.append(tcp(*ends, payload, sequence, acknowledged))


def accepting(**answer: Any) -> Any:
    """An owner who takes every call into the room, and hangs up at nothing."""

    def decide(wire: Wire, end: End, event: Any) -> None:
        if isinstance(event, events.Incoming):
            wire.do(end, end.call.alert(wire.now))
            wire.do(end, end.call.accept(wire.now, conference_id=ROOM, **answer))

    return decide
