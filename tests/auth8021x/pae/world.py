"""A port, terminals on it and a server behind it, with a clock that jumps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from auth8021x.pae.actions import Account, Admit, Ask, Expel, Refuse, SendFrame
from auth8021x.pae.grant import Grant
from auth8021x.pae.nas import NasPort
from auth8021x.pae.port import Port
from auth8021x.radius.request import Answered, Request
from auth8021x.wire import attribute, eap, eap_message, eapol
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import AcctStatusType, Code, ServiceType, TerminateCause, Type
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.eapol import PAE_GROUP_ADDRESS, Eapol, Frame
from auth8021x.wire.packet import Packet
from config.dot1x import PaeSettings
from tests.auth8021x.radius.fakes import Dice

OURS = bytes.fromhex("02000000ff01")
MAC = bytes.fromhex("020000aa0001")
OTHER = bytes.fromhex("020000aa0002")
NAS = NasPort("ward", "192.0.2.1", 3, "p1", OURS)
Server = Callable[[Request], "Packet | None"]


def reply(code: Code, packet: Eap | None, *more: Attribute) -> Packet:
    carried = () if packet is None else eap_message.split(packet.serialize())
    return Packet(code, 1, attributes=(*carried, *more))


@dataclass
class Radius:
    """A server: EAP-MD5 of whoever answers "good", and terminals by their address."""

    accept: tuple[Attribute, ...] = ()
    known: set[str] = field(default_factory=set)
    is_up: bool = True
    name: str = "r0"
    requests: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Packet | None:
        self.requests.append(request)
        if not self.is_up:
            return None
        if attribute.first_number(request.attributes, Type.SERVICE_TYPE) == ServiceType.CALL_CHECK:
            assert request.password is not None
            is_known = request.password.decode() in self.known
            return reply(Code.ACCESS_ACCEPT, None, *self.accept) if is_known else reply(Code.ACCESS_REJECT, None)
        packet = eap_message.join(request.attributes)
        assert packet is not None
        if packet.type == Method.IDENTITY:
            following = (packet.identifier + 2) % 256
            state = Attribute(Type.STATE, b"s")
            return reply(Code.ACCESS_CHALLENGE, Eap(1, following, Method.MD5_CHALLENGE, b"?"), state)
        assert attribute.first(request.attributes, Type.STATE) == b"s"
        assert request.server == self.name
        if packet.data == b"good":
            return reply(Code.ACCESS_ACCEPT, eap.success(packet.identifier), *self.accept)
        return reply(Code.ACCESS_REJECT, eap.failure(packet.identifier))


@dataclass
class Supplicant:
    """Answers as long as it is on."""

    mac: bytes = MAC
    proof: bytes = b"good"
    is_on: bool = True

    def answer(self, packet: Eap) -> Eap | None:
        if not self.is_on or packet.code != eap.Code.REQUEST:
            return None
        data = b"vt1" if packet.type == Method.IDENTITY else self.proof
        return Eap(eap.Code.RESPONSE, packet.identifier, packet.type, data)


class World:
    def __init__(self, server: Server | None = None, *supplicants: Supplicant, **settings: object) -> None:
        self.now = 1000.0
        self.server = server or Radius()
        self.supplicants = list(supplicants)
        self.kept_out: dict[bytes, str] = {}
        """Whom the port cannot give what it is granted, and why."""
        self.port = Port(NAS, PaeSettings(**settings), Dice(), lambda mac, _grant: self.kept_out.get(mac, ""))  # type: ignore[arg-type]
        self.inside: dict[bytes, Grant] = {}
        self.history: list[tuple[float, str, bytes]] = []
        self.causes: list[TerminateCause] = []
        self.heard: list[tuple[float, bytes, Eap]] = []
        """EAP packets that terminals got: when, to which address."""
        self.accounts: list[tuple[float, Account]] = []
        self.refusals: list[Refuse] = []
        self.asked: list[tuple[float, Ask]] = []
        self.holds_answers = False
        self.held: list[Ask] = []

    def up(self) -> World:
        self.port.carrier(True, self.now)
        return self.work()

    def work(self) -> World:
        while actions := self.port.actions():
            for each in actions:
                self._do(each)
        return self

    def _do(self, action: object) -> None:
        if isinstance(action, SendFrame):
            frame = eapol.parse_frame(action.frame)
            self._deliver(frame.destination, eap.parse(frame.packet.body))
        elif isinstance(action, Ask):
            self.asked.append((self.now, action))
            if self.holds_answers:
                self.held.append(action)
            else:
                self.respond(action)
        elif isinstance(action, Admit):
            self.history.append((self.now, "moved" if action.mac in self.inside else "in", action.mac))
            self.inside[action.mac] = action.grant
        elif isinstance(action, Expel):
            self.history.append((self.now, "out", action.mac))
            self.causes.append(action.cause)
            del self.inside[action.mac]
        elif isinstance(action, Refuse):
            self.refusals.append(action)
        elif isinstance(action, Account):
            self.accounts.append((self.now, action))

    def respond(self, ask: Ask) -> None:
        found = self.server(ask.request)
        if found is None:
            self.port.no_answer(ask.ticket, self.now)
        else:
            self.port.answered(ask.ticket, Answered(ask.ticket, "r0", found, 0.01), self.now)

    def _deliver(self, destination: bytes, packet: Eap) -> None:
        self.heard.append((self.now, destination, packet))
        for supplicant in self.supplicants:
            if destination in (supplicant.mac, PAE_GROUP_ADDRESS):
                answer = supplicant.answer(packet)
                if answer is not None:
                    self.send(Eapol(eapol.Type.EAP, answer.serialize()), supplicant.mac)

    def send(self, packet: Eapol, mac: bytes = MAC) -> World:
        self.port.receive(Frame(PAE_GROUP_ADDRESS, mac, packet).serialize(), self.now)
        return self

    def start(self, mac: bytes = MAC) -> World:
        return self.send(Eapol(eapol.Type.START), mac).work()

    def logoff(self, mac: bytes = MAC) -> World:
        return self.send(Eapol(eapol.Type.LOGOFF), mac).work()

    def run(self, seconds: float) -> World:
        until = self.now + seconds
        while (due := self.port.next_timeout()) is not None and due <= until:
            self.now = max(self.now, due)
            self.port.handle_timeout(self.now)
            self.work()
        self.now = until
        return self

    def told(self, code: int, mac: bytes = MAC) -> list[float]:
        """When a terminal got packets of a code."""
        return [at for at, destination, packet in self.heard if destination == mac and packet.code == code]

    def accounted(self) -> list[tuple[AcctStatusType, int | None]]:
        """What was told, with the cause of each end."""
        return [
            (each.status, attribute.first_number(each.attributes, Type.ACCT_TERMINATE_CAUSE))
            for _, each in self.accounts
        ]
