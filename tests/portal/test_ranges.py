"""Byte ranges as RFC 9110 section 14 reads them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.ranges import ByteRange, Unsatisfiable, parse_range

SIZE = 1000


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("bytes=0-", ByteRange(0, 1000)),
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=10-19", ByteRange(10, 10)),
        ("bytes=990-2000", ByteRange(990, 10)),
        ("bytes=999-", ByteRange(999, 1)),
        ("bytes=-1", ByteRange(999, 1)),
        ("bytes=-5000", ByteRange(0, 1000)),
        # Malformed, another unit, backwards, or several: the header is ignored (14.2).
        ("bytes=-", None),
        ("bytes=5", None),
        ("bytes=a-b", None),
        ("bytes=20-10", None),
        ("items=0-5", None),
        ("bytes=0-1,5-6", None),
        ("bytes=" + "9" * 30 + "-", None),
    ],
)
def test_range(header, expected):
    assert parse_range(header, SIZE) == expected


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=5000-6000", "bytes=-0"])
def test_nothing_selected(header):
    with pytest.raises(Unsatisfiable):
        parse_range(header, SIZE)


def test_empty_file_satisfies_no_range():
    with pytest.raises(Unsatisfiable):
        parse_range("bytes=0-", 0)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40), st.integers(0, 10_000))
def test_any_text_stays_inside(header, size):
    try:
        part = parse_range(header, size)
    except Unsatisfiable:
        return
    assert part is None or (part.length > 0 and part.start >= 0 and part.start + part.length <= size)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(1, 1500))
def test_selects_what_a_slice_selects(first, last, size):
    data = bytes(i % 251 for i in range(size))
    try:
        part = parse_range(f"bytes={first}-{last}", size)
    except Unsatisfiable:
        assert data[first : last + 1] == b""
        return
    if part is None:
        assert last < first
    else:
        assert data[part.start : part.start + part.length] == data[first : last + 1]
