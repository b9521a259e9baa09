"""Lines of the audit: every answer, each once in a while, and never more than so many."""

import logging

import pytest

from auth8021x.directory.audit import DirectoryAudit
from auth8021x.directory.report import Kind
from auth8021x.directory.session import Source
from auth8021x.gate.audit import GateAudit
from auth8021x.gate.verdict import Proof, Question, Reason, Verdict
from config.dot1x_sites import DirectorySettings, Dot1xGateSettings
from tests.auth8021x.directory.reports import VT2, directory, events, told


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "audit.dot1x")
    return caplog


QUESTION = Question("10.1.2.3", "sip", ("vt1",), "1001", "192.0.2.1", Proof.DIGEST, "call")
RENEWED = Question("10.1.2.3", "sip", ("vt1",), "", "192.0.2.1", Proof.DIGEST, "register")


def test_a_refusal_has_its_reason(lines: pytest.LogCaptureFixture):
    GateAudit(Dot1xGateSettings(), Clock()).answered(QUESTION, Verdict(False, Reason.NO_SESSION, "north"))
    assert lines.messages[0] == (
        "site=north source=10.1.2.3 protocol=sip operation=call alias='vt1' room=1001 proof=digest mac=- identity='' "
        "refused: no-session"
    )
    assert lines.records[0].levelno == logging.WARNING


def test_what_a_peer_writes_makes_no_line_of_its_own(lines: pytest.LogCaptureFixture):
    question = Question("10.1.2.3", "sip", ("a\nsite=north allowed",), "1\r2")
    GateAudit(Dot1xGateSettings(), Clock()).answered(question, Verdict(False, Reason.NO_SESSION, "north"))
    assert "\n" not in lines.messages[0]
    assert "\r" not in lines.messages[0]


def test_every_call_has_a_line(lines: pytest.LogCaptureFixture):
    audit = GateAudit(Dot1xGateSettings(), Clock())
    for _ in range(3):
        audit.answered(QUESTION, Verdict(False, Reason.NO_SESSION, "north"))
    assert len(lines.messages) == 3


def test_a_registration_that_is_renewed_is_written_from_time_to_time(lines: pytest.LogCaptureFixture):
    clock = Clock()
    audit = GateAudit(Dot1xGateSettings(audit_repeat_s=600), clock)
    core = directory()
    core.report(told(addresses=("10.1.2.3",)), 0)
    allowed = Verdict(True, Reason.SESSION, "north", core.sessions()[0])
    for after_s in (0, 1, 598, 1, 1):
        clock.now += after_s
        audit.answered(RENEWED, allowed)
    assert len(lines.messages) == 2
    assert "mac=02:00:5e:00:53:01 identity='vt1' allowed: session" in lines.messages[0]
    audit.answered(RENEWED, Verdict(True, Reason.NO_SESSION, "south"))
    assert lines.messages[-1].endswith("overlooked: no-session")
    audit.answered(RENEWED, Verdict(True, Reason.OFF))
    assert len(lines.messages) == 3


def test_the_directory_tells_whose_address_was_taken_by_whom(lines: pytest.LogCaptureFixture):
    core, audit = directory(), DirectoryAudit(DirectorySettings(), Clock())
    core.report(told(addresses=("10.1.2.3",), port="GE0/0/1"), 0)
    core.report(told(Kind.INTERIM), 1)
    core.report(told(mac=VT2, session_id="s2", identity="vt2"), 2)
    core.sighted("north", VT2, "10.1.2.3", Source.ARP, 3)
    core.report(told(Kind.STOP, session_id="s2", cause="lost-carrier"), 4)
    for event in events(core):
        audit.happened(event)
    assert (
        "site=north mac=02:00:5e:00:53:01 identity='vt1' opened nas=sw/10.0.0.1 port=GE0/0/1 vlan=- role=- entry=?"
        in lines.messages
    )
    assert (
        "site=north mac=02:00:5e:00:53:01 identity='vt1' has 10.1.2.3 no more: taken by=02:00:5e:00:53:02"
        in lines.messages
    )
    assert lines.messages[-1] == "site=north mac=02:00:5e:00:53:02 identity='vt2' ended: stopped lost-carrier"
    warned = [record.getMessage() for record in lines.records if record.levelno == logging.WARNING]
    assert len(warned) == 1
