"""The ICE-lite agent, in memory: who is answered, which path is chosen, restarts, consent, bounds."""

from __future__ import annotations

from typing import Any

import pytest
from aioice import stun
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.net.ice import ConsentExpired, Credentials, IceAgent, Path, PathSelected

OURS = Credentials("Uabc", "p" * 24)
NEW = Credentials("Unew", "n" * 24)
OTHER = Credentials("Uoth", "o" * 24)
A, B = Path(0, ("192.0.2.1", 1000)), Path(0, ("192.0.2.2", 2000))
S = 1_000_000


def check(credentials: Credentials, *, nominate: bool = False, pwd: str | None = None, **attributes: Any) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{credentials.ufrag}:peer"
    message.attributes["PRIORITY"] = 1
    message.attributes[attributes.get("role", "ICE-CONTROLLING")] = 7
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity((credentials.pwd if pwd is None else pwd).encode())
    return bytes(message)


def agent(**bounds: Any) -> IceAgent:
    made = IceAgent(**bounds)
    made.add(1, OURS)
    made.add(2, OTHER)
    return made


def events(ice: IceAgent) -> list[object]:
    found = []
    while (event := ice.next_event()) is not None:
        found.append(event)
    return found


def test_valid_check_is_answered_with_integrity_and_our_view_of_its_address() -> None:
    ice = agent()
    request = check(OURS)
    answer = ice.receive(request, A, 0)
    assert answer is not None
    message = stun.parse_message(answer)
    assert message.message_class is stun.Class.RESPONSE
    assert message.transaction_id == stun.parse_message(request).transaction_id
    assert message.attributes["XOR-MAPPED-ADDRESS"] == A.remote
    assert message.check_message_integrity(OURS.pwd.encode())
    assert ice.leg_at(A) == 1
    assert events(ice) == [PathSelected(1, A)]


def _without_fingerprint() -> bytes:
    message = stun.parse_message(check(OURS))
    del message.attributes["FINGERPRINT"]
    return bytes(message)


def _indication() -> bytes:
    return bytes(stun.Message(stun.Method.BINDING, stun.Class.INDICATION))


@pytest.mark.parametrize(
    ("data", "counter"),
    [
        (check(OURS, pwd="wrong"), "stun-not-authentic"),
        (check(Credentials("Uzzz", OURS.pwd)), "stun-not-authentic"),
        (_without_fingerprint(), "stun-no-fingerprint"),
        (check(OURS)[:-1], "stun-malformed"),
        (check(OURS)[:-1] + b"\x00", "stun-malformed"),
        (_indication(), "stun-not-a-check"),
        (b"\x00\x01", "stun-malformed"),
    ],
    ids=["wrong-password", "unknown-user", "no-fingerprint", "cut-off", "overwritten", "indication", "two-bytes"],
)
def test_invalid_is_counted_and_not_answered(data: bytes, counter: str) -> None:
    ice = agent()
    assert ice.receive(data, A, 0) is None
    assert ice.counters[counter] == 1
    assert ice.leg_at(A) is None
    assert not events(ice)


def test_role_conflict_is_answered_with_487() -> None:
    ice = agent()
    answer = ice.receive(check(OURS, role="ICE-CONTROLLED"), A, 0)
    assert answer is not None
    message = stun.parse_message(answer)
    assert message.attributes["ERROR-CODE"][0] == 487
    assert message.check_message_integrity(OURS.pwd.encode())
    assert ice.leg_at(A) is None


def test_nomination_moves_the_path_and_plain_checks_do_not() -> None:
    ice = agent()
    ice.receive(check(OURS), A, 0)
    ice.receive(check(OURS), B, 0)
    assert ice.selected(1) == A
    ice.receive(check(OURS, nominate=True), B, 0)
    assert ice.selected(1) == B
    assert events(ice) == [PathSelected(1, A), PathSelected(1, B)]


def test_restart_keeps_the_old_path_until_the_new_one_is_nominated() -> None:
    ice = agent()
    ice.receive(check(OURS, nominate=True), A, 0)
    ice.restart(1, NEW)
    assert ice.receive(check(OURS), A, S) is not None
    ice.receive(check(NEW), B, S)
    assert ice.selected(1) == A
    ice.receive(check(NEW, nominate=True), B, S)
    assert ice.selected(1) == B
    assert ice.receive(check(OURS), A, S) is None
    assert ice.leg_at(A) is None
    assert ice.receive(check(NEW), B, S) is not None


