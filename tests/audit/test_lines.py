"""Lines that strangers can cause: bounded in each minute, and what they wrote begins no line of its own."""

import logging

import pytest

from audit.lines import AuditLines, shown


def test_lines_are_bounded_and_the_rest_is_counted(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "audit.test")
    now = 1000.0
    written = AuditLines(logging.getLogger("audit.test"), 3, lambda: now)
    for number in range(10):
        written.write(logging.INFO, "line %d", number)
    assert caplog.messages == ["line 0", "line 1", "line 2"]
    now += 60
    written.write(logging.INFO, "next")
    assert caplog.messages[3:] == ["7 further lines in the last 60 s", "next"]
    assert written.suppressed == 7
    assert {record.name for record in caplog.records} == {"audit.test"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("三病区 3", "三病区 3"),
        ("a\nsite=north allowed", "a?site=north allowed"),
        ("\x1b[2J", "?[2J"),
        ("x" * 99, "x" * 64),
    ],
)
def test_what_a_peer_wrote_stays_one_short_line(text: str, line: str):
    assert shown(text) == line
