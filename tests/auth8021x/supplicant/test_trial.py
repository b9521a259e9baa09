"""Logins of every method, tried at the embedded server in memory, and at servers that are not as they should be."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from auth8021x.eapserver.server import EapServer
from auth8021x.errors import NoAnswerError
from auth8021x.pae.nas import NasPort
from auth8021x.radius import exchange
from auth8021x.radius.request import Answered, Request
from auth8021x.supplicant.contexts import peer_context
from auth8021x.supplicant.methods import Credentials, make_method
from auth8021x.supplicant.peer import Peer
from auth8021x.supplicant.trial import Outcome, Trial
from auth8021x.wire import attribute, authenticity, eap, eap_message, packet, tunnel
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.eap import Method
from auth8021x.wire.packet import Packet
from crypto.secret import Secret
from tests.auth8021x.certificates import SERVER_NAME
from tests.auth8021x.eapserver.world import ALL, MAC, NOW, SECRET, SWITCH, Counted, serving

PORT = NasPort("drumtower", "192.0.2.1", 0, "test-user", b"\2\0\0\0\0\1")
GOOD = ("main", "vt1", "42", "telemed", 600)


class Answers:
    """auth8021x.radius.accounting.Asker: servers in memory. `silent`: at which requests nobody answers."""

    def __init__(self, *servers: EapServer, silent: Sequence[int] = ()) -> None:
        self.asked: list[Request] = []
        self._servers = dict(zip(("main", "second"), servers, strict=False))
        self._silent = silent
        self._identifiers = itertools.count()
        self._octets = Counted().octets

    async def ask(self, request: Request) -> Answered:
        self.asked.append(request)
        if len(self.asked) in self._silent:
            self._servers.pop("main", None)
            raise NoAnswerError("no-answer")
        name = request.server or next(iter(self._servers))
        built = exchange.build(request, next(self._identifiers) % 256, self._octets(16), SECRET)
        answer = self._servers[name].receive(built, SWITCH, NOW, time.time())
        if answer is None:
            raise NoAnswerError("no-answer")
        found = packet.parse(answer)
        assert authenticity.check_response(found, built[4:20], SECRET) is None
        return Answered(len(self.asked), name, found, 0.0)


def peers(name, folder: Path, password: str = "vtpass1", **more: object) -> Callable[[], Peer]:
    trusts = more.get("trusts", folder / "ca.pem")
    certificate = more.get("certificate", folder / "vt1.pem") if name == "tls" else None
    server_name = str(more.get("server_name", SERVER_NAME))
    key = certificate.with_suffix(".key") if isinstance(certificate, Path) else None
    who = Credentials("vt1", Secret(password), peer_context(trusts, server_name, certificate, key), server_name)
    return lambda: Peer(str(more.get("outer", "vt1")), make_method(name, who, Counted().octets))


def trial(answers: Answers) -> Trial:
    times = itertools.count()
    return Trial(answers, PORT, MAC, lambda: float(next(times)))


def facts(outcome: Outcome) -> tuple[object, ...]:
    assert outcome.grant is not None, outcome
    grant = outcome.grant
    return outcome.server, grant.identity, grant.vlan, grant.filter_id, grant.session_timeout_s


@pytest.mark.parametrize("fragment_bytes", [100, 1000])
@pytest.mark.parametrize("name", ["md5", "peap", "ttls", "tls"])
async def test_every_method_gets_in(name: str, fragment_bytes: int, certificates: Path):
    answers = Answers(serving(certificates, **ALL, fragment_bytes=fragment_bytes))
    outcome, peer = await trial(answers).by_eap(peers(name, certificates))
    assert facts(outcome) == GOOD
    assert (outcome.rounds, outcome.took_s, peer.method.fault) == (len(answers.asked), 1.0, "")
    (first, *later) = answers.asked
    assert (first.server, first.can_begin_anew) == ("", False)
    assert {each.server for each in later} == {"main"}
    named = attribute.first_text(first.attributes, Type.CALLING_STATION_ID)
    assert named == "02-00-00-AA-00-01"


@pytest.mark.parametrize("name", ["peap", "ttls"])
async def test_another_name_outside(name: str, certificates: Path):
    outcome, _ = await trial(Answers(serving(certificates, **ALL))).by_eap(peers(name, certificates, outer="anonymous"))
    assert facts(outcome)[:3] == ("main", "vt1", "42")


@pytest.mark.parametrize("name", ["md5", "peap", "ttls"])
async def test_a_wrong_password_does_not(name: str, certificates: Path):
    outcome, peer = await trial(Answers(serving(certificates, **ALL))).by_eap(peers(name, certificates, "guess"))
    assert (outcome.grant, outcome.reason, outcome.server, peer.has_run) == (None, "rejected", "main", True)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"certificate": "expired.pem"}, "EXPIRED"),
        ({"certificate": "other/vt1.pem"}, "UNKNOWN_CA"),
        ({"trusts": "other/ca.pem"}, "certificate is not believed"),
        ({"server_name": "radius.elsewhere.example"}, "certificate is not believed"),
    ],
)
async def test_who_does_not_believe_whom_is_said(more: dict[str, str], words: str, certificates: Path):
    given = {name: value if name == "server_name" else certificates / value for name, value in more.items()}
    outcome, peer = await trial(Answers(serving(certificates, **ALL))).by_eap(peers("tls", certificates, **given))
    assert (outcome.grant, outcome.reason) == (None, "rejected")
    assert words in peer.method.fault


async def test_a_method_that_the_server_does_not_have(certificates: Path):
    outcome, peer = await trial(Answers(serving(certificates))).by_eap(peers("peap", certificates))
    assert (outcome.grant, peer.has_run, peer.offered) == (None, False, [Method.TLS])


async def test_where_a_server_falls_silent_it_is_begun_anew_with_another(certificates: Path):
    both = serving(certificates, **ALL), serving(certificates, **ALL)
    outcome, _ = await trial(Answers(*both, silent=(3,))).by_eap(peers("peap", certificates))
    assert facts(outcome) == ("second", *GOOD[1:])
    with pytest.raises(NoAnswerError):
        await trial(Answers(*both, silent=(1,))).by_eap(peers("peap", certificates))
    with pytest.raises(NoAnswerError):
        await trial(Answers(*both, silent=(3, 5))).by_eap(peers("peap", certificates))


class Says:
    """Answers everything alike."""

    def __init__(self, code: Code, *attributes: Attribute) -> None:
        self._packet = Packet(code, 0, attributes=attributes)
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Answered:
        self.asked.append(request)
        return Answered(1, "main", self._packet, 0.0, is_excused=True)


SUCCESS = eap_message.split(eap.success(0).serialize())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Says(Code.ACCESS_ACCEPT, *SUCCESS), "accept-without-method"),
        (Says(Code.ACCESS_ACCEPT), "accept-without-eap"),
        (Says(Code.ACCESS_REJECT), "rejected"),
        (Says(Code.ACCESS_CHALLENGE), "challenge-without-request"),
    ],
)
async def test_what_opens_no_port_is_no_success(answer: Says, reason: str, certificates: Path):
    outcome, _ = await Trial(answer, PORT, MAC, lambda: 0.0).by_eap(peers("md5", certificates))
    assert (outcome.grant, outcome.reason) == (None, reason)


@pytest.mark.parametrize(
    ("answer", "vlan", "reason"),
    [
        (Says(Code.ACCESS_ACCEPT, *tunnel.vlan_attributes("42")), "42", ""),
        (Says(Code.ACCESS_ACCEPT, *tunnel.vlan_attributes("42")[:2]), None, "malformed-answer"),
        (Says(Code.ACCESS_ACCEPT, *SUCCESS), None, "malformed-answer"),
        (Says(Code.ACCESS_REJECT), None, "rejected"),
        (Says(Code.ACCESS_CHALLENGE), None, "challenged"),
    ],
)
async def test_a_password_without_eap(answer: Says, vlan: str | None, reason: str):
    outcome = await Trial(answer, PORT, MAC, lambda: 0.0).by_password("vt1", Secret("vtpass1"))
    assert (outcome.grant.vlan if outcome.grant else None, outcome.reason) == (vlan, reason)
    (asked,) = answer.asked[-1:]
    assert (asked.password, attribute.first_text(asked.attributes, Type.USER_NAME)) == (b"vtpass1", "vt1")


async def test_an_address_is_all_there_is(certificates: Path):
    known = serving(certificates, bypasses=True)
    assert facts(await trial(Answers(known)).by_address()) == ("main", "old-codec", *GOOD[2:])
    outcome = await trial(Answers(serving(certificates))).by_address()
    assert (outcome.grant, outcome.reason) == (None, "rejected")


async def test_what_the_server_wants_people_to_read_is_kept():
    words = [Attribute(Type.REPLY_MESSAGE, text) for text in (b"locked\x1b out", b"", b"ask at the desk")]
    outcome = await Trial(Says(Code.ACCESS_REJECT, *words), PORT, MAC, lambda: 0.0).by_password("vt1", Secret("x"))
    assert outcome.messages == ("locked\N{REPLACEMENT CHARACTER} out", "ask at the desk")
    assert outcome.is_excused
