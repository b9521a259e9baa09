"""Admission, bandwidth, the end of calls, location (H.225.0 7.11 to 7.14)."""

from __future__ import annotations

import pytest

from signaling.h323 import per, traversal
from signaling.h323.ras.admission import Admit, Refusal
from signaling.h323.ras.alias import Alias, AliasKind
from tests.signaling.h323.ras.terminal import OURS, Site, Terminal, ip


def pair(**changes):
    site = Site(**changes)
    caller, called = Terminal(site, "or1", "192.0.2.10"), Terminal(site, "or2", "198.51.100.20")
    called.aliases.append(("dialledDigits", "7002"))
    caller.register()
    called.register()
    return site, caller, called


def reason(answer):
    return answer[0], answer[1]["rejectReason"][0]


@pytest.mark.parametrize(
    ("model", "called", "destination", "said"),
    [
        ("direct", "7002", ip("198.51.100.20", 1720), "direct"),
        ("routed", "7002", ip(OURS, 1720), "gatekeeperRouted"),
        ("direct", "8000", ip(OURS, 1720), "direct"),
        ("routed", "8000", ip(OURS, 1720), "direct"),
    ],
)
def test_calls_go_to_the_terminal_or_to_us(model, called, destination, said):
    site, caller, _ = pair(call_model=model, irr_interval_s=60)
    name, body = caller.admit(called)
    assert name == "admissionConfirm"
    assert (body["destCallSignalAddress"], body["callModel"][0]) == (destination, said)
    assert (body["bandWidth"], body["irrFrequency"]) == (1280, 60)
    (question,) = site.owner.asked
    assert (question.wanted_bps, question.is_answer, question.calling) == (
        128_000, False, (Alias(AliasKind.H323_ID, "or1"),)
    )  # fmt: skip


def test_the_owner_may_send_a_call_elsewhere():
    site, caller, _ = pair()
    site.owner.verdict = Admit(("203.0.113.5", 1720), (Alias(AliasKind.DIALLED_DIGITS, "99"),))
    body = caller.admit("7002")[1]
    assert body["destCallSignalAddress"] == ip("203.0.113.5", 1720)
    assert body["destinationInfo"] == [("dialledDigits", "99")]
    assert "destinationInfo" not in caller.admit("7002", call=2, canMapAlias=False)[1]


def test_the_number_of_a_room_is_ours_whoever_registered_it():
    site, caller, _ = pair()
    site.owner.verdict = Admit(is_ours=True)
    assert caller.admit("7002")[1]["destCallSignalAddress"] == ip(OURS, 1720)


def test_who_is_called_asks_too():
    site, _, called = pair()
    body = called.admit("7002", answerCall=True)[1]
    assert body["destCallSignalAddress"] == called.signalling
    assert site.owner.asked[0].is_answer


def test_a_refusal_has_the_reason_of_the_owner():
    site, caller, _ = pair()
    for refusal in Refusal:
        site.owner.verdict = refusal
        assert reason(caller.admit("7002")) == ("admissionReject", refusal.value)
    assert site.gatekeeper.gauges["calls"] == 0


def test_strangers_are_not_admitted():
    site = Site()
    assert reason(Terminal(site, "or1", "192.0.2.10").admit("7002")) == ("admissionReject", "callerNotRegistered")
    assert not site.owner.asked


def test_a_question_that_takes_long():
    site, caller, _ = pair()
    site.owner.verdict = None
    octets = caller.octets("admissionRequest", caller.body(**caller.admission(destinationInfo=caller.aliases)))
    name, body = caller.send(octets)
    assert (name, body["delay"]) == ("requestInProgress", 20_000)
    assert caller.send(octets)[0] == "requestInProgress"
    (question,) = site.owner.asked
    (sent,) = site.gatekeeper.decide(question.ticket, Admit(), site.now)
    assert per.decode(per.Type.RAS, sent.octets)[0] == "admissionConfirm"
    assert sent.remote == caller.source
    assert caller.send(octets)[0] == "admissionConfirm"
    assert site.gatekeeper.decide(question.ticket, Admit(), site.now) == []


