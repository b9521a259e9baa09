"""What strangers, broken peers and replays can do to the server: nothing, within bounds."""

from __future__ import annotations

import random
import ssl
import time
from pathlib import Path

import pytest

from auth8021x.eapserver.tls_framing import TlsFraming
from auth8021x.eapserver.ttls import parse_avps
from auth8021x.errors import MalformedPacketError
from auth8021x.wire import attribute, authenticity, eap, eap_message, packet
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.packet import Packet
from tests.auth8021x.certificates import OTHER
from tests.auth8021x.eapserver.world import (
    ALL,
    NOW,
    SECRET,
    SWITCH,
    Md5Peer,
    PeapPeer,
    Switch,
    TlsPeer,
    TtlsPeer,
    avp,
    ending,
    serving,
)

IDENTITY = Eap(eap.Code.RESPONSE, 0, Method.IDENTITY, b"vt1")


def test_strangers_and_wrong_secrets_get_no_answer(certificates: Path):
    switch = Switch(serving(certificates))
    good = switch.request(IDENTITY)
    stranger = Switch(switch.server, source=("198.51.100.1", 1812))
    assert stranger.send(good) is None
    assert switch.send(good[:-1] + bytes((good[-1] ^ 1,))) is None
    unsealed = Packet(Code.ACCESS_REQUEST, 1, bytes(16), (attribute.text(Type.USER_NAME, "vt1"),))
    assert switch.send(unsealed.serialize()) is None
    other = authenticity.seal_request(Packet(Code.DISCONNECT_REQUEST, 1), SECRET)
    assert switch.send(other.serialize()) is None
    assert switch.send(b"\x01\x00") is None
    assert switch.server.counters == {
        "unknown-client": 1, "wrong-message-authenticator": 1, "no-message-authenticator": 1, "unexpected": 1,
        "malformed": 1,
    }  # fmt: skip


def test_an_old_switch_is_excused_visibly_and_never_for_eap(certificates: Path):
    switch = Switch(serving(certificates, client={"demands_message_authenticator": False}))
    name = attribute.text(Type.USER_NAME, "vt1")
    answer = switch.send(Packet(Code.ACCESS_REQUEST, 1, bytes(16), (name,)).serialize())
    assert answer is not None
    assert (answer.code, switch.server.counters["excused"]) == (Code.ACCESS_REJECT, 1)
    assert switch.server.excused == {"switch": 1}
    eap_too = Packet(Code.ACCESS_REQUEST, 2, bytes(16), (name, *eap_message.split(IDENTITY.serialize())))
    assert switch.send(eap_too.serialize()) is None


def test_a_request_that_comes_again_is_answered_with_the_same_octets(certificates: Path):
    server = serving(certificates, **ALL)
    octets = Switch(server).request(IDENTITY)
    first = server.receive(octets, SWITCH, NOW, 0.0)
    assert first is not None
    assert server.receive(octets, SWITCH, NOW + 5, 0.0) == first
    assert server.receive(octets, ("192.0.2.2", 1), NOW + 5, 0.0) is None
    assert (server.counters["challenged"], server.counters["repeated"], server.counters["replayed"]) == (1, 1, 1)
    assert len(server) == 1


def test_a_repeated_last_request_is_accepted_once(certificates: Path):
    switch = Switch(serving(certificates, **ALL))
    sent: list[bytes] = []
    request = switch.request
    switch.request = lambda *args, **more: sent.append(request(*args, **more)) or sent[-1]  # type: ignore[method-assign]
    answer = switch.run(Md5Peer("vt1", "vtpass1"))
    again = switch.send(sent[-1])
    assert again == answer
    assert switch.server.counters["accepted"] == 1


