"""Sealed files: round trip, random access, every kind of damage, and files that were cut off anywhere."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.sealing import MAX_PLAIN_BYTES, Head, SealError, SealReader, SealWriter, labelled, open_label, verify

KEY = bytes(range(32))
HEAD = Head("20261122T120000Z-abcdef", b"wrapped" * 10).serialize()


def sealed(pieces: list[bytes], is_finished: bool = True, key: bytes = KEY, head: bytes = HEAD) -> tuple[bytes, str]:
    """A file of one chunk a piece, and its chain head."""
    out = bytearray()
    writer = SealWriter(out.extend, head, key)
    for piece in pieces:
        writer.write(piece)
        writer.flush()
    if is_finished:
        writer.finish()
    assert writer.size == len(out)
    return bytes(out), writer.chain_head


def read_at(data: bytes):  # type: ignore[no-untyped-def]
    return lambda offset, length: data[offset : offset + length]


def reader(data: bytes, key: bytes = KEY) -> SealReader:
    return SealReader(read_at(data), len(data), key)


PIECES = [b"a" * 10, b"b" * 1000, b"c" * 7, b"d" * 300]
PLAIN = b"".join(PIECES)


def test_what_was_written_is_read_at_any_offset() -> None:
    data, head = sealed(PIECES)
    opened = reader(data)
    assert opened.size == len(PLAIN)
    assert opened.is_complete
    for start, length in ((0, len(PLAIN)), (0, 1), (9, 2), (10, 1000), (1009, 9), (1316, 5), (1317, 5), (99999, 3)):
        assert opened.read(start, length) == PLAIN[start : start + length]
    found = verify(read_at(data), len(data), KEY)
    assert (found.chain_head, found.size, found.is_complete, found.first_bad) == (head, len(data), True, None)


def test_the_clear_text_and_the_key_are_not_in_the_file() -> None:
    secret = secrets.token_bytes(64)
    data, _ = sealed([secret])
    assert secret not in data
    assert secret[:16] not in data
    assert KEY not in data


def test_long_writes_are_cut_into_chunks() -> None:
    plain = secrets.token_bytes(3 * MAX_PLAIN_BYTES + 5)
    data, _ = sealed([plain])
    assert len(data) == len(HEAD) + len(plain) + 5 * 52
    opened = reader(data)
    assert opened.read(MAX_PLAIN_BYTES - 3, 7) == plain[MAX_PLAIN_BYTES - 3 : MAX_PLAIN_BYTES + 4]
    assert opened.read(0, 1 << 30) == plain


def test_the_layout_is_the_documented_one() -> None:
    data, head = sealed([b"xyz"], is_finished=False)
    link = hashlib.sha256(HEAD).digest()
    chunk = data[len(HEAD) :]
    assert chunk[:4] == bytes((0, 0, 0, 3))
    assert chunk[4:36] == link
    assert len(chunk) == 36 + 3 + 16
    assert head == hashlib.sha256(link + chunk[:4] + chunk[36:]).hexdigest()


@given(st.integers(0, 5000), st.integers(0, 7))
@settings(max_examples=100, deadline=None)
def test_any_changed_bit_is_found_where_it_is(position: int, bit: int) -> None:
    data, head = sealed(PIECES)
    position = len(HEAD) + position % (len(data) - len(HEAD))
    changed = bytearray(data)
    changed[position] ^= 1 << bit
    found = verify(read_at(bytes(changed)), len(changed), KEY)
    assert not found.is_complete
    assert found.first_bad is not None
    assert found.first_bad[0] <= position
    assert found.chain_head != head


def test_a_changed_chunk_is_not_read_but_the_others_are() -> None:
    data, _ = sealed(PIECES)
    second = len(HEAD) + 52 + 10
    changed = bytearray(data)
    changed[second + 100] ^= 1
    opened = reader(bytes(changed))
    assert opened.read(0, 10) == PIECES[0]
    assert opened.read(1010, 7) == PIECES[2]
    with pytest.raises(SealError) as raised:
        opened.read(500, 1)
    assert raised.value.offset == second


@pytest.mark.parametrize("length", range(0, 1600, 13))
def test_a_file_that_was_cut_off_reads_up_to_its_last_whole_chunk(length: int) -> None:
    data, _ = sealed(PIECES)
    cut = data[: len(HEAD) + length]
    ends = [0, 10, 1010, 1017, 1317]
    whole = max(number for number in range(5) if sum(len(piece) + 52 for piece in PIECES[:number]) <= length)
    opened = reader(cut)
    is_finished = len(cut) >= len(data)
    assert opened.size == ends[whole]
    assert opened.read(0, 10_000) == PLAIN[: ends[whole]]
    assert opened.is_complete == is_finished
    found = verify(read_at(cut), len(cut), KEY)
    assert found.is_complete == is_finished
    assert (found.first_bad is None) == (found.size == len(cut))


def test_zeros_at_the_end_are_a_torn_end() -> None:
    data, head = sealed(PIECES, is_finished=False)
    torn = data + bytes(5000)
    assert reader(torn).read(0, 10_000) == PLAIN
    found = verify(read_at(torn), len(torn), KEY)
    assert (found.size, found.first_bad, found.chain_head) == (len(data), (len(data), len(torn)), head)


def test_chunks_cannot_be_moved_dropped_or_taken_from_another_file() -> None:
    data, _ = sealed(PIECES)
    first, second = len(HEAD), len(HEAD) + 62
    third = second + 1052
    for changed in (
        data[:first] + data[second:third] + data[first:second] + data[third:],
        data[:first] + data[second:],
        data[:second] + data[third:],
        data + data[third:],
    ):
        assert not verify(read_at(changed), len(changed), KEY).is_complete
    other, _ = sealed(PIECES, head=Head("another", b"wrapped" * 10).serialize())
    mixed = data[:second] + other[-(len(data) - second) :]
    assert verify(read_at(mixed), len(mixed), KEY).first_bad == (second, third)


def test_another_key_opens_nothing() -> None:
    data, _ = sealed(PIECES)
    with pytest.raises(SealError):
        reader(data, bytes(32)).read(0, 1)


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_a_file_or_an_error(noise: bytes) -> None:
    for data in (noise, b"DTSR\x01" + noise, HEAD + noise):
        try:
            found = verify(read_at(data), len(data), KEY)
            assert found.size <= len(data)
            assert reader(data).size == 0
        except SealError:
            assert not data.startswith(HEAD)


def test_heads_round_trip_and_are_bounded() -> None:
    head, length = Head.parse(HEAD + b"rest")
    assert head.serialize() == HEAD
    assert length == len(HEAD)
    assert "wrapped'" not in repr(head)
    for bad in (Head("../x", b""), Head("", b""), Head("x" * 65, b""), Head("x", bytes(2000))):
        with pytest.raises(ValueError, match="bad id"):
            bad.serialize()
    for cut in range(len(HEAD)):
        with pytest.raises(SealError):
            Head.parse(HEAD[:cut])


def test_nothing_follows_the_last_chunk() -> None:
    writer = SealWriter(lambda data: None, HEAD, KEY)
    writer.finish()
    writer.finish()
    with pytest.raises(ValueError, match="finished"):
        writer.write(b"x")


def test_a_label_is_sealed_bound_to_its_head_and_found_again() -> None:
    made = labelled(Head("one", b"wrapped"), KEY, b"room 1001")
    head, length = Head.parse(made.serialize() + b"rest")
    assert (head, length) == (made, len(made.serialize()))
    assert open_label(head, KEY) == b"room 1001"
    assert b"1001" not in made.serialize()
    assert open_label(Head("one", b"wrapped"), KEY) == b""
    for changed in (replace(made, id="two"), replace(made, wrapped_key=b"Wrapped"), replace(made, label=b"x")):
        with pytest.raises(SealError):
            open_label(changed, KEY)
    with pytest.raises(SealError):
        open_label(made, bytes(32))


def test_files_of_the_first_version_are_read_as_before() -> None:
    """They have no label."""
    old = b"DTSR\x01\x03one" + (7).to_bytes(2, "big") + b"wrapped"
    head, length = Head.parse(old + bytes(50))
    assert (head.id, head.wrapped_key, head.label, length) == ("one", b"wrapped", b"", len(old))
    assert head.serialize() == old
    data, last = sealed(PIECES, head=old)
    found = verify(read_at(data), len(data), KEY)
    assert (found.chain_head, found.is_complete) == (last, True)
    assert reader(data).read(5, 20) == PLAIN[5:25]


@pytest.mark.exhaustive
@pytest.mark.parametrize("is_labelled", [True, False])
def test_every_flipped_byte_is_within_the_range_that_is_named(is_labelled: bool) -> None:
    head = Head("one", b"wrapped")
    data, _ = sealed(PIECES, head=(labelled(head, KEY, b"room 1001") if is_labelled else head).serialize())
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 0x40
        try:
            bad = verify(read_at(bytes(changed)), len(changed), KEY).first_bad
            assert bad is not None
        except SealError as error:
            bad = error.offset, error.end
        assert bad[0] <= position < bad[1], position
