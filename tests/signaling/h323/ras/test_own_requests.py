"""What the gatekeeper asks, what endpoints report, and time that passes (H.225.0 7.10 to 7.20)."""

from __future__ import annotations

import pytest

from signaling.h323 import per
from signaling.h323.ras.events import Answered, Leaving, Unregistered
from tests.signaling.h323.ras.terminal import T0, Site, Terminal

CALL = b"\x01" * 16
INCOMING_CALL = b"\x00\xc0\x00\x02\x01\x06\xb8\x00" + CALL
"""IncomingCallIndication of H.460.18 by hand: address and port, call identifier."""
GENERIC = [{"id": ("standard", 18), "parameters": [{"id": ("standard", 1), "content": ("raw", INCOMING_CALL)}]}]


def registered(**changes):
    site = Site(**changes)
    terminal = Terminal(site, "or1", "192.0.2.10")
    terminal.register()
    terminal.admit("8000")
    site.events()
    return site, terminal, site.gatekeeper.requests


def read(datagrams):
    (sent,) = datagrams
    assert sent.remote == ("192.0.2.10", 1719)
    return per.decode(per.Type.RAS, sent.octets)


def call_of(site, terminal):
    return site.gatekeeper.zone.calls.of(terminal.identifier)[0]


def test_unregistering_a_terminal():
    site, terminal, requests = registered()
    name, body = read(requests.unregister(terminal.identifier, "maintenance", T0))
    assert (name, body["reason"], body["endpointIdentifier"]) == (
        "unregistrationRequest", ("maintenance", 0), terminal.identifier
    )  # fmt: skip
    assert site.gatekeeper.gauges == {"registrations": 0, "calls": 0, "undecided": 0, "waiting": 1, "answers": 2}
    terminal.send(terminal.octets("unregistrationConfirm", {"requestSeqNum": body["requestSeqNum"]}))
    answered = site.events()[-1]
    assert (answered.request, answered.name) == ("unregistrationRequest", "unregistrationConfirm")
    assert requests.unregister(terminal.identifier, "maintenance", T0) == []


def test_ending_a_call():
    site, terminal, requests = registered()
    name, body = read(requests.disengage(call_of(site, terminal), "forcedDrop", T0))
    assert (name, body["disengageReason"], body["callIdentifier"]["guid"]) == (
        "disengageRequest", ("forcedDrop", 0), b"\x01" * 16
    )  # fmt: skip
    assert site.gatekeeper.gauges["calls"] == 0


def test_less_bandwidth_for_a_call():
    site, terminal, requests = registered()
    name, body = read(requests.change_bandwidth(call_of(site, terminal), 64_000, T0))
    assert (name, body["bandWidth"]) == ("bandwidthRequest", 640)
    assert site.gatekeeper.zone.budget.used_bps() == 64_000
    assert requests.change_bandwidth(call_of(site, terminal), 10**9, T0) == []


def test_a_terminal_is_told_where_to_call_back():
    _, terminal, requests = registered()
    name, body = read(requests.call_back(terminal.identifier, CALL, T0))
    assert (name, body["genericData"]) == ("serviceControlIndication", GENERIC)
    terminal.send(terminal.octets("serviceControlResponse", {"requestSeqNum": body["requestSeqNum"]}))
    told = terminal.site.events()[-1]
    assert (told.name, told.call_id) == ("serviceControlResponse", CALL)


def report(number: int, terminal: Terminal, **fields):
    return {
        "requestSeqNum": number,
        "endpointType": {"terminal": {}, "mc": False, "undefinedNode": False},
        "endpointIdentifier": terminal.identifier,
        "rasAddress": terminal.signalling,
        "callSignalAddress": [terminal.signalling],
        "needResponse": False,
        "unsolicited": False,
        **fields,
    }


def test_reports_asked_for_and_not():
    site, terminal, requests = registered()
    name, body = read(requests.query(terminal.identifier, T0, call_of(site, terminal)))
    assert (name, body["callReferenceValue"]) == ("infoRequest", 1)
    octets = terminal.octets("infoRequestResponse", report(body["requestSeqNum"], terminal))
    assert terminal.send(octets) is None
    assert isinstance(site.events()[-1], Answered)
    assert terminal.ask("infoRequestResponse", **report(0, terminal, needResponse=True) | {"requestSeqNum": 9})[0] == (
        "infoRequestAck"
    )
    assert terminal.ask("infoRequestResponse", **report(9, terminal)) is None
    terminal.identifier = "nobody"
    assert terminal.ask("infoRequestResponse", **report(9, terminal, needResponse=True))[0] == "infoRequestNak"