def test_a_state_counts_once_for_its_own_client_and_for_a_while(certificates: Path):
    server = serving(certificates, **ALL)
    switch = Switch(server)
    peer = Md5Peer("vt1", "vtpass1")
    states = []
    for _ in range(3):
        challenge = switch.send(switch.request(IDENTITY))
        assert challenge is not None
        states.append(attribute.first(challenge.attributes, Type.STATE))
    assert len({*states}) == 3
    assert len(states[0] or b"") == 16
    assert len(server) == 1, "who begins again at the same place has one conversation"
    response = Eap(eap.Code.RESPONSE, 1, Method.MD5_CHALLENGE, bytes(17))
    for state in (states[0], bytes(16), b"x"):
        refused = switch.send(switch.request(response, state or b""))
        assert refused is not None
        assert (refused.code, ending(refused)) == (Code.ACCESS_REJECT, eap.Code.FAILURE)
    switch.now += 61
    late = switch.follow(challenge, peer)
    assert late is not None
    assert late.code == Code.ACCESS_REJECT
    assert len(server) == 0


def test_a_state_is_of_no_use_to_another_switch(certificates: Path):
    two = [{"name": "a", "networks": ["192.0.2.1"]}, {"name": "b", "networks": ["192.0.2.2"]}]
    server = serving(certificates, clients=two, methods=["md5"])
    near, far = Switch(server), Switch(server, source=("192.0.2.2", 1812))
    challenge = near.send(near.request(IDENTITY))
    assert challenge is not None
    for switch, code in ((far, Code.ACCESS_REJECT), (near, Code.ACCESS_ACCEPT)):
        answer = switch.follow(challenge, Md5Peer("vt1", "vtpass1"))
        assert answer is not None
        assert answer.code == code


def test_a_response_to_another_request_is_dropped_and_changes_nothing(certificates: Path):
    switch = Switch(serving(certificates, **ALL))
    peer = Md5Peer("vt1", "vtpass1")
    challenge = switch.send(switch.request(IDENTITY))
    assert challenge is not None
    challenge = switch.follow(challenge, peer)  # Nak, and MD5 instead
    assert challenge is not None
    state = attribute.first(challenge.attributes, Type.STATE) or b""
    assert switch.send(switch.request(Eap(eap.Code.RESPONSE, 77, Method.MD5_CHALLENGE, bytes(17)), state)) is None
    assert switch.server.counters["out-of-turn"] == 1
    answer = switch.follow(challenge, peer)
    assert answer is not None
    assert answer.code == Code.ACCESS_ACCEPT


def test_conversations_are_bounded(certificates: Path):
    server = serving(certificates, max_sessions=8, max_sessions_per_client=5)
    for number in range(20):
        Switch(server, station=f"02-00-00-00-00-{number:02X}").send(
            Switch(server, station=f"02-00-00-00-00-{number:02X}").request(IDENTITY)
        )
    assert len(server) == 5
    assert server.counters["too-many-sessions"] == 15
    late = Switch(server, now=NOW + 61)
    assert late.send(late.request(IDENTITY)) is not None
    assert len(server) == 1


def test_rounds_are_bounded(certificates: Path):
    switch = Switch(serving(certificates, max_rounds=10))
    answer = switch.run(TlsPeer("vt1", certificates, certificates / "vt1", size=20))
    assert (answer.code, switch.server.counters["too-many-rounds"]) == (Code.ACCESS_REJECT, 1)
    assert len(switch.answers) == 11


@pytest.mark.parametrize("mtu", [None, 200, 576, 1400])
def test_fragments_fit_where_the_switch_says_how_much_does(certificates: Path, mtu: int | None):
    more = (attribute.number(Type.FRAMED_MTU, mtu),) if mtu else ()
    switch = Switch(serving(certificates), more=more)
    assert switch.run(TlsPeer("vt1", certificates, certificates / "vt1")).code == Code.ACCESS_ACCEPT
    sizes = [len(found.serialize()) for each in switch.answers if (found := eap_message.join(each.attributes))]
    most = min(mtu or 1010, 1010)
    assert most - 20 < max(sizes) <= most


def test_tls_sessions_are_not_resumed(certificates: Path):
    switch = Switch(serving(certificates))
    peer = TlsPeer("vt1", certificates, certificates / "vt1")
    assert switch.run(peer).code == Code.ACCESS_ACCEPT
    assert peer.tls.session is not None
    assert not peer.tls.session.has_ticket
    rounds = len(switch.answers)
    peer.begin(peer.tls.session)
    assert switch.run(peer).code == Code.ACCESS_ACCEPT
    assert not peer.tls.session_reused
    assert len(switch.answers) == 2 * rounds


