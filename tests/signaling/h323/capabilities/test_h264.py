from __future__ import annotations

import pytest

from signaling.h323.capabilities import h264
from signaling.h323.capabilities.capability import H264


def parameter(number, value, kind="unsignedMin"):
    return {"parameterIdentifier": ("standard", number), "parameterValue": (kind, value)}


def capability(*parameters, **more):
    return {"capabilityIdentifier": ("standard", (0, 0, 8, 241, 0, 0, 1)), "collapsing": list(parameters), **more}


def test_ours_as_h241_prints_it():
    """H.241 8.3.2: profile 41 (Baseline 64, Main 32, High 8), level 42 (3.1 is 71), 3 in 500 MB/s, 4 in 256 MB."""
    name, body = h264.write(H264(100, 31, max_mbps=245_760, max_fs=8_192), 1_920_000)
    assert name == "genericVideoCapability"
    assert body == capability(
        parameter(41, 8, "booleanArray"), parameter(42, 71), parameter(3, 492), parameter(4, 32),
        maxBitRate=19_200,
    )  # fmt: skip
    assert h264.write(H264(66, 31), 64_000)[1]["collapsing"][0] == parameter(41, 64, "booleanArray")


@pytest.mark.parametrize(
    ("number", "level"), [(15, 10), (19, 9), (22, 11), (43, 20), (50, 21), (71, 31), (85, 40), (92, 41), (113, 51)]
)
def test_levels_by_their_numbers(number, level):
    found, _ = h264.read(capability(parameter(41, 64, "booleanArray"), parameter(42, number)))
    assert found.level_idc == level
    assert h264.write(found, 0)[1]["collapsing"][1] == parameter(42, number)


@pytest.mark.parametrize(
    ("bits", "profile", "least"),
    [
        (64, 66, 0),
        (32, 77, 0),
        (8, 100, 0),
        (64 | 8, 100, 66),
        (64 | 32, 77, 66),
        (64 | 32 | 16 | 8, 100, 66),
        (32 | 8, 100, 77),
    ],
)
def test_profiles_by_their_bits(bits, profile, least):
    found, _ = h264.read(capability(parameter(41, bits, "booleanArray"), parameter(42, 71)))
    assert (found.profile_idc, found.least_profile_idc) == (profile, least)


def test_a_profile_that_nobody_has():
    assert h264.read(capability(parameter(41, 16, "booleanArray"), parameter(42, 71))) is None


@pytest.mark.parametrize(
    "body",
    [
        {"capabilityIdentifier": ("standard", (0, 0, 8, 261, 0, 0, 1))},
        {"capabilityIdentifier": ("h221NonStandard", {})},
    ],
)
def test_other_generic_pictures(body):
    assert h264.read(body) is None


def test_a_terminal_that_lifts_a_low_level():
    """A usual habit: level 1.3 with the limits of 720p at 30 pictures a second."""
    habit = capability(
        parameter(41, 64, "booleanArray"), parameter(42, 36), parameter(3, 216), parameter(4, 15), maxBitRate=17_000
    )
    found, rate_bps = h264.read(habit)
    assert (found, rate_bps) == (H264(66, 13, 108_000, 3_840), 1_700_000)
    assert h264.usable(found).level_idc == 31
    assert h264.profile_level_id(h264.usable(found)) == "42e01f"


def test_a_lifted_size_alone_lifts_no_level():
    assert h264.usable(H264(66, 13, 0, 3_840)) == H264(66, 13, 11_880, 3_840)
    assert h264.usable(H264(66, 12, 11_880)) == H264(66, 13, 11_880, 396)


def test_unknown_levels_and_nothing_at_all():
    assert h264.read(capability(parameter(41, 64, "booleanArray"), parameter(42, 73)))[0].level_idc == 31
    assert h264.read(capability())[0] == H264(66, 10)


@pytest.mark.parametrize(
    ("limits", "text"),
    [(H264(66, 31), "42e01f"), (H264(77, 40), "4d4028"), (H264(100, 31), "64001f"), (H264(66, 9), "42f00b")],
)
def test_profile_level_id(limits, text):
    assert h264.profile_level_id(limits) == text
