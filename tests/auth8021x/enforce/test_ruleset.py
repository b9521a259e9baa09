"""The text for nft: what is in the sets, that everything is replaced at once, and when the table is made anew."""

import pytest

from auth8021x.enforce import ruleset
from auth8021x.enforce.drivers import NftablesDriver, drivers
from auth8021x.enforce.plan import PortPlan
from auth8021x.errors import EnforcementError
from tests.auth8021x.enforce.world import ONE, TWO, Kernel, settings

CLOSED = (PortPlan("p1", "br0"), PortPlan("p2", "br0"))
OPEN = (PortPlan("p1", "br0", (ONE, TWO), ((ONE, "10.1.2.3"),)), PortPlan("p2", "br0"))


def test_the_sets_are_emptied_and_filled_in_one_go():
    assert ruleset.contents(OPEN).splitlines() == [
        "flush set bridge drumtower terminals",
        'add element bridge drumtower terminals { "p1" . 02:00:00:aa:00:01, "p1" . 02:00:00:aa:00:02 }',
        "flush set bridge drumtower addresses",
        'add element bridge drumtower addresses { "p1" . 02:00:00:aa:00:01 . 10.1.2.3 }',
    ]
    assert ruleset.contents(CLOSED).splitlines() == [
        "flush set bridge drumtower terminals", "flush set bridge drumtower addresses",
    ]  # fmt: skip


def test_elements_run_out_and_ports_alone_are_concerned():
    text = ruleset.table(CLOSED, 15, checks_addresses=True)
    assert text.count("flags timeout; timeout 15s;") == 2
    assert 'iifname != { "p1", "p2" } accept' in text
    assert text.startswith("add table bridge drumtower\ndelete table bridge drumtower\n")
    assert "@addresses accept" in text
    assert "@addresses accept" not in ruleset.table(CLOSED, 15, checks_addresses=False)


@pytest.mark.parametrize("checks_addresses", [True, False])
def test_a_terminal_is_no_dhcp_server_before_anything_of_it_is_accepted(checks_addresses: bool):
    chain = ruleset.table(CLOSED, 15, checks_addresses=checks_addresses).partition("chain terminal {")[2].splitlines()
    assert chain[1].split() == ["ether", "type", "ip", "udp", "sport", "67", "counter", "drop"]
    assert "accept" in chain[2]


async def test_the_table_is_made_once_and_again_after_trouble():
    kernel = Kernel()
    driver = NftablesDriver(settings("bridge", "nftables"), kernel)
    for broken in ("", "", "nft", "", ""):
        kernel.broken = broken
        try:
            await driver.apply(OPEN)
        except EnforcementError:
            assert broken
    assert ["add table bridge drumtower" in lines for _, lines in kernel.said] == [True, False, False, True, False]


@pytest.mark.parametrize(
    ("named", "made"),
    [((), []), (("bridge",), ["bridge"]), (("bridge", "nftables"), ["nftables", "bridge"])],
)
def test_what_closes_by_itself_comes_first(named: tuple[str, ...], made: list[str]):
    assert [driver.name for driver in drivers(settings(*named))] == made
