import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media import Codec, DtlsPeer, Extensions, Grade, Kind
from signaling.webrtc import sdp
from signaling.webrtc.answer import parse_answer
from signaling.webrtc.errors import SdpError
from signaling.webrtc.offer import FORMATS, build_offer
from tests.signaling.webrtc.fakes import answer_of, opened

CAMERA = answer_of("chromium_camera_first")
SHARE = answer_of("chromium_camera_share")


def parsed(text, *, has_content=False):
    return parse_answer(text, has_content=has_content, grade=Grade.AUTHENTICATED)


def test_the_offer_is_one_bundle_of_three():
    offer = sdp.parse(build_offer(opened(1), session=7, version=2, has_content=False))
    assert [(section.kind, section.first("mid"), section.direction) for section in offer.sections] == [
        ("audio", "audio", "sendrecv"), ("video", "video", "sendrecv"), ("video", "content", "inactive"),
    ]  # fmt: skip
    assert sdp.first(offer.attributes, "group") == "BUNDLE audio video content"
    assert sdp.first(offer.attributes, "setup") == "actpass"
    assert sdp.first(offer.attributes, "ice-lite") == ""
    assert sdp.first(offer.attributes, "fingerprint") == "sha-256 " + opened(1).fingerprint
    for section in offer.sections:
        assert section.first("rtcp-mux") == ""
        assert section.every("candidate") == [
            "1 1 udp 2130706431 192.0.2.1 40000 typ host",
            "2 1 udp 2130706175 2001:db8::1 40000 typ host",
        ]


def test_payload_types_alone_tell_the_streams_of_an_offer_apart():
    numbers = [item.payload_type for formats in FORMATS.values() for item in formats]
    assert len(numbers) == len(set(numbers))
    text = build_offer(opened(1), session=1, version=1, has_content=True)
    assert sorted(int(number) for number in re.findall(r"a=rtpmap:(\d+)", text)) == sorted(numbers)


def test_a_shared_screen_is_asked_for():
    offer = sdp.parse(build_offer(opened(1), session=1, version=3, has_content=True))
    assert offer.sections[2].direction == "recvonly"


def test_our_sources_are_named():
    offer = sdp.parse(build_offer(opened(1), session=1, version=1, has_content=False))
    assert offer.sections[1].every("ssrc-group") == ["FID 2222 2223"]
    assert "1111 cname:drum" in offer.sections[0].every("ssrc")
    assert offer.sections[0].every("ssrc-group") == []
    assert not any(value.startswith("1112") for value in offer.sections[0].every("ssrc"))
    assert offer.sections[0].first("msid") == "mix audio"
    assert offer.sections[2].every("ssrc") == []


def test_browsers_are_told_that_sound_is_repeated_and_may_agree():
    offer = sdp.parse(build_offer(opened(1), session=1, version=1, has_content=False))
    assert offer.sections[0].by_payload_type("rtcp-fb")[111] == ["nack", "transport-cc"]
    assert not parsed(CAMERA).stream(Kind.AUDIO).has_nack
    agreed = re.sub(r"(a=rtpmap:111 opus.*\r\n)", r"\1a=rtcp-fb:111 nack\r\n", CAMERA, flags=re.IGNORECASE)
    audio = parsed(agreed).stream(Kind.AUDIO)
    assert audio.has_nack
    assert audio.send_rtx is None


def test_what_chromium_agrees_to():
    media = parsed(CAMERA)
    audio, video = media.streams
    assert media.is_encrypted
    assert media.grade is Grade.AUTHENTICATED
    assert audio.send == FORMATS[Kind.AUDIO][0]
    assert audio.send_dtmf.payload_type == 110
    assert audio.extensions == Extensions(mid=4, audio_level=1, abs_send_time=2, transport_cc=3)
    assert [item.payload_type for item in video.receive] == [96, 97, 98, 99]
    assert (video.send.codec, video.send.payload_type, video.send.packetization_mode) == (Codec.H264, 96, 1)
    assert video.send.profile_level_id == "42e01f"
    assert video.send_rtx.payload_type == 97
    assert video.has_nack
    assert video.has_pli
    assert video.has_fir
    assert video.has_transport_cc
    assert len(video.remote_ssrcs) == 2
    assert video.extensions == Extensions(mid=4, abs_send_time=2, transport_cc=3)
    assert video.dtls.fingerprint_algorithm == "sha-256"
    assert not video.dtls.is_client


def test_chromium_without_camera_and_microphone_only_listens():
    audio, video = parsed(answer_of("chromium_listen_first")).streams
    assert audio.receive == video.receive == ()
    assert audio.send is not None
    assert video.send is not None
    assert video.remote_ssrcs == ()


def test_a_shared_screen_counts_only_where_it_was_asked_for():
    content = parsed(SHARE, has_content=True).stream(Kind.CONTENT)
    assert [item.payload_type for item in content.receive] == [102, 103, 104, 105]
    assert content.send is None
    assert parsed(SHARE).stream(Kind.CONTENT) is None
    assert parsed(answer_of("chromium_camera_unshare"), has_content=True).stream(Kind.CONTENT) is None


