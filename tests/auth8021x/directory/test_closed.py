"""The memory of sessions that are over: bounded, and a NAS that starts anew counts from the beginning."""

from hypothesis import given
from hypothesis import strategies as st

from auth8021x.directory.closed import Closed, Id

IDS = st.tuples(st.just("north"), st.sampled_from(["a", "b"]), st.sampled_from(["1", "2", "3"]))
STEPS = st.one_of(IDS, st.sampled_from(["a", "b"]), st.integers(0, 60))


@given(st.lists(STEPS, max_size=30))
def test_as_a_plain_list_would_do_it(steps: list[Id | str | int]):
    closed, now = Closed(4, 100), 0
    plain: list[tuple[Id, int, bool]] = []
    for step in steps:
        if isinstance(step, tuple):
            closed.add(step, now)
            plain = [each for each in plain if each[0] != step] + [(step, now + 100, True)]
            plain = plain[-4:]
        elif isinstance(step, str):
            closed.forget("north", step)
            plain = [(each, until, counts and each[1] != step) for each, until, counts in plain]
        else:
            now += step
            closed.expire(now)
            plain = [each for each in plain if each[1] > now]
        assert len(closed) == len(plain) == sum(nas.entries for nas in closed._nas.values())
        for nas in ("a", "b"):
            for number in ("1", "2", "3"):
                known = ("north", nas, number)
                assert (known in closed) == any(each == known and counts for each, _, counts in plain)
        assert set(closed._nas) == {each[:2] for each, _, _ in plain}
