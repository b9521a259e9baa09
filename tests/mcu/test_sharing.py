"""Whose screen is shown."""

from mcu.sharing import Sharing


def test_the_newest_share_wins_and_the_older_comes_back():
    sharing = Sharing()
    sharing.report(1, is_flowing=True)
    sharing.report(2, is_flowing=True)
    sharing.report(1, is_flowing=True)
    assert sharing.current == 2
    sharing.end(2)
    assert sharing.current == 1


def test_a_pause_of_a_second_does_not_end_it():
    sharing = Sharing()
    for is_flowing in (True, False, True, False):
        sharing.report(1, is_flowing)
    assert sharing.current == 1
    sharing.report(1, is_flowing=False)
    assert sharing.current == 0