@pytest.mark.parametrize(
    ("request_of", "name", "after_s", "times"),
    [
        (lambda own, terminal: own.query(terminal.identifier, T0), "infoRequest", 3.0, 1),
        (lambda own, terminal: own.call_back(terminal.identifier, CALL, T0), "serviceControlIndication", 3.0, 2),
        (lambda own, terminal: own.unregister(terminal.identifier, "maintenance", T0), "unregistrationRequest", 3.0, 1),
    ],
)
def test_requests_are_repeated_and_given_up(request_of, name, after_s, times):
    site, terminal, requests = registered()
    (first,) = request_of(requests, terminal)
    for step in range(1, times + 1):
        assert requests.next_timeout() == T0 + step * after_s
        assert site.gatekeeper.on_timeout(T0 + step * after_s - 0.1) == []
        assert site.gatekeeper.on_timeout(T0 + step * after_s) == [first]
    assert site.gatekeeper.on_timeout(T0 + (times + 1) * after_s) == []
    given_up = site.events()[-1]
    assert (given_up.request, given_up.name) == (name, None)
    assert requests.next_timeout() is None


def test_a_terminal_that_needs_longer():
    site, terminal, requests = registered()
    body = read(requests.query(terminal.identifier, T0))[1]
    progress = {"requestSeqNum": body["requestSeqNum"], "delay": 9000}
    for _ in range(5):
        assert terminal.send(terminal.octets("requestInProgress", progress)) is None
    assert requests.next_timeout() == T0 + 9
    assert site.gatekeeper.counters["dropped-unasked"] == 1


def test_answers_of_strangers_and_to_nothing_are_dropped():
    site, terminal, requests = registered()
    body = read(requests.query(terminal.identifier, T0))[1]
    stranger = Terminal(site, "or1", "192.0.2.66")
    stranger.identifier = terminal.identifier
    assert stranger.ask("infoRequestResponse", **report(body["requestSeqNum"], stranger)) is None
    assert stranger.ask("disengageConfirm") is None
    assert stranger.ask("registrationConfirm", protocolIdentifier=(0, 0, 8, 2250, 0, 5), callSignalAddress=[],
                        endpointIdentifier="x", willRespondToIRR=False, maintainConnection=False) is None  # fmt: skip
    assert len(requests) == 1
    assert site.gatekeeper.counters["dropped-unasked"] == 2


def test_a_request_that_a_terminal_does_not_know():
    site, terminal, requests = registered()
    body = read(requests.call_back(terminal.identifier, CALL, T0))[1]
    unknown = {"requestSeqNum": body["requestSeqNum"], "messageNotUnderstood": b""}
    assert terminal.send(terminal.octets("unknownMessageResponse", unknown)) is None
    assert site.events()[-1].name == "unknownMessageResponse"


def test_what_we_do_not_know_gets_xrs():
    site = Site()
    terminal = Terminal(site, "or1", "192.0.2.10")
    alien = {"nonStandardIdentifier": ("object", (1, 2, 3)), "data": b"hello"}
    octets = terminal.octets("nonStandardMessage", terminal.body(nonStandardData=alien))
    name, body = terminal.send(octets)
    assert (name, body["messageNotUnderstood"]) == ("unknownMessageResponse", octets)


def test_resources_and_service_control_of_endpoints():
    site, terminal, _ = registered()
    indication = {
        "protocolIdentifier": (0, 0, 8, 2250, 0, 5),
        "protocols": [],
        "endpointIdentifier": terminal.identifier,
    }
    for is_full in (True, False):
        answer = terminal.ask("resourcesAvailableIndicate", almostOutOfResources=is_full, **indication)
        assert answer[0] == "resourcesAvailableConfirm"
        assert site.gatekeeper.zone.registrations.all()[0].is_almost_full is is_full
    control = {"serviceControl": [], "endpointIdentifier": terminal.identifier}
    assert terminal.ask("serviceControlIndication", **control)[1]["result"] == ("neededFeatureNotSupported", 0)
    stranger = Terminal(site, "x", "192.0.2.66")
    assert stranger.ask("resourcesAvailableIndicate", almostOutOfResources=True, **indication) is None
    assert stranger.ask("serviceControlIndication", **control) is None


def test_a_silent_terminal_is_asked_and_then_forgotten():
    site, _, _ = registered()
    gatekeeper = site.gatekeeper
    assert gatekeeper.on_timeout(T0 + 299) == []
    asked = read(gatekeeper.on_timeout(T0 + 300))
    assert asked[0] == "infoRequest"
    assert gatekeeper.on_timeout(T0 + 301) == []
    assert read(gatekeeper.on_timeout(T0 + 303)) == asked
    name, body = read(gatekeeper.on_timeout(T0 + 306))
    assert (name, body["reason"]) == ("unregistrationRequest", ("ttlExpired", 0))
    assert [event.why for event in site.events() if isinstance(event, Unregistered)] == [Leaving.EXPIRED]
    assert gatekeeper.gauges["registrations"] == gatekeeper.gauges["calls"] == 0


def test_a_silent_terminal_that_answers_stays():
    site, terminal, _ = registered()
    body = read(site.gatekeeper.on_timeout(T0 + 300))[1]
    site.now = T0 + 301
    terminal.send(terminal.octets("infoRequestResponse", report(body["requestSeqNum"], terminal)))
    assert site.gatekeeper.zone.registrations.all()[0].expires_at == T0 + 601
    assert site.gatekeeper.on_timeout(T0 + 310) == []


