"""What one login costs our authenticator and our RADIUS server without sockets, in us and by what came in.

`python -m bench.dot1x_cores [LOGINS]`: for whoever works on them. It times the calls that the sockets make, one by one,
and takes the lowest decile of each, so that a busy machine disturbs it little; `bench dot1x` says what the kernel adds,
and what it costs that others use the caches.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import ssl
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import msgspec

from auth8021x.eapserver.account import Account
from auth8021x.eapserver.nas_clients import NasClient
from auth8021x.eapserver.server import EapServer
from auth8021x.eapserver.udp import EapServerSockets
from auth8021x.pae.nas import NasPort
from auth8021x.pae.port import Port
from auth8021x.ports.runner import PortRunner
from auth8021x.radius.chance import SystemChance
from auth8021x.radius.client import RadiusClient
from auth8021x.radius.client_core import ClientCore
from auth8021x.radius.request import Server
from auth8021x.wire import attribute, authenticity, eap, eap_message, eapol, mac_address, packet
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.eapol import PAE_GROUP_ADDRESS, Eapol, Frame
from auth8021x.wire.packet import Packet
from bench.dot1x_load import IDENTITY, TERMINALS
from bench.dot1x_ours import NoBridge
from config.dot1x import PaeSettings, RadiusTimers
from config.dot1x_server import EapServerSettings
from crypto.secret import Secret
from drumtower import interpreter

_SECRET: Final = b"9Lk2-vW8s_Qm4Zt7-xRb1"
_PASSWORD: Final = Secret("vtpass1-vtpass1")
_PORT_MAC: Final = bytes.fromhex("020000000001")
_LOGINS: Final = 2000
_WARM_UP: Final = 200
_ROUNDS: Final[dict[str, tuple[Method, tuple[tuple[int, int], ...]]]] = {
    "EAP-MD5": (Method.MD5_CHALLENGE, ((17, 17),)),
    "PEAP-MSCHAPv2": (
        Method.PEAP,
        ((1, 190), (1014, 1), (1014, 1), (400, 140), (57, 1), (41, 45), (61, 98), (83, 37), (43, 43)),
    ),
}
"""Octets of each request of the server and of its response, as FreeRADIUS and wpa_supplicant have them."""
_SESSION: Final = (attribute.number(Type.SESSION_TIMEOUT, 3600), attribute.number(Type.TERMINATION_ACTION, 1))
"""FreeRADIUS puts them into every answer, where `files` stands before `eap`."""


class Stopwatch:
    """Spans, by name."""

    def __init__(self) -> None:
        self._spans: defaultdict[str, list[int]] = defaultdict(list)

    def time(self, name: str, call: Callable[[], object]) -> None:
        """Do it and take its time."""
        began = time.perf_counter_ns()
        call()
        self._spans[name].append(time.perf_counter_ns() - began)

    def forget(self) -> None:
        """What was, was for warming up."""
        self._spans.clear()

    def report(self, title: str, logins: int) -> str:
        """For a login, whole and by event, in us."""
        costs = {name: _undisturbed(spans) * len(spans) / logins / 1000 for name, spans in self._spans.items()}
        parts = ", ".join(f"{name} {cost:.1f}" for name, cost in costs.items())
        return f"{title}: {sum(costs.values()):.1f} us a login ({parts})"


def _undisturbed(spans: list[int]) -> float:
    """The lowest decile: what a span takes while nothing else disturbs it."""
    return statistics.quantiles(spans, n=10)[0]


class Wires:
    """What leaves the authenticator: frames on the port, datagrams to the server."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.datagrams: list[bytes] = []
        self.came: Callable[[bytes], None]

    def port(self) -> _Port:
        """The end of the authenticator."""
        return _Port(self.frames)

    def lanes(self, owner: RadiusClient, number: int) -> _Lanes:
        """Sockets towards a server."""
        self.came = lambda octets: owner.receive(number, 0, octets)
        return _Lanes(self.datagrams)


class _Port:
    def __init__(self, frames: list[bytes]) -> None:
        self._frames = frames

    def send(self, frame: bytes) -> None:
        self._frames.append(frame)


class _Lanes:
    def __init__(self, datagrams: list[bytes]) -> None:
        self._datagrams = datagrams

    def send(self, _lane: int, octets: bytes) -> None:
        self._datagrams.append(octets)

    def close(self) -> None:
        """Nothing is open."""


