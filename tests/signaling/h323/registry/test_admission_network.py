"""ARQ and the network: who calls and who answers, before anything is looked up."""

from __future__ import annotations

from signaling.network_access import Approach, Proof
from tests.signaling.h323.registry.test_admission import Office
from tests.signaling.network_access import FakeAccess


async def test_who_calls_has_to_be_known() -> None:
    office = Office("1001")
    office.admission._access = access = FakeAccess("192.0.2.10")
    assert (await office.admit("1001"))[0] == "admissionConfirm"
    (asked,) = access.asked
    assert asked == Approach("192.0.2.10", "h323", ("or1",), "", Proof.NONE, "call")
    access.known.clear()
    assert await office.admit("1001", call=2) == ("admissionReject", "securityDenial")
    assert await office.admit("7002", call=3) == ("admissionReject", "securityDenial")
    assert (office.looked, office.admission.counters["refused-network"]) == ([], 2)


async def test_a_name_that_is_claimed_for_one_call_counts_too() -> None:
    office = Office()
    office.admission._access = access = FakeAccess("192.0.2.10")
    await office.admit("1001", srcInfo=[("h323-ID", "director"), ("h323-ID", "or1")])
    assert [each.aliases for each in access.asked] == [("or1", "director")]


async def test_who_answers_has_to_be_known_too() -> None:
    office = Office()
    office.admission._access = access = FakeAccess("192.0.2.10")
    name, body = office.called.admit(answerCall=True, srcInfo=[("h323-ID", "or1")])
    assert (name, body["rejectReason"][0]) == ("admissionReject", "securityDenial")
    assert [(each.source, each.aliases) for each in access.asked] == [("192.0.2.20", ("or2", "7002"))]


async def test_a_signature_is_a_proof() -> None:
    office = Office(password="quiet-lantern-7")
    office.admission._access = access = FakeAccess("192.0.2.10")
    assert (await office.admit("1001"))[0] == "admissionConfirm"
    assert [each.proof for each in access.asked] == [Proof.H235]
