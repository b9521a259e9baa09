"""Lines for iproute2: ports are locked, what an earlier run left is taken away, thousands of turns."""

import random

import pytest

from auth8021x.enforce import bridge_commands
from auth8021x.enforce.drivers import BridgeDriver
from auth8021x.enforce.plan import PortPlan
from auth8021x.errors import EnforcementError
from tests.auth8021x.enforce.world import ONE, THREE, TWO, Kernel, grant, openings, settings

MAC = "02:00:00:aa:00:01"
OWN = bytes.fromhex("02000000ff01")
"""Of the port p1 itself."""


def test_links_of_a_closed_and_an_open_port():
    assert bridge_commands.link_lines((PortPlan("p1", "br0"), PortPlan("p2", "br42", (ONE,)))) == [
        "link set dev br0 type bridge no_linklocal_learn 1",
        "link set dev br42 type bridge no_linklocal_learn 1",
        "link set dev p1 master br0",
        "link set dev p1 type bridge_slave locked on learning off flood off mcast_flood off bcast_flood off",
        "link set dev p1 type bridge_slave fdb_flush",
        "link set dev p2 master br42",
        "link set dev p2 type bridge_slave locked on learning off flood on mcast_flood on bcast_flood on",
        "link set dev p2 type bridge_slave fdb_flush",
    ]


def test_entries_of_others_go_first_those_of_other_ports_stay():
    plan = (PortPlan("p1", "br0", (ONE, TWO)),)
    present = [("p1", TWO), ("p1", THREE), ("up0", THREE)]
    assert bridge_commands.entry_lines(plan, present) == [
        "fdb del 02:00:00:aa:00:03 dev p1 master", f"fdb replace {MAC} dev p1 master static",
    ]  # fmt: skip


def test_static_entries_are_read_whatever_the_version_calls_the_port():
    assert bridge_commands.read_entries(Kernel({("p1", MAC)}).shown()) == [("p1", ONE)]
    older = b'[{"mac":"02:00:00:aa:00:01","dev":"p1","master":"br0","state":"static"}]'
    assert bridge_commands.read_entries(older) == [("p1", ONE)]
    assert bridge_commands.read_entries(b"") == bridge_commands.read_entries(b"[]\n") == []


@pytest.mark.parametrize(
    "shown",
    [b"{", b"[1]", b"""[{"state":"static","master":"b"}]""", b"""[{"mac":"?","dev":"","state":"static","master":0}]"""],
)  # fmt: skip
def test_what_is_not_understood_is_an_error(shown: bytes):
    with pytest.raises(EnforcementError, match="not understood"):
        bridge_commands.read_entries(shown)


async def test_what_an_earlier_run_left_open_is_closed_by_the_first_plan():
    kernel = Kernel(entries={("p1", MAC)}, bridges={"p1": "br0", "p2": "br42"})
    await BridgeDriver(settings("bridge"), kernel).apply(openings().plan())
    assert kernel.entries == set()
    assert (kernel.bridges, kernel.locked) == ({"p1": "br0", "p2": "br0"}, {"p1", "p2"})


async def test_who_calls_itself_by_an_address_of_this_machine_is_not_let_in():
    kernel, table = Kernel(bridges={"p1": "br0", "p2": "br0"}), openings()
    table.admit("p2", OWN, grant())
    table.admit("p2", ONE, grant())
    with pytest.raises(EnforcementError, match="p2: 02:00:00:00:ff:01 is an address of this machine") as raised:
        await BridgeDriver(settings("bridge"), kernel).apply(table.plan())
    assert kernel.entries == {("p2", MAC)}
    assert raised.value.kept_out == {("p2", OWN): "our-address"}


async def test_whose_network_is_not_there_is_told_apart_from_the_others():
    kernel, table = Kernel(missing={"br42"}), openings()
    table.admit("p1", ONE, grant("42"))
    table.admit("p2", TWO, grant())
    with pytest.raises(EnforcementError, match="no such device") as raised:
        await BridgeDriver(settings("bridge"), kernel).apply(table.plan())
    assert raised.value.kept_out == {("p1", ONE): "no-network"}
    assert kernel.bridges == {"p2": "br0"}


async def test_where_nothing_can_be_seen_nobody_is_said_to_be_out():
    kernel, table = Kernel(broken="ip", blind=True), openings()
    table.admit("p1", ONE, grant())
    with pytest.raises(EnforcementError) as raised:
        await BridgeDriver(settings("bridge"), kernel).apply(table.plan())
    assert raised.value.kept_out == {}


@pytest.mark.parametrize("shown", [b"{", b"[1]", b'[{"master": "br0"}]'])
def test_links_that_cannot_be_read(shown: bytes):
    with pytest.raises(EnforcementError, match="not understood"):
        bridge_commands.misplaced(openings().plan(), shown)


async def test_a_port_that_is_gone_does_not_keep_the_others_from_being_closed():
    kernel = Kernel({("p1", MAC)}, {"p1": "br0", "p2": "br0"}, broken="ip")
    with pytest.raises(EnforcementError, match="no such device"):
        await BridgeDriver(settings("bridge"), kernel).apply(openings().plan())
    assert kernel.entries == set()


async def test_whatever_happens_the_kernel_has_what_the_plan_says():
    dice, table, kernel = random.Random(1), openings(), Kernel()
    driver = BridgeDriver(settings("bridge"), kernel)
    for _ in range(300):
        port, mac = dice.choice(["p1", "p2"]), dice.choice([ONE, TWO, THREE])
        if dice.random() < 0.6:
            table.admit(port, mac, grant(dice.choice(["", "", "42", "guests", "nowhere"])))
        else:
            table.expel(port, mac)
        await driver.apply(table.plan())
        wanted = {(plan.name, mac.hex(":")) for plan in table.plan() for mac in plan.terminals}
        assert kernel.entries == wanted
        assert kernel.locked == {"p1", "p2"}
        assert kernel.bridges == {plan.name: plan.bridge for plan in table.plan()}
