"""ICE in answers: we are lite, our ports are the candidates, and a restart of the peer is one of ours."""

from __future__ import annotations

import itertools

from mcu.media import IceCredentials, Kind
from signaling.sip.sdp import session
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.offer_answer import Negotiation

OFFER = (
    "v=0\r\no=- 1 1 IN IP4 192.168.1.5\r\ns=-\r\nc=IN IP4 192.168.1.5\r\nt=0 0\r\n"
    "a=ice-ufrag:SESS\r\na=ice-pwd:sessionsessionsession1\r\n"
    "m=audio 9000 RTP/AVP 8\r\na=candidate:1 1 UDP 2130706431 192.168.1.5 9000 typ host\r\n"
    "m=video 9002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=rtcp-mux\r\n"
    "a=ice-ufrag:MEDI\r\na=ice-pwd:mediamediamediamediame\r\n"
)


def negotiation() -> Negotiation:
    numbers = itertools.count(1)
    ports = {Kind.AUDIO: (40_000, 40_001), Kind.VIDEO: (40_002, 40_003)}
    return Negotiation(LocalMedia("10.0.0.1", ports, lambda size: bytes([next(numbers)]) * size), 1)


def test_answer_has_credentials_and_a_candidate_for_each_port() -> None:
    body, media = negotiation().answer(OFFER.encode())
    answer = session.parse(body)
    assert ("ice-lite", None) in answer.attributes or answer.value("ice-lite") == ""
    audio, video = answer.media
    assert audio.values("candidate") == [
        "1 1 udp 2130706431 10.0.0.1 40000 typ host",
        "1 2 udp 2130706430 10.0.0.1 40001 typ host",
    ]
    assert video.values("candidate") == ["1 1 udp 2130706431 10.0.0.1 40002 typ host"]
    for line, stream in zip(answer.media, media.streams, strict=True):
        assert stream.ice == IceCredentials(line.value("ice-ufrag") or "", line.value("ice-pwd") or "")
        assert len(line.value("ice-ufrag") or "") == 8
        assert len(line.value("ice-pwd") or "") == 24
    assert audio.value("ice-pwd") != video.value("ice-pwd")
    assert (audio.value("ice-pwd") or "") not in repr(media)


def test_credentials_stay_until_the_peers_change() -> None:
    call = negotiation()
    first = call.answer(OFFER.encode())[1]
    again = call.answer(OFFER.replace("o=- 1 1", "o=- 1 2").encode())[1]
    restarted = call.answer(OFFER.replace("SESS", "NEWS").encode())[1]
    assert again.streams == first.streams
    assert restarted.streams[0].ice != first.streams[0].ice
    assert restarted.streams[1].ice == first.streams[1].ice


def test_who_has_no_ice_gets_none_and_neither_do_two_lite_ends() -> None:
    for offer in (
        OFFER.replace("a=ice-ufrag:SESS\r\n", "").replace("a=ice-ufrag:MEDI\r\n", ""),
        OFFER.replace("SESS", "x").replace("MEDI", "no blanks"),
        OFFER.replace("a=ice-ufrag:SESS", "a=ice-lite\r\na=ice-ufrag:SESS"),
    ):
        body, media = negotiation().answer(offer.encode())
        assert b"ice" not in body
        assert [stream.ice for stream in media.streams] == [None, None]


def test_an_offer_of_ours_keeps_what_was_agreed_if_the_peer_does() -> None:
    call = negotiation()
    first = call.answer(OFFER.encode())[1]
    ours = session.parse(call.offer())
    assert ours.media[0].value("ice-pwd") == first.streams[0].ice.pwd  # type: ignore[union-attr]
    assert call.receive_answer(OFFER.encode()).streams[0].ice == first.streams[0].ice
    call.offer()
    plain = OFFER.replace("a=ice-", "a=x-ice-").encode()
    assert call.receive_answer(plain).streams[0].ice is None
