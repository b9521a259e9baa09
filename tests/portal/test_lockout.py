"""Delays after failed sign-ins, on a clock that stands in the test."""

from portal.lockout import Lockout, LockoutPolicy

POLICY = LockoutPolicy(free_failures=3, first_delay_s=2.0, max_delay_s=60.0, forget_after_s=600.0)


def test_first_failures_cost_nothing_then_the_delay_doubles_up_to_its_bound():
    lockout, delays, now = Lockout(POLICY), [], 0.0
    for _ in range(12):
        lockout.fail("x", now)
        delays.append(lockout.retry_after_s("x", now))
        now += delays[-1]
    assert delays == [0, 0, 0, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_waiting_ends():
    lockout = Lockout(POLICY)
    for _ in range(4):
        lockout.fail("x", 100.0)
    assert lockout.retry_after_s("x", 101.5) == 0.5
    assert lockout.retry_after_s("x", 102.0) == 0


def test_success_and_time_forget():
    lockout = Lockout(POLICY)
    for _ in range(6):
        lockout.fail("x", 0.0)
        lockout.fail("y", 0.0)
    lockout.succeed("x")
    assert lockout.retry_after_s("x", 0.0) == 0
    lockout.fail("y", 601.0)
    assert lockout.retry_after_s("y", 601.0) == 0


def test_keys_do_not_meet():
    lockout = Lockout(POLICY)
    for _ in range(6):
        lockout.fail("x", 0.0)
    assert lockout.retry_after_s("y", 0.0) == 0


def test_memory_is_bounded_and_the_oldest_is_forgotten_first():
    lockout = Lockout(POLICY, max_keys=10)
    for key in range(100):
        lockout.fail(str(key), float(key))
    assert len(lockout) == 10
    for _ in range(3):
        lockout.fail("99", 100.0)
    assert lockout.retry_after_s("99", 100.0) == 2.0
