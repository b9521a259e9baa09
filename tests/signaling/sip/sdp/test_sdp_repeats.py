"""Repeats of sound in SDP: who asks for them gets them, nobody is offered them unasked (RFC 4585 4.2)."""

from __future__ import annotations

import pytest

from caller.offer import our_offer
from caller.options import CallOptions
from mcu.media import Kind
from signaling.sip.sdp import session
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.offer import make_offer
from signaling.sip.sdp.offer_answer import Negotiation
from signaling.sip.sdp.session import Origin
from tests.signaling.sip.offers import sdp

PORTS = {Kind.AUDIO: (40000, 40001), Kind.VIDEO: (40002, 40003)}
LOCAL = LocalMedia("10.0.0.1", PORTS, lambda size: bytes(size), peer_address="10.0.0.7")
OPUS = ("m=audio 5000 RTP/AVP 96", "a=rtpmap:96 opus/48000/2")


@pytest.mark.parametrize(
    ("feedback", "answered"),
    [
        (("a=rtcp-fb:* nack",), ["96 nack"]),
        (("a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", "a=rtcp-fb:* ccm fir"), ["96 nack"]),
        (("a=rtcp-fb:97 nack",), []),
        ((), []),
    ],
)
def test_sound_is_repeated_where_the_terminal_asks_for_it(feedback: tuple[str, ...], answered: list[str]) -> None:
    body, media = Negotiation(LOCAL, 1000).answer(sdp(*OPUS, *feedback))
    assert list(session.parse(body).media[0].values("rtcp-fb")) == answered
    stream = media.stream(Kind.AUDIO)
    assert stream is not None
    assert stream.has_nack is bool(answered)


def test_our_caller_asks_and_our_server_does_not_ask_strangers() -> None:
    origin = Origin("-", "1", "1", "10.0.0.1")
    assert not make_offer(LOCAL, origin).description.media[0].values("rtcp-fb")
    offer = our_offer(CallOptions("sip:1@h"), LOCAL, "1", PORTS).description
    assert list(offer.media[0].values("rtcp-fb")) == ["* nack"]
    assert len(offer.media[1].values("rtcp-fb")) > 1
