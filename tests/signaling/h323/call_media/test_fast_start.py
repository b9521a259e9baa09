from __future__ import annotations

import pytest

from crypto.h235.diffie_hellman import DH_1024
from mcu.media import Codec, Kind
from signaling.h323 import per
from signaling.h323.call import events as call
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.media_security import MediaSecurity
from tests.signaling.h323.call_media.pair import LEFT, MCU, RIGHT, End, Pair, agreed, flows


def on_the_wire(bodies):
    kind = per.Type.OPEN_LOGICAL_CHANNEL
    return tuple(per.decode(kind, per.encode(kind, body)) for body in bodies)


def connected(caller, called):
    """Setup and its answer."""
    answer = called.media.answer_fast_start(on_the_wire(caller.media.propose_fast_start()))
    assert caller.media.handle(call.FastStartAnswered(on_the_wire(answer)), 0.0) == []


@pytest.fixture
def ends():
    return End(LEFT), End(RIGHT, MCU)


def test_sound_stands_before_h245(ends):
    caller, called = ends
    connected(caller, called)
    for sender, receiver in (ends, ends[::-1]):
        assert flows(sender, receiver, Kind.AUDIO).codec is Codec.G722
        assert sender.media.is_settled
        assert sender.media.generation == 1
        assert [each.kind for each in sender.media.media.streams] == [Kind.AUDIO]


def test_h245_leaves_it_and_adds_the_rest(ends):
    connected(*ends)
    numbers = [end.numbers(Kind.AUDIO) for end in ends]
    pair = Pair(*ends).start()
    assert [end.numbers(Kind.AUDIO) for end in ends] == numbers
    assert len(pair.bodies("openLogicalChannel")) == 4, "pictures and cameras"
    for kind in (Kind.AUDIO, Kind.VIDEO, Kind.CAMERA):
        flows(*ends, kind)
        flows(*ends[::-1], kind)
    assert ends[0].stream(Kind.AUDIO).send_dtmf.payload_type == 101


def test_channels_of_fast_start_can_be_closed_by_h245(ends):
    connected(*ends)
    pair = Pair(*ends).start()
    (number,) = ends[0].numbers(Kind.AUDIO)[0]
    pair.say(ends[1], ends[1].control.ask_close(number, pair.now, "reopen"))
    flows(*ends, Kind.AUDIO)
    assert ends[0].numbers(Kind.AUDIO)[0] != [number]


def test_the_called_end_takes_what_both_speak():
    caller = End(LEFT)
    called = End(RIGHT, wishes=Wishes(OwnMedia(audio=(Codec.PCMU,))))
    connected(caller, called)
    assert flows(caller, called, Kind.AUDIO).codec is flows(called, caller, Kind.AUDIO).codec is Codec.PCMU


def test_nothing_in_common():
    caller = End(LEFT, wishes=Wishes(OwnMedia(audio=(Codec.PCMA,))))
    called = End(RIGHT, wishes=Wishes(OwnMedia(audio=(Codec.PCMU,))))
    assert called.media.answer_fast_start(on_the_wire(caller.media.propose_fast_start())) == []
    assert called.media.media.streams == ()


def test_a_refusal_is_followed_by_h245(ends):
    caller, _ = ends
    assert len(caller.media.propose_fast_start()) == 6
    caller.media.handle(call.FastStartRefused(), 0.0)
    Pair(*ends).start()
    flows(*ends, Kind.AUDIO)
    flows(*ends[::-1], Kind.AUDIO)


def test_without_h245_it_is_all_there_is(ends):
    caller, called = ends
    (sent, _) = on_the_wire(caller.media.propose_fast_start())[:2]
    answer = called.media.answer_fast_start([sent])
    caller.media.handle(call.FastStartAnswered(on_the_wire(answer)), 0.0)
    assert caller.stream(Kind.AUDIO).send.codec is Codec.G722
    assert called.stream(Kind.AUDIO).send is None
    assert not caller.media.is_settled
    caller.media.handle(call.ControlMissing(), 0.0)
    assert caller.media.is_settled


def test_where_encryption_is_wished_there_is_none():
    bodies = on_the_wire(End(LEFT).media.propose_fast_start())
    caller, called = agreed(DH_1024)
    required = Wishes(OwnMedia(), must_encrypt=True)
    assert End(LEFT, security=caller).media.propose_fast_start() == []
    assert End(LEFT, wishes=required).media.propose_fast_start() == []
    assert End(RIGHT, security=called).media.answer_fast_start(bodies) == []
    assert End(RIGHT, wishes=required).media.answer_fast_start(bodies) == []
    assert len(End(RIGHT, security=MediaSecurity()).media.answer_fast_start(bodies)) == 2, "the caller has no half key"


def test_without_ports_for_sound_there_is_none():
    bodies = on_the_wire(End(LEFT).media.propose_fast_start())
    mute = End(RIGHT, kinds=(Kind.VIDEO,))
    assert mute.media.propose_fast_start() == mute.media.answer_fast_start(bodies) == []


def test_answers_that_nobody_asked_for(ends):
    """Of channels that were not proposed, in another codec, twice, or to nowhere."""
    caller, called = ends
    bodies = on_the_wire(caller.media.propose_fast_start())
    answer = on_the_wire(called.media.answer_fast_start(bodies))
    stranger = End(LEFT)
    stranger.media.fast_start_answered(answer)
    assert stranger.media.media.streams == ()
    sent, received = answer
    caller.media.fast_start_answered([
        {**sent, "forwardLogicalChannelNumber": 99}, {**bodies[2], "forwardLogicalChannelNumber": 1},
        bodies[0], received, received,
    ])  # fmt: skip
    stream = caller.stream(Kind.AUDIO)
    assert stream.send is None
    assert len([each for each in stream.receive if each.codec is Codec.G722]) == 1


def test_proposals_in_another_session(ends):
    caller, called = ends
    body, _ = on_the_wire(caller.media.propose_fast_start())[:2]
    body["forwardLogicalChannelParameters"]["multiplexParameters"][1]["sessionID"] = 7
    assert called.media.answer_fast_start([body]) == []


def test_an_answer_counts_once(ends):
    caller, called = ends
    answer = on_the_wire(called.media.answer_fast_start(on_the_wire(caller.media.propose_fast_start())))
    caller.media.fast_start_answered(answer[:1])
    caller.media.fast_start_answered(answer[1:])
    assert [each.codec for each in caller.stream(Kind.AUDIO).receive] == [Codec.TELEPHONE_EVENT]
