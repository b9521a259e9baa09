"""The gate asks the network first: who is not known there reaches no room, no passcode and no attendant."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from mcu.participant import Role
from signaling.admission import CallRequest, Refusal, Refused
from signaling.network_access import Approach, Proof, names
from store.rooms import Room
from tests.signaling.network_access import FakeAccess
from tests.signaling.test_admission import GUARDED, GUEST, OPEN, WRONG, Bench, refusal

HERE = "192.0.2.1"
WAITING = Room("1001", "Hosted", guest_hash=GUEST, host_hash="975310", waits_for_host=True)


async def test_without_a_network_nobody_is_asked() -> None:
    bench = Bench(OPEN)
    assert (await bench.admit()).role is Role.GUEST
    await bench.gate.check_network(CallRequest(HERE, "sip", ""))
    assert "refused-network-access" not in bench.gate.counters


async def test_who_is_known_comes_in_and_the_network_hears_who_it_is() -> None:
    access = FakeAccess(HERE)
    bench = Bench(OPEN, access=access)
    await bench.admit(identity="vt1", claimed=("vt1", "7001**2468", ""), local="192.0.2.99", proof=Proof.DIGEST)
    wanted = Approach(HERE, "sip", ("vt1", "7001"), "192.0.2.99", Proof.DIGEST, "call", "1001")
    assert access.asked == [wanted]


async def test_who_is_not_known_guesses_no_passcode() -> None:
    bench = Bench(GUARDED, access=FakeAccess())
    for passcode in (GUEST, WRONG, None):
        assert await refusal(bench.admit(passcode)) is Refusal.NETWORK
    assert bench.verifier.work == []
    assert bench.gate.counters == {"refused-network-access": 3}


async def test_the_audit_gets_no_number_that_may_hold_a_passcode() -> None:
    access = FakeAccess()
    bench = Bench(OPEN, access=access)
    for room in ("1001", "10012468", ""):
        assert await refusal(bench.admit(room=room)) is Refusal.NETWORK
    assert [each.room for each in access.asked] == ["1001", "", ""]


async def test_the_attendant_is_for_those_who_are_known() -> None:
    access = FakeAccess()
    bench = Bench(OPEN, access=access)
    request = CallRequest(HERE, "h323", "", call="h323-1")
    with pytest.raises(Refused) as refused:
        await bench.gate.check_network(request)
    assert refused.value.reason is Refusal.NETWORK
    access.known.add(HERE)
    await bench.gate.check_network(request)
    assert bench.gate.counters == {"refused-network-access": 1}


async def test_whose_session_ends_while_waiting_does_not_come_in() -> None:
    access = FakeAccess(HERE)
    bench = Bench(WAITING, access=access)
    admission = await bench.admit(GUEST)
    task = asyncio.create_task(bench.gate.wait_for_host(admission))
    await bench.clock.settle()
    access.known.clear()
    assert bench.gate.let_in("1001", bench.gate.waiting("1001")[0].id)
    await bench.clock.advance(0.1)
    assert await refusal(task) is Refusal.NETWORK


async def test_who_waits_is_asked_when_the_door_opens_and_not_before() -> None:
    """A session that is back within its grace time costs nobody the place outside; the end of one is told by others."""
    access = FakeAccess(HERE)
    bench = Bench(WAITING, access=access)
    admission = await bench.admit(GUEST)
    task = asyncio.create_task(bench.gate.wait_for_host(admission))
    await bench.clock.settle()
    access.known.clear()
    await bench.clock.advance(60.0)
    assert not task.done()
    assert len(access.asked) == 1, "and the audit has one line"
    access.known.add(HERE)
    assert bench.gate.let_in("1001", bench.gate.waiting("1001")[0].id)
    await bench.clock.advance(0.1)
    assert (await task).is_let_in
    assert len(access.asked) == 2


@pytest.mark.parametrize(("source", "is_asked"), [(HERE, True), ("2001:db8::1", True), ("pbx.example", False)])
async def test_whom_we_call_needs_a_session_where_its_address_is_known(source: str, is_asked: bool) -> None:
    access = FakeAccess()
    bench = Bench(OPEN, access=access)
    call = bench.admit(source=source, is_invited=True)
    if is_asked:
        assert await refusal(call) is Refusal.NETWORK
        assert [(each.proof, each.operation) for each in access.asked] == [(Proof.INVITED, "invite")]
    else:
        await call
        assert access.asked == []


async def test_browsers_join() -> None:
    access = FakeAccess(HERE)
    bench = Bench(OPEN, access=access)
    await bench.admit(protocol="webrtc", proof=Proof.SIGN_IN, identity="dr-wang")
    assert [(each.operation, each.aliases) for each in access.asked] == [("join", ("dr-wang",))]


def test_names_are_each_there_once_and_without_passcodes() -> None:
    assert names("vt1", " vt1 ", "", "7001**2468", "**") == ("vt1", "7001")


def test_a_request_claims_nothing_of_itself() -> None:
    plain = CallRequest(HERE, "sip", "1001")
    assert (plain.local, plain.claimed, plain.proof) == ("", (), Proof.NONE)
    assert replace(plain, proof=Proof.H235) != plain


async def test_hosts_learn_as_whom_the_network_knows_somebody() -> None:
    access = FakeAccess(HERE)
    access.identities[HERE] = "cart-7"
    bench = Bench(WAITING, access=access)
    admission = await bench.admit(GUEST, protocol="webrtc", name="Dr. Wang")
    assert admission.request.network_identity == "cart-7"
    task = asyncio.create_task(bench.gate.wait_for_host(admission))
    await bench.clock.settle()
    (one,) = bench.gate.waiting("1001")
    assert (one.snapshot()["name"], one.snapshot()["network_identity"]) == ("Dr. Wang", "cart-7")
    access.identities[HERE] = "cart-8"
    assert bench.gate.let_in("1001", one.id)
    await bench.clock.advance(0.1)
    assert (await task).request.network_identity == "cart-8", "the one that is there now"
    assert await bench.gate.check_network(CallRequest(HERE, "sip", "")) == "cart-8"
    assert await Bench(OPEN).gate.check_network(CallRequest(HERE, "sip", "")) == ""


@pytest.mark.parametrize(
    ("request_", "typed"),
    [
        ({"protocol": "webrtc", "name": "theatre-1"}, "theatre-1"),
        ({"protocol": "webrtc", "name": "Dr. Wang", "identity": "wang", "proof": Proof.SIGN_IN}, ""),
        ({"protocol": "sip", "name": "theatre-1"}, ""),
    ],
)
async def test_a_name_that_is_only_typed_is_told_apart(request_: dict[str, Any], typed: str) -> None:
    access = FakeAccess(HERE)
    await Bench(OPEN, access=access).admit(**request_)
    (asked,) = access.asked
    assert (asked.typed_name, "theatre-1" in asked.aliases) == (typed, False)
