"""Orders find the session on whichever port it is; one that fits several changes none."""

from msgspec.structs import replace

from auth8021x.pae.nas import NasPort
from auth8021x.ports.all_ports import AllPorts
from auth8021x.radius.dynamic_orders import Change, Kind, Order, Selector
from auth8021x.wire.dictionary import ErrorCause
from tests.auth8021x.pae.world import MAC, NAS, OTHER, Radius, Supplicant, World


class Runner:
    """Stands for PortRunner: a port with the clock of its world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def count(self, selector: Selector) -> int:
        return self.world.port.count(selector)

    def disconnect(self, selector: Selector) -> ErrorCause | None:
        cause = self.world.port.disconnect(selector, self.world.now)
        self.world.work()
        return cause

    def change(self, order: Order) -> ErrorCause | None:
        cause = self.world.port.change(order, self.world.now)
        self.world.work()
        return cause


def world(mac: bytes, port: NasPort) -> World:
    made = World(Radius(), Supplicant(mac))
    made.port._port = port
    made.port.name = port.name
    return made.up()


def two() -> tuple[World, World, AllPorts]:
    first, second = world(MAC, NAS), world(OTHER, replace(NAS, number=4, name="p2"))
    assert MAC in first.inside
    assert OTHER in second.inside
    return first, second, AllPorts([Runner(first), Runner(second)])


def order(selector: Selector) -> Order:
    return Order(Kind.CHANGE, "policy", selector, Change(vlan="42"))


def test_a_disconnect_ends_the_session_on_its_port_alone():
    first, second, ports = two()
    second.supplicants[0].is_on = False
    assert ports.disconnect(Selector(mac=OTHER)) is None
    assert (len(first.inside), len(second.inside)) == (1, 0)
    assert ports.disconnect(Selector(mac=OTHER)) is ErrorCause.SESSION_CONTEXT_NOT_FOUND


def test_a_disconnect_by_identity_ends_all_that_fit():
    first, second, ports = two()
    for each in (first, second):
        each.supplicants[0].is_on = False
    assert ports.disconnect(Selector(user_name="vt1")) is None
    assert (first.inside, second.inside) == ({}, {})


def test_a_change_is_for_one_session_or_for_none():
    first, second, ports = two()
    assert ports.change(order(Selector(user_name="vt1"))) is ErrorCause.MULTIPLE_SESSION_SELECTION_UNSUPPORTED
    assert ports.change(order(Selector(user_name="vt9"))) is ErrorCause.SESSION_CONTEXT_NOT_FOUND
    assert [each.vlan for each in (*first.inside.values(), *second.inside.values())] == ["", ""]
    assert ports.change(order(Selector(user_name="vt1", port=4))) is None
    assert (first.inside[MAC].vlan, second.inside[OTHER].vlan) == ("", "42")


def test_no_session_is_changed_to_a_vlan_that_is_not_here():
    first, second, _ = two()
    ports = AllPorts([Runner(first), Runner(second)], {"7"}.__contains__)
    assert ports.change(order(Selector(user_name="vt1", port=4))) is ErrorCause.INVALID_ATTRIBUTE_VALUE
    assert second.inside[OTHER].vlan == ""
    known = Order(Kind.CHANGE, "policy", Selector(mac=OTHER), Change(vlan="7"))
    assert ports.change(known) is None
    assert second.inside[OTHER].vlan == "7"
