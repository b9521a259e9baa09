from __future__ import annotations

import pytest

from signaling.h323.h245.channels import FIRST_FREE_SESSION, MOST_CHANNELS
from signaling.h323.h245.events import ChannelClosed, ChannelOffered, ChannelOpened, ChannelRefused
from signaling.h323.h245.incoming_channel import T108_S
from signaling.h323.h245.logical_channel import ChannelAnswer, LogicalChannel
from signaling.h323.h245.outgoing_channel import T103_S
from tests.signaling.h323.h245.talk import Talk, control, names

DATA = ("audioData", ("g711Alaw64k", 20))
OURS = ChannelAnswer(("192.0.2.2", 4000), ("192.0.2.2", 4001))
SYNC = {"synchFlag": 97, "h235Key": b"opaque"}


def channel(number=1, **more):
    return LogicalChannel(number, more.pop("session_id", 1), DATA, media_control=("192.0.2.1", 5001), **more)


@pytest.fixture
def talk():
    talk = Talk(control(1), control(9)).start()
    talk.events(talk.left), talk.events(talk.right)
    return talk


def open_one(talk, answer=OURS, **more):
    talk.say(talk.left, talk.left.open(channel(**more), talk.now))
    (offer,) = talk.events(talk.right)
    assert isinstance(offer, ChannelOffered)
    talk.say(talk.right, talk.right.accept(offer.channel.number, answer, talk.now))
    (right,), (left,) = talk.events(talk.right), talk.events(talk.left)
    return offer.channel, left, right


@pytest.mark.parametrize("host", ["192.0.2.2", "2001:db8::2"])
def test_a_channel_opens_with_the_addresses_of_both_ends(talk, host):
    answer = ChannelAnswer((host, 4000), (host, 4001), payload_type=98, is_flow_zero=True)
    offered, left, right = open_one(talk, answer, payload_type=97)
    assert offered == channel(payload_type=97)
    assert right == ChannelOpened(offered, is_ours=False)
    assert left.is_ours
    assert left.channel.media == (host, 4000)
    assert left.channel.media_control == (host, 4001)
    assert (left.channel.payload_type, left.channel.is_flow_zero) == (98, True)


def test_ipv4_within_ipv6_is_ipv4(talk):
    _, left, _ = open_one(talk, ChannelAnswer(("::ffff:192.0.2.2", 4000)))
    assert left.channel.media == ("192.0.2.2", 4000)


def test_keys_travel_both_ways(talk):
    offered, _, _ = open_one(talk, encryption_sync=SYNC)
    assert offered.encryption_sync == SYNC
    other = SYNC | {"h235Key": b"another"}
    _, left, _ = open_one(talk, ChannelAnswer(("192.0.2.2", 4000), encryption_sync=other), number=2)
    assert left.channel.encryption_sync == other


def test_the_master_allots_sessions(talk):
    """The left end is master: of its own accord for what it opens, in its acknowledgement for the slave's."""
    assert talk.left.is_master
    assert talk.left.new_session_id() == FIRST_FREE_SESSION
    talk.say(talk.right, talk.right.open(channel(session_id=0), talk.now))
    talk.events(talk.left)
    talk.say(talk.left, talk.left.accept(1, OURS, talk.now))
    (opened,) = talk.events(talk.right)
    assert opened.channel.session_id == FIRST_FREE_SESSION + 1
    assert talk.events(talk.left)[0].channel.session_id == FIRST_FREE_SESSION + 1


def test_a_refusal(talk):
    talk.say(talk.left, talk.left.open(channel(), talk.now))
    talk.say(talk.right, talk.right.reject(1, "dataTypeNotAvailable"))
    assert talk.events(talk.left) == [ChannelRefused(1, "dataTypeNotAvailable")]
    assert talk.right.accept(1, OURS, talk.now) == talk.right.reject(1) == []
    talk.left.open(channel(), talk.now)


