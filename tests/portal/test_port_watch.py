"""What changed at our own ports is noticed, and nothing is asked while nobody looks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from portal import port_watch
from portal.port_watch import watch_ports
from tests.portal.test_network import PORTS, FakePorts


class Over(Exception):
    """The test has seen enough."""


async def test_each_change_is_told_once_and_only_while_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_watch, "LOOK_EVERY_S", 0)
    ports, told = FakePorts(), []
    asked: list[int] = []
    steps: list[tuple[bool, Callable[[], object]]] = [
        (False, lambda: None),
        (True, lambda: None),
        (True, lambda: None),
        (True, lambda: setattr(ports, "ports", PORTS[:1])),
        (False, lambda: setattr(ports, "ports", PORTS)),
        (True, lambda: setattr(ports, "known", ())),
        (True, lambda: None),
    ]
    statuses = ports.statuses
    ports.statuses = lambda: asked.append(len(steps)) or statuses()  # type: ignore[method-assign,func-returns-value]

    def is_watched() -> bool:
        if not steps:
            raise Over
        is_looking, change = steps.pop(0)
        change()
        return is_looking

    with pytest.raises(Over):
        await watch_ports(ports, is_watched, lambda: told.append(len(steps)))
    assert told == [5, 3, 1]
    assert asked == [5, 4, 3, 1, 0]
