"""Sites: which one somebody is in, whatever order they stand in."""

import random
import sys
from ipaddress import IPv4Network, IPv6Network
from itertools import permutations
from types import FrameType

import pytest

from auth8021x.sites import ByNetwork, Network, Sites, address_of
from config.dot1x_sites import SiteSettings

SITES = (
    SiteSettings("wide", ("10.0.0.0/8", "2001:db8::/32")),
    SiteSettings("narrow", ("10.1.0.0/16",)),
    SiteSettings("told-apart", ("10.0.0.0/8",), arrives_at=("192.0.2.2",)),
)


@pytest.mark.parametrize("order", list(permutations(SITES)))
@pytest.mark.parametrize(
    ("source", "local", "name"),
    [
        ("10.2.0.1", "", "wide"),
        ("10.1.0.1", "", "narrow"),
        ("10.1.0.1", "192.0.2.1", "narrow"),
        ("10.1.0.1", "192.0.2.2", "told-apart"),  # who came in at a site's own address is of that site
        ("10.2.0.1", "::ffff:192.0.2.2", "told-apart"),
        ("2001:db8::1%eth0", "192.0.2.2", "wide"),
        ("203.0.113.1", "192.0.2.2", None),
        ("", "", None),
    ],
)
def test_the_narrowest_network_that_fits(order: tuple[SiteSettings, ...], source: str, local: str, name: str | None):
    found = Sites(order).find(source, local)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("written", "local"),
    [("2001:DB8:0::2", "2001:db8::2"), ("::ffff:192.0.2.2", "192.0.2.2"), ("2001:db8::2", "2001:db8::2%eth0")],
)
def test_our_own_address_counts_however_it_is_written(written: str, local: str):
    found = Sites((SiteSettings("told-apart", ("10.0.0.0/8",), arrives_at=(written,)),)).find("10.1.0.1", local)
    assert found is not None, "or its terminals would be nowhere, and nobody would ask them for a session"


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("10.1.2.3", "10.1.2.3"), (" 10.1.2.3 ", "10.1.2.3"), ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:DB8:0::1", "2001:db8::1"), ("fe80::1%eth0", "fe80::1"), ("0.0.0.0", None), ("::", None),
        ("::ffff:0.0.0.0", None), ("255.255.255.255", None), ("224.0.0.1", None), ("ff02::1", None), ("x", None),
    ],
)  # fmt: skip
def test_one_spelling_of_an_address(text: str, known: str | None):
    found = address_of(text)
    assert (str(found) if found else None) == known


@pytest.mark.parametrize("seed", range(20))
def test_the_narrowest_network_is_found_among_many(seed: int):
    dice = random.Random(seed)
    networks = {_network(dice) for _ in range(300)}
    table = ByNetwork(((str(each),), each) for each in networks)
    for _ in range(200):
        home = dice.choice(sorted(networks, key=str))
        address = home[dice.randrange(home.num_addresses)] if dice.random() < 0.8 else _network(dice)[0]
        fitting = [each for each in networks if address in each]
        assert table.find(str(address)) == max(fitting, key=lambda each: each.prefixlen, default=None)


def _network(dice: random.Random) -> Network:
    if dice.random() < 0.3:
        return IPv6Network((0x2001_0DB8 << 96 | dice.getrandbits(24), dice.choice([32, 104, 112, 120, 128])), False)
    return IPv4Network((10 << 24 | dice.getrandbits(16), dice.choice([5, 8, 16, 20, 24, 30, 32])), False)


def test_who_is_unknown_costs_no_look_at_each_network():
    """Sources can be invented: a flood of them must not hold up the others."""
    table = ByNetwork(((f"10.{number >> 8}.{number & 255}.0/24",), number + 1) for number in range(10_000))
    looks = 0

    def trace(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal looks
        looks += event == "call"

    sys.setprofile(trace)
    try:
        assert table.find("192.0.2.1") is None
    finally:
        sys.setprofile(None)
    assert looks < 100
