from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media import Kind
from signaling.h323 import per
from signaling.h323.capabilities import channel, fast_start, h264, own, remote
from signaling.h323.capabilities.capability import H264
from signaling.h323.capabilities.choice import choose
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.errors import MalformedPduError
from signaling.h323.h245 import open_channel
from tests.signaling.h323.capabilities.terminals import ROOM_SYSTEM
from tests.signaling.h323.capabilities.test_capabilities import AES, RTCP, over_the_line, read

OURS = OwnMedia(algorithms=AES)
HEAD = {"sequenceNumber": 1, "protocolIdentifier": (0, 0, 8, 245, 0, 7)}


def mutated(octets, dice):
    changed = bytearray(octets)
    for _ in range(dice.randint(1, 3)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def decoded(octets):
    try:
        return [per.decode(per.Type.OPEN_LOGICAL_CHANNEL, octets)]
    except MalformedPduError:
        return []


@pytest.mark.exhaustive
def test_changed_capability_sets_are_malformed_or_understood():
    dice = random.Random(5)
    whole = [
        per.encode(per.Type.H245, ("request", ("terminalCapabilitySet", HEAD | each)))
        for each in (ROOM_SYSTEM, own.capability_set(OURS))
    ]
    taken = 0
    for _ in range(500):
        try:
            message = per.decode(per.Type.H245, mutated(dice.choice(whole), dice))
        except MalformedPduError:
            continue
        if message[1][0] != "terminalCapabilitySet":
            continue
        taken += 1
        for medium in choose(remote.read(message[1][1]), OURS, Kind).values():
            body = open_channel.write_open(channel.write(1, medium, RTCP))
            assert per.encode(per.Type.OPEN_LOGICAL_CHANNEL, body)
    assert taken > 50


def test_changed_channels_are_malformed_or_understood():
    dice = random.Random(6)
    media = choose(remote.read(over_the_line(own.capability_set(OURS))), OURS, Kind).values()
    items = [
        per.encode(per.Type.OPEN_LOGICAL_CHANNEL, open_channel.write_open(channel.write(1, medium, RTCP)))
        for medium in media
    ]
    taken = 0
    for _ in range(1000):
        for item in fast_start.read(decoded(mutated(dice.choice(items), dice))):
            medium = channel.read(item.channel)
            if medium is not None:
                assert medium.format.payload_type < 128
                taken += 1
    assert taken > 50


def test_items_that_end_early():
    medium = choose(read(ROOM_SYSTEM), OURS, [Kind.VIDEO])[Kind.VIDEO]
    body = open_channel.write_open(channel.write(1, medium, RTCP))
    octets = per.encode(per.Type.OPEN_LOGICAL_CHANNEL, body)
    assert not any(decoded(octets[:size]) for size in range(len(octets)))


@settings(max_examples=60, deadline=None)
@given(
    profile=st.sampled_from([66, 77, 100]),
    level=st.sampled_from([9, 10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51]),
    speed=st.integers(0, 60_000),
    size=st.integers(0, 200),
    rate=st.integers(0, 100_000),
)
def test_h264_round_trip(profile, level, speed, size, rate):
    wanted = H264(profile, level, speed * 500, size * 256)
    assert h264.read(h264.write(wanted, rate * 100)[1]) == (wanted, rate * 100)
    usable = h264.usable(wanted)
    assert usable.max_mbps >= wanted.max_mbps
    assert len(bytes.fromhex(h264.profile_level_id(usable))) == 3


parameters = st.lists(
    st.fixed_dictionaries(
        {
            "parameterIdentifier": st.tuples(st.just("standard"), st.integers(0, 127)),
            "parameterValue": st.one_of(
                st.tuples(st.sampled_from(["unsignedMin", "unsignedMax"]), st.integers(0, 65_535)),
                st.tuples(st.just("booleanArray"), st.integers(0, 255)),
                st.tuples(st.just("logical"), st.just(0)),
                st.tuples(st.just("octetString"), st.binary(max_size=4)),
            ),
        }
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(collapsing=parameters, other=parameters)
def test_whatever_parameters_stand_in_h264(collapsing, other):
    identifier = ("standard", (0, 0, 8, 241, 0, 0, 1))
    found = h264.read({"capabilityIdentifier": identifier, "collapsing": collapsing, "nonCollapsing": other})
    if found is not None:
        assert h264.profile_level_id(h264.usable(found[0]))