def test_a_question_asked_anew_is_one_question():
    site, caller, _ = pair()
    site.owner.verdict = None
    assert [caller.admit("7002")[0] for _ in range(3)] == ["requestInProgress"] * 3
    (question,) = site.owner.asked
    (sent,) = site.gatekeeper.decide(question.ticket, Admit(), site.now)
    assert per.decode(per.Type.RAS, sent.octets)[1]["requestSeqNum"] == caller.number


def test_nothing_decided_in_time():
    site, caller, _ = pair(max_decisions=1)
    site.owner.verdict = None
    caller.admit("7002")
    assert reason(caller.admit("7002", call=2))[1] == "resourceUnavailable"
    assert site.gatekeeper.next_timeout() == site.now + 20
    assert site.gatekeeper.on_timeout(site.now + 19) == []
    (sent,) = site.gatekeeper.on_timeout(site.now + 20)
    assert reason(per.decode(per.Type.RAS, sent.octets)) == ("admissionReject", "undefinedReason")
    assert site.gatekeeper.gauges["undecided"] == 0


def test_decisions_about_who_is_gone():
    site, caller, _ = pair()
    site.owner.verdict = None
    caller.admit("7002")
    caller.ask("unregistrationRequest", callSignalAddress=[], endpointIdentifier=caller.identifier)
    (sent,) = site.gatekeeper.decide(site.owner.asked[0].ticket, Admit(), site.now)
    assert reason(per.decode(per.Type.RAS, sent.octets))[1] == "callerNotRegistered"
    assert site.gatekeeper.gauges["calls"] == 0


def test_hanging_up_before_the_decision():
    site, caller, _ = pair()
    site.owner.verdict = None
    caller.admit("7002")
    assert (
        caller.ask("disengageRequest", disengageReason=("normalDrop", 0), **caller.of_call())[0] == "disengageConfirm"
    )
    assert site.gatekeeper.decide(site.owner.asked[0].ticket, Admit(), site.now) == []
    assert site.gatekeeper.gauges["calls"] == 0


SITES = ({"name": "ward", "networks": ("192.0.2.0/24",), "max_bps": 1_000_000, "max_call_bps": 600_000},)


def test_bandwidth_of_a_site():
    site, caller, called = pair(sites=SITES)
    bandwidth = [caller.admit("8000", call=n, bandWidth=5000)[1].get("bandWidth", 0) for n in (1, 2, 3)]
    assert bandwidth == [5000, 5000, 0]
    assert called.admit("8000", bandWidth=50_000)[1]["bandWidth"] == 50_000
    assert site.gatekeeper.zone.budget.used_bps("ward") == 1_000_000
    answer = caller.ask("bandwidthRequest", bandWidth=5500, **caller.of_call(1))
    assert (reason(answer), answer[1]["allowedBandWidth"]) == (("bandwidthReject", "insufficientResources"), 5000)
    assert caller.ask("bandwidthRequest", bandWidth=1000, **caller.of_call(2))[1]["bandWidth"] == 1000
    assert caller.ask("bandwidthRequest", bandWidth=5500, **caller.of_call(1))[1]["bandWidth"] == 5500
    answer = caller.ask("bandwidthRequest", bandWidth=6001, **caller.of_call(1))
    assert answer[1]["allowedBandWidth"] == 6000
    caller.ask("disengageRequest", disengageReason=("normalDrop", 0), **caller.of_call(1))
    assert site.gatekeeper.zone.budget.used_bps("ward") == 100_000


def test_less_than_wanted_but_enough_to_speak():
    _, caller, _ = pair(sites=SITES)
    assert caller.admit("8000", call=1, bandWidth=20_000)[1]["bandWidth"] == 6000
    assert caller.admit("8000", call=2, bandWidth=20_000)[1]["bandWidth"] == 4000
    assert reason(caller.admit("8000", call=3, bandWidth=1280)) == ("admissionReject", "requestDenied")