def test_closing_by_its_owner(talk):
    open_one(talk)
    talk.say(talk.left, talk.left.close(1, talk.now))
    assert talk.events(talk.left) == [ChannelClosed(1, is_ours=True)]
    assert talk.events(talk.right) == [ChannelClosed(1, is_ours=False)]
    assert talk.left.close(1, talk.now) == []


@pytest.mark.parametrize(("reason", "must_reopen"), [("normal", False), ("reopen", True)])
def test_closing_by_wish_of_the_receiver(talk, reason, must_reopen):
    open_one(talk)
    talk.say(talk.right, talk.right.ask_close(1, talk.now, reason))
    assert talk.events(talk.left) == [ChannelClosed(1, is_ours=True, must_reopen=must_reopen)]
    assert talk.events(talk.right) == [ChannelClosed(1, is_ours=False)]
    assert talk.right.next_timeout() is None


def test_a_wish_that_nobody_answers(talk):
    """The channel stands, and others beside it are not touched."""
    open_one(talk)
    open_one(talk, number=2)
    talk.right.ask_close(1, 5.0)
    assert talk.right.next_timeout() == 5.0 + T108_S
    assert names(talk.right.on_timeout(5.0 + T108_S)) == ["requestChannelCloseRelease"]
    assert set(talk.right.machines.channels.incoming) == {1, 2}
    assert talk.right.next_timeout() is None


def test_a_wish_for_the_end_of_what_is_not_there(talk):
    asked = ("request", ("requestChannelClose", {"forwardLogicalChannelNumber": 7}))
    assert names(talk.left.receive(asked, 0.0)) == ["requestChannelCloseReject"]
    closed = {"forwardLogicalChannelNumber": 7, "source": ("user", 0)}
    assert names(talk.left.receive(("request", ("closeLogicalChannel", closed)), 0.0)) == ["closeLogicalChannelAck"]


def test_a_close_before_the_answer(talk):
    """The acknowledgement that crosses it opens nothing any more."""
    talk.say(talk.left, talk.left.open(channel(), talk.now))
    talk.events(talk.right)
    closing = talk.left.close(1, talk.now)
    talk.say(talk.right, talk.right.accept(1, OURS, talk.now))
    assert talk.events(talk.left) == []
    talk.say(talk.left, closing)
    assert talk.events(talk.left) == [ChannelClosed(1, is_ours=True)]


def test_a_close_that_crosses_a_refusal(talk):
    closing = talk.left.open(channel(), 0.0) and talk.left.close(1, 0.0)
    assert names(closing) == ["closeLogicalChannel"]
    refusal = {"forwardLogicalChannelNumber": 1, "cause": ("unspecified", 0)}
    effects = talk.left.receive(("response", ("openLogicalChannelReject", refusal)), 0.0)
    assert effects == [ChannelClosed(1, is_ours=True)]
    assert talk.left.next_timeout() is None


@pytest.mark.parametrize("name", ["openLogicalChannelReject", "closeLogicalChannelAck"])
def test_a_channel_that_the_peer_does_not_know_is_gone(talk, name):
    open_one(talk)
    body = {"forwardLogicalChannelNumber": 1}
    body |= {"cause": ("unspecified", 0)} if name.endswith("Reject") else {}
    assert talk.left.receive(("response", (name, body)), 0.0) == [ChannelClosed(1, is_ours=True)]


def test_no_answer_closes_and_tells_once(talk):
    talk.left.open(channel(), 0.0)
    assert talk.left.next_timeout() == T103_S
    effects = talk.left.on_timeout(T103_S)
    assert names(effects) == ["closeLogicalChannel", "ChannelRefused"]
    assert effects[1] == ChannelRefused(1, "timeout")
    assert talk.left.on_timeout(2 * T103_S) == []
    assert talk.left.next_timeout() is None


