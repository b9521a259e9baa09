"""Bodies of INFO: digits and keyframe requests."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sip.calls.dtmf import digit_of
from signaling.sip.calls.media_control import picture_fast_update, stream_ids, wants_keyframe


@pytest.mark.parametrize(
    ("content_type", "body", "digit"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", b"Signal= #\r\nDuration= 250", "#"),
        ("application/dtmf-relay", b"signal=10\r\n", "*"),
        ("application/dtmf-relay", b"Duration=160\r\nSignal=d", "D"),
        ("application/dtmf-relay", b"Signal=55\r\n", None),
        ("application/dtmf-relay", b"Signal=!\r\n", None),
        ("application/dtmf-relay", b"", None),
        ("application/dtmf", b"7", "7"),
        ("application/dtmf", b" 11\r\n", "#"),
        ("application/dtmf", b"hello", None),
    ],
)
def test_digits(content_type, body, digit):
    assert digit_of(content_type, body) == digit


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (picture_fast_update(), True),
        (b"<media_control><to_encoder><picture_fast_update></picture_fast_update></to_encoder></media_control>", True),
        (b"<x:picture_fast_update />", True),
        (b"<picture_fast_updates/>", False),
        (b"picture_fast_update", False),
        (b"<media_control><vc_primitive><general_error>x</general_error></vc_primitive></media_control>", False),
    ],
)
def test_keyframe_requests(body, expected):
    assert wants_keyframe(body) is expected


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_garbage_never_raises(noise):
    digit_of("application/dtmf", noise)
    digit_of("application/dtmf-relay", b"Signal=" + noise)
    wants_keyframe(noise)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (picture_fast_update(), []),
        (picture_fast_update("12"), ["12"]),
        (picture_fast_update("a&b"), ["a&b"]),
        (picture_fast_update("<evil>"), []),
        (b"<vc_primitive><stream_id> 3 </stream_id><stream_id>4</stream_id><picture_fast_update/>", ["3", "4"]),
        (b"<stream_id>" + b"x" * 65 + b"</stream_id><picture_fast_update/>", []),
        (b"<stream_id>1</stream_id>" * 100, ["1"] * 8),
    ],
)
def test_streams_are_named_by_their_labels(body: bytes, named: list[str]) -> None:
    assert stream_ids(body) == named
