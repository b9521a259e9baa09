"""Whole authentications in memory: who gets in by which method, and with what; who does not, and is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from auth8021x.eapserver.account import Account
from auth8021x.eapserver.server import Verdict
from auth8021x.wire import attribute, eap, tunnel
from auth8021x.wire.dictionary import Code, ServiceType, TerminationAction, Type
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.packet import Packet
from tests.auth8021x.certificates import OTHER
from tests.auth8021x.eapserver.world import (
    ALL,
    MAC,
    NOW,
    VT1,
    Md5Peer,
    PaperBook,
    PeapPeer,
    Switch,
    TlsPeer,
    TtlsPeer,
    ending,
    serving,
    user,
)


def granted(answer: Packet) -> tuple[str | None, str, int | None, int | None, str | None]:
    found = answer.attributes
    return (
        attribute.first_text(found, Type.USER_NAME),
        tunnel.vlan(found),
        attribute.first_number(found, Type.SESSION_TIMEOUT),
        attribute.first_number(found, Type.TERMINATION_ACTION),
        attribute.first_text(found, Type.FILTER_ID),
    )


VIDEO = ("vt1", "42", 600, TerminationAction.RADIUS_REQUEST, "telemed")
GRANTS = {
    Type.USER_NAME, Type.SESSION_TIMEOUT, Type.TERMINATION_ACTION, Type.FILTER_ID, Type.TUNNEL_TYPE,
    Type.TUNNEL_PRIVATE_GROUP_ID,
}  # fmt: skip


def test_a_certificate_lets_in_and_the_group_says_where(certificates: Path):
    switch = Switch(serving(certificates))
    answer = switch.run(TlsPeer("vt1", certificates, certificates / "vt1"))
    assert (answer.code, ending(answer)) == (Code.ACCESS_ACCEPT, eap.Code.SUCCESS)
    assert granted(answer) == VIDEO
    assert switch.server.next_event() == Verdict("switch", "02-00-00-AA-00-01", "vt1", "vt1", Method.TLS, "")
    assert len(switch.server) == 0


def test_what_is_granted_stands_in_the_accept_alone(certificates: Path):
    switch = Switch(serving(certificates, **ALL))
    for peer in (TlsPeer("vt1", certificates, certificates / "vt1"), PeapPeer("vt1", "guess", certificates)):
        switch.run(peer)
    others = [answer for answer in switch.answers if answer.code != Code.ACCESS_ACCEPT]
    assert len(others) > 8
    for answer in others:
        assert not GRANTS & {each.type for each in answer.attributes}


@pytest.mark.parametrize(
    ("client", "reason", "alert"),
    [
        ("expired", "bad-certificate", "SSLV3_ALERT_CERTIFICATE_EXPIRED"),
        ("other/vt1", "bad-certificate", "TLSV1_ALERT_UNKNOWN_CA"),
        (None, "tls-refused", "SSLV3_ALERT_HANDSHAKE_FAILURE"),
    ],
)
def test_a_bad_certificate_is_refused_with_an_alert(certificates: Path, client: str | None, reason: str, alert: str):
    switch = Switch(serving(certificates))
    peer = TlsPeer("vt1", certificates, certificates / client if client else None)
    answer = switch.run(peer)
    assert (answer.code, ending(answer)) == (Code.ACCESS_REJECT, eap.Code.FAILURE)
    assert peer.alerts == [alert]
    assert switch.server.counters[reason] == 1


def test_a_certificate_of_nobody_we_know_is_refused(certificates: Path):
    switch = Switch(serving(certificates))
    peer = TlsPeer("stranger", certificates, certificates / "stranger")
    answer = switch.run(peer)
    assert not peer.is_open, "who has our Finished takes no EAP-Failure for an answer"
    assert (answer.code, ending(answer)) == (Code.ACCESS_REJECT, eap.Code.FAILURE)
    assert switch.server.counters["unknown-identity"] == 1


def test_nobody_gets_in_under_anothers_name(certificates: Path):
    known = PaperBook(VT1, Account("stranger"))
    for outer, is_let_in in (
        ("stranger", True), ("STRANGER", True), ("host/stranger", True), ("anonymous@ward", True), ("vt1", False),
        ("vt1@ward", False),
    ):  # fmt: skip
        switch = Switch(serving(certificates, known))
        peer = TlsPeer(outer, certificates, certificates / "stranger")
        answer = switch.run(peer)
        assert (answer.code == Code.ACCESS_ACCEPT) is is_let_in, outer
        assert peer.is_open is is_let_in
        assert switch.server.counters["other-identity"] == (not is_let_in)
        if is_let_in:
            assert attribute.first(answer.attributes, Type.USER_NAME) == b"stranger"


@pytest.mark.parametrize(
    ("outer", "is_let_in"), [("vt1", True), ("anon@ward", True), ("WARD\\vt1", True), ("vt2", False)]
)
def test_nor_with_a_password(certificates: Path, outer: str, is_let_in: bool):
    for make in (PeapPeer, TtlsPeer):
        switch = Switch(serving(certificates, **ALL))
        peer = make("vt1", "vtpass1", certificates, outer)
        assert (switch.run(peer).code == Code.ACCESS_ACCEPT) is is_let_in
        assert switch.server.counters["other-identity"] == (not is_let_in)
        if isinstance(peer, PeapPeer):
            assert peer.seen[-1] == f"result {1 if is_let_in else 2}"


def test_a_peer_that_does_not_trust_us_says_so(certificates: Path):
    switch = Switch(serving(certificates))
    trusts = certificates / OTHER / "ca.pem"
    answer = switch.run(TlsPeer("vt1", certificates, certificates / "vt1", trusts=trusts))
    assert (answer.code, switch.server.counters["tls-refused"]) == (Code.ACCESS_REJECT, 1)


@pytest.mark.parametrize("password", ["vtpass1", "guess", ""])
def test_peap(certificates: Path, password: str):
    switch = Switch(serving(certificates, **ALL))
    peer = PeapPeer("vt1", password, certificates)
    answer = switch.run(peer)
    if password == "vtpass1":
        assert (answer.code, ending(answer), granted(answer)) == (Code.ACCESS_ACCEPT, eap.Code.SUCCESS, VIDEO)
        assert peer.seen == ["identity", "challenge", "success", "result 1"]
    else:
        assert (answer.code, ending(answer)) == (Code.ACCESS_REJECT, eap.Code.FAILURE)
        assert peer.seen == ["identity", "challenge", "failure", "result 2"]
        assert switch.server.counters["wrong-password"] == 1


@pytest.mark.parametrize("password", ["vtpass1", "guess", "", "x" * 300, "\x80"])
def test_ttls(certificates: Path, password: str):
    switch = Switch(serving(certificates, **ALL))
    answer = switch.run(TtlsPeer("vt1", password, certificates))
    if password == "vtpass1":
        assert (answer.code, ending(answer), granted(answer)) == (Code.ACCESS_ACCEPT, eap.Code.SUCCESS, VIDEO)
    else:
        assert (answer.code, ending(answer)) == (Code.ACCESS_REJECT, eap.Code.FAILURE)


@pytest.mark.parametrize("password", ["vtpass1", "guess"])
def test_md5(certificates: Path, password: str):
    switch = Switch(serving(certificates, **ALL))
    answer = switch.run(Md5Peer("vt1", password))
    is_right = password == "vtpass1"
    assert answer.code == (Code.ACCESS_ACCEPT if is_right else Code.ACCESS_REJECT)
    assert ending(answer) == (eap.Code.SUCCESS if is_right else eap.Code.FAILURE)


@pytest.mark.parametrize("method", ["peap", "ttls", "md5"])
def test_methods_with_passwords_are_off_until_they_are_switched_on(certificates: Path, method: str):
    peers = {
        "peap": PeapPeer("vt1", "vtpass1", certificates), "ttls": TtlsPeer("vt1", "vtpass1", certificates),
        "md5": Md5Peer("vt1", "vtpass1"),
    }  # fmt: skip
    for settings, is_let_in in (({}, False), ({"methods": ["tls", method]}, True)):
        switch = Switch(serving(certificates, **settings))
        answer = switch.run(peers[method])
        assert (answer.code == Code.ACCESS_ACCEPT) is is_let_in
        assert switch.server.counters["no-common-method"] == (not is_let_in)


def test_who_has_no_password_is_never_let_in_with_one(certificates: Path):
    known = PaperBook(Account("vt1"))
    for peer in (PeapPeer("vt1", "", certificates), TtlsPeer("vt1", "", certificates), Md5Peer("vt1", "")):
        switch = Switch(serving(certificates, known, **ALL))
        assert switch.run(peer).code == Code.ACCESS_REJECT
        assert switch.server.counters["no-password"] == 1


def test_unknown_names_look_like_wrong_passwords(certificates: Path):
    wrong, unknown = PeapPeer("vt1", "guess", certificates), PeapPeer("vt9", "guess", certificates)
    for peer in (wrong, unknown):
        Switch(serving(certificates, **ALL)).run(peer)
    assert wrong.seen == unknown.seen


def test_guesses_are_limited_by_device_and_by_name(certificates: Path):
    server = serving(certificates, failures_per_station=3, failures_per_identity=6, **ALL)
    for _ in range(3):
        Switch(server).run(Md5Peer("vt1", "guess"))
    assert Switch(server).run(Md5Peer("vt1", "vtpass1")).code == Code.ACCESS_REJECT
    assert server.counters["too-many-tries"] == 1
    other = Switch(server, station="02-00-00-AA-00-02")
    assert other.run(Md5Peer("vt1", "vtpass1")).code == Code.ACCESS_ACCEPT
    for number in range(3, 6):
        Switch(server, station=f"02-00-00-AA-00-0{number}").run(Md5Peer("VT1", "guess"))
    assert other.run(Md5Peer("vt1", "vtpass1")).code == Code.ACCESS_REJECT
    assert Switch(server).run(TlsPeer("vt1", certificates, certificates / "vt1")).code == Code.ACCESS_ACCEPT
    assert Switch(server, now=NOW + 600).run(Md5Peer("vt1", "vtpass1")).code == Code.ACCESS_ACCEPT


def test_an_unknown_group_opens_nothing(certificates: Path):
    switch = Switch(serving(certificates, PaperBook(user("vt1", "vtpass1", "quarantine")), **ALL))
    assert switch.run(Md5Peer("vt1", "vtpass1")).code == Code.ACCESS_REJECT
    assert switch.server.counters["unknown-group"] == 1


def test_a_marked_device_is_let_in_by_its_address(certificates: Path):
    switch = Switch(serving(certificates, bypasses=True))
    answer = switch.call_check("020000aa0001")
    assert (answer.code, ending(answer)) == (Code.ACCESS_ACCEPT, 0)
    assert granted(answer)[:2] == ("old-codec", "42")


@pytest.mark.parametrize(
    ("station", "name", "service", "reason"),
    [
        ("02-00-00-AA-00-02", "020000aa0002", ServiceType.CALL_CHECK, "unknown-device"),
        ("00-00-00-00-00-07", "000000000007", ServiceType.CALL_CHECK, "no-bypass"),
        ("02-00-00-AA-00-02", "020000aa0001", ServiceType.CALL_CHECK, "malformed"),
        ("02-00-00-AA-00-01", "vt1", ServiceType.CALL_CHECK, "malformed"),
        ("02-00-00-AA-00-01", "020000aa0001", ServiceType.FRAMED, "no-eap"),
    ],
)
def test_no_other_device_is(certificates: Path, station: str, name: str, service: ServiceType, reason: str):
    switch = Switch(serving(certificates, bypasses=True), station=station)
    answer = switch.call_check(name, service)
    assert (answer.code, switch.server.counters[reason]) == (Code.ACCESS_REJECT, 1)


def test_bypass_is_off_at_first(certificates: Path):
    assert Switch(serving(certificates)).call_check("020000aa0001").code == Code.ACCESS_REJECT


def test_who_speaks_eap_is_never_let_in_by_an_address(certificates: Path):
    switch = Switch(serving(certificates, bypasses=True))
    identity = Eap(eap.Code.RESPONSE, 0, Method.IDENTITY, MAC.hex().encode())
    assert switch.call_check(MAC.hex(), eap_=identity).code == Code.ACCESS_CHALLENGE


@pytest.mark.parametrize(
    ("here", "vlans", "expected"),
    [
        ([], {}, "42"),
        (["switch"], {"video": "142"}, "142"),
        ([], {"other": "143"}, "42"),
        (["elsewhere"], {}, None),
    ],
)
def test_groups_know_where_they_are(certificates: Path, here: list[str], vlans: dict[str, str], expected: str | None):
    groups = [{"name": "video", "vlan": "42", "clients": here}, {"name": "other"}]
    clients = [
        {"name": "switch", "networks": ["192.0.2.0/24"], "vlans": vlans},
        {"name": "elsewhere", "networks": ["198.51.100.0/24"]},
    ]
    switch = Switch(serving(certificates, groups=groups, clients=clients, bypasses=True, **ALL))
    for answer in (switch.run(Md5Peer("vt1", "vtpass1")), switch.call_check("020000aa0001")):
        assert (answer.code == Code.ACCESS_ACCEPT) == (expected is not None)
        assert tunnel.vlan(answer.attributes) == (expected or "")
    assert switch.server.counters["not-here"] == (0 if expected else 2)


def test_who_is_removed_while_it_logs_in_stays_outside(certificates: Path):
    known = PaperBook(VT1)
    switch = Switch(serving(certificates, known, **ALL))
    assert switch.run(PeapPeer("vt1", "vtpass1", certificates)).code == Code.ACCESS_ACCEPT
    peer, rounds = PeapPeer("vt1", "vtpass1", certificates), len(switch.answers)
    answer = switch.send(switch.request(Eap(eap.Code.RESPONSE, 0, Method.IDENTITY, b"vt1")))
    for _ in range(rounds - 2):
        assert answer is not None
        answer = switch.follow(answer, peer)
    known.accounts.clear()
    assert answer is not None
    last = switch.follow(answer, peer)
    assert last is not None
    assert last.code == Code.ACCESS_REJECT
    assert switch.server.counters["unknown-identity"] == 1
