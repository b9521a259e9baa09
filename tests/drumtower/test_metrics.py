"""Our own ports and RADIUS servers in /metrics."""

from __future__ import annotations

from drumtower.metrics import port_metrics
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
