"""Discovery, registration and its end (H.225.0 7.8 to 7.10)."""

from __future__ import annotations

import pytest

from signaling.h323.ras.answers import AnswerCache, Datagram
from signaling.h323.ras.events import Leaving, Registered, Unregistered
from signaling.h323.ras.registration import Registration
from signaling.h323.ras.registrations import Registrations
from tests.signaling.h323.ras.terminal import OURS, T0, Site, Terminal, ip


def reason(answer):
    return answer[0], answer[1]["rejectReason"][0]


def names(site):
    return [type(event).__name__ for event in site.events()]


def test_a_terminal_finds_its_gatekeeper():
    name, body = Terminal(Site(), "or1", "192.0.2.10").ask(
        "gatekeeperRequest", **Terminal(Site(), "or1", "192.0.2.10").discovery()
    )
    assert (name, body["requestSeqNum"], body["gatekeeperIdentifier"]) == ("gatekeeperConfirm", 1, "drumtower")
    assert body["rasAddress"] == ip(OURS, 1719)


def test_another_gatekeeper_is_meant():
    terminal = Terminal(Site(), "or1", "192.0.2.10")
    octets = terminal.octets("gatekeeperRequest", terminal.body(**terminal.discovery(gatekeeperIdentifier="other")))
    assert terminal.send(octets, is_multicast=True) is None
    assert reason(terminal.send(octets)) == ("gatekeeperReject", "terminalExcluded")


def test_only_discovery_and_location_come_by_multicast():
    site = Site()
    terminal = Terminal(site, "or1", "192.0.2.10")
    octets = terminal.octets("registrationRequest", terminal.body(**terminal.registration()))
    assert terminal.send(octets, is_multicast=True) is None
    assert site.gatekeeper.gauges["registrations"] == 0


def test_answers_never_go_to_another_host():
    site = Site()
    terminal = Terminal(site, "or1", "192.0.2.10")
    for claimed, expected in ((("198.51.100.9", 99), terminal.source), (("192.0.2.10", 5000), ("192.0.2.10", 5000))):
        octets = terminal.octets("gatekeeperRequest", terminal.body(**terminal.discovery(rasAddress=ip(*claimed))))
        (sent,) = site.gatekeeper.receive(octets, terminal.source, T0)
        assert sent.remote == expected


def test_registration_and_keep_alive():
    site = Site()
    terminal = Terminal(site, "or1", "192.0.2.10")
    terminal.aliases += [("dialledDigits", "7001"), ("url-ID", "h323:or1@example.org"), ("email-ID", "or1@example.org")]
    name, body = terminal.register(timeToLive=120)
    assert (name, body["timeToLive"]) == ("registrationConfirm", 120)
    assert body["callSignalAddress"] == [ip(OURS, 1720)]
    assert body["terminalAlias"] == terminal.aliases
    site.now += 100
    assert terminal.keep_alive()[0] == "registrationConfirm"
    (found,) = site.gatekeeper.zone.registrations.all()
    assert (found.expires_at, found.registered_at) == (T0 + 220, T0)
    assert (found.vendor.product, found.vendor.version, found.vendor.manufacturer) == ("Codec", "1.0", (82, 0, 1))
    assert names(site) == ["Registered"]


@pytest.mark.parametrize(("wanted", "given"), [(1, 30), (77, 77), (2**32 - 1, 3600)])
def test_time_to_live_is_bounded(wanted, given):
    assert Terminal(Site(), "or1", "192.0.2.10").register(timeToLive=wanted)[1]["timeToLive"] == given


def test_the_same_terminal_registers_again_and_keeps_its_identifier():
    site = Site()
    terminal = Terminal(site, "or1", "192.0.2.10")
    first = terminal.register()[1]["endpointIdentifier"]
    terminal.aliases = [("h323-ID", "or1"), ("dialledDigits", "7001")]
    assert terminal.register()[1]["endpointIdentifier"] == first
    assert len(site.gatekeeper.zone.registrations) == 1
    assert names(site) == ["Registered", "Registered"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"protocolIdentifier": (0, 0, 8, 245, 0, 7)}, "invalidRevision"),
        ({"callSignalAddress": []}, "invalidCallSignalAddress"),
        ({"callSignalAddress": [ip("0.0.0.0", 1720)]}, "invalidCallSignalAddress"),
        ({"callSignalAddress": [ip("224.0.1.41", 1720)]}, "invalidCallSignalAddress"),
        ({"rasAddress": [ip("192.0.2.10", 0)]}, "invalidRASAddress"),
        ({"rasAddress": [("netBios", bytes(16))]}, "invalidRASAddress"),
        ({"terminalAlias": [("h323-ID", "\0")]}, "invalidAlias"),
        ({"terminalAlias": [("url-ID", "h323:\x01"), ("email-ID", "\x02")]}, "invalidAlias"),
        ({"terminalAlias": [("dialledDigits", str(n)) for n in range(17)]}, "invalidAlias"),
        ({"additiveRegistration": 0}, "fullRegistrationRequired"),
        ({"keepAlive": True, "endpointIdentifier": "nobody"}, "fullRegistrationRequired"),
    ],
)
def test_what_cannot_be_registered(changes, expected):
    site = Site()
    assert reason(Terminal(site, "or1", "192.0.2.10").register(**changes)) == ("registrationReject", expected)
    assert len(site.gatekeeper.zone.registrations) == 0