def test_a_keep_alive_while_it_is_asked_saves_it():
    site, terminal, _ = registered(call_check_s=9000)
    site.gatekeeper.on_timeout(T0 + 300)
    site.now = T0 + 304
    terminal.keep_alive()
    site.gatekeeper.on_timeout(T0 + 304)
    site.gatekeeper.on_timeout(T0 + 310)
    assert site.gatekeeper.gauges["registrations"] == 1
    assert read(site.gatekeeper.on_timeout(T0 + 604))[0] == "infoRequest"


def test_whose_time_ran_out_while_nobody_listened_is_asked_after_the_restart():
    before, terminal, _ = registered()
    kept = before.gatekeeper.zone.registrations.all()
    site = Site()
    registrations = site.gatekeeper.zone.registrations
    registrations.load(kept, T0 + 300 + 60)
    assert site.gatekeeper.on_timeout(T0 + 379) == [], "it may be about to say that it is there"
    assert read(site.gatekeeper.on_timeout(T0 + 380))[0] == "infoRequest"
    site.now, terminal.site = T0 + 381, site
    terminal.keep_alive()
    assert [entry.expires_at for entry in registrations.all()] == [T0 + 681]
    long_ago = Site().gatekeeper.zone.registrations
    long_ago.load(kept, T0 + 300 + 120)
    assert long_ago.all() == []


def test_our_own_requests_are_bounded():
    site = Site(max_requests=2)
    for number in range(4):
        Terminal(site, f"or{number}", f"192.0.2.{10 + number}").register()
    sent = site.gatekeeper.on_timeout(T0 + 300)
    assert len(sent) == 2
    # Whoever could not be asked is forgotten without.
    assert site.gatekeeper.gauges["registrations"] == 2
    assert site.gatekeeper.counters["dropped-own-request"] == 4


def per_call(call: int):
    return {
        "callReferenceValue": call, "conferenceID": bytes([call]) * 16, "h245": {}, "callSignalling": {},
        "callType": ("pointToPoint", 0), "bandWidth": 1280, "callModel": ("direct", 0),
        "callIdentifier": {"guid": bytes([call]) * 16}, "substituteConfIDs": [],
    }  # fmt: skip


def test_a_call_that_was_reported_once_outlives_silence():
    """chan_ooh323 reports a call when it is answered, and answers no IRQ."""
    site, terminal, _ = registered(call_check_s=60, default_time_to_live_s=3000)
    terminal.ask("infoRequestResponse", **report(9, terminal, perCallInfo=[per_call(1)], unsolicited=True))
    for second in (60, 63, 66, 120, 126):
        site.gatekeeper.on_timeout(T0 + second)
    assert site.gatekeeper.gauges["calls"] == 1


def test_calls_that_are_reported_are_not_asked_about():
    site, terminal, _ = registered(call_check_s=60)
    for minute in range(1, 4):
        site.now = T0 + 50 * minute
        info = {"perCallInfo": [per_call(1)], "unsolicited": True}
        assert terminal.ask("infoRequestResponse", **report(9, terminal, **info) | {"requestSeqNum": minute}) is None
        assert site.gatekeeper.on_timeout(site.now + 5) == []
    assert read(site.gatekeeper.on_timeout(site.now + 60))[0] == "infoRequest"


@pytest.mark.parametrize(("named", "left"), [([1], 1), ([2], 0), ([], 0), (None, 0)])
def test_calls_that_end_silently_are_noticed(named, left):
    site, terminal, _ = registered(call_check_s=60)
    assert site.gatekeeper.on_timeout(T0 + 59) == []
    name, body = read(site.gatekeeper.on_timeout(T0 + 60))
    assert (name, body["callIdentifier"]["guid"]) == ("infoRequest", b"\x01" * 16)
    if named is not None:
        info = {"perCallInfo": [per_call(call) for call in named]} if named else {}
        terminal.send(terminal.octets("infoRequestResponse", report(body["requestSeqNum"], terminal, **info)))
    else:  # chan_ooh323
        site.gatekeeper.on_timeout(T0 + 63)
    site.gatekeeper.on_timeout(T0 + 66)
    assert site.gatekeeper.gauges["calls"] == left
    assert site.gatekeeper.gauges["registrations"] == 1


def test_only_the_answer_that_belongs_to_a_request_ends_it():
    _, terminal, requests = registered()
    number = {"requestSeqNum": read(requests.query(terminal.identifier, T0))[1]["requestSeqNum"]}
    terminal.send(terminal.octets("disengageConfirm", number))
    terminal.send(terminal.octets("infoRequestResponse", report(9, terminal, unsolicited=True) | number))
    assert len(requests) == 1
    terminal.send(terminal.octets("infoRequestResponse", report(9, terminal) | number))
    assert len(requests) == 0


def test_progress_is_bounded():
    _, terminal, requests = registered()
    number = read(requests.query(terminal.identifier, T0))[1]["requestSeqNum"]
    terminal.send(terminal.octets("requestInProgress", {"requestSeqNum": number, "delay": 65_535}))
    assert requests.next_timeout() == T0 + 30
