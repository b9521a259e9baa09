"""Terminals behind NATs register and are asked to call back (H.460.18 7 and 8)."""

from __future__ import annotations

import pytest

from signaling.h323 import per, traversal
from signaling.h323.ras.registration import Registration
from signaling.h323.ras.registrations import Registrations
from tests.signaling.h323.ras.terminal import OURS, T0, Site, Terminal, ip

INSIDE = ("192.168.77.2", 1719)
OUTSIDE = ("198.51.100.7", 40_123)
FEATURES = traversal.feature_set(traversal.feature(18))
CALL = bytes(range(16))


def behind_nat(site: Site, source=OUTSIDE) -> Terminal:
    terminal = Terminal(site, "cart", INSIDE[0])
    terminal.source = source
    terminal.signalling = ip(INSIDE[0], 1720)
    return terminal


def message(terminal: Terminal, name: str, **fields):
    octets = terminal.octets(name, terminal.body(**fields))
    (sent,) = terminal.site.gatekeeper.receive(octets, terminal.source, terminal.site.now)
    return sent.remote, per.decode(per.Type.RAS, sent.octets)


def registered(site: Site) -> tuple[Terminal, Registration]:
    terminal = behind_nat(site)
    wish = terminal.registration(rasAddress=[ip(*INSIDE)], featureSet=FEATURES, timeToLive=300)
    remote, (name, body) = message(terminal, "registrationRequest", **wish)
    assert (remote, name) == (OUTSIDE, "registrationConfirm")
    terminal.identifier = body["endpointIdentifier"]
    return terminal, site.gatekeeper.zone.registrations.all()[0]


def keep_alive(terminal: Terminal):
    short = terminal.registration(keepAlive=True, endpointIdentifier=terminal.identifier, rasAddress=[ip(*INSIDE)])
    del short["terminalAlias"]
    return message(terminal, "registrationRequest", **short)


def test_it_is_answered_where_it_wrote_from_and_lives_shortly():
    site = Site()
    terminal = behind_nat(site)
    wish = terminal.registration(rasAddress=[ip(*INSIDE)], featureSet=FEATURES)
    remote, (name, body) = message(terminal, "registrationRequest", **wish)
    assert (remote, name) == (OUTSIDE, "registrationConfirm")
    assert traversal.features(body["featureSet"]) == {18}
    assert body["timeToLive"] == site.settings.traversal_time_to_live_s == 20
    (found,) = site.gatekeeper.zone.registrations.all()
    assert (found.ras, found.source, found.is_traversing) == (OUTSIDE, OUTSIDE, True)


@pytest.mark.parametrize(("wanted_s", "given_s"), [(5, 5), (300, 20), (None, 20)])
def test_it_may_want_to_live_shorter_still(wanted_s, given_s):
    terminal = behind_nat(Site())
    wish = terminal.registration(featureSet=FEATURES, **({} if wanted_s is None else {"timeToLive": wanted_s}))
    assert message(terminal, "registrationRequest", **wish)[1][1]["timeToLive"] == given_s


def test_others_are_not_told_of_it():
    site = Site()
    terminal = Terminal(site, "or1", "192.0.2.10")
    _, (_, body) = message(terminal, "registrationRequest", **terminal.registration(timeToLive=120))
    assert "featureSet" not in body
    assert body["timeToLive"] == 120
    assert not site.gatekeeper.zone.registrations.all()[0].is_traversing


def test_a_port_on_the_same_host_is_not_believed():
    """Where the terminal and we see the same address, another port of it is no way in through its firewall."""
    site = Site()
    terminal = behind_nat(site, source=(INSIDE[0], 40_123))
    wish = terminal.registration(rasAddress=[ip(*INSIDE)], featureSet=FEATURES)
    assert message(terminal, "registrationRequest", **wish)[0] == (INSIDE[0], 40_123)
    assert keep_alive_of(terminal, site)[0] == (INSIDE[0], 40_123)


def keep_alive_of(terminal: Terminal, site: Site):
    terminal.identifier = site.gatekeeper.zone.registrations.all()[0].identifier
    return keep_alive(terminal)


def test_keep_alives_follow_the_nat():
    site = Site()
    terminal, _ = registered(site)
    site.now += 15
    terminal.source = (OUTSIDE[0], 50_001)
    remote, (name, body) = keep_alive(terminal)
    assert (remote, name, body["timeToLive"]) == (terminal.source, "registrationConfirm", 20)
    (sent,) = site.gatekeeper.requests.call_back(terminal.identifier, CALL, site.now)
    assert sent.remote == terminal.source
    _, body = per.decode(per.Type.RAS, sent.octets)
    assert traversal.read_call_indication(body["genericData"]) == ((OURS, 1720), CALL)
    terminal.source = ("203.0.113.9", 1)
    assert keep_alive(terminal)[1][1]["rejectReason"][0] == "fullRegistrationRequired"


def test_a_restart_forgets_neither_address_nor_feature():
    site = Site()
    _, registration = registered(site)
    kept = Registrations(site.settings)
    kept.load([Registration.parse(registration.data)], T0 + 5)
    assert kept.all() == [registration]
    assert kept.all()[0].is_traversing


@pytest.mark.parametrize("source", [OUTSIDE, (INSIDE[0], 40_123)])
def test_discovery_tells_and_goes_back_likewise(source):
    terminal = behind_nat(Site(), source)
    asked = terminal.discovery(rasAddress=ip(*INSIDE), featureSet=FEATURES)
    remote, (name, body) = message(terminal, "gatekeeperRequest", **asked)
    assert (remote, name) == (source, "gatekeeperConfirm")
    assert traversal.features(body["featureSet"]) == {18}


def test_who_says_nothing_any_more_is_gone():
    site = Site()
    terminal, _ = registered(site)
    for later in (20.5, 24.0, 27.0, 30.0):
        site.gatekeeper.on_timeout(T0 + later)
    assert site.gatekeeper.zone.registrations.all() == []
    assert site.gatekeeper.requests.call_back(terminal.identifier, CALL, T0 + 31) == []
