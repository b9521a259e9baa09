"""Our own ports put together with everything but the kernel: sockets, carriers and drivers are those of a test."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import msgspec
import pytest

from auth8021x.enforce.plan import Plan
from auth8021x.errors import EnforcementError
from auth8021x.ports import live_port
from auth8021x.snooping.sighting import Sighting
from auth8021x.wire import authenticity, eap, eapol, packet
from auth8021x.wire.dictionary import AcctStatusType, Code, Type
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.eapol import PAE_GROUP_ADDRESS, Eapol, Frame
from auth8021x.wire.packet import Packet
from config.dot1x import Dot1xSettings
from drumtower import network_ports
from tests.auth8021x.eapserver.world import Md5Peer

SECRET = b"9Lk2-vW8s_Qm4Zt7-xRb1"
PORT = "lo"
"""An interface that every machine has; nothing is done to it."""
MAC = bytes.fromhex("020000aa0001")


def described(
    folder: Path, radius_port: int, accounting_port: int = 0, methods: Sequence[str] = ("md5",), vlan: str = "",
    **others: Any,
) -> Dot1xSettings:  # fmt: skip
    """One port of one site, who decides, and who may give orders; `vlan`: of the group "far"."""
    secret = folder / "ports.secret"
    if not secret.exists():
        secret.touch(0o600)
        secret.write_bytes(SECRET)
    known = {"address": "127.0.0.1", "secret_file": str(secret)}
    ports = {"authentication_port": radius_port, "accounting_port": accounting_port}
    return msgspec.convert(
        {
            "nas_identifier": "ward-ports",
            "sites": [{"name": "ward", "networks": ["10.0.0.0/8"], "mode": "enforce"}],
            "timers": {"retransmit_s": 0.2, "max_tries": 2},
            "servers": [{"name": "own", **known, **ports}],
            "eap_server": {
                "port": radius_port, "methods": list(methods),
                "groups": [{"name": "far", "vlan": vlan}] if vlan else [],
                "clients": [{"name": "own-ports", "networks": ["127.0.0.1"], "secret_file": str(secret)}],
            },
            "dynamic": {"listen": ["127.0.0.1"], "port": 0, "clients": [{"name": "policy", **known}]},
            "enforcement": {"drivers": ["bridge"], "ports": [{"interface": PORT, "bridge": "br0"}]},
            **others,
        },
        Dot1xSettings,
    )  # fmt: skip


@dataclass
class Driver:
    """Does nothing, and remembers what it was told."""

    name: str = "bridge"
    trouble: str = ""
    kept_out: dict[tuple[str, bytes], str] = field(default_factory=dict)
    """Whom it cannot let in, by port."""
    plan: Plan = ()

    async def apply(self, plan: Plan) -> None:
        if self.trouble:
            raise EnforcementError(self.trouble)
        found = {(port.name, mac) for port in plan for mac in port.terminals} & self.kept_out.keys()
        if found:
            raise EnforcementError("ip: Device does not exist", {each: self.kept_out[each] for each in found})
        self.plan = plan

    @property
    def inside(self) -> tuple[bytes, ...]:
        """Who is in at the port."""
        return self.plan[0].terminals


@dataclass
class Terminal:
    """EAP-MD5 at the other end of the line."""

    mac: bytes = MAC
    password: str = "vtpass-1"
    is_on: bool = True
    heard: list[Eap] = field(default_factory=list)

    def hear(self, frame: Frame) -> Frame | None:
        """What it says to a frame."""
        request = eap.parse(frame.packet.body)
        if not self.is_on or frame.destination not in (self.mac, PAE_GROUP_ADDRESS):
            return None
        self.heard.append(request)
        if request.code != eap.Code.REQUEST:
            return None
        identity = (Method.IDENTITY, b"vt1")
        kind, data = identity if request.type == Method.IDENTITY else Md5Peer("vt1", self.password).respond(request)
        response = Eap(eap.Code.RESPONSE, request.identifier, kind, data)
        return Frame(PAE_GROUP_ADDRESS, self.mac, Eapol(eapol.Type.EAP, response.serialize()))

    @property
    def failures(self) -> int:
        """How often it was told that it is out."""
        return sum(each.code == eap.Code.FAILURE for each in self.heard)


class Line:
    """Stands for the kernel: what the sockets of the port send goes to the terminal, and its answers come back."""

    def __init__(self, patch: pytest.MonkeyPatch, terminal: Terminal) -> None:
        self.terminal = terminal
        self.refuses: OSError | None = None
        """What opening a socket ends with."""
        self.open = 0
        """Sockets that are open."""
        self.index = 1
        """Of the interface; 0: there is none."""
        self.receivers: dict[str, Callable[[Any], None]] = {}
        self.changed: Callable[[str, bool], None] | None = None
        for name in ("EapolSocket", "AddressSocket", "ArrivalSocket"):
            patch.setattr(live_port, name, self._socket(name))
        patch.setattr(live_port, "mac_of", lambda _name: bytes.fromhex("02000000ff01"))
        patch.setattr(live_port.socket, "if_nametoindex", self._number)
        patch.setattr(network_ports, "CarrierWatch", self._watch)

    def plug(self, is_in: bool = True) -> None:
        """Put the terminal's plug in, or pull it."""
        assert self.changed is not None
        self.changed(PORT, is_in)

    def sight(self, found: Sighting) -> None:
        """ARP or DHCP shows an address."""
        self.receivers["AddressSocket"](found)

    def _number(self, name: str) -> int:
        if not self.index:
            raise OSError(f"no interface with this name: {name}")  # as Python does: without a number
        return self.index

    def _socket(self, name: str) -> type[Any]:
        line = self

        class Socket:
            def __init__(self, interface: str, receive: Callable[[Any], None], counters: Counter[str]) -> None:
                if line.refuses is not None:
                    raise line.refuses
                assert interface == PORT
                line.receivers[name] = receive
                line.open += 1

            def send(self, frame: bytes) -> None:
                answer = line.terminal.hear(eapol.parse_frame(frame))
                if answer is not None:
                    asyncio.get_running_loop().call_soon(line.receivers["EapolSocket"], answer.serialize())

            def close(self) -> None:
                line.open -= 1

        return Socket

    def _watch(self, names: Iterable[str], changed: Callable[[str, bool], None]) -> SimpleNamespace:
        assert list(names) == [PORT]
        self.changed = changed
        return SimpleNamespace(close=lambda: None, carriers=SimpleNamespace(counters=Counter()))


class AccountingServer(asyncio.DatagramProtocol):
    """Takes what it is told about sessions."""

    def __init__(self) -> None:
        self.told: list[AcctStatusType] = []
        self._seen: set[bytes] = set()

    @classmethod
    async def listening(cls, port: int = 0) -> Self:
        """On loopback, until close()."""
        loop = asyncio.get_running_loop()
        _, made = await loop.create_datagram_endpoint(cls, local_addr=("127.0.0.1", port))
        return made

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Listen no more."""
        self._transport.close()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        request = packet.parse(data)
        assert authenticity.check_request(request, SECRET) is None
        if request.code == Code.ACCOUNTING_REQUEST and request.authenticator not in self._seen:
            self._seen.add(request.authenticator)
            found = next(each.value for each in request.attributes if each.type == Type.ACCT_STATUS_TYPE)
            self.told.append(AcctStatusType(int.from_bytes(found, "big")))
        code = Code.ACCOUNTING_RESPONSE if request.code == Code.ACCOUNTING_REQUEST else Code.ACCESS_ACCEPT
        answer = authenticity.seal_response(Packet(code, request.identifier), request.authenticator, SECRET)
        self._transport.sendto(answer.serialize(), addr)