def test_where_there_is_room_for_sound_only_pictures_are_inactive_and_an_answer_brings_none():
    offer = sdp.parse(build_offer(opened(1), session=1, version=1, has_content=True, has_video=False))
    assert [section.direction for section in offer.sections] == ["sendrecv", "inactive", "inactive"]
    assert offer.sections[1].every("ssrc") == offer.sections[1].every("simulcast") == []
    media = parse_answer(SHARE, has_content=True, has_video=False, grade=Grade.AUTHENTICATED)
    assert [stream.kind for stream in media.streams] == [Kind.AUDIO]


def without_h264(text):
    text = re.sub(r"a=(rtpmap|fmtp|rtcp-fb):(96|97)\b.*\r\n", "", text)
    return text.replace("m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99", "m=video 9 UDP/TLS/RTP/SAVPF 98 99")


REWRITTEN = [
    ("vp8 only", without_h264, lambda video: (video.send.payload_type, video.send_rtx.payload_type) == (98, 99)),
    ("vp8 only, receive", without_h264, lambda video: [item.payload_type for item in video.receive] == [98, 99]),
    ("vp8 first", lambda text: text.replace("SAVPF 96 97 98 99", "SAVPF 98 99 96 97"),
     lambda video: video.send.codec is Codec.H264),
    ("passive", lambda text: text.replace("setup:active", "setup:passive"), lambda video: video.dtls.is_client),
    ("our own numbers where theirs differ", lambda text: text.replace("SAVPF 96 97 98 99", "SAVPF 120 121").replace(
        "rtpmap:98 ", "rtpmap:120 ").replace("rtpmap:99 ", "rtpmap:121 ").replace("fmtp:99 apt=98", "fmtp:121 apt=120"),
     lambda video: ([item.payload_type for item in video.receive], video.send.payload_type, video.send_rtx.payload_type)
     == ([98, 99], 120, 121)),
    ("max-fs", lambda text: text.replace("fmtp:96 ", "fmtp:96 max-fs=1620;"), lambda video: video.send.max_fs == 1620),
    ("no rtx", lambda text: text.replace("SAVPF 96 97 98 99", "SAVPF 96 98"),
     lambda video: video.send_rtx is None and [item.payload_type for item in video.receive] == [96, 98]),
    ("bad profile", lambda text: text.replace("profile-level-id=42e01f", "profile-level-id=zz"),
     lambda video: video.send.profile_level_id == ""),
    ("line feeds only", lambda text: text.replace("\r\n", "\n"), lambda video: video.send is not None),
    ("foreign extension number", lambda text: text.replace("extmap:3 ", "extmap:9 "),
     lambda video: video.extensions.transport_cc == 0),
    ("feedback for all", lambda text: re.sub(r"rtcp-fb:(96|98) nack\r", "rtcp-fb:* nack\r", text),
     lambda video: video.has_nack),
]  # fmt: skip


@pytest.mark.parametrize(("rewrite", "holds"), [row[1:] for row in REWRITTEN], ids=[row[0] for row in REWRITTEN])
def test_other_answers(rewrite, holds):
    assert holds(parsed(rewrite(CAMERA)).stream(Kind.VIDEO))


def test_pictures_among_the_formats_of_sound_are_none():
    text = CAMERA.replace("m=audio 9 UDP/TLS/RTP/SAVPF ", "m=audio 9 UDP/TLS/RTP/SAVPF 60 ")
    text = text.replace("a=mid:audio\r\n", "a=mid:audio\r\na=rtpmap:60 H264/90000\r\n")
    assert "rtpmap:60" in text
    assert parsed(text).stream(Kind.AUDIO).send.codec is Codec.OPUS


def test_a_rejected_camera_leaves_the_sound():
    text = CAMERA.replace("m=video 9", "m=video 0")
    assert [stream.kind for stream in parsed(text).streams] == [Kind.AUDIO]


def test_keys_of_the_session_level():
    lines = CAMERA.split("\r\n")
    moved = [line for line in lines if line.startswith("a=fingerprint")][:1]
    rest = [line for line in lines if not line.startswith("a=fingerprint")]
    dtls = parsed("\r\n".join(rest[:4] + moved + rest[4:])).streams[0].dtls
    assert isinstance(dtls, DtlsPeer)
    assert moved[0].endswith(dtls.fingerprint)


