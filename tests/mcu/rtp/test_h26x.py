"""H.261 and H.263, cut and joined; FFmpeg's own RTP is what the other side sends."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.rtp import bits, h261, h263, h263_old, h263_picture
from mcu.rtp import packet as rtp

FRAMES = 6


@dataclass(frozen=True)
class Sent:
    """What FFmpeg made of a moving picture: its pictures, and its RTP payloads of each."""

    pictures: list[bytes]
    payloads: list[list[bytes]]


def sent(codec: str, size: tuple[int, int], options: dict[str, str], muxer: dict[str, str]) -> Sent:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        receiver.settimeout(0.2)
        pictures = []
        url = f"rtp://127.0.0.1:{receiver.getsockname()[1]}?pkt_size=1212"
        with av.open(url, "w", format="rtp", options=muxer) as container:
            stream = container.add_stream(codec, rate=Fraction(30000, 1001), options=options)
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
            stream.bit_rate = 400_000
            coarse = np.random.default_rng(1).integers(0, 255, (size[1] // 16, size[0] // 16, 3), np.uint8)
            noise = coarse.repeat(16, axis=0).repeat(16, axis=1)
            for number in range(FRAMES + 1):
                picture = av.VideoFrame.from_ndarray(np.roll(noise, 8 * number, axis=1), format="rgb24")
                packets = stream.encode(picture if number < FRAMES else None)
                pictures += [bytes(packet) for packet in packets]
                container.mux(packets)
        payloads: dict[int, list[bytes]] = {}
        try:
            while True:
                packet = rtp.parse(receiver.recv(2048))
                if packet is not None and not 64 <= packet.payload_type < 96:  # no RTCP that shares the port
                    payloads.setdefault(packet.timestamp, []).append(packet.payload)
        except TimeoutError:
            pass
    return Sent(pictures, list(payloads.values()))


@pytest.fixture(scope="module")
def h263_plus() -> Sent:
    return sent("h263p", (352, 288), {"ps": "600", "g": "4"}, {})


@pytest.fixture(scope="module")
def h263_of_1996() -> Sent:
    return sent("h263", (176, 144), {"ps": "600", "g": "4"}, {"rtpflags": "rfc2190"})


@pytest.fixture(scope="module")
def h261_cif() -> Sent:
    return sent("h261", (352, 288), {"g": "4"}, {"strict": "experimental"})


@pytest.mark.parametrize(
    ("which", "depacketizer"),
    [("h263_plus", h263.Depacketizer), ("h263_of_1996", h263_old.Depacketizer), ("h261_cif", h261.Depacketizer)],
)
def test_pictures_from_ffmpegs_rtp_are_the_pictures_that_ffmpeg_made(which, depacketizer, request):
    seen = request.getfixturevalue(which)
    assert len(seen.payloads) == len(seen.pictures) == FRAMES
    assert max(map(len, seen.payloads)) > 1
    joiner = depacketizer()
    for payloads, picture in zip(seen.payloads, seen.pictures, strict=True):
        assert joiner.starts_frame(payloads[0])
        assert not any(map(joiner.starts_frame, payloads[1:]))
        assert joiner.join(payloads).payload == picture
        assert joiner.join(payloads[1:]) is None
    assert joiner.malformed == FRAMES


@pytest.mark.parametrize(
    ("which", "cut", "depacketizer"),
    [
        ("h263_plus", h263.cut, h263.Depacketizer),
        ("h263_of_1996", h263_old.cut, h263_old.Depacketizer),
        ("h261_cif", h261.cut, h261.Depacketizer),
    ],
)
def test_what_is_cut_comes_together_again(which, cut, depacketizer, request):
    for picture in request.getfixturevalue(which).pictures:
        pieces = cut(picture, 700)
        assert [piece.marker for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        assert max(len(piece.payload) for piece in pieces) <= 1000
        assert depacketizer().join([piece.payload for piece in pieces]).payload == picture


def test_the_header_of_mode_a_is_ffmpegs(h263_of_1996):
    for payloads, picture in zip(h263_of_1996.payloads, h263_of_1996.pictures, strict=True):
        of_mode_a = [payload for payload in payloads if payload[0] < 0x80]
        assert h263_old.cut(picture)[0].payload[:3] == of_mode_a[0][:3]  # then follows what only PB-frames need


def test_every_payload_of_h261_begins_with_a_group(h261_cif):
    """Behind the bits to leave out, its start code and a number that is not 0 (RFC 4587 4.1, H.261 4.2.2)."""
    for picture in h261_cif.pictures:
        for piece in h261.cut(picture)[1:]:
            digits = "".join(f"{octet:08b}" for octet in piece.payload[4:10])[piece.payload[0] >> 5 :]
            assert digits.startswith("0" * 15 + "1")
            assert digits[16:20] != "0000"
            assert piece.payload[1:4] == bytes(3)


def test_keyframes_and_sizes_are_read(h263_plus, h263_of_1996, h261_cif):
    assert [n for n, picture in enumerate(h263_plus.pictures) if h263_picture.picture_info(picture)[0]] == [0, 4]
    assert h263_picture.picture_info(h263_plus.pictures[0]) == (True, (352, 288))
    assert h263_picture.picture_info(h263_of_1996.pictures[4]) == (True, (176, 144))
    assert h261.picture_size(h261_cif.pictures[0]) == (352, 288)


def test_a_custom_size_is_read():
    context = av.CodecContext.create("h263p", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 320, 240, "yuv420p", Fraction(1, 25)
    picture = b"".join(map(bytes, [*context.encode(av.VideoFrame(320, 240, "yuv420p")), *context.encode(None)]))
    assert h263_picture.picture_info(picture) == (True, (320, 240))


def qcif(groups: list[str]) -> bytes:
    """A picture of H.261 out of digits: its header (4.2.1), then groups behind their start codes (4.2.2)."""
    header = "00000000000000010000000000000110"
    text = header + "".join("0000000000000001" + group for group in groups)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


BLOCKS = "10010010" * 40
INTRA, INTRA_WITH_QUANTIZER, INTER = "10001", "1000000100111", "11"


@pytest.mark.parametrize(
    ("macroblocks", "expected"),
    [
        ([INTRA, INTRA, INTRA], True),
        ([INTRA, INTRA_WITH_QUANTIZER, "00000001111" + INTRA], True),
        ([INTER, INTRA, INTRA], False),
        ([INTRA, INTRA, INTER], False),
        ([INTRA, INTRA, "0110001"], False),
        ([INTRA, INTRA], False),
        ([], False),
    ],
)
def test_an_intra_picture_of_h261_is_known_by_its_groups(macroblocks, expected):
    groups = [f"{number:04b}010000" + each + BLOCKS for number, each in zip((1, 3, 5), macroblocks, strict=False)]
    assert h261.is_intra(qcif(groups), (176, 144)) is expected
    spare = [f"{number:04b}" "01000" "1" "11001100" "0" + each + BLOCKS
             for number, each in zip((1, 3, 5), macroblocks, strict=False)]  # fmt: skip
    assert h261.is_intra(qcif(spare), (176, 144)) is expected


def test_what_ffmpeg_makes_of_h261_begins_where_it_says(h261_cif):
    joined = [h261.Depacketizer().join(payloads) for payloads in h261_cif.payloads]
    assert [n for n, picture in enumerate(joined) if picture.is_keyframe] == [0, 4]
    assert [(picture.width, picture.height) for picture in joined[:2]] == [(352, 288), (0, 0)]


def test_an_enormous_picture_of_h261_is_not_searched():
    assert not h261.is_intra(qcif(["0001010000" + INTRA + BLOCKS] * 3) + bytes(40_000), (176, 144))


def test_bits_are_joined_inside_an_octet():
    assert bits.join([(b"\xab\xc0", 0, 4), (b"\x0d\xef", 4, 0)]) == b"\xab\xcd\xef"
    assert bits.join([(b"\xab", 0, 0), (b"\xcd", 0, 0)]) == b"\xab\xcd"
    assert bits.join([(b"\xab", 0, 4), (b"\xcd", 0, 0)]) is None
    assert bits.join([(b"", 0, 0)]) is None


@pytest.mark.parametrize("depacketizer", [h263.Depacketizer, h263_old.Depacketizer, h261.Depacketizer])
@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=4))
def test_anything_may_come(depacketizer, payloads):
    joiner = depacketizer()
    joiner.starts_frame(payloads[0])
    assert (joiner.join(payloads) is None) == (joiner.malformed == 1)
