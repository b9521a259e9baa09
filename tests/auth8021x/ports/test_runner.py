"""A port on a running loop: whatever fails, who is to be out is out."""

from __future__ import annotations

import pytest

from auth8021x.pae.actions import Account, Action, Expel
from auth8021x.pae.grant import Grant
from auth8021x.pae.port import Port
from auth8021x.ports.runner import PortRunner
from auth8021x.radius.dynamic_orders import Selector
from auth8021x.radius.request import Request
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import AcctStatusType, ErrorCause, TerminateCause
from config.dot1x import PaeSettings
from tests.auth8021x.pae.world import MAC, NAS, OTHER
from tests.auth8021x.radius.fakes import Dice


class Closing(Port):
    """Has two terminals to be thrown out."""

    def disconnect(self, selector: Selector, now: float) -> ErrorCause | None:
        def out(mac: bytes) -> tuple[Action, ...]:
            return Expel(mac, "s", TerminateCause.ADMIN_RESET), Account("s", AcctStatusType.STOP, ())

        self._actions.extend((*out(MAC), *out(OTHER)))
        return None


class Bench:
    """What a port is connected to."""

    def __init__(self) -> None:
        self.expelled: list[bytes] = []

    def begin(self, request: Request, done: object) -> None: ...

    def admit(self, port: str, mac: bytes, grant: Grant, session: str) -> None: ...

    def expel(self, port: str, mac: bytes, session: str, cause: TerminateCause) -> None:
        self.expelled.append(mac)

    def put(self, session: str, status: AcctStatusType, attributes: tuple[Attribute, ...]) -> None:
        raise RuntimeError("no accounting")


async def test_whatever_fails_all_who_are_to_be_out_are_out(caplog: pytest.LogCaptureFixture):
    bench = Bench()
    runner = PortRunner(Closing(NAS, PaeSettings(), Dice()), bench, bench, bench)
    assert runner.disconnect(Selector()) is None
    assert bench.expelled == [MAC, OTHER]
    assert len(caplog.records) == 2