def test_restart_on_the_same_address() -> None:
    ice = agent()
    ice.receive(check(OURS, nominate=True), A, 0)
    ice.restart(1, NEW)
    ice.receive(check(NEW, nominate=True), A, S)
    assert ice.selected(1) == A
    assert ice.receive(check(OURS), A, S) is None


def test_consent_expires_and_comes_back() -> None:
    ice = agent(consent_s=30)
    ice.receive(check(OURS, nominate=True), A, 0)
    ice.handle_timeout(30 * S)
    assert ice.selected(1) == A
    ice.handle_timeout(31 * S)
    assert ice.selected(1) is None
    ice.receive(check(OURS), A, 32 * S)
    assert ice.selected(1) == A
    assert events(ice) == [PathSelected(1, A), ConsentExpired(1), PathSelected(1, A)]


def test_an_address_in_use_is_not_taken_over_but_a_deserted_one_is() -> None:
    ice = agent()
    ice.receive(check(OURS), A, 0)
    assert ice.receive(check(OTHER), A, 5 * S) is None
    assert ice.leg_at(A) == 1
    assert ice.receive(check(OTHER), A, 11 * S) is not None
    assert ice.leg_at(A) == 2
    assert ice.selected(1) is None


def test_addresses_of_a_leg_are_bounded_and_the_selected_one_stays() -> None:
    ice = agent(max_addresses=4)
    ice.receive(check(OURS, nominate=True), A, 0)
    for n in range(50):
        ice.receive(check(OURS), Path(0, ("192.0.2.9", 3000 + n)), n)
    assert sum(ice.leg_at(Path(0, ("192.0.2.9", 3000 + n))) == 1 for n in range(50)) == 3
    assert ice.selected(1) == A
    assert ice.counters["ice-addresses-evicted"] == 47


def test_removed_leg_is_a_stranger() -> None:
    ice = agent()
    ice.receive(check(OURS), A, 0)
    ice.restart(1, NEW)
    ice.remove(1)
    ice.remove(1)
    assert ice.leg_at(A) is None
    assert ice.receive(check(OURS), A, 0) is None
    assert ice.receive(check(NEW), A, 0) is None


def test_ipv6_address_with_scope_is_told_without_it() -> None:
    ice = agent()
    answer = ice.receive(check(OURS), Path(0, ("fe80::1%eth0", 7, 0, 2)), 0)
    assert answer is not None
    assert stun.parse_message(answer).attributes["XOR-MAPPED-ADDRESS"] == ("fe80::1", 7)


def test_password_is_not_shown() -> None:
    assert OURS.pwd not in repr(OURS)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=120), st.integers(0, 200), st.integers(0, 255))
def test_no_bytes_raise_or_are_answered(data: bytes, position: int, value: int) -> None:
    ice = agent()
    assert ice.receive(data, A, 0) is None
    request = bytearray(check(OURS, nominate=True))
    position %= len(request)
    if request[position] != value:
        request[position] = value
        assert ice.receive(bytes(request), A, 0) is None


def test_truncation_at_every_length() -> None:
    ice = agent()
    request = check(OURS)
    assert all(ice.receive(request[:end], A, 0) is None for end in range(len(request)))


def test_a_lost_connection_gives_way_to_the_path_that_was_checked_last() -> None:
    ice, c = agent(), Path(1, ("192.0.2.1", 1000))
    for path, at in ((A, 0), (c, S), (B, 2 * S)):
        ice.receive(check(OURS, nominate=path is c), path, at)
    events(ice)
    ice.lose(c)
    ice.lose(c)
    assert events(ice) == [PathSelected(1, B)]
    assert ice.leg_at(c) is None
    ice.lose(A)
    assert (events(ice), ice.selected(1)) == ([], B)
    ice.lose(B)
    assert (events(ice), ice.selected(1)) == ([], None)
    ice.receive(check(OTHER), c, 3 * S)
    assert ice.leg_at(c) == 2, "nobody has to wait for an address whose connection is gone"
