"""Every kept input, and some changed ones, through every target: nothing raises, nothing takes long."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import targets  # noqa: F401 - registers them
from tests.fuzz.mutator import mutate
from tests.fuzz.target import CORPUS, MAX_INPUT_BYTES, TARGETS

LONGEST_S = 0.5
"""CPU time; generous, since the machine may be busy. What is quadratic is far beyond it."""


@pytest.mark.parametrize("name", TARGETS)
def test_kept_inputs_and_changed_ones(name: str) -> None:
    found = TARGETS[name]
    seeds = found.corpus()
    assert seeds, "a target has something to start from"
    for title, data in seeds.items():
        assert found.feed(data) < LONGEST_S, title
    chance = random.Random(name)
    for _ in range(40 if found.is_fast else 8):
        data = mutate(chance, list(seeds.values()), MAX_INPUT_BYTES)
        assert found.feed(data) < LONGEST_S, data.hex()


@given(data=st.binary(max_size=200), name=st.sampled_from([each.name for each in TARGETS.values() if each.is_fast]))
@settings(max_examples=100, deadline=None)
def test_any_bytes(data: bytes, name: str) -> None:
    assert TARGETS[name].feed(data) < LONGEST_S


def test_the_corpus_holds_nothing_else() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