def test_aliases_of_others_are_refused_or_taken_by_configuration():
    for policy in ("refuse", "replace"):
        site = Site(duplicate_alias=policy)
        Terminal(site, "or1", "192.0.2.10").register()
        other = Terminal(site, "OR1", "192.0.2.11")
        other.aliases.append(("dialledDigits", "7001"))
        answer = other.register()
        if policy == "refuse":
            assert answer[1]["rejectReason"] == ("duplicateAlias", [("h323-ID", "OR1")])
        else:
            assert answer[0] == "registrationConfirm"
            assert [event.why for event in site.events() if isinstance(event, Unregistered)] == [Leaving.REPLACED]
        assert len(site.gatekeeper.zone.registrations) == 1


def test_an_additive_registration_adds():
    site = Site()
    terminal = Terminal(site, "or1", "192.0.2.10")
    terminal.register()
    more = [("dialledDigits", "7001")]
    answer = terminal.register(additiveRegistration=0, endpointIdentifier=terminal.identifier, terminalAlias=more)
    assert answer[1]["terminalAlias"] == [("h323-ID", "or1"), *more]


def test_tables_are_bounded():
    site = Site(max_registrations=3, max_registrations_per_source=2)
    answers = [
        Terminal(site, f"or{n}", host).register(callSignalAddress=[ip(host, 1720 + n)])
        for n, host in enumerate(["192.0.2.10", "192.0.2.10", "192.0.2.10", "192.0.2.11", "192.0.2.12"])
    ]
    refused = [reason(answer)[1] if answer[0] == "registrationReject" else "" for answer in answers]
    assert refused == ["", "", "resourceUnavailable", "", "resourceUnavailable"]
    late = Terminal(site, "or9", "192.0.2.13")
    assert reason(late.ask("gatekeeperRequest", **late.discovery())) == ("gatekeeperReject", "resourceUnavailable")


def test_a_terminal_leaves_whole_or_in_part():
    site = Site()
    terminal = Terminal(site, "or1", "192.0.2.10")
    terminal.aliases.append(("dialledDigits", "7001"))
    terminal.register()
    where = {"callSignalAddress": [terminal.signalling], "endpointIdentifier": terminal.identifier}
    part = terminal.ask("unregistrationRequest", endpointAlias=[("dialledDigits", "7001")], **where)
    assert part[0] == "unregistrationConfirm"
    assert [str(alias) for alias in site.gatekeeper.zone.registrations.all()[0].aliases] == ["h323-ID:or1"]
    assert terminal.ask("unregistrationRequest", **where)[0] == "unregistrationConfirm"
    assert reason(terminal.ask("unregistrationRequest", **where)) == ("unregistrationReject", "notCurrentlyRegistered")
    assert names(site) == ["Registered", "Registered", "Unregistered"]


def test_a_terminal_without_its_identifier_leaves_by_its_address():
    site = Site()
    terminal = Terminal(site, "or1", "192.0.2.10")
    terminal.register()
    stranger = Terminal(site, "or1", "192.0.2.66")
    request = {"callSignalAddress": [terminal.signalling]}
    assert reason(stranger.ask("unregistrationRequest", **request))[1] == "notCurrentlyRegistered"
    assert terminal.ask("unregistrationRequest", **request)[0] == "unregistrationConfirm"


def test_identifiers_hold_for_the_host_that_registered():
    site = Site()
    terminal = Terminal(site, "or1", "192.0.2.10")
    terminal.register()
    thief = Terminal(site, "or1", "192.0.2.66")
    thief.identifier = terminal.identifier
    assert reason(thief.keep_alive())[1] == "fullRegistrationRequired"
    assert reason(thief.admit("7000"))[1] == "callerNotRegistered"
    gone = thief.ask("unregistrationRequest", callSignalAddress=[], endpointIdentifier=terminal.identifier)
    assert reason(gone)[1] == "notCurrentlyRegistered"


def test_a_keep_alive_follows_the_port_of_a_nat():
    site = Site()
    terminal = Terminal(site, "or1", "192.0.2.10")
    terminal.register(rasAddress=[ip("10.0.0.5", 1719)], callSignalAddress=[ip("10.0.0.5", 1720)])
    terminal.source = ("192.0.2.10", 40_001)
    short = terminal.registration(keepAlive=True, endpointIdentifier=terminal.identifier)
    short["rasAddress"] = [ip("10.0.0.5", 1719)]
    assert terminal.ask("registrationRequest", **short)[0] == "registrationConfirm"
    (found,) = site.gatekeeper.zone.registrations.all()
    assert found.ras == found.source == ("192.0.2.10", 40_001)
    assert found.is_translated