def test_the_same_call_counts_once():
    site, caller, _ = pair(sites=SITES)
    for _ in range(5):
        assert caller.admit("8000", bandWidth=6000)[1]["bandWidth"] == 6000
    assert site.gatekeeper.zone.budget.used_bps("ward") == 600_000
    assert site.gatekeeper.gauges["calls"] == 1


def test_calls_are_bounded_and_end_with_their_terminal():
    site, caller, _ = pair(max_calls_per_terminal=2)
    assert [caller.admit("8000", call=n)[0] for n in (1, 2)] == ["admissionConfirm"] * 2
    assert reason(caller.admit("8000", call=3))[1] == "exceedsCallCapacity"
    assert caller.admit("8000", call=2)[0] == "admissionConfirm"
    caller.ask("unregistrationRequest", callSignalAddress=[], endpointIdentifier=caller.identifier)
    assert site.gatekeeper.gauges["calls"] == 0
    assert site.gatekeeper.zone.budget.used_bps() == 0
    assert [event.call_id[0] for event in site.events() if type(event).__name__ == "Disengaged"] == [1, 2]


def test_requests_about_calls_that_are_none():
    _, caller, called = pair()
    caller.admit("7002")
    assert reason(called.ask("bandwidthRequest", bandWidth=1, **called.of_call()))[1] == "invalidConferenceID"
    called.identifier = "nobody"
    assert reason(called.ask("bandwidthRequest", bandWidth=1, **called.of_call()))[1] == "notBound"
    drop = {"disengageReason": ("normalDrop", 0)}
    assert reason(called.ask("disengageRequest", **drop, **called.of_call()))[1] == "notRegistered"
    assert caller.ask("disengageRequest", **drop, **caller.of_call(9))[0] == "disengageConfirm"


def test_calls_of_version_1_have_no_call_identifier():
    site, caller, _ = pair()
    request = caller.admission(call=5, destinationInfo=[("dialledDigits", "8000")])
    del request["callIdentifier"]
    assert caller.ask("admissionRequest", **request)[0] == "admissionConfirm"
    # The flag of the side that did not begin the call is no part of its number.
    over = caller.of_call(5, callReferenceValue=0x8005, disengageReason=("normalDrop", 0))
    del over["callIdentifier"]
    assert caller.ask("disengageRequest", **over)[0] == "disengageConfirm"
    assert site.gatekeeper.gauges["calls"] == 0


def locate(terminal, called, **how):
    body = terminal.body(
        destinationInfo=[("dialledDigits", called)], replyAddress=ip(*terminal.source), canMapAlias=False
    )
    if terminal.identifier:
        body["endpointIdentifier"] = terminal.identifier
    return terminal.send(terminal.octets("locationRequest", body), **how)


def test_location():
    site, caller, _ = pair(location_networks=("203.0.113.0/24",))
    site.owner.rooms = {"8000"}
    assert locate(caller, "7002")[1]["callSignalAddress"] == ip("198.51.100.20", 1720)
    assert locate(caller, "8000")[1]["callSignalAddress"] == ip(OURS, 1720)
    assert reason(locate(caller, "9")) == ("locationReject", "requestDenied")
    neighbour, stranger = Terminal(site, "gk2", "203.0.113.1"), Terminal(site, "gk3", "192.0.2.99")
    assert locate(neighbour, "7002")[0] == "locationConfirm"
    assert reason(locate(stranger, "7002"))[1] == "invalidPermission"
    assert locate(neighbour, "7002", is_multicast=True)[0] == "locationConfirm"
    # Asked of everybody, numbers that lead to the attendant may be somebody else's.
    assert locate(neighbour, "8000", is_multicast=True) is None
    assert locate(neighbour, "9", is_multicast=True) is None
    assert locate(stranger, "7002", is_multicast=True) is None


# ---- calls that are routed


