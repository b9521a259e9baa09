from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from config.h323 import H323Settings
from signaling.h323.transport.call_places import CallPlaces

FULL = "gatewayResources"


@pytest.fixture
def counters():
    return Counter()


@pytest.fixture
def places(counters):
    settings = msgspec.structs.replace(
        H323Settings(), max_signalled_calls=4, max_signalled_calls_per_source=2, max_stranger_calls=3
    )
    return CallPlaces(settings, counters)


def refusal(places, source="192.0.2.1", *, is_limited=True, is_known=False):
    return places.refusal(source, is_limited=is_limited, is_known=is_known)


def test_a_source_has_so_many_calls(places, counters):
    for number in (1, 2):
        assert not refusal(places)
        places.enter(number, "192.0.2.1", is_known=False)
    assert refusal(places) == refusal(places, is_known=True) == FULL
    assert not refusal(places, "192.0.2.2")
    assert not refusal(places, is_limited=False)
    places.leave(1)
    places.leave(1)
    assert not refusal(places)
    assert len(places) == 1
    assert counters == {"call-too-many-of-source": 2}


def test_strangers_leave_places_for_those_who_are_known(places, counters):
    for number in range(3):
        places.enter(number, f"192.0.2.{number}", is_known=False)
    assert refusal(places, "192.0.2.7") == FULL
    assert not refusal(places, "192.0.2.7", is_known=True)
    places.enter(3, "192.0.2.7", is_known=True)
    assert refusal(places, "192.0.2.8", is_known=True) == FULL
    places.leave(3)
    assert refusal(places, "192.0.2.7") == FULL
    places.leave(0)
    assert not refusal(places, "192.0.2.7")
    assert counters == {"call-too-many-of-strangers": 2, "call-too-many": 1}
