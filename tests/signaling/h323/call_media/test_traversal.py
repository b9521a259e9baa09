"""Channels of a call through a firewall (H.460.19): what both ends say of them, and the streams that come of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crypto.h235.diffie_hellman import DH_1024
from mcu.media import Kind, Traversal
from signaling.h323 import per
from signaling.h323.call.events import TraversalAgreed
from signaling.h323.call_media.call_media import CallMedia
from signaling.h323.call_media.traversal import UNKNOWN, MediaTraversing, SharedPlace
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.fast_start import Ports
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.h245.logical_channel import LogicalChannel
from signaling.h323.media_traversal import MediaTraversal
from signaling.h323.traversal import MediaFeature
from tests.signaling.h323.call_media.pair import LEFT, MCU, RIGHT, End, Pair, agreed, ports

SERVER, PLAIN, MULTIPLEXED = MediaFeature(True, True), MediaFeature(), MediaFeature(True)
KINDS = (Kind.AUDIO, Kind.VIDEO)


def place(host: str, number: int) -> SharedPlace:
    return SharedPlace(Ports((host, 9_000), (host, 9_001)), number)


def end(host: str, own: MediaFeature, peer: MediaFeature | None, *, security=None) -> End:
    made = End(host, MCU if own.is_server else 50, security=security, kinds=KINDS)
    first = 100 if own.is_server else 200
    shared = {kind: place(host, first + number) for number, kind in enumerate(KINDS)}
    if own == PLAIN:
        shared = {}
    traversal = MediaTraversing(own, shared, 19 if own.is_server else 0, peer)
    made.media = CallMedia(made.control, Wishes(OwnMedia()), ports(host, KINDS), security, traversal)
    made.control.prepare(made.media.capability_set())
    return made


def call(client: MediaFeature, server: MediaFeature = SERVER, *, security=(None, None)) -> tuple[End, End, Pair]:
    left, right = end(LEFT, server, client, security=security[0]), end(RIGHT, client, server, security=security[1])
    return left, right, Pair(left, right).start()


def said(body) -> MediaTraversal:
    return MediaTraversal.find(body["genericInformation"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_server_sends_where_packets_come_from_and_says_where_to_send_empty_ones(kind):
    server, client, _ = call(PLAIN)
    ours, theirs = server.stream(kind), client.stream(kind)
    own = ports(LEFT)[kind]
    assert (ours.remote, ours.remote_rtcp, ours.traversal) == (UNKNOWN, UNKNOWN, Traversal())
    assert (theirs.remote, theirs.remote_rtcp) == (own.media, own.media_control)
    assert theirs.traversal == Traversal(keep_alive=own.media, keep_alive_s=19)


def test_what_each_end_says_of_channels():
    """H.460.19 7: the server names channel and interval, the client its payload type; in both messages."""
    server, client, pair = call(PLAIN)
    for name in ("openLogicalChannel", "openLogicalChannelAck"):
        for body in pair.bodies(name, client):
            assert said(body) == MediaTraversal(keep_alive_payload_type=127)
        told = [said(body) for body in pair.bodies(name, server)]
        assert {each.keep_alive for each in told} == {ports(LEFT)[kind].media for kind in KINDS}
        assert {(each.keep_alive_s, each.multiplex_id, each.media) for each in told} == {(19, None, None)}


@pytest.mark.parametrize("kind", KINDS)
def test_both_may_take_all_media_on_one_pair(kind):
    server, client, pair = call(MULTIPLEXED)
    number = KINDS.index(kind)
    shared = place(LEFT, 0).ports
    ours, theirs = server.stream(kind), client.stream(kind)
    assert ours.traversal == Traversal(is_multiplexed=True, multiplex_id=200 + number)
    assert (ours.remote, ours.remote_rtcp) == (UNKNOWN, UNKNOWN)
    assert theirs.traversal == Traversal(
        is_multiplexed=True, multiplex_id=100 + number, keep_alive=shared.media, keep_alive_s=19
    )
    assert (theirs.remote, theirs.remote_rtcp) == (shared.media, shared.media_control)
    # Whoever takes a channel says where RTP goes, whoever opens it where RTCP comes back (H.460.19 7).
    assert {said(body).media for body in pair.bodies("openLogicalChannel")} == {None}
    assert None not in {said(body).media for body in pair.bodies("openLogicalChannelAck")}


def test_numbers_are_for_those_who_can_send_them():
    server, client, _ = call(MULTIPLEXED, MediaFeature(is_server=True))
    ours, theirs = server.stream(Kind.AUDIO), client.stream(Kind.AUDIO)
    assert ours.traversal == Traversal(is_multiplexed=True)
    assert theirs.traversal.multiplex_id == 100
    assert not theirs.traversal.is_multiplexed


def test_media_are_encrypted_likewise():
    keys = agreed(DH_1024)
    server, client, _ = call(MULTIPLEXED, security=(keys[1], keys[0]))
    ours, theirs = server.stream(Kind.AUDIO), client.stream(Kind.AUDIO)
    assert ours.h235.local == dict(theirs.h235.remote)[ours.send.payload_type]
    assert ours.traversal.is_multiplexed


def test_a_peer_that_says_nothing_is_told_nothing():
    server = end(LEFT, SERVER, None)
    client = End(RIGHT, kinds=KINDS)
    pair = Pair(server, client).start()
    assert all("genericInformation" not in body for body in pair.bodies("openLogicalChannel"))
    assert server.stream(Kind.AUDIO).remote == UNKNOWN
    assert server.stream(Kind.AUDIO).traversal == Traversal()


def test_an_answer_may_tell_it():
    server = end(LEFT, SERVER, None)
    server.hear(TraversalAgreed(PLAIN), 0.0)
    pair = Pair(server, end(RIGHT, PLAIN, SERVER)).start()
    assert all("genericInformation" in body for body in pair.bodies("openLogicalChannel"))


def test_fast_start_is_neither_proposed_nor_taken():
    server, client = end(LEFT, SERVER, PLAIN), end(RIGHT, PLAIN, SERVER)
    assert client.media.propose_fast_start() == []
    assert server.media.answer_fast_start(End(RIGHT).media.propose_fast_start()) == []


@pytest.mark.parametrize("octets", [b"", b"\xff", b"\x40\x00"])
def test_what_cannot_be_read_changes_nothing(octets):
    information = MediaTraversal(multiplex_id=7).generic_information()
    information["messageContent"][0]["parameterValue"] = ("octetString", octets)
    channel = LogicalChannel(1, 1, None, generic_information=(information,))
    traversing = MediaTraversing(SERVER, {}, 19, PLAIN)
    assert traversing.stream(Kind.AUDIO, channel, ()) == Traversal()
    good = replace(channel, generic_information=(MediaTraversal(multiplex_id=7).generic_information(),))
    assert traversing.stream(Kind.AUDIO, channel, (good,)).multiplex_id == 7


def test_what_is_said_survives_the_wire():
    _, _, pair = call(MULTIPLEXED)
    assert all(per.decode(per.Type.H245, octets) for _, octets in pair.line)
