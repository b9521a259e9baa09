"""Our own authenticator and the directory: a port's machines decide, the directory and the gate's events follow."""

from dataclasses import dataclass, field

import pytest

from auth8021x.directory.directory import Directory
from auth8021x.directory.port_feed import PortFeed
from auth8021x.directory.report import OwnPort, Report
from auth8021x.pae.actions import Admit, Ask, Expel
from auth8021x.pae.grant import By, Grant
from auth8021x.pae.nas import NasPort
from auth8021x.pae.port import Port
from auth8021x.radius.request import Answered
from auth8021x.wire import attribute
from auth8021x.wire.dictionary import Code, TerminationAction, Type
from auth8021x.wire.packet import Packet
from config.dot1x import PaeSettings
from tests.auth8021x.directory.reports import VT2, directory, names
from tests.auth8021x.radius.fakes import Dice


@dataclass
class Reports:
    """The directory without its keeper."""

    core: Directory = field(default_factory=directory)
    now: float = 0.0

    def report(self, report: Report) -> bool:
        return self.core.report(report, self.now)


class Wire:
    """A port whose terminal speaks no EAP and is looked up by its address."""

    def __init__(self, reports: Reports) -> None:
        self.reports = reports
        nas = NasPort("drumtower", "", 1, "p1", bytes.fromhex("02000000ff01"))
        self.port = Port(nas, PaeSettings(bypass="silent", max_requests=1, request_timeout_s=1), Dice())
        self.feed = PortFeed(reports, "north", "drumtower")

    def run(self, until: float) -> None:
        while (due := self.port.next_timeout()) is not None and due <= until:
            self.reports.now = max(self.reports.now, due)
            self.port.handle_timeout(self.reports.now)
            self.work()
        self.reports.now = until

    def work(self) -> None:
        for action in self.port.actions():
            match action:
                case Ask(ticket):
                    accepted = Packet(Code.ACCESS_ACCEPT, 1, attributes=(attribute.text(Type.FILTER_ID, "video"),))
                    self.port.answered(ticket, Answered(ticket, "r0", accepted, 0.0), self.reports.now)
                    self.work()
                case Admit(mac, grant, session):
                    self.feed.admit("p1", mac, grant, session)
                case Expel(mac, session, cause):
                    self.feed.expel("p1", mac, session, cause)


def test_a_terminal_on_our_own_port_is_in_the_directory_until_its_line_is_gone():
    reports = Reports()
    wire = Wire(reports)
    wire.port.carrier(True, 0)
    wire.port.seen(VT2, 0)
    wire.run(60)
    session = reports.core.get("north", VT2)
    assert session is not None
    assert (session.identity, session.role, session.port, session.expires_at) == (VT2.hex(), "video", "p1", None)
    assert names(reports.core) == ["Opened"]
    wire.port.carrier(False, 61)
    wire.work()
    ended = reports.core.next_event()
    assert getattr(ended, "detail", "") == "lost-carrier"
    assert len(reports.core) == 0


AGAIN = TerminationAction.RADIUS_REQUEST


@pytest.mark.parametrize(
    ("grant", "renews_every_s", "lasts_s", "is_renewable"),
    [
        (Grant("vt1", session_timeout_s=600, termination_action=AGAIN), 3600.0, 600.0, True),
        (Grant("vt1", session_timeout_s=600), 3600.0, 600.0, False),
        (Grant("vt1"), 3600.0, 3600.0, True),
        (Grant("vt1"), None, None, False),
        (Grant("vt1", By.BYPASS, termination_action=AGAIN), 3600.0, None, False),
        (Grant("guest", By.GUEST), 3600.0, None, False),
    ],
)
def test_for_how_long_it_is_let_in(
    grant: Grant, renews_every_s: float | None, lasts_s: float | None, is_renewable: bool
):
    told = OwnPort("north", "drumtower", "p1", renews_every_s).admitted(VT2, "s1", grant)
    assert (told.lasts_s, told.is_renewable) == (lasts_s, is_renewable)
