"""Who has the floor, and whose screen is shown."""

from mcu.sharing import PATIENT_REPORTS, Sharing


def test_who_begins_to_send_has_the_floor_and_the_older_does_not_come_back():
    sharing = Sharing()
    sharing.report(1, is_flowing=True)
    sharing.report(2, is_flowing=True)
    sharing.report(1, is_flowing=True)
    assert sharing.current == 2
    sharing.end(2)
    assert sharing.current == 0
    sharing.report(1, is_flowing=True)
    assert sharing.current == 0, "who lost the floor has to begin anew"
    for is_flowing in (False, False, True):
        sharing.report(1, is_flowing)
    assert sharing.current == 1


def test_a_pause_of_a_second_does_not_end_it():
    sharing = Sharing()
    for is_flowing in (True, False, True, False):
        sharing.report(1, is_flowing)
    assert sharing.current == 1
    sharing.report(1, is_flowing=False)
    assert sharing.current == sharing.holder == 0


def test_a_request_takes_over_or_is_refused_by_policy():
    sharing = Sharing()
    assert sharing.request(1, may_take_over=False)
    assert sharing.request(1, may_take_over=False), "asked again"
    assert not sharing.request(2, may_take_over=False)
    sharing.report(2, is_flowing=True, may_take_over=False)
    assert sharing.holder == 1
    assert sharing.request(2, may_take_over=True)
    assert (sharing.holder, sharing.current) == (2, 2)
    sharing.release(1)
    assert sharing.holder == 2
    sharing.release(2)
    assert sharing.current == 0


def test_nothing_is_shown_before_it_is_sent_and_a_floor_that_is_not_used_is_lost():
    sharing = Sharing()
    sharing.request(1, may_take_over=True)
    assert (sharing.holder, sharing.current) == (1, 0)
    for _ in range(PATIENT_REPORTS):
        sharing.report(1, is_flowing=False)
    assert sharing.holder == 0


def test_a_still_picture_keeps_the_floor_of_who_asked_for_it():
    sharing = Sharing()
    sharing.request(1, may_take_over=True)
    sharing.report(1, is_flowing=True)
    for _ in range(2 * PATIENT_REPORTS):
        sharing.report(1, is_flowing=False)
    assert sharing.current == 1
    sharing.report(2, is_flowing=True, may_take_over=False)
    sharing.report(1, is_flowing=False)
    assert sharing.current == 1
