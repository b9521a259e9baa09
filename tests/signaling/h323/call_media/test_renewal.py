"""New keys that nobody asked for, by the clock (H.235.6 8.6.2)."""

from __future__ import annotations

import pytest

from crypto.h235.diffie_hellman import DH_1024
from mcu.media import Kind
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.own import OwnMedia
from tests.signaling.h323.call_media.pair import LEFT, MCU, RIGHT, TERMINAL, End, Pair, agreed, flows

DAY_S = 86_400.0
SENT = (Kind.AUDIO, Kind.VIDEO, Kind.CAMERA)


def secret(kind: int, lifetime_s: float = DAY_S) -> Pair:
    """Our end, of this terminal type, and one that never begins by itself."""
    ours, theirs = agreed(DH_1024)
    wishes = Wishes(OwnMedia(), key_lifetime_s=lifetime_s)
    other = TERMINAL if kind == MCU else MCU
    return Pair(End(LEFT, kind, wishes=wishes, security=ours), End(RIGHT, other, security=theirs)).start()


def keys(end: End) -> dict[Kind, bytes]:
    return {kind: end.stream(kind).h235.local for kind in SENT}


@pytest.mark.parametrize("kind", [MCU, TERMINAL])
def test_all_channels_get_new_keys_when_theirs_are_old(kind):
    """As master they are made, as slave asked for; what comes under the old ones is read on."""
    pair = secret(kind)
    for day in range(1, 4):
        before = {end: keys(end) for end in (pair.left, pair.right)}
        assert pair.left.media.next_timeout() == day * DAY_S
        assert pair.left.media.on_timeout(day * DAY_S - 1) == []
        pair.now = day * DAY_S
        pair.say(pair.left, pair.left.media.on_timeout(pair.now))
        for sender, receiver in ((pair.left, pair.right), (pair.right, pair.left)):
            for each in SENT:
                flows(sender, receiver, each)
                old = before[sender][each]
                assert sender.stream(each).h235.local != old
                assert old in dict(receiver.stream(each).h235.remote).values()
    assert pair.right.media.next_timeout() is None


def test_the_plane_has_a_new_key_before_its_packets_come():
    """As master: what media hold when on_timeout() returns reads the slave's first packet under it."""
    pair = secret(MCU)
    effects = pair.left.media.on_timeout(DAY_S)
    taken = dict(pair.left.stream(Kind.AUDIO).h235.remote)
    sent_before = pair.left.stream(Kind.AUDIO).h235.local
    pair.say(pair.left, effects)
    sent = pair.right.stream(Kind.AUDIO)
    assert taken[sent.send.payload_type] == sent.h235.local
    assert pair.left.stream(Kind.AUDIO).h235.local != sent_before


def test_a_peer_that_takes_no_updates_keeps_its_keys():
    pair = secret(MCU)
    for day in (1, 2, 3):
        pair.left.media.on_timeout(day * DAY_S)  # nothing of it arrives
    assert keys(pair.left)[Kind.AUDIO] in dict(pair.right.stream(Kind.AUDIO).h235.remote).values()
    assert keys(pair.right)[Kind.AUDIO] in dict(pair.left.stream(Kind.AUDIO).h235.remote).values()
    assert len(pair.left.stream(Kind.AUDIO).h235.remote) <= 3


def test_clear_media_and_a_setting_of_zero_need_no_clock():
    assert secret(MCU, 0.0).left.media.next_timeout() is None
    clear = Pair(End(LEFT, MCU, wishes=Wishes(OwnMedia(), key_lifetime_s=DAY_S)), End(RIGHT)).start()
    assert clear.left.stream(Kind.AUDIO).send is not None
    assert clear.left.media.next_timeout() is None
