from __future__ import annotations

import pytest

from mcu.media import Codec, Kind
from signaling.h323.capabilities.channel import write
from signaling.h323.capabilities.choice import choose
from signaling.h323.capabilities.own import OwnMedia, capability_set
from signaling.h323.capabilities.remote import read
from signaling.h323.h245.channels import FIRST_FREE_SESSION
from signaling.h323.h245.events import ContentState, ContentToken
from signaling.h323.h245.logical_channel import LogicalChannel
from tests.signaling.h323.call_media.pair import LEFT, MCU, RIGHT, TERMINAL, End, Pair, Scripted, flows
from tests.signaling.h323.capabilities import terminals
from tests.signaling.h323.capabilities.terminals import GATEWAY

PICTURE = ("videoData", terminals.h264(71))


def both(*types):
    return Pair(End(LEFT, types[0]), End(RIGHT, types[1])).start()


def present(pair, end, other):
    """The token, and the channel."""
    pair.say(end, end.control.request_content(end.media.content_number(), pair.now))
    assert ContentToken(ContentState.REQUESTED) in other.events
    pair.say(other, other.control.grant_content())
    assert ContentToken(ContentState.GRANTED) in end.events
    pair.say(end, end.media.open_content(pair.now))


def sessions(pair):
    """Of content channels, as they were acknowledged."""
    bodies = pair.bodies("openLogicalChannelAck")
    opened = [body["forwardMultiplexAckParameters"][1]["sessionID"] for body in bodies]
    return [session for session in opened if session > 3]


@pytest.mark.parametrize("types", [(MCU, TERMINAL), (TERMINAL, MCU)])
def test_content_goes_there_and_back_in_one_session(types):
    """The left end presents, then the right one, whichever is master."""
    pair = both(*types)
    left, right = pair.left, pair.right
    number = left.media.content_number()
    assert left.media.content_number() == number
    present(pair, left, right)
    assert flows(left, right, Kind.CONTENT).codec is Codec.H264
    assert left.media.kind_of(number, is_ours=True) is Kind.CONTENT
    assert left.media.content_number() == number
    assert right.stream(Kind.CONTENT).send is None
    pair.say(left, left.media.close_content(pair.now))
    pair.say(left, left.control.release_content())
    assert left.stream(Kind.CONTENT) is right.stream(Kind.CONTENT) is None
    present(pair, right, left)
    assert flows(right, left, Kind.CONTENT).codec is Codec.H264
    assert sessions(pair) == [FIRST_FREE_SESSION] * 2
    assert left.media.close_content(pair.now) == []


def test_content_is_in_addition_to_the_picture():
    pair = both(MCU, TERMINAL)
    assert pair.left.media.is_content_taken
    present(pair, pair.right, pair.left)
    assert flows(pair.right, pair.left, Kind.VIDEO)
    assert flows(pair.right, pair.left, Kind.CONTENT)
    assert flows(pair.left, pair.right, Kind.VIDEO)


def test_content_comes_back_after_a_hold():
    pair = both(MCU, TERMINAL)
    left, right = pair.left, pair.right
    present(pair, left, right)
    first = left.media.content_number()
    pair.say(right, right.control.hold(pair.now))
    assert left.stream(Kind.CONTENT) is None
    pair.say(right, right.control.resume(pair.now))
    flows(left, right, Kind.CONTENT)
    assert left.media.content_number() != first


def test_a_peer_that_closes_our_content():
    """It stays closed until it is opened again."""
    pair = both(MCU, TERMINAL)
    left, right = pair.left, pair.right
    present(pair, left, right)
    pair.say(right, right.control.ask_close(left.media.content_number(), pair.now))
    assert left.stream(Kind.CONTENT) is None
    pair.say(left, left.media.open_content(pair.now))
    flows(left, right, Kind.CONTENT)


def test_a_peer_that_takes_no_content():
    pair = Pair(End(LEFT, MCU), Scripted(GATEWAY)).start()
    assert not pair.left.media.is_content_taken
    assert pair.left.media.open_content(pair.now) == []


def test_a_peer_that_refuses_it():
    pair = Pair(End(LEFT, MCU), Scripted(capability_set(OwnMedia()))).start()
    pair.right.refuses.append("dataTypeNotAvailable")
    pair.say(pair.left, pair.left.media.open_content(pair.now))
    assert len(pair.bodies("openLogicalChannelReject")) == 1
    assert pair.left.stream(Kind.CONTENT) is None
    assert pair.left.media.is_content_taken
    pair.say(pair.left, pair.left.media.open_content(pair.now))
    assert pair.left.stream(Kind.CONTENT).send.codec is Codec.H264


@pytest.mark.parametrize(("session_id", "kind"), [(2, Kind.VIDEO), (7, Kind.CONTENT)])
def test_a_picture_without_role_in_a_session_of_its_own(session_id, kind):
    pair = Pair(End(LEFT, TERMINAL), Scripted(GATEWAY, MCU)).start()
    channel = LogicalChannel(4, session_id, PICTURE, media_control=(RIGHT, 7_001), payload_type=97)
    pair.say(pair.right, pair.right.control.open(channel, pair.now))
    assert pair.left.media.kind_of(4, is_ours=False) is kind
    assert [each.payload_type for each in pair.left.stream(kind).receive] == [97]


def test_content_of_a_terminal_that_has_no_session_for_it_yet():
    """The slave leaves it to the master: ours, who presents in the same one then."""
    own = OwnMedia()
    medium = choose(read(capability_set(own)), own, [Kind.CONTENT])[Kind.CONTENT]
    pair = Pair(End(LEFT, MCU), Scripted(capability_set(own))).start()
    pair.say(pair.right, pair.right.control.open(write(4, medium, (RIGHT, 7_001)), pair.now))
    assert sessions(pair)[-1:] == [FIRST_FREE_SESSION]
    pair.say(pair.left, pair.left.media.open_content(pair.now))
    assert pair.right.offers[-1].session_id == FIRST_FREE_SESSION


def test_content_of_a_terminal_after_ours():
    """It is told the session that is in use."""
    own = OwnMedia()
    medium = choose(read(capability_set(own)), own, [Kind.CONTENT])[Kind.CONTENT]
    pair = Pair(End(LEFT, MCU), Scripted(capability_set(own))).start()
    pair.say(pair.left, pair.left.media.open_content(pair.now))
    pair.say(pair.left, pair.left.media.close_content(pair.now))
    pair.say(pair.right, pair.right.control.open(write(4, medium, (RIGHT, 7_001)), pair.now))
    assert sessions(pair) == [FIRST_FREE_SESSION] * 2


def test_a_slave_presents_again_in_the_session_that_it_was_given():
    pair = both(TERMINAL, MCU)
    left = pair.left
    for _ in range(2):
        generation = left.media.generation
        pair.say(left, left.media.open_content(pair.now))
        pair.say(left, left.media.close_content(pair.now))
        assert left.media.generation == generation + 2
    asked = [
        body["forwardLogicalChannelParameters"]["multiplexParameters"][1]
        for body in pair.bodies("openLogicalChannel", left)
    ]
    assert [each["sessionID"] for each in asked[-2:]] == [0, FIRST_FREE_SESSION]