def test_a_close_without_answer_ends_too(talk):
    open_one(talk)
    talk.left.close(1, 0.0)
    assert talk.left.on_timeout(T103_S) == [ChannelClosed(1, is_ours=True)]


def test_the_same_number_again_replaces_the_channel(talk):
    open_one(talk)
    talk.left.machines.channels.outgoing.clear()
    talk.say(talk.left, talk.left.open(channel(), talk.now))
    assert names(talk.events(talk.right)) == ["ChannelClosed", "ChannelOffered"]


def test_channels_of_the_peer_are_bounded(talk):
    for number in range(1, MOST_CHANNELS + 2):
        talk.say(talk.left, talk.left.open(channel(number), talk.now))
    assert talk.events(talk.left) == [ChannelRefused(MOST_CHANNELS + 1, "unspecified")]


def test_what_is_no_channel_of_h323_is_refused(talk):
    v76 = {
        "hdlcParameters": {"crcLength": ("crc8bit", 0), "n401": 1, "loopbackTestProcedure": False},
        "suspendResume": ("noSuspendResume", 0),
        "uIH": False,
        "mode": ("uNERM", 0),
        "v75Parameters": {"audioHeaderPresent": False},
    }
    forward = {"dataType": DATA, "multiplexParameters": ("v76LogicalChannelParameters", v76)}
    body = {"forwardLogicalChannelNumber": 3, "forwardLogicalChannelParameters": forward}
    assert names(talk.left.receive(("request", ("openLogicalChannel", body)), 0.0)) == ["openLogicalChannelReject"]


def test_both_directions_at_once(talk):
    """Some terminals open data like this (H.245 C.5)."""
    back = LogicalChannel(0, 3, DATA, media_control=("192.0.2.1", 5001))
    talk.say(talk.left, talk.left.open(channel(session_id=3, reverse=back), talk.now))
    (offer,) = talk.events(talk.right)
    assert offer.channel.reverse is not None
    talk.say(talk.right, talk.right.accept(1, OURS, talk.now))
    assert names(talk.events(talk.right)) == ["ChannelOpened"]
    (opened,) = talk.events(talk.left)
    assert opened.channel.reverse.media == OURS.media


def test_a_confirmation_that_does_not_come(talk):
    back = LogicalChannel(0, 3, DATA)
    talk.say(talk.left, talk.left.open(channel(reverse=back), 0.0))
    talk.right.accept(1, OURS, 0.0)
    assert talk.right.next_timeout() == T103_S
    assert talk.right.on_timeout(T103_S) == [ChannelClosed(1, is_ours=False)]


def test_a_hold_closes_what_we_send(talk):
    open_one(talk)
    talk.say(talk.right, talk.right.hold(talk.now))
    assert names(talk.events(talk.left)) == ["Held", "ChannelClosed"]
    assert talk.events(talk.right) == [ChannelClosed(1, is_ours=False)]


def test_channels_of_fast_start_can_be_closed(talk):
    talk.left.adopt(channel(), is_ours=True)
    talk.right.adopt(channel(), is_ours=False)
    assert talk.left.new_channel_number() != 1
    talk.say(talk.left, talk.left.close(1, talk.now))
    assert talk.events(talk.right) == [ChannelClosed(1, is_ours=False)]


def test_an_acknowledgement_without_parameters(talk):
    """Of an old gateway: nothing but the number."""
    talk.left.open(channel(), 0.0)
    bare = ("response", ("openLogicalChannelAck", {"forwardLogicalChannelNumber": 1}))
    (opened,) = talk.left.receive(bare, 0.0)
    assert (opened.channel.media, opened.channel.session_id) == (None, 1)
    assert talk.left.receive(bare, 0.0) == []


def test_opening_a_number_twice_is_our_own_fault(talk):
    talk.left.open(channel(), 0.0)
    with pytest.raises(ValueError, match="open"):
        talk.left.open(channel(), 0.0)
