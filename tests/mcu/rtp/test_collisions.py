"""A collision of SSRCs is ended by a new number, a loop by none (RFC 3550 8.2)."""

from mcu.rtp.collisions import MAX_CHANGES, WINDOW_US, CollisionGuard


def test_a_collision_changes_our_number_and_a_later_one_too() -> None:
    guard = CollisionGuard()
    assert guard.is_collision(1_000_000)
    assert guard.is_collision(1_000_000 + 2 * WINDOW_US)


def test_who_has_each_new_number_of_ours_sends_back_what_we_send() -> None:
    guard = CollisionGuard()
    verdicts = [guard.is_collision(1_000_000 + 20_000 * n) for n in range(2000)]
    assert verdicts == [True] * MAX_CHANGES + [False] * (2000 - MAX_CHANGES)
    assert guard.is_collision(1_000_000 + 20_000 * 2000 + 2 * WINDOW_US), "when it has stopped, all is as before"
