"""BFCP on the wire: round trips, truncation at every length, the examples of RFC 8855, and anything at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.bfcp import attributes, message
from signaling.bfcp.attributes import MAX_ATTRIBUTES, Attribute, BadAttributeError, RequestStatus, Type
from signaling.bfcp.message import (
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    RELIABLE,
    UNRELIABLE,
    BadMessageError,
    ErrorCode,
    Message,
    Primitive,
    Splitter,
)


def granted(request: int = 7) -> Attribute:
    return attributes.group(
        Type.FLOOR_REQUEST_INFORMATION,
        request,
        [
            attributes.group(
                Type.OVERALL_REQUEST_STATUS,
                request,
                [attributes.status(RequestStatus.GRANTED), attributes.text(Type.STATUS_INFO, "go on")],
            ),
            attributes.group(Type.FLOOR_REQUEST_STATUS, 1, [attributes.status(RequestStatus.GRANTED)]),
            attributes.group(Type.BENEFICIARY_INFORMATION, 3, [attributes.text(Type.USER_DISPLAY_NAME, "内科 Ward 3")]),
        ],
    )


MESSAGES = [
    Message(Primitive.FLOOR_REQUEST, 1, 2, 3, (attributes.number(Type.FLOOR_ID, 1),)),
    Message(Primitive.FLOOR_STATUS, 0xFFFFFFFF, 0, 0xFFFF, (attributes.number(Type.FLOOR_ID, 1), granted())),
    Message(Primitive.HELLO, 9, 1, 4, (), UNRELIABLE),
    Message(Primitive.FLOOR_REQUEST_STATUS, 9, 1, 4, (granted(),), UNRELIABLE, is_response=True),
    Message(Primitive.ERROR, 9, 1, 4, message.error(ErrorCode.GENERIC, "no"), UNRELIABLE, is_response=True),
]


@pytest.mark.parametrize("sent", MESSAGES, ids=lambda sent: Primitive(sent.primitive).name)
def test_what_is_written_is_read(sent: Message):
    assert message.parse(sent.serialize(), sent.version) == sent


def test_a_floor_request_as_rfc_8855_draws_it():
    wire = bytes.fromhex("2001000100001092000100050504001f".replace("0504", "0404"))
    read = message.parse(wire, RELIABLE)
    assert (read.primitive, read.conference_id, read.transaction_id, read.user_id) == (1, 0x1092, 1, 5)
    assert read.floor_ids == [0x1F]
    assert read.serialize() == wire


@pytest.mark.parametrize("sent", MESSAGES, ids=lambda sent: Primitive(sent.primitive).name)
def test_cut_off_anywhere_it_is_refused(sent: Message):
    data = sent.serialize()
    for size in range(len(data)):
        with pytest.raises(BadMessageError):
            message.parse(data[:size], sent.version)


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (bytes.fromhex("200b00000000000100010001"), ErrorCode.UNSUPPORTED_VERSION),
        (bytes.fromhex("480b00000000000100010001"), ErrorCode.GENERIC),  # the F bit
        (bytes.fromhex("400b00010000000100010001"), ErrorCode.INCORRECT_LENGTH),
        (bytes.fromhex("400b0001000000010001000104010000"), ErrorCode.UNABLE_TO_PARSE),
        (bytes.fromhex("400b0001000000010001000104ff0000"), ErrorCode.UNABLE_TO_PARSE),
        (bytes.fromhex("400b0001000000010001000104030000"), ErrorCode.UNABLE_TO_PARSE),  # 8 bits of a floor
        (bytes.fromhex("400b000100000001000100011e020000"), ErrorCode.UNABLE_TO_PARSE),  # group without id
    ],
)
def test_what_is_wrong_has_its_code(wire: bytes, code: ErrorCode):
    with pytest.raises(BadMessageError) as caught:
        message.parse(wire, UNRELIABLE)
    assert caught.value.code is code
    assert caught.value.header is not None


def test_padding_behind_the_last_attribute_may_be_missing_but_not_too_much_may_be_there():
    text = attributes.text(Type.STATUS_INFO, "abc")
    assert attributes.parse(text.serialize()[:5]) == (text,)
    with pytest.raises(BadAttributeError):
        attributes.parse(attributes.number(Type.FLOOR_ID, 1).serialize() * (MAX_ATTRIBUTES + 1))


def test_groups_are_not_nested_without_end():
    inner = attributes.number(Type.FLOOR_ID, 1)
    for _ in range(3):
        inner = attributes.group(Type.FLOOR_REQUEST_STATUS, 1, [inner])
    assert attributes.parse(inner.serialize()) == (inner,)
    with pytest.raises(BadAttributeError):
        attributes.parse(attributes.group(Type.FLOOR_REQUEST_STATUS, 1, [inner]).serialize())


def test_an_attribute_that_does_not_fit_is_our_own_fault():
    with pytest.raises(ValueError, match="255"):
        Attribute(Type.STATUS_INFO, bytes(254)).serialize()
    assert attributes.text(Type.STATUS_INFO, "诊" * 100).text == "诊" * 21


texts = st.binary(max_size=40)
leaves = st.one_of(
    st.builds(lambda kind, value: attributes.number(kind, value), st.sampled_from(sorted(attributes.NUMBERS)),
              st.integers(0, 0xFFFF)),
    st.builds(lambda kind, body, must: Attribute(kind, body, (), must),
              st.sampled_from([Type.STATUS_INFO, Type.USER_URI, 90]), texts, st.booleans()),
)  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda kind, identifier, children: attributes.group(kind, identifier, children),
        st.sampled_from(sorted(attributes.GROUPS)), st.integers(0, 0xFFFF), st.lists(inner, max_size=2),
    ),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(trees, max_size=4), st.sampled_from(list(Primitive)), st.integers(0, 2**32 - 1), st.booleans())
def test_any_message_survives(found, primitive, conference, is_response):
    sent = Message(primitive, conference, 5, 6, tuple(found), UNRELIABLE, is_response)
    try:
        data = sent.serialize()
    except ValueError:
        return  # groups of more than 255 octets
    if any(_depth(each) > 3 for each in found):
        with pytest.raises(BadMessageError):
            message.parse(data, UNRELIABLE)
    else:
        assert message.parse(data, UNRELIABLE) == sent


def _depth(attribute: Attribute) -> int:
    if attribute.type not in attributes.GROUPS:
        return 0
    return 1 + max((_depth(child) for child in attribute.children), default=0)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=120), st.sampled_from([RELIABLE, UNRELIABLE]))
def test_any_bytes_are_read_or_refused(data: bytes, version: int):
    try:
        message.parse(data, version)
    except BadMessageError as error:
        assert error.code in ErrorCode


@pytest.mark.parametrize("step", [1, 5, 12, 1000])
def test_a_stream_is_cut_at_its_messages(step: int):
    wire = b"".join(sent.serialize() for sent in MESSAGES)
    splitter = Splitter()
    found = [each for start in range(0, len(wire), step) for each in splitter.feed(wire[start : start + step])]
    assert found == [sent.serialize() for sent in MESSAGES]


def test_a_length_beyond_the_bound_ends_a_stream():
    splitter = Splitter()
    good = MESSAGES[0].serialize()
    bad = (0x20010000 | (MAX_PAYLOAD_BYTES // 4 + 1)).to_bytes(4, "big") + bytes(HEADER_BYTES - 4)
    assert splitter.feed(good + bad) == [good]
    assert splitter.is_broken
    assert splitter.feed(good) == []