def test_the_same_datagram_gets_the_same_answer():
    site = Site()
    terminal = Terminal(site, "or1", "192.0.2.10")
    octets = terminal.octets("registrationRequest", terminal.body(**terminal.registration()))
    first = site.gatekeeper.receive(octets, terminal.source, T0)
    assert site.gatekeeper.receive(octets, terminal.source, T0 + 10) == first
    assert site.gatekeeper.counters["received-registrationRequest"] == 1
    site.gatekeeper.receive(octets, ("192.0.2.10", 9), T0 + 10)
    assert site.gatekeeper.counters["received-registrationRequest"] == 2
    site.gatekeeper.on_timeout(T0 + 30)
    assert site.gatekeeper.gauges["answers"] == 0


def test_answers_kept_are_bounded():
    site = Site(max_answers=5)
    terminal = Terminal(site, "or1", "192.0.2.10")
    for _ in range(20):
        terminal.register()
    assert site.gatekeeper.gauges["answers"] == 5


class Store:
    def __init__(self) -> None:
        self.kept = {}

    def put(self, registration):
        self.kept[registration.identifier] = registration.data

    def remove(self, identifier):
        del self.kept[identifier]


def test_registrations_outlive_a_restart():
    site, store = Site(), Store()
    table = site.gatekeeper.zone.registrations
    table._store = store
    terminals = [Terminal(site, f"or{n}", f"192.0.2.{n}") for n in (1, 2, 3)]
    terminals[2].register(timeToLive=3000)
    site.now += 1000
    for terminal in terminals[:2]:
        terminal.register()
    terminals[1].ask("unregistrationRequest", callSignalAddress=[], endpointIdentifier=terminals[1].identifier)
    fresh = Registrations(site.settings)
    fresh.load([Registration.parse(text) for text in store.kept.values()], site.now + 1000)
    assert [str(entry.aliases[0]) for entry in fresh.all()] == ["h323-ID:or3"]
    fresh = Registrations(site.settings)
    fresh.load([Registration.parse(text) for text in store.kept.values()] * 2, site.now + 1)
    assert len(fresh) == 2
    assert isinstance(site.events()[0], Registered)


def test_a_terminal_that_names_all_its_aliases_leaves_whole():
    site = Site()
    terminal = Terminal(site, "or1", "192.0.2.10")
    terminal.register()
    where = {"callSignalAddress": [terminal.signalling], "endpointIdentifier": terminal.identifier}
    assert terminal.ask("unregistrationRequest", endpointAlias=terminal.aliases, **where)[0] == "unregistrationConfirm"
    assert len(site.gatekeeper.zone.registrations) == 0


def test_who_leaves_makes_room():
    site = Site(max_registrations_per_source=1)
    for number in range(3):
        terminal = Terminal(site, f"or{number}", "192.0.2.10")
        assert terminal.register()[0] == "registrationConfirm"
        terminal.ask("unregistrationRequest", callSignalAddress=[], endpointIdentifier=terminal.identifier)
    assert not site.gatekeeper.zone.registrations._sources


def test_a_later_answer_takes_the_place_and_the_time_of_the_first():
    cache = AnswerCache(10)
    here = ("192.0.2.10", 1719)
    first, second, other = (Datagram(octets, here, "") for octets in (b"RIP", b"ACF", b"DCF"))
    cache.put(b"ARQ", here, first, T0)
    cache.put(b"DRQ", here, other, T0 + 1)
    cache.put(b"ARQ", here, second, T0 + 10)
    assert cache.get(b"ARQ", here, T0 + 20) == second
    cache.expire(T0 + 20)
    assert len(cache) == 1


class Diary(Store):
    """Counts what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told = 0

    def put(self, registration):
        super().put(registration)
        self.told += 1


def test_who_says_often_that_it_lives_is_written_twice_in_its_time():
    diary = Diary()
    site = Site(store=diary)
    terminal = Terminal(site, "or1", "192.0.2.10")
    terminal.register(timeToLive=300)
    for _ in range(60):
        site.now += 20
        terminal.keep_alive()
    assert diary.told <= 1 + 1200 / 150
    assert Registration.parse(diary.kept[terminal.identifier]).expires_at >= site.now + 150


def test_a_terminal_that_a_nat_moved_is_written_at_once():
    diary = Diary()
    site = Site(store=diary)
    terminal = Terminal(site, "or1", "192.0.2.10")
    terminal.register()
    terminal.source = ("192.0.2.10", 5555)
    terminal.keep_alive()
    assert Registration.parse(diary.kept[terminal.identifier]).ras == ("192.0.2.10", 5555)