def test_a_routed_call_is_known_by_its_identifier_until_it_ends():
    site, caller, called = pair(call_model="routed")
    calls = site.gatekeeper.zone.calls
    assert not calls.has_routed
    caller.admit("7002")
    caller.admit("8000", call=2)
    (call,) = calls.routed(bytes([1]) * 16)
    assert (call.identifier, call.routed_to) == (caller.identifier, called.identifier)
    assert calls.routed(bytes([2]) * 16) == []
    caller.ask("disengageRequest", disengageReason=("normalDrop", 0), **caller.of_call())
    assert (calls.routed(bytes([1]) * 16), calls.has_routed) == ([], False)


def test_a_terminal_that_leaves_takes_its_routes_along():
    site, caller, _ = pair(call_model="routed")
    caller.admit("7002")
    caller.ask("unregistrationRequest", callSignalAddress=[], endpointIdentifier=caller.identifier)
    assert not site.gatekeeper.zone.calls.has_routed


def test_who_answers_a_routed_call_is_told_so():
    _, caller, called = pair(call_model="routed")
    assert called.admit("7002", answerCall=True)[1]["callModel"][0] == "direct"
    caller.admit("7002", call=2)
    body = called.admit("7002", call=2, answerCall=True)[1]
    assert (body["callModel"][0], body["destCallSignalAddress"]) == ("gatekeeperRouted", called.signalling)
    # Of its own calls nobody thinks that it answers them.
    assert caller.admit("7002", call=2, answerCall=True)[1]["callModel"][0] == "direct"


def test_the_same_identifier_of_two_terminals_is_two_calls():
    site, caller, called = pair(call_model="routed")
    caller.aliases.append(("dialledDigits", "7001"))
    caller.register()
    caller.admit("7002")
    called.admit("7001")
    found = site.gatekeeper.zone.calls.routed(bytes([1]) * 16)
    assert {(call.identifier, call.routed_to) for call in found} == {
        (caller.identifier, called.identifier), (called.identifier, caller.identifier),
    }  # fmt: skip
    caller.ask("disengageRequest", disengageReason=("normalDrop", 0), **caller.of_call())
    (left,) = site.gatekeeper.zone.calls.routed(bytes([1]) * 16)
    assert left.identifier == called.identifier


def test_rooms_and_given_destinations_are_not_routed():
    site, caller, _ = pair(call_model="routed")
    for call, verdict in enumerate((Admit(is_ours=True), Admit(("203.0.113.5", 1720))), 1):
        site.owner.verdict = verdict
        assert caller.admit("7002", call=call)[1]["callModel"][0] == "direct"
    assert not site.gatekeeper.zone.calls.has_routed


def test_bandwidth_of_a_routed_call_changes_as_of_any():
    site, caller, called = pair(call_model="routed")
    caller.admit("7002")
    answer = caller.ask("bandwidthRequest", bandWidth=2000, **caller.of_call())
    assert answer[0] == "bandwidthConfirm"
    (call,) = site.gatekeeper.zone.calls.routed(bytes([1]) * 16)
    assert (call.bandwidth_bps, call.routed_to) == (200_000, called.identifier)


def test_location_tells_where_an_admitted_call_would_go():
    """Terminals that ask are admitted here; neighbours are not, so that nothing of theirs is routed."""
    site, caller, _ = pair(call_model="routed", location_networks=("203.0.113.0/24",))
    neighbour = Terminal(site, "gk2", "203.0.113.1")
    assert locate(caller, "7002")[1]["callSignalAddress"] == ip(OURS, 1720)
    assert locate(neighbour, "7002")[1]["callSignalAddress"] == ip("198.51.100.20", 1720)


def test_whom_only_we_reach_is_located_for_terminals_alone():
    site, caller, called = pair(location_networks=("203.0.113.0/24",))
    called.register(featureSet=traversal.feature_set(traversal.feature(traversal.SIGNALLING)))
    neighbour = Terminal(site, "gk2", "203.0.113.1")
    assert locate(caller, "7002")[1]["callSignalAddress"] == ip(OURS, 1720)
    assert reason(locate(neighbour, "7002")) == ("locationReject", "requestDenied")
