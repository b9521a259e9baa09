"""When which keys of a passcode go out, and what a conference that asks is told."""

import pytest

from caller.h323.options import PasscodeWay
from caller.h323.passcode import DELAY_S, KEY_S, Keys, PasscodeEntry


def keyed_in(entry: PasscodeEntry, until: float) -> list[Keys]:
    found, now = [], 0.0
    while now < until:
        if (keys := entry.due(now)) is not None:
            found.append(keys)
        now += 0.01
    return found


@pytest.mark.parametrize(("way", "digits"), [
    (PasscodeWay.INPUT, ["2468#"]), (PasscodeWay.KEYPAD, ["2468#"]), (PasscodeWay.SIGNAL, ["2", "4", "6", "8", "#"]),
    (PasscodeWay.DIALLED, []), (PasscodeWay.H243, []),
])  # fmt: skip
def test_keys_go_out_once_after_the_media_stand(way, digits) -> None:
    entry = PasscodeEntry("2468", way)
    assert keyed_in(entry, 10) == []
    entry.media_stand(0)
    entry.media_stand(5)
    assert keyed_in(entry, DELAY_S - 0.1) == []
    found = keyed_in(entry, DELAY_S + 6 * KEY_S)
    assert [keys.digits for keys in found] == digits
    assert all(keys.way is way for keys in found)
    assert "2" not in "".join(map(repr, found))
    assert keyed_in(entry, 100) == []


def test_keys_of_their_own_have_time_between_them() -> None:
    entry = PasscodeEntry("24", PasscodeWay.SIGNAL)
    entry.media_stand(0)
    assert entry.due(DELAY_S) == Keys(PasscodeWay.SIGNAL, "2")
    assert entry.due(DELAY_S + KEY_S - 0.01) is None
    assert entry.due(DELAY_S + KEY_S) == Keys(PasscodeWay.SIGNAL, "4")


def test_a_conference_that_asks_is_answered_only_where_that_is_the_way() -> None:
    assert PasscodeEntry("2468", PasscodeWay.H243).answer() == b"2468"
    assert PasscodeEntry("2468", PasscodeWay.INPUT).answer() == b""
    assert PasscodeEntry("", PasscodeWay.H243).answer() == b""
