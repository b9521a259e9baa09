"""Sessions as the directory has them after what switches have told, and switches that take orders about them."""

from __future__ import annotations

from typing import Any

import msgspec

from auth8021x.accounting import reading
from auth8021x.directory.session import Session
from auth8021x.wire.attribute import Attribute
from config.dot1x_switches import SwitchSettings
from tests.auth8021x.accounting.packets import cisco
from tests.auth8021x.directory.reports import directory

NOW = 1_800_000_000.0


def session(*told: Attribute, source: str = "10.0.0.9", site: str = "north") -> Session:
    """Of one Accounting-Request (a Cisco's where none is given)."""
    core = directory()
    report = reading.read(told or cisco(), site, "core", source, 900)
    assert report is not None
    assert core.report(report, NOW)
    (found,) = core.sessions()
    return found


def switch(**more: Any) -> SwitchSettings:
    """Those of the ward."""
    return msgspec.convert({"name": "ward", "site": "north", "networks": ["10.0.0.0/24"], **more}, SwitchSettings)
