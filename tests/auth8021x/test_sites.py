"""Sites: which one somebody is in, whatever order they stand in."""

from itertools import permutations

import pytest

from auth8021x.sites import Sites, address_of
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