def test_our_own_clock_counts_for_certificates_too(certificates: Path):
    switch = Switch(serving(certificates))
    receive, years = switch.server.receive, time.time() + 10 * 365 * 86_400
    switch.server.receive = lambda data, source, now, _utc: receive(data, source, now, years)  # type: ignore[method-assign]
    assert switch.run(TlsPeer("vt1", certificates, certificates / "vt1")).code == Code.ACCESS_REJECT
    assert switch.server.counters["bad-certificate"] == 1


def test_other_versions_of_tls_are_refused(certificates: Path):
    switch = Switch(serving(certificates))
    peer = TlsPeer("vt1", certificates, certificates / "vt1")
    peer.context.minimum_version = ssl.TLSVersion.TLSv1_3
    peer.begin()
    assert switch.run(peer).code == Code.ACCESS_REJECT
    assert peer.alerts == ["TLSV1_ALERT_PROTOCOL_VERSION"]


def test_what_proxies_put_in_comes_back_in_order(certificates: Path):
    states = tuple(Attribute(Type.PROXY_STATE, each) for each in (b"near", b"far"))
    switch = Switch(serving(certificates), more=states)
    answer = switch.send(switch.request(IDENTITY))
    assert answer is not None
    assert attribute.every(answer.attributes, Type.PROXY_STATE) == [b"near", b"far"]
    full = Switch(switch.server, more=tuple(Attribute(Type.PROXY_STATE, bytes(253)) for _ in range(14)))
    answer = full.run(TlsPeer("vt1", certificates, size=100))
    assert (answer.code, full.server.counters["too-long"]) == (Code.ACCESS_REJECT, 1)


def test_status_server_is_answered(certificates: Path):
    switch = Switch(serving(certificates))
    asked = authenticity.seal_request(Packet(Code.STATUS_SERVER, 9, bytes(range(16))), SECRET)
    answer = switch.send(asked.serialize())
    assert answer is not None
    assert (answer.code, len(answer.attributes)) == (Code.ACCESS_ACCEPT, 1)


@pytest.mark.parametrize("name", [b"\xff", b"a\x00b", b"x" * 254])
def test_names_that_are_none_are_refused(certificates: Path, name: bytes):
    switch = Switch(serving(certificates))
    answer = switch.send(switch.request(Eap(eap.Code.RESPONSE, 0, Method.IDENTITY, name)))
    assert answer is not None
    assert answer.code == Code.ACCESS_REJECT


def test_a_user_name_beside_another_identity_is_refused(certificates: Path):
    switch = Switch(serving(certificates))
    answer = switch.send(switch.request(IDENTITY, name="vt2"))
    assert answer is not None
    assert answer.code == Code.ACCESS_REJECT


class Mutant:
    """A peer of which some responses are damaged."""

    def __init__(self, peer: Md5Peer | TlsPeer, chance: random.Random) -> None:
        self._peer, self._chance = peer, chance
        self.identity = peer.identity
        self.is_hurt = False

    def respond(self, request: Eap) -> tuple[int, bytes]:
        try:
            kind, data = self._peer.respond(request)
        except (ssl.SSLError, AssertionError, IndexError, ValueError):
            return request.type, b"\0"
        if data and self._chance.random() < 0.3:
            self.is_hurt = True
            place = self._chance.randrange(len(data))
            data = [
                data[:place], data + bytes(self._chance.randrange(1, 300)),
                data[:place] + bytes((data[place] ^ 1 << self._chance.randrange(8),)) + data[place + 1 :],
            ][self._chance.randrange(3)]  # fmt: skip
        return kind, data[:3000]


