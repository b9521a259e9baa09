from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.h323 import q931
from signaling.h323.errors import MalformedPduError
from signaling.h323.q931 import Element, Id, Message, MessageType, parse, user_user
from signaling.h323.q931_elements import (
    CallState,
    PartyNumber,
    bearer_capability,
    call_state,
    called_party_number,
    calling_party_number,
    cause,
    display,
    keypad,
    read_bearer_multiplier,
    read_call_state,
    read_cause,
    read_keypad,
    read_party_number,
    read_text,
)

SETUP = bytes.fromhex(
    "08 02 12 34 05"  # Setup from the side that chose reference 0x1234
    "04 03 88 93 a5"  # unrestricted digital, 384 kbit/s, H.221 and H.242
    "28 05 41 6c 69 63 65"  # "Alice"
    "6c 05 01 80 31 32 33"  # 123, unknown, E.164; shown, not screened
    "70 04 81 37 37 37"  # 777
    "7e 00 04 05 aa bb cc"
)
RELEASE = bytes.fromhex("08 02 92 34 5a 08 02 80 90 7e 00 02 05 11")


def test_a_setup_is_read_and_written_octet_by_octet():
    message = parse(SETUP)
    assert (message.type, message.call_reference, message.is_from_destination) == (MessageType.SETUP, 0x1234, False)
    assert message.user_information == b"\xaa\xbb\xcc"
    assert message.serialize() == SETUP
    assert message.elements == (
        bearer_capability(6),
        display("Alice"),
        calling_party_number(PartyNumber("123", 0)),
        called_party_number(PartyNumber("777", 0)),
        user_user(b"\xaa\xbb\xcc"),
    )


def test_the_flag_says_who_chose_the_reference():
    message = parse(RELEASE)
    assert (message.type, message.call_reference, message.is_from_destination) == (0x5A, 0x1234, True)
    assert read_cause(message.find(Id.CAUSE)) == 16
    assert message.serialize() == RELEASE


def test_user_user_has_a_length_of_two_octets():
    message = Message(MessageType.FACILITY, 1, False, (user_user(bytes(5000)),))
    assert message.serialize()[5:9] == b"\x7e\x13\x89\x05"
    assert parse(message.serialize()) == message


def test_another_codeset_has_its_own_elements():
    octets = bytes.fromhex("08 02 00 01 7b 9e 28 01 41 28 01 42 96 2c 01 31 7e 01 05 90")
    message = parse(octets)
    assert message.elements == (
        Element(0x28, b"A", 6),
        Element(0x28, b"B"),
        Element(0x2C, b"1", 6),
        Element(0x7E, b"\x05", 6),
    )
    assert message.find(Id.KEYPAD) is None
    assert parse(message.serialize()) == message


def test_single_octets_are_elements_of_their_own_and_the_first_of_two_counts():
    message = parse(bytes.fromhex("08 02 00 01 05 a1 28 01 41 28 01 42"))
    assert message.find(Id.SENDING_COMPLETE) == b""
    assert message.find(Id.DISPLAY) == b"A"


def test_a_short_call_reference_is_taken():
    message = parse(bytes.fromhex("08 01 85 5a"))
    assert (message.call_reference, message.is_from_destination) == (5, True)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x08",
        b"\x03\x02\x00\x01\x05",
        b"\x08\x00\x05",
        b"\x08\x03\x00\x00\x01\x05",
        b"\x08\x02\x00\x01",
        b"\x08\x02\x00\x01\x05\x28",
        b"\x08\x02\x00\x01\x05\x28\x02A",
        b"\x08\x02\x00\x01\x05\x7e\x00",
        b"\x08\x02\x00\x01\x05\x7e\x00\x02\x05",
        b"\x08\x02\x00\x01\x05" + b"\xa1" * (q931.MAX_ELEMENTS + 1),
        b"\x08\x02\x00\x01\x05" + bytes(q931.MAX_BYTES),
    ],
)
def test_what_is_no_message_is_malformed(octets):
    with pytest.raises(MalformedPduError):
        parse(octets)


@pytest.mark.parametrize("contents", [b"", b"\x05", b"\x04IA5 text"])
def test_user_information_of_another_protocol_is_malformed(contents):
    with pytest.raises(MalformedPduError):
        _ = Message(MessageType.SETUP, 1, False, (Element(Id.USER_USER, contents),)).user_information


def test_truncated_at_every_length_it_is_malformed_or_ends_at_an_element():
    ends = {5, 10, 17, 24, 30, len(SETUP)}
    for length in range(len(SETUP) + 1):
        try:
            parse(SETUP[:length])
            assert length in ends
        except MalformedPduError:
            assert length not in ends


def test_whatever_comes_raises_one_error():
    dice = random.Random(7)
    for _ in range(5000):
        octets = bytearray(SETUP)
        for _ in range(dice.randint(1, 5)):
            octets[dice.randrange(len(octets))] = dice.randrange(256)
        try:
            message = parse(bytes(octets))
            assert parse(message.serialize()) == message
        except MalformedPduError as error:
            assert len(str(error)) < 60
    assert parse(SETUP).serialize() == SETUP


ELEMENTS = st.builds(Element, st.integers(0, 0x7F), st.binary(max_size=40), st.sampled_from((0, 0, 0, 5, 7)))


@given(st.integers(0, 0x7F), st.integers(0, 0x7FFF), st.booleans(), st.lists(ELEMENTS, max_size=10))
def test_messages_come_back(kind, reference, flag, elements):
    message = Message(kind, reference, flag, tuple(elements))
    assert parse(message.serialize()) == message


@pytest.mark.parametrize(
    ("multiplier", "octets"),
    [(1, "8890a5"), (2, "8891a5"), (6, "8893a5"), (24, "8895a5"), (30, "8897a5"), (12, "88988ca5"), (0, "8890a5")],
)
def test_rates_have_codes_or_a_multiplier(multiplier, octets):
    contents = bearer_capability(multiplier).contents
    assert contents.hex() == octets  # Q.931 figure 4-11, table 4-6
    assert read_bearer_multiplier(contents) == max(multiplier, 1)


def test_what_the_elements_contain():
    assert read_bearer_multiplier(b"\x88\xc0\xa5") == 0  # packet mode
    assert cause(88).contents == b"\x80\xd8"
    assert read_cause(bytes.fromhex("0081a9")) == 41  # with a recommendation octet
    assert call_state(CallState.ACTIVE).contents == b"\x0a"
    assert read_call_state(b"\xca") == 10
    assert keypad("12#").serialize() == b"\x2c\x0312#"
    assert read_keypad(b"1 2\x00*#aE9") == "12*#A9"
    assert display("会议 1").contents == b"?? 1"
    assert read_text("会议 1\n\0".encode()) == "会议 1"
    assert read_text(b"Caf\xe9") == "Café"
    assert read_party_number(b"\xa1021") == PartyNumber("021", 2)
    assert read_party_number(b"\x01\xa0123") == PartyNumber("123", is_restricted=True)
    assert read_party_number(bytes.fromhex("01 01 81 31")) == PartyNumber("1")  # a redirecting number
    assert calling_party_number(PartyNumber("1", is_restricted=True)).contents == b"\x01\xa01"


@pytest.mark.parametrize("read", [read_bearer_multiplier, read_cause, read_call_state, read_party_number])
@given(contents=st.binary(max_size=6))
def test_contents_are_read_or_malformed(read, contents):
    try:
        read(contents)
    except MalformedPduError:
        assert len(contents) < 6 or not any(octet & 0x80 for octet in contents[:-1])
    with pytest.raises(MalformedPduError):
        read(b"")
