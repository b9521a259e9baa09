"""Whatever comes: no exception, bounded tables, and the next message is answered."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.h323 import h2351, per
from signaling.h323.errors import MalformedPduError
from signaling.h323.ras import address, alias
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.ras.bandwidth import BandwidthBudget
from tests.signaling.h323.ras.terminal import T0, Book, Site, Terminal, ip

PASSWORD = "correct-horse"


def messages(terminal: Terminal) -> list[bytes]:
    """One of each kind that terminals send."""
    call = terminal.of_call()
    number = {"requestSeqNum": 77}
    known = {"endpointIdentifier": terminal.identifier}
    bodies = [
        ("gatekeeperRequest", terminal.discovery()),
        ("registrationRequest", terminal.registration(timeToLive=60)),
        ("registrationRequest", terminal.registration(keepAlive=True, timeToLive=60, **known)),
        ("admissionRequest", terminal.admission(destinationInfo=[("dialledDigits", "8000")])),
        ("bandwidthRequest", {"bandWidth": 640, **call}),
        ("disengageRequest", {"disengageReason": ("normalDrop", 0), **call}),
        ("unregistrationRequest", {"callSignalAddress": [terminal.signalling], **known}),
        ("locationRequest", {"destinationInfo": terminal.aliases, "replyAddress": ip("192.0.2.10", 9), **known}),
        ("requestInProgress", {"delay": 100}),
        ("unknownMessageResponse", {"messageNotUnderstood": b"x"}),
        ("disengageConfirm", {}),
    ]
    return [terminal.octets(name, {**number, **body}) for name, body in bodies]


def serving() -> tuple[Site, Terminal]:
    site = Site(Book(or1=PASSWORD), authentication="known", max_answers=50)
    terminal = Terminal(site, "or1", "192.0.2.10", password=PASSWORD)
    terminal.register()
    return site, terminal


@pytest.mark.exhaustive
def test_mutated_messages():
    dice = random.Random(7)
    site, terminal = serving()
    whole = messages(terminal)
    for step in range(2500):
        octets = bytearray(dice.choice(whole))
        for _ in range(dice.randint(1, 4)):
            octets[dice.randrange(len(octets))] = dice.randrange(256)
        source = (f"192.0.2.{dice.randint(10, 12)}", 1719)
        for sent in site.gatekeeper.receive(bytes(octets), source, T0 + step / 100):
            assert sent.remote[0] == source[0]
            per.decode(per.Type.RAS, sent.octets)
        site.events()
    site.now = T0 + 100
    assert terminal.register()[0] == "registrationConfirm"
    assert site.gatekeeper.gauges["answers"] <= 50


def test_truncated_messages():
    site, terminal = serving()
    for octets in messages(terminal):
        for end in range(len(octets)):
            site.gatekeeper.receive(octets[:end], terminal.source, T0)
    assert terminal.register()[0] == "registrationConfirm"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_octets(octets, is_multicast):
    site = Site()
    for sent in site.gatekeeper.receive(octets, ("192.0.2.10", 1719), T0, is_multicast=is_multicast):
        per.decode(per.Type.RAS, sent.octets)


def test_too_long():
    site = Site()
    assert site.gatekeeper.receive(bytes(4097), ("192.0.2.10", 1719), T0) == []
    assert site.gatekeeper.counters == {"dropped-too-long": 1}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("h323-ID"), st.text(st.characters(max_codepoint=0xFFFF), min_size=1, max_size=20)),
            st.tuples(st.just("url-ID"), st.text(st.characters(max_codepoint=126), min_size=1, max_size=20)),
            st.tuples(st.just("dialledDigits"), st.text("0123456789#*,", min_size=1, max_size=20)),
        ),
        max_size=6,
    )
)
def test_any_aliases_are_registered_as_they_are_or_refused(values):
    site = Site()
    terminal = Terminal(site, "or1", "192.0.2.10")
    try:
        octets = terminal.octets("registrationRequest", terminal.body(**terminal.registration(terminalAlias=values)))
    except ValueError:
        return  # a lone surrogate
    name, body = terminal.send(octets)
    if name == "registrationConfirm":
        known = {alias.parse(value).key for value in body["terminalAlias"]}
        assert known == {entry.key for entry in alias.parse_all(values)}
        assert site.gatekeeper.zone.registrations.find(alias.parse_all(values)) is not None
    else:
        assert not alias.parse_all(values)


def test_which_aliases_mean_the_same():
    assert Alias(AliasKind.H323_ID, "OR1").key == Alias(AliasKind.H323_ID, "or1").key
    assert Alias(AliasKind.DIALLED_DIGITS, "1").key != Alias(AliasKind.H323_ID, "1").key
    number = {"publicTypeOfNumber": ("unknown", 0), "publicNumberDigits": "7001"}
    assert alias.parse(("partyNumber", ("e164Number", number))) == Alias(AliasKind.DIALLED_DIGITS, "7001")
    private = {"privateTypeOfNumber": ("unknown", 0), "privateNumberDigits": "7001"}
    assert alias.parse(("partyNumber", ("privateNumber", private))) == Alias(AliasKind.DIALLED_DIGITS, "7001")
    for other in (("partyNumber", ("telexPartyNumber", "1")), ("transportID", ip("192.0.2.1", 1)), ("h323-ID", "a\nb")):
        assert alias.parse(other) is None
    assert alias.make(AliasKind.URL_ID, "h323:ärztin@example.org") is None
    assert str(alias.make(AliasKind.H323_ID, "手术室")) == "h323-ID:手术室"


@given(st.ip_addresses(), st.integers(1, 65_535))
def test_addresses_come_back(host, port):
    parsed = address.parse(address.value_of((str(host), port)))
    if host.is_multicast or host.is_unspecified:
        assert parsed is None
    elif not (host.version == 6 and host.ipv4_mapped is not None):
        assert parsed == (str(host), port)


def test_an_address_of_ipv4_in_ipv6_is_ipv4():
    assert address.value_of(("::ffff:192.0.2.1", 5)) == ip("192.0.2.1", 5)
    assert address.value_of(("fe80::1%eth0", 5))[0] == "ip6Address"


CALLS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2_000_000), st.sampled_from(["take", "exactly", "over"])))


@given(CALLS)
def test_a_site_is_never_over_its_limit(steps):
    site = Site(sites=({"name": "ward", "networks": ("192.0.2.0/24",), "max_bps": 1_500_000, "max_call_bps": 900_000},))
    budget = BandwidthBudget(site.settings)
    granted: dict[int, int] = {}
    for call, bps, verb in steps:
        if verb == "over":
            budget.give_back(call)
            granted.pop(call, None)
            continue
        given_bps = budget.take(call, "192.0.2.7", bps, exactly=verb == "exactly")
        if given_bps is not None:
            assert given_bps <= min(bps, 900_000)
            assert verb == "take" or given_bps == bps
            granted[call] = given_bps
        assert budget.used_bps("ward") == sum(granted.values()) <= 1_500_000
        assert budget.used_bps() == 0
    for call in list(granted):
        budget.give_back(call)
    assert budget.used_bps("ward") == 0


@settings(max_examples=100, deadline=None)
@given(
    st.binary(min_size=12, max_size=12), st.text(max_size=5), st.integers(1, 2**32 - 1), st.integers(-(2**40), 2**40)
)
def test_tokens_come_back(digest, name, timestamp_s, number):
    made = h2351.token(timestamp_s, number, name, "", digest)
    try:
        octets = per.encode(per.Type.RAS, ("disengageConfirm", {"requestSeqNum": 1, "cryptoTokens": [made]}))
    except ValueError:
        return  # no text of 16-bit characters
    try:
        found = h2351.find(per.decode(per.Type.RAS, octets)[1]["cryptoTokens"])
    except MalformedPduError:
        return
    assert (found.timestamp_s, found.random, found.digest) == (timestamp_s, number, digest)