def test_damaged_conversations_end_and_let_nobody_in_who_could_not_prove_it(certificates: Path):
    chance = random.Random(7)
    server = serving(certificates, failures_per_station=1000, failures_per_identity=10_000, **ALL)
    for number in range(120):
        peer = (
            Md5Peer("vt1", "guess"), PeapPeer("vt1", "guess", certificates), TtlsPeer("vt1", "guess", certificates),
            TlsPeer("vt1", certificates, certificates / OTHER / "vt1"),
        )[number % 4]  # fmt: skip
        switch = Switch(server, station=f"02-00-00-00-{number // 256:02X}-{number % 256:02X}")
        answer = switch.run(Mutant(peer, chance))
        assert (answer.code, ending(answer)) == (Code.ACCESS_REJECT, eap.Code.FAILURE)
    assert len(server) == 0
    assert Switch(server).run(PeapPeer("vt1", "vtpass1", certificates)).code == Code.ACCESS_ACCEPT


def test_no_octet_of_a_request_can_be_changed(certificates: Path):
    switch = Switch(serving(certificates))
    octets = switch.request(IDENTITY)
    for place in range(len(octets)):
        damaged = bytearray(octets)
        damaged[place] ^= 0x10
        assert switch.server.receive(bytes(damaged), SWITCH, NOW, 0.0) is None
        assert switch.server.receive(octets[:place], SWITCH, NOW, 0.0) is None
    assert switch.send(octets) is not None


@pytest.mark.parametrize(
    "pieces",
    [
        [b""],
        [b"\x20"],  # Start is the server's to say
        [b"\x01"],  # another version
        [b"\x40abc"],  # the first of several fragments without a length
        [b"\x80\0\0"],
        [b"\x80\0\0\x27\x11" + b"x"],  # longer than may be
        [b"\xc0\0\0\x27\x11" + b"x"],
        [b"\xc0\0\0\0\x04abcd"],  # more after all
        [b"\xc0\0\0\0\x09abcd", b"\x40"],  # an empty fragment
        [b"\xc0\0\0\0\x09abcd", b"\x80\0\0\0\x08efghi"],
        [b"\xc0\0\0\0\x09abcd", b"\0efgh"],
        [b"\xc0\0\0\0\x09abcd", b"\0efghij"],
        [b"\0" + b"x" * 10_001],
    ],
)
def test_fragments_that_are_none(pieces: list[bytes]):
    framing = TlsFraming(100, 10_000)
    for piece in pieces[:-1]:
        assert framing.receive(piece) == (b"\0", b"")
    with pytest.raises(MalformedPacketError):
        framing.receive(pieces[-1])


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 200, 201, 9999])
def test_what_is_cut_is_put_together_again(size: int):
    ours, message = TlsFraming(100, 10_000), bytes(range(256)) * 40
    piece, got = ours.send(message[:size]), b""
    if size > 100:
        assert int.from_bytes(piece[1:5], "big") == size
    while True:
        got += piece[5:] if piece[0] & 0x80 else piece[1:]
        if not piece[0] & 0x40:
            break
        answer, nothing = ours.receive(b"\0")
        assert answer is not None
        assert nothing == b""
        piece = answer
    assert got == message[:size]
    theirs = TlsFraming(100, 10_000)
    assert theirs.receive(b"\xc0" + (7).to_bytes(4, "big") + b"abc")[0] == b"\0"
    assert theirs.receive(b"\x40de")[0] == b"\0"
    assert theirs.receive(b"\0fg") == (None, b"abcdefg")


def test_avps():
    assert parse_avps(avp(1, b"vt1") + avp(2, b"secret")) == {1: b"vt1", 2: b"secret"}
    vendor = b"\0\0\0\x0b\x80\0\0\x0e\0\0\x01\x37ab\0\0"
    assert parse_avps(vendor + avp(1, b"vt1")) == {1: b"vt1"}
    for wrong in (avp(1, b"a") * 2, avp(1, b"vt1")[:-2], b"\0\0\0\1\x40\0\0\x07", avp(1, b"") + b"\0", vendor * 70):
        with pytest.raises(MalformedPacketError):
            parse_avps(wrong)


def test_packets_say_nothing_of_secrets(certificates: Path):
    server = serving(certificates)
    for each in (packet.parse(Switch(server).request(IDENTITY)), server._clients.find(SWITCH[0])):
        assert each is not None
        assert SECRET.decode() not in repr(each)
