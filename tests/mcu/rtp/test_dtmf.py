"""Each telephone event once."""

import random

import pytest

from mcu.rtp.dtmf import DIGITS, DtmfReceiver, tone


def test_every_digit_arrives_once_in_spite_of_loss_and_reordering() -> None:
    rng = random.Random(5)
    receiver, heard, timestamp = DtmfReceiver(), [], 0xFFFF_FF00
    for digit in DIGITS + "1122##":
        packets = [packet for packet in tone(digit) if rng.random() > 0.5] or [list(tone(digit))[-1]]
        rng.shuffle(packets)
        heard += [receiver.receive(packet.payload, timestamp) for packet in packets]
        timestamp = (timestamp + 4000) & 0xFFFFFFFF
    assert "".join(digit for digit in heard if digit) == DIGITS + "1122##"


def test_a_tone_longer_than_the_duration_field_is_one_event() -> None:
    receiver = DtmfReceiver()
    assert receiver.receive(b"\x05\x0a\xff\xff", 1000) == "5"
    assert receiver.receive(b"\x05\x0a\x01\x00", 1000 + 0xFFFF) is None
    assert receiver.receive(b"\x05\x8a\x01\x00", 1000 + 2 * 0xFFFF) is None


def test_what_is_no_digit_is_ignored() -> None:
    receiver = DtmfReceiver()
    assert receiver.receive(b"\x05\x0a\x01", 1) is None
    assert receiver.receive(b"\x10\x0a\x01\x00", 1) is None


def test_the_wire_form_of_a_tone() -> None:
    packets = list(tone("#", 60))
    assert [(packet.offset_ms, packet.marker) for packet in packets] == [(20, True), (40, False)] + [(60, False)] * 3
    assert packets[0].payload == b"\x0b\x0a\x00\xa0"
    assert packets[-1].payload == b"\x0b\x8a\x01\xe0"


@pytest.mark.parametrize(("digit", "duration_ms"), [("x", 100), ("12", 100), ("", 100), ("1", 9000), ("1", 0)])
def test_wrong_digits_are_our_own_error(digit, duration_ms) -> None:
    with pytest.raises(ValueError, match="no digit"):
        list(tone(digit, duration_ms))