class AuthenticatorLogins:
    """Terminals and a server that say what those of one method say, in length and number."""

    def __init__(self, name: str, watch: Stopwatch) -> None:
        self._method, self._rounds = _ROUNDS[name]
        self._watch = watch
        self._wires = Wires()
        core = ClientCore([Server("bench", _SECRET)], RadiusTimers(), SystemChance(), "bench")
        client = RadiusClient(core, self._wires.lanes)
        settings = PaeSettings(start_interval_s=0, max_supplicants_per_port=TERMINALS)
        port = Port(NasPort("bench", "127.0.0.1", 1, "port0", _PORT_MAC), settings, SystemChance())
        self._runner = PortRunner(port, client, NoBridge())
        self._runner.link = self._wires.port()
        self._runner.carrier(True)
        self._wires.frames.clear()

    def one(self, mac: bytes) -> None:
        """From Start to Success."""
        self._receive("Start", mac, Eapol(eapol.Type.START))
        rounds = iter(self._rounds)
        data, name = IDENTITY.encode(), "Identity"
        while (request := self._heard()).code == eap.Code.REQUEST:
            response = Eap(eap.Code.RESPONSE, request.identifier, request.type, data)
            self._receive(name, mac, Eapol(eapol.Type.EAP, response.serialize()))
            asked = packet.parse(self._wires.datagrams.pop())
            following = next(rounds, None)
            if following is not None:
                data, name = bytes(following[1]), "Response"
            answer = self._answer(asked, response, None if following is None else following[0])
            self._watch.time("Challenge" if following else "Accept", partial(self._wires.came, answer))
        assert request.code == eap.Code.SUCCESS

    def _receive(self, name: str, mac: bytes, sent: Eapol) -> None:
        frame = Frame(PAE_GROUP_ADDRESS, mac, sent).serialize()
        self._watch.time(name, lambda: self._runner.receive(frame))

    def _heard(self) -> Eap:
        return eap.parse(eapol.parse_frame(self._wires.frames.pop()).packet.body)

    def _answer(self, asked: Packet, response: Eap, size: int | None) -> bytes:
        following = (response.identifier + 1) % 256
        if size is None:
            code, sent, more = (
                Code.ACCESS_ACCEPT,
                eap.success(response.identifier),
                attribute.text(Type.USER_NAME, IDENTITY),
            )
        else:
            code, sent = Code.ACCESS_CHALLENGE, Eap(eap.Code.REQUEST, following, self._method, bytes(size))
            more = Attribute(Type.STATE, bytes(16))
        attributes = (*_SESSION, *eap_message.split(sent.serialize()), more)
        return authenticity.response_octets(
            Packet(code, asked.identifier, attributes=attributes), asked.authenticator, _SECRET
        )


class _Book:
    """One user."""

    _account = Account(IDENTITY, password=_PASSWORD)

    def account(self, identity: str) -> Account | None:
        return self._account if identity == IDENTITY else None

    def device(self, _mac: bytes) -> Account | None:
        return None


class _NoTls:
    """EAP-MD5 needs none."""

    def take(self, asks_for_certificate: bool) -> ssl.SSLContext:
        raise NotImplementedError


class ServerLogins:
    """An authenticator, as hostapd is one, that logs in by EAP-MD5."""

    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch
        client = {"name": "bench", "networks": ["127.0.0.0/8"]}
        raw = {"methods": ["md5"], "clients": [client], "port": 0, "max_remembered": 200_000}
        settings = msgspec.convert(raw, EapServerSettings)
        clients = [NasClient(settings.clients[0], _SECRET)]
        core = EapServer(settings, clients, _Book(), _NoTls(), SystemChance().octets)
        self._sockets = EapServerSockets(core, settings)
        self._identifiers = _identifiers()
        self._chance = SystemChance()

    def one(self, mac: bytes) -> None:
        """Identity, and the answer to the challenge."""
        challenge = self._ask(mac, Eap(eap.Code.RESPONSE, 1, Method.IDENTITY, IDENTITY.encode()))
        request, state = eap_message.join(challenge.attributes), attribute.first(challenge.attributes, Type.STATE)
        assert request is not None
        assert state is not None
        words = bytes((request.identifier,)) + _PASSWORD.reveal().encode() + request.data[1:17]
        proof = b"\x10" + hashlib.md5(words, usedforsecurity=False).digest()
        sent = Eap(eap.Code.RESPONSE, request.identifier, Method.MD5_CHALLENGE, proof)
        answer = self._ask(mac, sent, Attribute(Type.STATE, state))
        assert answer.code == Code.ACCESS_ACCEPT

    def close(self) -> None:
        """Listen no more."""
        self._sockets.close()

    def _ask(self, mac: bytes, response: Eap, *more: Attribute) -> Packet:
        attributes = (
            attribute.text(Type.USER_NAME, IDENTITY), attribute.nas_address("127.0.0.1"),
            attribute.text(Type.NAS_IDENTIFIER, "bench"), attribute.number(Type.NAS_PORT, 1),
            attribute.text(Type.CALLED_STATION_ID, mac_address.station_id(_PORT_MAC) + ":"),
            attribute.text(Type.CALLING_STATION_ID, mac_address.station_id(mac)),
            attribute.number(Type.FRAMED_MTU, 1400), attribute.number(Type.NAS_PORT_TYPE, 15),
            attribute.text(Type.CONNECT_INFO, "CONNECT 0Mbps 802.11b"), *eap_message.split(response.serialize()), *more,
        )  # fmt: skip
        drawn = self._chance.octets(16)
        request = Packet(Code.ACCESS_REQUEST, next(self._identifiers), drawn, attributes)
        octets = authenticity.request_octets(request, _SECRET)
        answers: list[bytes | None] = []
        name = "Response" if more else "Identity"
        now = time.monotonic()
        self._watch.time(name, lambda: answers.append(self._sockets.answer(octets, ("127.0.0.1", 40_000), now)))
        assert answers[0] is not None
        return packet.parse(answers[0])


def _identifiers() -> Iterator[int]:
    while True:
        yield from range(256)


def _terminals() -> Iterator[bytes]:
    while True:
        yield from (bytes.fromhex("0200000b") + number.to_bytes(2, "big") for number in range(TERMINALS))


def run(title: str, one: Callable[[bytes], None], watch: Stopwatch, logins: int) -> None:
    """Warm up, then as many as are wanted."""
    terminals = _terminals()
    for _ in range(_WARM_UP):
        one(next(terminals))
    watch.forget()
    for _ in range(logins):
        one(next(terminals))
    print(watch.report(title, logins))


async def main(logins: int) -> None:
    """See above."""
    interpreter.settle()
    for name in _ROUNDS:
        watch = Stopwatch()
        run(f"authenticator, {name}", AuthenticatorLogins(name, watch).one, watch, logins)
    watch = Stopwatch()
    server = ServerLogins(watch)
    run("RADIUS server, EAP-MD5", server.one, watch, logins)
    server.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, filename=os.devnull)
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else _LOGINS))