REFUSED = [
    ("empty", lambda text: ""),
    ("no m-lines", lambda text: text.split("m=")[0]),
    ("one m-line too few", lambda text: text[: text.rindex("m=video")]),
    ("another order", lambda text: text.replace("m=audio", "m=video", 1)),
    ("another mid", lambda text: text.replace("a=mid:video", "a=mid:1")),
    ("no rtcp-mux", lambda text: text.replace("a=rtcp-mux\r\n", "")),
    ("plain RTP", lambda text: text.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP")),
    ("no fingerprint", lambda text: re.sub(r"a=fingerprint.*\r\n", "", text)),
    (
        "sha-1",
        lambda text: re.sub(r"a=fingerprint:.*\r\n", "a=fingerprint:sha-1 " + ":".join(["AB"] * 20) + "\r\n", text),
    ),
    ("short fingerprint", lambda text: re.sub(r"(a=fingerprint:sha-256 ..):.*\r\n", "\\1\r\n", text)),
    ("actpass", lambda text: text.replace("setup:active", "setup:actpass")),
    ("no setup", lambda text: text.replace("a=setup:active\r\n", "")),
    ("bad ufrag", lambda text: re.sub(r"a=ice-ufrag:.*\r\n", "a=ice-ufrag:x\r\n", text)),
    ("no pwd", lambda text: re.sub(r"a=ice-pwd:.*\r\n", "", text)),
    ("all rejected", lambda text: re.sub(r"m=(audio|video) \d+", r"m=\1 0", text)),
    ("all inactive", lambda text: text.replace("a=sendrecv", "a=inactive")),
    ("port of letters", lambda text: text.replace("m=video 9", "m=video x")),
    ("m-line without shape", lambda text: text.replace("m=audio", "m= ")),
    ("too many lines", lambda text: text + "a=x\r\n" * sdp.MAX_LINES),
    ("too long a line", lambda text: text + "a=" + "x" * sdp.MAX_LINE_CHARACTERS),
    ("too many m-lines", lambda text: text + "m=video 9 x 1\r\n" * 8),
    ("too many formats", lambda text: text.replace("SAVPF 111 110", "SAVPF" + " 111" * 100)),
]


@pytest.mark.parametrize("rewrite", [row[1] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_answers_that_are_no_use(rewrite):
    with pytest.raises(SdpError) as caught:
        parsed(rewrite(CAMERA))
    assert caught.value.code == "bad-answer"


def test_truncation_at_every_length():
    for length in range(0, len(CAMERA), 3):
        try:
            parsed(CAMERA[:length])
        except SdpError:
            pass


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_mutated_answers_never_raise_anything_else(data):
    lines = SHARE.split("\r\n")
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "repeat", "text", "cut"]))
        if change == "drop" and len(lines) > 1:
            del lines[at]
        elif change == "repeat":
            lines.insert(at, lines[data.draw(st.integers(0, len(lines) - 1))])
        elif change == "text":
            lines[at] = lines[at][:2] + data.draw(st.text(max_size=30))
        else:
            lines[at] = lines[at][: data.draw(st.integers(0, 40))]
    try:
        media = parsed("\r\n".join(lines), has_content=True)
    except SdpError:
        return
    assert 1 <= len(media.streams) <= 3
    assert all(len(stream.remote_ssrcs) <= 8 for stream in media.streams)


SIMULCAST = answer_of("chromium_simulcast_first")
ANSWERED_LAYERS = [
    ("all", lambda text: text, ("l", "m", "h")),
    ("another order", lambda text: text.replace("send l;m;h", "send h;m;l"), ("l", "m", "h")),
    ("two", lambda text: text.replace("send l;m;h", "send l;h"), ("l", "h")),
    ("one that pauses", lambda text: text.replace("send l;m;h", "send l;~m;h"), ("l", "m", "h")),
    ("alternatives", lambda text: text.replace("send l;m;h", "send l,m;h"), ("l", "m", "h")),
    ("both ways", lambda text: text.replace("send l;m;h", "recv x send l;m"), ("l", "m")),
    ("a single one", lambda text: text.replace("send l;m;h", "send h"), ()),
    ("never offered", lambda text: text.replace("send l;m;h", "send x;y;h"), ()),
    ("not described", lambda text: text.replace("a=rid:m send\r\n", "").replace("a=rid:h send\r\n", ""), ()),
    ("the wrong way", lambda text: text.replace("a=simulcast:send", "a=simulcast:recv"), ()),
    ("no list", lambda text: text.replace("send l;m;h", "send"), ()),
    ("no names in packets", lambda text: re.sub(r"a=extmap:5 .*\r\n", "", text), ()),
    ("only receives", lambda text: text.replace("a=sendrecv\r\na=msid", "a=recvonly\r\na=msid"), ()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rewrite", "layers"), [row[1:] for row in ANSWERED_LAYERS], ids=[row[0] for row in ANSWERED_LAYERS]
)
def test_which_layers_a_browser_sends(rewrite, layers):
    video = parsed(rewrite(SIMULCAST)).stream(Kind.VIDEO)
    assert video.layers == layers
    assert video.remote_ssrcs == ()


def test_simulcast_is_offered_for_the_camera_alone_and_may_be_left_out():
    for has_simulcast in (True, False):
        text = build_offer(opened(1), session=1, version=1, has_content=True, has_simulcast=has_simulcast)
        audio, video, content = sdp.parse(text).sections
        assert video.first("simulcast") == ("recv l;m;h" if has_simulcast else None)
        assert video.every("rid") == (["l recv", "m recv", "h recv"] if has_simulcast else [])
        assert sum("rtp-stream-id" in value for value in video.every("extmap")) == 2 * has_simulcast
        for other in (audio, content):
            assert not any("stream-id" in value for value in other.every("extmap"))
            assert other.first("simulcast") is None


def test_a_browser_without_simulcast_sends_one_picture():
    assert parsed(CAMERA).stream(Kind.VIDEO).layers == ()
