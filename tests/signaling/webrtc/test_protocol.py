import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.webrtc import protocol
from signaling.webrtc.errors import MessageError
from signaling.webrtc.protocol import MAX_MESSAGE_BYTES, MAX_NAME_CHARACTERS, clean_name, parse, serialize

GOOD = [
    ({"type": "join", "room": "1001", "name": "Li"}, protocol.Join("1001", "Li")),
    ({"type": "join", "room": "ward-3", "name": "李", "passcode": "1"}, protocol.Join("ward-3", "李", "1")),
    ({"type": "answer", "id": 3, "sdp": "v=0"}, protocol.Answer(3, "v=0")),
    ({"type": "camera", "is_on": False}, protocol.Camera(False)),
    ({"type": "share", "is_on": True}, protocol.Share(True)),
    ({"type": "mute", "is_muted": True}, protocol.Mute(True)),
    ({"type": "mute", "is_muted": True, "participant": 7}, protocol.Mute(True, 7)),
    ({"type": "mute-all"}, protocol.MuteAll()),
    ({"type": "layout", "mode": "speaker"}, protocol.Layout(protocol.LayoutMode.SPEAKER)),
    ({"type": "lock", "is_locked": True}, protocol.Lock(True)),
    ({"type": "record", "is_on": True}, protocol.Record(True)),
    ({"type": "remove", "participant": 9}, protocol.Remove(9)),
    ({"type": "restart-ice"}, protocol.RestartIce()),
    ({"type": "leave", "unknown": [1, {}]}, protocol.Leave()),
    ({"type": "ping", "id": 5}, protocol.Ping(5)),
]


@pytest.mark.parametrize(("message", "parsed"), GOOD, ids=lambda value: str(value)[:30])
def test_messages_of_the_page(message, parsed):
    assert parse(json.dumps(message)) == parsed
    assert parse(json.dumps(message).encode()) == parsed


BAD = [
    "", "nope", "[]", "null", "{}", '{"type":1}', '{"type":"nonsense<script>"}', '{"type":"join"}',
    '{"type":"join","room":"10 01","name":"a"}', '{"type":"join","room":"1001**24","name":"a"}',
    '{"type":"join","room":"../etc","name":"a"}', '{"type":"join","room":"1001","name":""}',
    '{"type":"join","room":"1001","name":"a","passcode":1}', '{"type":"layout","mode":"mosaic"}',
    '{"type":"mute","is_muted":"yes"}', '{"type":"remove","participant":-1}', '{"type":"answer","id":1e400,"sdp":""}',
    '{"type":"answer","id":1}', '{"type":"ping","id":99999999999999999999999}', "[" * 5000, '{"type":"joined"}',
    "\ud800", b"\xff\xfe",
]  # fmt: skip


@pytest.mark.parametrize("data", BAD, ids=lambda value: repr(value)[:40])
def test_nonsense_is_malformed(data):
    with pytest.raises(MessageError) as caught:
        parse(data)
    assert caught.value.code == "malformed"
    assert "<script>" not in caught.value.detail
    assert len(caught.value.detail) <= 200


def test_a_message_has_a_largest_size():
    with pytest.raises(MessageError) as caught:
        parse('{"type":"answer","id":1,"sdp":"' + "x" * MAX_MESSAGE_BYTES + '"}')
    assert caught.value.code == "too-large"


@pytest.mark.parametrize("message", [entry[0] for entry in GOOD], ids=lambda value: value["type"])
def test_a_truncated_message_is_malformed(message):
    text = json.dumps(message)
    for length in range(len(text)):
        with pytest.raises(MessageError):
            parse(text[:length])


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200), st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.dictionaries(st.sampled_from(["type", "room", "name", "id", "sdp", "mode"]), inner, max_size=4),
).map(json.dumps)))  # fmt: skip
def test_whatever_is_sent_is_a_message_or_an_error(data):
    try:
        assert isinstance(parse(data), protocol.PageMessage)
    except MessageError as error:
        assert error.code in ("malformed", "too-large")


def test_what_we_send_is_tagged():
    joined = protocol.Joined(5, protocol.Role.HOST, "token", "1001", "Ward 3")
    assert json.loads(serialize(joined)) == {
        "type": "joined", "participant": 5, "role": "host", "session": "token", "room": "1001", "room_name": "Ward 3",
        "is_resumed": False, "allowance": "full",
    }  # fmt: skip


def test_no_secret_in_a_repr():
    assert "2468" not in repr(protocol.Join("1001", "Li", "2468", "seat"))
    assert "token" not in repr(protocol.Joined(5, protocol.Role.HOST, "token", "1001", "Ward 3"))


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("  Dr.  Li\t\n李 ", "Dr. Li 李"),
        ("a\u202eb\u200bc\x00d", "abcd"),
        ("x" * 100, "x" * MAX_NAME_CHARACTERS),
        ("\u200b \u2066", ""),
    ],
)
def test_names_fit_for_labels(given_name, name):
    assert clean_name(given_name) == name
