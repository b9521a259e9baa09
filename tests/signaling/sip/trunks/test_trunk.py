"""Trunks: what leaves, what comes, what it is for."""

import pytest

from config.trunks import TrunkSettings
from crypto.secret import Secret
from signaling.sip.transactions.transaction import Flow
from signaling.sip.trunks.trunk import Arrival, Trunk, Trunks
from signaling.sip.wire.message import Headers, Request


def trunk(**settings) -> Trunk:
    return Trunk(TrunkSettings(**{"name": "pstn", "hosts": ("10.0.0.9:5070", "gw.example")} | settings))


def call(uri: str, to: str = "<sip:drumtower@10.0.0.1>") -> Request:
    return Request("INVITE", uri, Headers([("To", to), ("From", "<sip:x@y>;tag=1")]))


@pytest.mark.parametrize(
    ("dialled", "called"),
    [
        ("+86 755 1234567", "907551234567"),
        ("07551234567", ""),
        ("+8675512", ""),
        ("+1 555 0100", ""),
        ("ward3", ""),
    ],
)
def test_only_what_matches_leaves(dialled, called):
    assert trunk(allowed=(r"755\d{7}",), strip_out="+86", prefix_out="90").number_out(dialled) == called


def test_without_patterns_nothing_leaves():
    assert trunk().number_out("110") == ""
    assert Trunks([TrunkSettings(name="a", hosts=("h",))]).for_number("110") is None


def test_the_first_trunk_that_lets_a_number_out():
    trunks = Trunks(
        [
            TrunkSettings(name="a", hosts=("h",), allowed=("1.*",)),
            TrunkSettings(name="b", hosts=("h",), allowed=("[12].*",)),
        ]
    )
    assert [found.name for found in map(trunks.for_number, ("1", "2")) if found] == ["a", "b"]
    assert trunks.for_number("3") is None


def test_addresses_of_a_number():
    assert trunk().uris("123") == ("sip:123@10.0.0.9:5070", "sip:123@gw.example")
    assert trunk(transport="tls").uris("1")[1] == "sip:1@gw.example;transport=tls"


@pytest.mark.parametrize(
    "host", ["10.0.0.9", "gw.example", "GW.example", "10.9.1.1", "sip.provider.example", "10.7.7.7"]
)
def test_all_ways_to_a_trunk_are_under_its_rules(host):
    made = trunk(sources=("10.9.0.0/16",), domain="sip.provider.example")
    made.learn("10.7.7.7")
    assert made.leads_to(host)
    assert not made.leads_to("10.0.0.8")


def flow(host: str, transport: str = "udp") -> Flow:
    return Flow(transport, ("10.0.0.1", 5060), (host, 5060))


def test_calls_come_from_its_hosts_or_from_its_sources():
    assert trunk().sends(flow("10.0.0.9"), ())
    assert not trunk().sends(flow("10.0.0.8"), ())
    named = trunk(sources=("192.0.2.0/28",))
    hosts = ("192.0.2.3", "192.0.2.17", "10.0.0.9")
    assert [named.sends(flow(host), ()) for host in hosts] == [True, False, False]
    found = trunk()
    found.learn("10.0.0.77")
    assert found.sends(flow("10.0.0.77"), ())


def test_over_tls_the_certificate_says_who_calls():
    secure = trunk(transport="tls")
    assert [secure.sends(flow("10.0.0.9", transport), ()) for transport in ("udp", "tcp", "tls")] == [
        False,
        False,
        True,
    ]
    named = trunk(tls_names=("GW.example",))
    assert named.sends(flow("192.0.2.99", "tls"), {"gw.example"})
    assert not named.sends(flow("10.0.0.9", "tls"), {"other.example"})
    assert not named.sends(flow("10.0.0.9"), {"gw.example"})


@pytest.mark.parametrize(
    ("uri", "settings", "room"),
    [
        ("sip:07551000@10.0.0.1", {}, ""),
        ("sip:07551001@10.0.0.1", {}, "1001"),
        ("sip:07551002@10.0.0.1", {}, ""),
        ("sip:2002@10.0.0.1", {"other_numbers": "room"}, "2002"),
        ("sip:%2B862002@10.0.0.1", {"other_numbers": "room", "strip_in": "+86"}, "2002"),
        ("sip:anonymous@10.0.0.1", {"other_numbers": "room"}, ""),
        ("tel:07551001", {}, "1001"),
        ("sip:9999@10.0.0.1", {"other_numbers": "refuse"}, None),
    ],
)
def test_what_a_called_number_means(uri, settings, room):
    made = trunk(numbers={"07551001": "1001", "07551002": "attendant"}, **settings)
    assert made.arrival(call(uri)) == (None if room is None else Arrival("pstn", room))


def test_who_registers_is_called_by_its_contact_and_the_number_stands_in_to():
    made = trunk(numbers={"07551001": "1001"})
    assert made.arrival(call("sip:trunk-pstn@10.0.0.1", "<sip:07551001@gw.example>")) == Arrival("pstn", "1001")
    assert made.arrival(call("sip:trunk-pstn@10.0.0.1", "<nonsense")) == Arrival("pstn", "")


def test_who_may_prove_to_be_a_trunk():
    settings = TrunkSettings(name="a", hosts=("h",), user="u", realm="r", inbound_digest=True)
    assert Trunks([settings]).claimed_by("u") is None
    assert Trunks([settings], {"a": Secret("s3cret")}).claimed_by("v") is None
    found = Trunks([settings], {"a": Secret("s3cret")}).claimed_by("u")
    assert found is not None
    assert found.name == "a"


@pytest.mark.parametrize(
    "wrong",
    [
        {"allowed": ("(",)},
        {"allowed": ("1" * 200,)},
        {"sources": ("10.0.0.1/8",)},
        {"registers": True},
        {"secret_file": "/x"},
    ],
)
def test_wrong_settings(wrong):
    with pytest.raises(ValueError, match="pstn"):
        trunk(**wrong)
