"""Who is in where: VLANs, several terminals on a port, addresses, and everything that is bounded."""

from auth8021x.enforce.plan import KeptOut, PortPlan
from auth8021x.pae.grant import By
from tests.auth8021x.enforce.world import ONE, THREE, TWO, grant, openings

CLOSED = (PortPlan("p1", "br0"), PortPlan("p2", "br0"))


def test_nobody_is_in_until_admitted_and_after_being_expelled():
    table = openings()
    assert table.plan() == CLOSED
    assert table.admit("p1", TWO, grant()) is None
    assert table.admit("p1", ONE, grant()) is None
    assert table.plan()[0] == PortPlan("p1", "br0", (ONE, TWO))
    table.expel("p1", ONE)
    table.expel("p1", THREE)
    assert table.plan()[0].terminals == (TWO,)
    table.clear()
    assert table.plan() == CLOSED


def test_a_vlan_moves_the_port_and_the_end_of_the_session_moves_it_back():
    table = openings()
    assert table.admit("p1", ONE, grant("42")) is None
    assert table.plan()[0] == PortPlan("p1", "br42", (ONE,))
    assert table.admit("p1", ONE, grant("common")) is None
    assert table.plan()[0] == PortPlan("p1", "br0", (ONE,))
    table.admit("p1", ONE, grant("42"))
    table.expel("p1", ONE)
    assert table.plan() == CLOSED


def test_an_unknown_vlan_lets_nobody_in_and_ends_what_was_before():
    table = openings()
    table.admit("p1", ONE, grant())
    assert table.admit("p1", ONE, grant("4095")) is KeptOut.UNKNOWN_VLAN
    assert table.admit("p9", ONE, grant()) is KeptOut.UNKNOWN_PORT
    assert table.plan() == CLOSED
    assert table.counters == {"unknown-vlan": 1, "unknown-port": 1}
    assert [table.has_vlan(vlan) for vlan in ("42", "4095")] == [True, False]


def test_a_port_has_one_network_and_who_came_first_decides():
    table = openings()
    table.admit("p1", ONE, grant("42"))
    assert table.admit("p1", TWO, grant()) is KeptOut.OTHER_VLAN
    assert table.plan()[0] == PortPlan("p1", "br42", (ONE,))
    table.expel("p1", ONE)
    assert table.plan()[0] == PortPlan("p1", "br0", (TWO,))


def test_a_guest_gives_way_to_who_has_proved_who_it_is():
    table = openings()
    assert table.admit("p1", ONE, grant("guests", By.GUEST)) is None
    assert table.admit("p1", TWO, grant("common", By.BYPASS)) is None
    assert table.plan()[0] == PortPlan("p1", "br0", (TWO,))
    assert table.admit("p1", THREE, grant("42")) is None
    assert table.plan()[0] == PortPlan("p1", "br42", (THREE,))


def test_one_address_is_in_at_one_port():
    table = openings()
    table.admit("p1", ONE, grant())
    table.admit("p2", ONE, grant())
    assert [port.terminals for port in table.plan()] == [(), (ONE,)]
    table.expel("p1", ONE)
    assert table.plan()[1].terminals == (ONE,)
    assert table.counters == {"moved": 1}


def test_addresses_count_for_who_is_in_also_when_they_were_seen_before():
    table = openings()
    assert not table.address("p1", ONE, "10.1.2.3")
    assert table.plan() == CLOSED
    table.admit("p1", ONE, grant())
    assert table.plan()[0].addresses == ((ONE, "10.1.2.3"),)
    assert table.address("p1", ONE, "10.1.2.4")
    assert not table.address("p1", ONE, "10.1.2.4")
    assert not table.address("p1", ONE, "2001:db8::1")
    assert not table.address("p9", ONE, "10.1.2.5")
    assert table.plan()[0].addresses == ((ONE, "10.1.2.3"), (ONE, "10.1.2.4"))
    table.expel("p1", ONE)
    table.admit("p1", ONE, grant())
    assert len(table.plan()[0].addresses) == 2, "reauthentication does not wait for the next ARP"
    table.line_lost("p1")
    table.admit("p1", ONE, grant())
    assert table.plan()[0].addresses == ()


def test_addresses_and_strangers_are_bounded():
    table = openings(max_addresses=2)
    table.admit("p1", ONE, grant())
    for last in (1, 2, 1, 3):
        table.address("p1", ONE, f"10.1.2.{last}")
    assert table.plan()[0].addresses == ((ONE, "10.1.2.1"), (ONE, "10.1.2.3"))
    for number in range(1000):
        table.address("p1", number.to_bytes(6, "big"), "10.1.2.9")
    assert len(table._places["p1"].seen) <= 65
    assert table.plan()[0].addresses == ((ONE, "10.1.2.1"), (ONE, "10.1.2.3"))
    assert table.counters == {"too-many-addresses": 1, "forgotten": 936}


def test_an_address_that_another_device_has_taken_is_its_own_no_more():
    table = openings()
    table.admit("p1", ONE, grant())
    table.address("p1", ONE, "10.0.0.1")
    assert table.lose_address("p1", ONE, "10.0.0.1")
    assert table.plan()[0].addresses == ()
    assert not table.lose_address("p1", ONE, "10.0.0.1")
    assert not table.lose_address("p9", ONE, "10.0.0.1")
    assert table.address("p1", ONE, "10.0.0.1"), "until it says again that it has it"


def test_why_a_grant_would_not_let_in_is_known_before():
    table = openings()
    assert table.why_not("p1", ONE, grant()) is None
    assert table.why_not("p1", ONE, grant("4095")) is KeptOut.UNKNOWN_VLAN
    assert table.why_not("p9", ONE, grant()) is KeptOut.UNKNOWN_PORT
    table.admit("p1", ONE, grant("42"))
    assert table.why_not("p1", TWO, grant()) is KeptOut.OTHER_VLAN
    assert table.why_not("p1", TWO, grant("42")) is None
    assert table.why_not("p1", ONE, grant()) is None, "its own network it may change"
    assert table.why_not("p2", TWO, grant()) is None
    assert table.plan()[0] == PortPlan("p1", "br42", (ONE,)), "asking changes nothing"


def test_who_is_displaced_by_somebody_known_better_or_by_the_first():
    table = openings()
    table.admit("p1", ONE, grant("42", By.BYPASS))
    table.admit("p1", TWO, grant("42", By.BYPASS))
    assert table.displaced("p1") == []
    assert table.why_not("p1", THREE, grant()) is None
    table.admit("p1", THREE, grant())
    assert table.displaced("p1") == [ONE, TWO]
    assert table.displaced("p9") == []
