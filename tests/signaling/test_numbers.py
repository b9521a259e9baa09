"""Numbers as people dial them, and which may be called."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.numbers import MAX_NUMBER_DIGITS, AllowList, normalized, rewritten


@pytest.mark.parametrize(
    ("dialled", "number"),
    [
        ("075512345678", "075512345678"),
        ("+86 (755) 1234-5678", "+8675512345678"),
        ("tel:+86-755-1234", "+867551234"),
        ("0755/1234.56", "0755123456"),
        (" 110 ", "110"),
        ("", ""),
        ("+", ""),
        ("++86", ""),
        ("86+1", ""),
        ("*21*0900#", ""),
        ("1234#", ""),
        ("ward3", ""),
        ("sip:1@x", ""),
        ("１２３", ""),
        ("1" * MAX_NUMBER_DIGITS, "1" * MAX_NUMBER_DIGITS),
        ("1" * (MAX_NUMBER_DIGITS + 1), ""),
    ],
)
def test_normalized(dialled, number):
    assert normalized(dialled) == number


@pytest.mark.parametrize(
    ("number", "strip", "prefix", "result"),
    [("0755123", "", "9", "90755123"), ("+86755", "+86", "0", "0755"), ("86", "86", "", "86"), ("1", "2", "", "1")],
)
def test_rewritten(number, strip, prefix, result):
    assert rewritten(number, strip, prefix) == result


@pytest.mark.parametrize(
    ("number", "is_allowed"),
    [
        ("07551234567", True),
        ("13812345678", True),
        ("00441234567890", False),
        ("90755", False),
        ("07551234567\n", False),
        ("x07551234567", False),
        ("07551234567;phone-context=x", False),
        ("", False),
    ],
)
def test_the_whole_number_has_to_match(number, is_allowed):
    assert AllowList([r"0755\d{7,8}", r"1[3-9]\d{9}"]).allows(number) is is_allowed


def test_without_patterns_nothing_leaves():
    assert not AllowList(()).allows("110")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_what_is_normalised_stays_so(text):
    number = normalized(text)
    assert normalized(number) == number
    assert number == "" or (number.lstrip("+").isascii() and number.lstrip("+").isdigit())
