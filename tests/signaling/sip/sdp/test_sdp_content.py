"""Shared screens, floor control and far cameras in SDP: what room systems offer and answer, old ones too."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media import Codec, Kind
from signaling.bfcp.agreement import FloorAgreement, LocalFloor
from signaling.errors import SdpError
from signaling.sip.sdp import session
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.offer_answer import Negotiation
from tests.signaling.sip import offers
from tests.signaling.sip.offers import sdp

PORTS = {kind: (40000 + 2 * index, 40001 + 2 * index) for index, kind in enumerate(Kind)}
FLOOR = LocalFloor(50000, 4711, 12)
H264 = ("a=rtpmap:97 H264/90000", "a=fmtp:97 profile-level-id=42e01f;packetization-mode=1")
AUDIO = ("m=audio 5000 RTP/AVP 0",)
VIDEO = ("m=video 5002 RTP/AVP 97", *H264)
SLIDES = ("m=video 5004 RTP/AVP 97", *H264, "a=content:slides", "a=label:3")
CAMERA = ("m=application 5008 RTP/AVP 100", "a=rtpmap:100 H224/4800")


def negotiation(floor: LocalFloor | None = FLOOR, ports: dict[Kind, tuple[int, int]] = PORTS, **changes) -> Negotiation:
    local = LocalMedia("10.0.0.1", ports, lambda size: bytes(size), peer_address="10.0.0.7", floor=floor)
    return Negotiation(local, 1000, **changes)


def bfcp(protocol: str = "UDP/BFCP", *attributes: str, port: int = 5006) -> tuple[str, ...]:
    return (f"m=application {port} {protocol} *", *attributes)


def answered(*lines: str, **how) -> tuple[Negotiation, session.SessionDescription]:
    state = negotiation(**how)
    body, _ = state.answer(sdp(*AUDIO, *VIDEO, *SLIDES, *lines))
    return state, session.parse(body)


@pytest.mark.parametrize(
    ("theirs", "ours", "agreed"),
    [
        (
            bfcp("UDP/BFCP", "a=floorctrl:c-only", "a=bfcpver:1 2"),
            [("floorctrl", "s-only"), ("confid", "4711"), ("userid", "12"), ("floorid", "1 mstrm:3"), ("bfcpver", "2")],
            FloorAgreement(True, 4711, 12, 1, ("10.0.0.9", 5006)),
        ),
        (
            bfcp("UDP/BFCP", "a=floorctrl:c-s", "a=confid:1", "a=floorid:1 m-stream:3", "a=setup:actpass"),
            [
                ("floorctrl", "s-only"), ("confid", "4711"), ("userid", "12"), ("floorid", "1 m-stream:3"),
                ("setup", "passive"), ("bfcpver", "2"),
            ],
            FloorAgreement(True, 4711, 12, 1, ("10.0.0.9", 5006)),
        ),
        (
            bfcp("UDP/BFCP", "a=floorctrl:s-only", "a=confid:8", "a=userid:9", "a=floorid:2 mstrm:3"),
            [("floorctrl", "c-only"), ("bfcpver", "2")],
            FloorAgreement(False, 8, 9, 2, ("10.0.0.9", 5006)),
        ),
        (
            bfcp("TCP/BFCP", "a=floorctrl:c-only", "a=setup:actpass", "a=connection:new"),
            [
                ("floorctrl", "s-only"), ("confid", "4711"), ("userid", "12"), ("floorid", "1 mstrm:3"),
                ("setup", "passive"), ("connection", "new"),
            ],
            FloorAgreement(True, 4711, 12, 1, ("10.0.0.9", 5006), is_tcp=True),
        ),
        (
            bfcp("TCP/BFCP", "a=setup:passive", "a=connection:existing"),
            [
                ("floorctrl", "s-only"), ("confid", "4711"), ("userid", "12"), ("floorid", "1 mstrm:3"),
                ("setup", "active"), ("connection", "existing"),
            ],
            FloorAgreement(True, 4711, 12, 1, ("10.0.0.9", 5006), is_tcp=True, connects=True),
        ),
    ],
    ids=["client", "both, old spelling", "server", "tcp", "tcp passive"],
)  # fmt: skip
def test_floor_lines_of_terminals(theirs, ours, agreed):
    state, description = answered(*theirs)
    line = description.media[3]
    assert (line.media, line.port, line.protocol, line.formats) == ("application", 50000, theirs[0].split()[2], ("*",))
    assert list(line.attributes) == ours
    assert description.media[2].value("label") == "3"
    assert state.floor == agreed


@pytest.mark.parametrize(
    ("lines", "how"),
    [
        (bfcp("TCP/TLS/BFCP", "a=setup:actpass"), {}),
        (bfcp("UDP/TLS/BFCP"), {}),
        (bfcp(port=0), {}),
        (bfcp(), {"floor": None}),
        (bfcp(), {"ports": {kind: PORTS[kind] for kind in (Kind.AUDIO, Kind.VIDEO)}}),
    ],
    ids=["tls", "dtls", "port 0", "no port of ours left", "no content"],
)
def test_floors_that_cannot_be_are_refused_and_nothing_else(lines, how):
    state, description = answered(*lines, **how)
    line = description.media[3]
    assert (line.port, line.protocol, line.formats) == (0, lines[0].split()[2], ("*",))
    assert [media.port for media in description.media[:2]] == [40000, 40002]
    assert state.floor is None


def test_a_second_picture_without_a_name_is_content_when_the_floor_is_for_it():
    plain = tuple(line for line in SLIDES if "content" not in line)
    body, media = negotiation().answer(sdp(*VIDEO, *plain, *bfcp("UDP/BFCP", "a=floorid:1 mstrm:3")))
    assert [stream.kind for stream in media.streams] == [Kind.VIDEO, Kind.CONTENT]
    assert session.parse(body).media[1].value("content") == "slides"
    assert media.streams[1].label == "3"


def test_a_room_system_gets_all_it_knows():
    state = negotiation()
    body, media = state.answer(offers.ROOM_SYSTEM)
    assert [line.port for line in session.parse(body).media] == [40000, 40002, 40004, 50000, 40006]
    assert [stream.kind for stream in media.streams] == list(Kind)
    camera = media.stream(Kind.CAMERA)
    assert (camera.send.codec, camera.send.payload_type, camera.send.clock_rate_hz) == (Codec.H224, 100, 4800)
    assert b"a=rtpmap:100 H224/4800\r\n" in body
    assert state.floor == FloorAgreement(True, 4711, 12, 1, ("10.0.0.9", 49180))
    again, _ = state.answer(offers.ROOM_SYSTEM)
    assert [line.port for line in session.parse(again).media] == [40000, 40002, 40004, 50000, 40006]


def test_tmmbr_and_fir_are_answered_in_avp_too():
    body, media = negotiation().answer(sdp(*VIDEO, "a=rtcp-fb:* ccm tmmbr", "a=rtcp-fb:97 ccm fir"))
    assert b"a=rtcp-fb:97 ccm fir\r\na=rtcp-fb:97 ccm tmmbr\r\n" in body
    assert b"m=video 40002 RTP/AVP 97" in body
    assert (media.streams[0].has_fir, media.streams[0].has_tmmbr, media.streams[0].has_pli) == (True, True, False)


# ---- offers of ours


def test_our_offer_names_what_room_systems_know_last():
    description = session.parse(negotiation().offer())
    assert [(line.media, line.port, line.protocol) for line in description.media] == [
        ("audio", 40000, "RTP/AVP"), ("video", 40002, "RTP/AVP"), ("video", 40004, "RTP/AVP"),
        ("application", 40006, "RTP/AVP"), ("application", 50000, "UDP/BFCP"),
    ]  # fmt: skip
    content, camera, floor = description.media[2:]
    assert (content.value("content"), content.value("label"), content.value("sendrecv")) == ("slides", "12", "")
    assert camera.values("rtpmap") == ["103 H224/4800"]
    assert not camera.bandwidths
    assert (floor.value("floorctrl"), floor.value("floorid"), floor.formats) == ("c-s", "1 mstrm:12", ("*",))
    assert "* ccm tmmbr" in description.media[1].values("rtcp-fb")


OLD = ("m=audio 5000 RTP/AVP 0", "m=video 5002 RTP/AVP 98", "a=rtpmap:98 H264/90000")


@pytest.mark.parametrize(
    "rest",
    [
        ("m=video 0 RTP/AVP 97", "m=application 0 RTP/AVP 103", "m=application 0 UDP/BFCP *"),
        (),
        ("m=video 0 RTP/AVP 97",),
        ("m=video 0 RTP/AVP 97", "m=application 0 RTP/AVP 103", "m=application 5006 UDP/BFCP *", "a=floorctrl:c-only"),
    ],
    ids=["port 0", "left out", "half of it", "a floor for nothing"],
)
def test_old_terminals_answer_as_they_do(rest):
    state = negotiation()
    state.offer()
    media = state.receive_answer(sdp(*OLD, *rest))
    assert [stream.kind for stream in media.streams] == [Kind.AUDIO, Kind.VIDEO]
    if len(rest) == 4:
        assert state.floor is not None
    else:
        assert state.floor is None
    again = session.parse(state.offer())
    assert [line.port for line in again.media] == [40000, 40002, 40004, 40006, 50000]


@pytest.mark.parametrize(
    ("attributes", "is_server", "names"),
    [
        (("a=floorctrl:c-only",), True, (4711, 12, 1)),
        (("a=floorctrl:c-s",), True, (4711, 12, 1)),
        ((), True, (4711, 12, 1)),
        (("a=floorctrl:s-only", "a=confid:5", "a=userid:6", "a=floorid:7 mstrm:12"), False, (5, 6, 7)),
        (("a=confid:5", "a=userid:6", "a=floorid:7 m-stream:12"), False, (5, 6, 7)),
    ],
)
def test_who_is_the_server_after_our_offer(attributes, is_server, names):
    state = negotiation()
    state.offer()
    state.receive_answer(
        sdp(*OLD, "m=video 5004 RTP/AVP 97", *H264, "a=content:slides", "m=application 0 RTP/AVP 103",
            *bfcp("UDP/BFCP", *attributes))
    )  # fmt: skip
    agreed = state.floor
    assert agreed == FloorAgreement(is_server, *names, ("10.0.0.9", 5006))


def test_a_second_stream_that_cannot_be_encrypted_is_left_out_and_the_call_goes_on():
    state = negotiation(must_encrypt=True)
    ours = session.parse(state.offer())
    key = ours.media[0].values("crypto")[0]
    media = state.receive_answer(
        sdp("m=audio 5000 RTP/SAVP 0", f"a=crypto:{key}", "m=video 0 RTP/SAVP 97", "m=video 5004 RTP/AVP 97", *H264)
    )
    assert [stream.kind for stream in media.streams] == [Kind.AUDIO]


def test_a_reinvite_keeps_the_tcp_connection():
    state, _ = answered(*bfcp("TCP/BFCP", "a=floorctrl:c-only", "a=setup:active", "a=connection:new"))
    line = session.parse(state.offer()).media[3]
    assert (line.value("setup"), line.value("connection")) == ("actpass", "existing")
    assert not {"sendrecv", "sendonly"} & {name for name, _ in line.attributes}


def test_a_refused_renegotiation_leaves_the_floor_as_it_was():
    state, _ = answered(*bfcp())
    before = state.floor
    state.answer(sdp(*AUDIO, *VIDEO, *SLIDES, *bfcp(port=6000)))
    assert state.floor != before
    state.revert()
    assert state.floor == before


words = st.sampled_from(
    ["c-s", "s-only", "c-only", "", "1 mstrm:3", "x m-stream:", "99999999 mstrm:1 2", "-1", "actpass"]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["floorctrl", "floorid", "confid", "userid", "setup", "connection"]), words)),
       st.sampled_from(["UDP/BFCP", "TCP/BFCP", "X/BFCP", "RTP/AVP"]), st.integers(0, 65535))  # fmt: skip
def test_any_floor_line_is_answered(attributes, protocol, port):
    lines = bfcp(protocol, *(f"a={name}:{value}" for name, value in attributes), port=port)
    try:
        state, description = answered(*lines)
    except SdpError:
        return
    assert len(description.media) == 4
    assert (state.floor is None) or description.media[3].port == 50000
