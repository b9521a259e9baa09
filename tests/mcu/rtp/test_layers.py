"""The choice of a simulcast layer, with a virtual clock."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.rtp.layers import STALE_US, LayerSelector

LOW, MIDDLE, HIGH = range(3)
SIZES = ((320, 180), (640, 360), (1280, 720))
FRAME_US = 40_000


class Camera:
    """Sends some layers 25 times a second, with a keyframe where one is needed."""

    def __init__(
        self, *, sizes: tuple[tuple[int, int], ...] = SIZES, sent: tuple[int, ...] = (LOW, MIDDLE, HIGH)
    ) -> None:
        self.selector = LayerSelector(3)
        self.sizes = sizes
        self.sent = sent
        self.answers = True
        self.now_us = 1_000_000
        self.passed: list[tuple[int, bool]] = []
        self._decodable: set[int] = set()

    def run(self, frames: int = 1) -> None:
        for _ in range(frames):
            for layer in self.sent:
                self._send(layer)
            self.now_us += FRAME_US
            self.selector.handle_timeout(self.now_us)

    def _send(self, layer: int) -> None:
        self.selector.heard(layer, self.now_us)
        self._decodable &= set(self.selector.in_use)
        if layer not in self.selector.in_use:
            return
        is_key = layer not in self._decodable and self.answers
        if not is_key and layer not in self._decodable:
            return  # nothing comes out before a keyframe
        self._decodable.add(layer)
        if self.selector.passes(layer, is_key, self.sizes[layer], self.now_us):
            self.passed.append((layer, is_key))


TILES = [
    ((1280, 720), HIGH), ((1920, 1080), HIGH), ((640, 360), MIDDLE), ((427, 240), MIDDLE), ((704, 396), MIDDLE),
    ((960, 540), HIGH), ((320, 180), LOW), ((213, 120), LOW), ((340, 191), LOW), ((320, 360), LOW), ((1, 1), LOW),
]  # fmt: skip


@pytest.mark.parametrize(("tile", "layer"), TILES)
def test_the_lowest_layer_that_fills_the_tile(tile: tuple[int, int], layer: int) -> None:
    camera = Camera()
    camera.selector.show(*tile, camera.now_us)
    camera.run(3)
    assert camera.selector.in_use == (layer,)
    assert camera.passed[-1] == (layer, False)


def test_the_old_layer_goes_on_until_the_keyframe_of_the_new_one() -> None:
    camera = Camera()
    camera.selector.show(320, 180, camera.now_us)
    camera.run(5)
    camera.answers = False
    camera.selector.show(1280, 720, camera.now_us)
    camera.run(5)
    assert camera.selector.in_use == (LOW, HIGH)
    assert [layer for layer, _ in camera.passed[-5:]] == [LOW] * 5
    camera.answers = True
    camera.run(2)
    assert camera.passed[-2:] == [(HIGH, True), (HIGH, False)]
    assert camera.selector.in_use == (HIGH,)


def test_nothing_of_the_new_layer_passes_before_its_keyframe_nor_of_the_old_one_after() -> None:
    selector = LayerSelector(3)
    for layer in (LOW, HIGH):
        selector.heard(layer, 0)
    selector.show(320, 180, 0)
    assert selector.passes(LOW, True, SIZES[LOW], 0)
    selector.show(1280, 720, 0)
    assert not selector.passes(HIGH, False, None, 0)
    assert selector.passes(LOW, True, SIZES[LOW], 0)
    assert selector.passes(HIGH, True, None, 0)
    assert not selector.passes(LOW, True, SIZES[LOW], 0)


def test_who_changes_the_mind_before_the_keyframe_stays() -> None:
    camera = Camera()
    camera.selector.show(320, 180, camera.now_us)
    camera.run(2)
    camera.answers = False
    camera.selector.show(1280, 720, camera.now_us)
    camera.run(2)
    camera.selector.show(320, 180, camera.now_us)
    camera.run(2)
    assert camera.selector.in_use == (LOW,)
    assert {layer for layer, _ in camera.passed} == {LOW}


def test_a_layer_that_is_not_sent_is_replaced_by_the_best_there_is_and_taken_again() -> None:
    camera = Camera()
    camera.selector.show(1280, 720, camera.now_us)
    camera.run(3)
    camera.sent = (LOW, MIDDLE)
    camera.run(STALE_US // FRAME_US + 2)
    assert camera.selector.in_use == (MIDDLE,)
    camera.sent = (LOW, MIDDLE, HIGH)
    camera.run(2)
    assert camera.selector.in_use == (HIGH,)


def test_where_no_layer_fills_the_highest_is_taken_and_where_one_alone_comes_that() -> None:
    for sent in ((LOW,), (MIDDLE,), (HIGH,), (LOW, MIDDLE)):
        camera = Camera(sent=sent)
        camera.selector.show(1280, 720, camera.now_us)
        camera.run(2)
        assert camera.selector.in_use == (sent[-1],)


def test_sizes_are_learnt_from_keyframes() -> None:
    camera = Camera(sizes=((160, 90), (320, 180), (640, 360)))
    camera.selector.show(427, 240, camera.now_us)
    camera.run(4)
    assert camera.selector.in_use == (HIGH,), "the middle one is smaller than believed"
    assert [layer for layer, _ in camera.passed][:3] == [LOW, MIDDLE, HIGH], "a small picture comes before none"
    upright = Camera(sizes=((90, 160), (180, 320), (360, 640)))
    upright.selector.show(320, 180, upright.now_us)
    upright.run(4)
    assert upright.selector.in_use == (MIDDLE,)


def test_another_camera_is_measured_anew() -> None:
    camera = Camera(sizes=((160, 90), (320, 180), (640, 360)))
    camera.selector.show(640, 360, camera.now_us)
    camera.run(3)
    assert camera.selector.in_use == (HIGH,)
    camera.sizes = SIZES
    camera.selector.passes(HIGH, True, SIZES[HIGH], camera.now_us)
    camera.run(3)
    assert camera.selector.in_use == (MIDDLE,)


def test_what_nobody_sees_uses_no_layer_and_comes_back_with_a_keyframe() -> None:
    camera = Camera()
    camera.selector.show(640, 360, camera.now_us)
    camera.run(3)
    camera.selector.hide()
    passed = len(camera.passed)
    camera.run(30)
    assert camera.selector.in_use == ()
    assert len(camera.passed) == passed
    camera.selector.show(640, 360, camera.now_us)
    camera.run(2)
    assert camera.passed[passed:] == [(MIDDLE, True), (MIDDLE, False)]


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("show"), st.integers(1, 2000), st.integers(1, 1200)),
        st.tuples(st.just("hide")),
        st.tuples(st.just("sent"), st.sets(st.integers(0, 2))),
        st.tuples(st.just("answers"), st.booleans()),
        st.tuples(st.just("run"), st.integers(1, 20)),
    ),
    max_size=25,
)


@settings(max_examples=100, deadline=None)
@given(EVENTS)
def test_every_change_begins_with_a_keyframe(events: list[tuple[Any, ...]]) -> None:
    camera = Camera()
    for name, *values in events:
        if name == "show":
            camera.selector.show(values[0], values[1], camera.now_us)
        elif name == "hide":
            camera.selector.hide()
        elif name == "run":
            camera.run(values[0])
        elif name == "sent":
            camera.sent = tuple(sorted(values[0]))
        else:
            camera.answers = values[0]
    before = None
    for layer, is_key in camera.passed:
        assert layer == before or is_key
        before = layer
    assert len(camera.selector.in_use) <= 2
