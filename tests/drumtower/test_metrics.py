"""Our own ports and RADIUS servers in /metrics."""

from __future__ import annotations

from auth8021x.ports.status import ClientKind, ClientStatus, ServerStatus
from drumtower.metrics import excused_metrics, port_metrics
from tests.portal.test_network import FakePorts


def test_ports_and_servers() -> None:
    found = {(each.name, *each.labels.values()): each.value for each in port_metrics(FakePorts())()}
    assert found == {
        ("dot1x_port_up", "enp3s0"): 1,
        ("dot1x_port_up", "enp4s0"): 0,
        ("dot1x_port_terminals", "enp3s0", "in"): 1,
        ("dot1x_port_terminals", "enp3s0", "out"): 1,
        ("dot1x_port_terminals", "enp4s0", "in"): 0,
        ("dot1x_port_terminals", "enp4s0", "out"): 0,
        ("radius_server_up", "main"): 1,
        ("radius_server_up", "second"): 0,
    }


def test_who_is_excused_has_a_count_under_its_name() -> None:
    servers = (
        ServerStatus("old", "10.1.1.1", "udp", True, is_excused=True, excused=3),
        ServerStatus("main", "", "", True),
    )
    clients = (
        ClientStatus("old", ClientKind.LOGINS, (), is_excused=True, excused=5),
        ClientStatus("policy", ClientKind.ORDERS, (), is_excused=True),
        ClientStatus("ward", ClientKind.LOGINS, ()),
    )
    found = list(excused_metrics(lambda: (servers, clients))())
    assert {each.name for each in found} == {"radius_excused"}
    assert [(each.labels["peer"], each.labels["kind"], each.value) for each in found] == [
        ("old", "server", 3), ("old", "logins", 5), ("policy", "orders", 0),
    ]  # fmt: skip
    assert all(each.is_counter for each in found)
