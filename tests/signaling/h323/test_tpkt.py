from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.h323.tpkt import MAX_UNIT_BYTES, Deframer, frame


def test_a_unit_has_version_3_and_a_length_that_counts_the_header():
    assert frame(b"\x08\x02\x00") == b"\x03\x00\x00\x07\x08\x02\x00"  # RFC 1006 6


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=6), st.lists(st.integers(1, 50), max_size=60))
def test_units_come_back_however_the_stream_is_cut(units, pieces):
    stream = b"".join(frame(unit) for unit in units)
    deframer = Deframer()
    found = []
    for piece in pieces:
        found += deframer.receive(stream[:piece])
        stream = stream[piece:]
    found += deframer.receive(stream)
    assert (found, deframer.fault, deframer.has_part) == (units, "", False)


def test_an_empty_unit_is_a_keep_alive():
    deframer = Deframer()
    assert deframer.receive(b"\x03\x00\x00\x04" + frame(b"x") + b"\x03\x00\x00\x04") == [b"x"]
    assert deframer.keep_alives == 2


@pytest.mark.parametrize(
    "octets", [b"\x02\x00\x00\x08", b"GET / HTTP/1.1", b"\x03\x00\x00\x03", b"\x03\x00\xff\xff", b"\x03\x00\x50\x05"]
)
def test_what_is_no_unit_ends_the_stream_behind_the_units_before_it(octets):
    deframer = Deframer()
    assert deframer.receive(frame(b"last") + octets) == [b"last"]
    assert deframer.fault
    assert deframer.receive(frame(b"more")) == []
    assert not deframer.has_part


def test_the_longest_unit_is_taken_and_a_longer_one_is_not_made():
    assert Deframer().receive(frame(bytes(MAX_UNIT_BYTES))) == [bytes(MAX_UNIT_BYTES)]
    with pytest.raises(ValueError, match="unit"):
        frame(bytes(MAX_UNIT_BYTES + 1))


def test_an_own_cap_counts():
    deframer = Deframer(max_unit_bytes=8)
    assert deframer.receive(frame(bytes(8))) == [bytes(8)]
    deframer.receive(frame(bytes(9))[:4])
    assert deframer.fault == "TPKT of 13 bytes"
