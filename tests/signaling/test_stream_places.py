from __future__ import annotations

from collections import Counter

import pytest

from signaling.stream_places import StreamPlaces


@pytest.fixture
def counters():
    return Counter()


def test_each_source_has_so_many_places_and_gets_them_back(counters):
    places = StreamPlaces(10, 2, 10, counters)
    first, second = places.enter("192.0.2.1"), places.enter("192.0.2.1")
    assert first is not None
    assert first != second
    assert places.enter("192.0.2.1") is None
    assert places.enter("192.0.2.2") is not None
    assert counters == {"stream-too-many-of-source": 1}
    places.leave(first)
    places.leave(first)
    assert len(places) == 2
    assert places.enter("192.0.2.1") is not None
    assert places.enter("192.0.2.1") is None


def test_one_network_of_ipv6_is_one_source(counters):
    places = StreamPlaces(10, 1, 10, counters)
    assert places.enter("2001:db8::1") is not None
    assert places.enter("2001:db8::ffff:2") is None
    assert places.enter("2001:db8:0:1::1") is not None


def test_the_oldest_half_open_one_makes_way(counters):
    ended: list[str] = []
    places = StreamPlaces(3, 10, 2, counters)
    first = places.enter("192.0.2.1", lambda: ended.append("first"))
    second = places.enter("192.0.2.2", lambda: ended.append("second"))
    assert places.half_open == 2
    third = places.enter("192.0.2.3", lambda: ended.append("third"))
    assert ended == ["first"]
    assert first not in places
    assert {second, third} <= {number for number in range(10) if number in places}
    assert counters == {"stream-made-way": 1}


def test_full_of_useful_ones_there_is_no_place(counters):
    places = StreamPlaces(2, 10, 2, counters)
    first = places.enter("192.0.2.1", lambda: pytest.fail("it is of use"))
    places.prove(first)
    assert places.enter("192.0.2.1") is not None
    assert places.enter("192.0.2.2", lambda: None) is None
    assert counters == {"stream-too-many": 1}


def test_ones_of_our_own_take_the_place_of_half_open_ones(counters):
    ended: list[int] = []
    places = StreamPlaces(1, 10, 1, counters)
    number = places.enter("192.0.2.1", lambda: ended.append(1))
    places.ends_by(number, lambda: ended.append(2))
    ours = places.enter("192.0.2.2")
    assert ours is not None
    assert ended == [2]
    places.ends_by(ours, lambda: ended.append(3))
    assert places.half_open == 0
    assert places.enter("192.0.2.3", lambda: None) is None
