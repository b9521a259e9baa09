"""Negotiation tables: offers of real terminals in, answers and agreed streams out."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media import Codec, Grade, Kind
from mcu.worker.messages import ConfigureLeg, encode
from signaling.errors import SdpError
from signaling.sip.sdp import session
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.offer_answer import Negotiation
from signaling.sip.sdp.picture import WantedPicture, level_for
from tests.signaling.sip import offers
from tests.signaling.sip.offers import CM_KEY, FINGERPRINT, GCM_KEY, sdp

PORTS = {Kind.AUDIO: (40000, 40001), Kind.VIDEO: (40002, 40003), Kind.CONTENT: (40004, 40005)}


def negotiation(ports=None, **changes) -> Negotiation:
    counter = iter(range(1, 200))
    parts = {
        "address": "10.0.0.1", "ports": PORTS if ports is None else ports, "fingerprint": "AA:" * 31 + "AA",
        "random_bytes": lambda size: bytes([next(counter)]) * size,
    } | changes  # fmt: skip
    return Negotiation(LocalMedia(**parts), 1000)


def answer(offer: bytes, **changes):
    body, media = negotiation(**changes).answer(offer)
    return session.parse(body), media


def shape(description) -> list[tuple[str, int, str, tuple[str, ...]]]:
    return [(media.media, media.port, media.protocol, media.formats) for media in description.media]


@pytest.mark.parametrize(
    ("offer", "lines", "codecs", "grade"),
    [
        (
            offers.BARESIP_SDES,
            [("audio", 40000, "RTP/SAVP", ("96", "101")), ("video", 40002, "RTP/SAVP", ("96",))],
            {Kind.AUDIO: Codec.OPUS, Kind.VIDEO: Codec.H264},
            Grade.OPPORTUNISTIC,
        ),
        (
            offers.LINPHONE,
            [("audio", 40000, "RTP/AVPF", ("96", "101", "100")), ("video", 40002, "RTP/AVPF", ("96",))],
            {Kind.AUDIO: Codec.OPUS, Kind.VIDEO: Codec.VP8},
            Grade.CLEAR,
        ),
        (
            offers.CHROMIUM,
            [
                ("audio", 40000, "UDP/TLS/RTP/SAVPF", ("111", "110", "126")),
                ("video", 40002, "UDP/TLS/RTP/SAVPF", ("102", "103")),
                ("application", 0, "UDP/DTLS/SCTP", ("webrtc-datachannel",)),
            ],
            {Kind.AUDIO: Codec.OPUS, Kind.VIDEO: Codec.H264},
            Grade.OPPORTUNISTIC,
        ),
        (
            offers.ROOM_SYSTEM,
            [
                ("audio", 40000, "RTP/AVP", ("9", "101")),
                ("video", 40002, "RTP/AVP", ("109",)),
                ("video", 40004, "RTP/AVP", ("108",)),
                ("application", 0, "UDP/BFCP", ("*",)),
                ("application", 0, "RTP/AVP", ("100",)),
            ],
            {Kind.AUDIO: Codec.G722, Kind.VIDEO: Codec.H264, Kind.CONTENT: Codec.H264},
            Grade.CLEAR,
        ),
        (
            offers.FAX,
            [("image", 0, "UDPTL", ("t38",)), ("audio", 40000, "RTP/AVP", ("8",))],
            {Kind.AUDIO: Codec.PCMA},
            Grade.CLEAR,
        ),
    ],
    ids=["baresip", "linphone", "chromium", "room-system", "fax"],
)
def test_answers(offer, lines, codecs, grade):
    description, media = answer(offer)
    assert shape(description) == lines
    assert {spec.kind: spec.send.codec if spec.send else None for spec in media.streams} == codecs
    assert (media.grade, media.is_encrypted) == (grade, grade is not Grade.CLEAR)


def test_baresip_keys_and_feedback():
    description, media = answer(offers.BARESIP_SDES)
    audio, video = media.streams
    assert audio.sdes.suite == "AES_CM_128_HMAC_SHA1_80"
    assert audio.sdes.remote == bytes(range(30))
    assert audio.sdes.local == bytes([1]) * 30
    assert video.sdes.local != audio.sdes.local
    assert description.media[0].value("crypto").startswith("1 AES_CM_128_HMAC_SHA1_80 inline:")
    assert (video.has_nack, video.has_pli, video.has_fir) == (False, True, False)
    assert description.media[1].values("rtcp-fb") == ["96 nack pli"]
    assert (audio.remote, audio.remote_rtcp) == (("10.0.0.9", 20578), None)
    assert (video.send.packetization_mode, video.send.profile_level_id) == (0, "42e01f")
    assert audio.remote_ssrcs == (1637792132,)
    named = answer(offers.BARESIP_SDES, ssrcs={Kind.AUDIO: 77, Kind.VIDEO: 78}, cname="c@d")[0]
    assert [line.value("ssrc") for line in named.media] == ["77 cname:c@d", None]
    assert audio.send_dtmf.payload_type == 101


def test_linphone_rtcp_and_events():
    description, media = answer(offers.LINPHONE)
    audio, video = media.streams
    assert audio.remote_rtcp == ("10.0.0.9", 7999)
    assert video.remote_rtcp == ("10.0.0.9", 9079)
    assert audio.send_dtmf.clock_rate_hz == 48000
    assert (video.has_nack, video.has_pli, video.has_fir) == (True, True, True)
    assert description.media[0].value("rtcp-mux") is None
    assert video.max_bitrate_bps == 380_000


def test_chromium_dtls():
    description, media = answer(offers.CHROMIUM)
    audio, video = media.streams
    assert audio.dtls.fingerprint == FINGERPRINT
    assert not audio.dtls.is_client
    assert description.media[0].value("setup") == "passive"
    assert description.media[0].value("fingerprint").startswith("sha-256 AA:")
    assert description.media[0].value("mid") == "0"
    assert description.media[2].value("mid") == "2"
    assert description.value("group") is None
    assert audio.extensions.audio_level == 1
    assert (video.send_rtx.payload_type, video.send_rtx.apt) == (103, 102)
    assert b"a=ice-lite\r\n" in description.serialize()


def test_room_system_video():
    description, media = answer(offers.ROOM_SYSTEM)
    video, content = media.stream(Kind.VIDEO), media.stream(Kind.CONTENT)
    assert video.max_bitrate_bps == 2_000_000
    assert video.send.profile_level_id == "42e028"
    assert description.media[1].value("imageattr") == "109 recv [x=640,y=360] send *"
    assert (content.send.codec, [item.codec for item in content.receive]) == (Codec.H264, [Codec.H264])
    assert description.media[2].value("sendrecv") == ""
    assert description.media[2].value("content") == "slides"
    without = answer(offers.ROOM_SYSTEM, ports={kind: PORTS[kind] for kind in (Kind.AUDIO, Kind.VIDEO)})[0]
    assert [line.port for line in without.media] == [40000, 40002, 0, 0, 0]


@pytest.mark.parametrize(
    ("connection", "attributes", "remote", "remote_rtcp"),
    [
        ("10.0.0.9", [], ("10.0.0.9", 4000), ("10.0.0.9", 4001)),
        ("10.0.0.9", ["a=rtcp-mux", "a=rtcp:5"], ("10.0.0.9", 4000), None),
        ("10.0.0.9", ["a=rtcp:5000 IN IP4 10.0.0.8"], ("10.0.0.9", 4000), ("10.0.0.8", 5000)),
        ("10.0.0.9", ["a=rtcp:x IN IP6 ::1"], ("10.0.0.9", 4000), ("10.0.0.7", 4001)),
        ("fd00::2", [], ("10.0.0.7", 4000), ("10.0.0.7", 4001)),
        ("phone.local", [], ("10.0.0.7", 4000), ("10.0.0.7", 4001)),
        ("0.0.0.0", [], None, None),
        ("10.0.0.9", ["c=IN IP4 224.2.0.1/127"], ("10.0.0.7", 4000), ("10.0.0.7", 4001)),
    ],
)
def test_remote_addresses(connection, attributes, remote, remote_rtcp):
    offer = sdp("m=audio 4000 RTP/AVP 8", *attributes, connection=connection)
    spec = answer(offer, peer_address="10.0.0.7")[1].streams[0]
    assert (spec.remote, spec.remote_rtcp) == (remote, remote_rtcp)


AUDIO = ("m=audio 4000 RTP/AVP 8",)


@pytest.mark.parametrize(
    ("direction", "connection", "expected", "sends", "receives"),
    [
        ("sendrecv", "10.0.0.9", "sendrecv", True, True),
        ("sendonly", "10.0.0.9", "recvonly", False, True),
        ("recvonly", "10.0.0.9", "sendonly", True, False),
        ("inactive", "10.0.0.9", "inactive", False, False),
        ("sendrecv", "0.0.0.0", "recvonly", False, True),
        ("recvonly", "0.0.0.0", "inactive", False, False),
    ],
)
def test_direction(direction, connection, expected, sends, receives):
    for offer in (
        sdp(*AUDIO, f"a={direction}", connection=connection),
        sdp(f"a={direction}", *AUDIO, connection=connection),
        sdp(*AUDIO, f"c=IN IP4 {connection}", f"a={direction}"),
    ):
        description, media = answer(offer)
        assert description.media[0].value(expected) == ""
        assert (media.streams[0].send is not None, bool(media.streams[0].receive)) == (sends, receives)


@pytest.mark.parametrize(
    ("protocol", "attributes", "expected"),
    [
        ("RTP/AVP", [], Grade.CLEAR),
        ("RTP/AVP", [f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{CM_KEY}"], Grade.OPPORTUNISTIC),
        ("RTP/AVP", ["a=crypto:1 UNKNOWN inline:x"], Grade.CLEAR),
        ("RTP/AVP", [f"a=fingerprint:sha-256 {FINGERPRINT}", "a=setup:actpass"], Grade.OPPORTUNISTIC),
        ("RTP/SAVP", [f"a=fingerprint:SHA-256 {FINGERPRINT}"], Grade.OPPORTUNISTIC),
        ("RTP/SAVPF", [f"a=crypto:1 AEAD_AES_256_GCM inline:{GCM_KEY}"], Grade.OPPORTUNISTIC),
        ("UDP/TLS/RTP/SAVP", [f"a=fingerprint:sha-256 {FINGERPRINT}"], Grade.OPPORTUNISTIC),
        ("RTP/SAVP", [], None),
        ("RTP/SAVP", ["a=crypto:1 UNKNOWN inline:x"], None),
        ("RTP/SAVP", ["a=fingerprint:sha-1 00:11"], None),
        ("UDP/TLS/RTP/SAVPF", [f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{CM_KEY}"], None),
    ],
)
def test_security(protocol, attributes, expected):
    offer = sdp(f"m=audio 4000 {protocol} 8", *attributes)
    if expected is None:
        with pytest.raises(SdpError) as caught:
            answer(offer)
        assert caught.value.status == 488
        assert "encryption" in dict(caught.value.headers)["Warning"]
        return
    description, media = answer(offer)
    assert media.grade is expected
    assert description.media[0].protocol == protocol
    if expected is Grade.OPPORTUNISTIC:
        assert answer(offer, is_secure_signaling=True)[1].grade is Grade.AUTHENTICATED


@pytest.mark.parametrize(
    ("protocol", "attributes", "expected"),
    [
        ("RTP/AVP", [], Grade.CLEAR),
        ("RTP/AVP", [f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{CM_KEY}"], Grade.CLEAR),
        ("RTP/AVP", [f"a=fingerprint:sha-256 {FINGERPRINT}", "a=setup:actpass"], Grade.CLEAR),
        ("RTP/SAVP", [f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{CM_KEY}"], Grade.OPPORTUNISTIC),
        ("UDP/TLS/RTP/SAVP", [f"a=fingerprint:sha-256 {FINGERPRINT}"], Grade.OPPORTUNISTIC),
    ],
)
def test_where_encryption_is_not_asked_for_only_who_insists_has_it(protocol, attributes, expected):
    description, media = answer(sdp(f"m=audio 4000 {protocol} 8", *attributes), asks_for_encryption=False)
    assert media.grade is expected
    line = description.media[0]
    is_keyed = line.value("crypto") is not None or line.value("fingerprint") is not None
    assert (line.protocol, is_keyed) == (protocol, expected is not Grade.CLEAR)


def test_an_unusable_second_line_does_not_end_the_call():
    description, media = answer(sdp(*AUDIO, "m=video 4002 RTP/SAVP 96", "a=rtpmap:96 VP8/90000"))
    assert [line.port for line in description.media] == [40000, 0]
    assert len(media.streams) == 1


def test_of_two_alternatives_the_protected_one_wins():
    offer = sdp(*AUDIO, "m=audio 4000 RTP/SAVP 8", f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{CM_KEY}")
    description, media = answer(offer)
    assert [line.port for line in description.media] == [0, 40000]
    assert media.grade is Grade.OPPORTUNISTIC


def test_where_encryption_is_not_asked_for_the_plain_alternative_wins():
    offer = sdp("m=audio 4000 RTP/SAVP 8", f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{CM_KEY}", *AUDIO)
    description, media = answer(offer, asks_for_encryption=False)
    assert [line.port for line in description.media] == [0, 40000]
    assert media.grade is Grade.CLEAR


@pytest.mark.parametrize(
    "offer",
    [
        sdp("m=audio 4000 RTP/AVP 18", "a=rtpmap:18 G729/8000"),
        sdp("m=audio 0 RTP/AVP 8"),
        sdp(),
        sdp("m=audio 4 RTP/AVP 101"),
    ],
)
def test_nothing_in_common(offer):
    with pytest.raises(SdpError) as caught:
        answer(offer)
    assert caught.value.status == 488
    assert "305" in dict(caught.value.headers)["Warning"]


@pytest.mark.parametrize(
    ("formats", "expected"),
    [
        (["97 H264/90000 packetization-mode=1;profile-level-id=42e01f", "96 VP8/90000 "], 97),
        (["96 VP8/90000 ", "97 H264/90000 profile-level-id=42e01f"], 97),
        (["97 H264/90000 profile-level-id=42e01f", "98 H264/90000 packetization-mode=1;profile-level-id=42e01f"], 98),
        (["97 H264/90000 packetization-mode=2;profile-level-id=42e01f", "96 VP8/90000 max-fs=3600"], 96),
        (["97 H264/90000 packetization-mode=1;profile-level-id=zz", "96 VP8/90000 "], 96),
        (
            [
                "97 H264/90000 packetization-mode=1;profile-level-id=640028",
                "98 H264/90000 packetization-mode=1;profile-level-id=42e01f",
            ],
            98,
        ),
    ],
)
def test_video_preference(formats, expected):
    lines = ["m=video 4000 RTP/AVP " + " ".join(item.split()[0] for item in formats)]
    for item in formats:
        payload_type, encoding, parameters = item.split(" ", 2)
        lines += [f"a=rtpmap:{payload_type} {encoding}", f"a=fmtp:{payload_type} {parameters}"]
    description, media = answer(sdp(*lines))
    assert description.media[0].formats == (str(expected),)
    assert media.streams[0].send.payload_type == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (WantedPicture(640, 360), (21, ";max-fs=920;max-mbps=27600")),
        (WantedPicture(1280, 720), (31, "")),
        (WantedPicture(320, 180), (10, ";max-fs=240;max-mbps=7200")),
        (WantedPicture(64, 64), (10, "")),
    ],
)
def test_wanted_level(wanted, expected):
    assert level_for(wanted) == expected


def test_level_is_lowered_only_when_both_may_differ():
    symmetric = sdp(
        "m=video 4 RTP/AVP 97", "a=rtpmap:97 H264/90000", "a=fmtp:97 profile-level-id=42e01f;packetization-mode=1"
    )
    assert answer(symmetric)[0].media[0].value("fmtp") == "97 profile-level-id=42e01f;packetization-mode=1"
    free = symmetric.replace(b"mode=1", b"mode=1;level-asymmetry-allowed=1")
    assert "profile-level-id=42e015;" in answer(free)[0].media[0].value("fmtp")
    assert answer(free)[1].streams[0].send.profile_level_id == "42e01f"


def test_hold_and_resume_keep_ports_and_keys():
    state = negotiation()
    first, media = state.answer(offers.BARESIP_SDES)
    held, on_hold = state.answer(offers.BARESIP_SDES.replace(b"a=sendrecv", b"a=sendonly"))
    again, resumed = state.answer(offers.BARESIP_SDES)
    assert resumed == media
    assert on_hold.streams[0].send is None
    assert on_hold.streams[0].sdes == media.streams[0].sdes
    ports = [[line.port for line in session.parse(body).media] for body in (first, held, again)]
    assert ports == [[40000, 40002]] * 3
    versions = [session.parse(body).origin.version for body in (first, held, again)]
    assert versions == ["1000", "1001", "1002"]


def test_a_new_key_of_the_peer_gets_a_new_one_of_ours():
    state = negotiation()
    _, media = state.answer(offers.BARESIP_SDES)
    other = CM_KEY[:-4] + "AAAA"
    _, changed = state.answer(offers.BARESIP_SDES.replace(CM_KEY.encode(), other.encode()))
    assert changed.streams[0].sdes.local != media.streams[0].sdes.local


def test_failed_negotiation_changes_nothing():
    state = negotiation()
    _, media = state.answer(offers.BARESIP_SDES)
    with pytest.raises(SdpError):
        state.answer(sdp("m=audio 0 RTP/AVP 8", "m=video 0 RTP/AVP 96"))
    with pytest.raises(SdpError):
        state.answer(sdp(*AUDIO))
    state.answer(offers.BARESIP_SDES.replace(b"96 9 0 8 101", b"8 101"))
    state.revert()
    assert state.media == media


def reply(offer: bytes, *edits: tuple[bytes, bytes]) -> bytes:
    for old, new in edits:
        assert old in offer
        offer = offer.replace(old, new)
    return offer


def test_our_offer_answered_plain():
    state = negotiation()
    offer = state.offer()
    media = state.receive_answer(
        sdp("m=audio 5000 RTP/AVP 0 102", "a=rtpmap:102 telephone-event/8000", "m=video 0 RTP/AVP 97")
    )
    assert [(spec.kind, spec.send.codec) for spec in media.streams] == [(Kind.AUDIO, Codec.PCMU)]
    assert media.streams[0].send_dtmf.payload_type == 102
    assert media.grade is Grade.CLEAR
    assert b"a=crypto:1 AEAD_AES_256_GCM" in offer


def test_our_offer_answered_encrypted():
    state = negotiation()
    ours = session.parse(state.offer())
    crypto = f"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:{CM_KEY}"
    media = state.receive_answer(
        sdp(
            "m=audio 5000 RTP/AVP 96",
            "a=rtpmap:96 opus/48000/2",
            crypto,
            "m=video 5002 RTP/AVP 98",
            "a=rtpmap:98 H264/90000",
            crypto,
        )
    )
    assert media.grade is Grade.OPPORTUNISTIC
    audio, video = media.streams
    mine = next(value for value in ours.media[0].values("crypto") if value.startswith("3 "))
    assert mine.endswith(base64.b64encode(audio.sdes.local).decode())
    assert (video.send.codec, video.send.packetization_mode) == (Codec.H264, 0)


@pytest.mark.parametrize(
    "body",
    [
        sdp(),
        sdp(*["m=audio 5000 RTP/AVP 0"] * 4),
        sdp("m=audio 0 RTP/AVP 0", "m=video 0 RTP/AVP 97"),
        sdp("m=audio 5000 RTP/AVP 18", "m=video 0 RTP/AVP 97"),
        sdp("m=audio 5000 RTP/SAVP 0", "m=video 0 RTP/AVP 97"),
        sdp("m=audio 5000 RTP/AVP 0", f"a=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:{CM_KEY}", "m=video 0 RTP/AVP 97"),
    ],
)
def test_answers_that_do_not_fit_our_offer(body):
    state = negotiation()
    state.offer()
    with pytest.raises(SdpError):
        state.receive_answer(body)


def test_a_room_that_requires_encryption_offers_it():
    state = Negotiation(negotiation().local, 1, must_encrypt=True)
    offer = session.parse(state.offer())
    assert {line.protocol for line in offer.media} == {"RTP/SAVP"}
    with pytest.raises(SdpError):
        state.receive_answer(sdp("m=audio 5000 RTP/AVP 0", "m=video 0 RTP/AVP 97"))


def test_a_room_that_does_without_encryption_offers_no_keys_except_to_who_insists():
    plain = session.parse(negotiation(asks_for_encryption=False).offer())
    assert all(line.protocol == "RTP/AVP" and line.value("crypto") is None for line in plain.media)
    local = negotiation(asks_for_encryption=False).local
    insisting = session.parse(Negotiation(local, 1, must_encrypt=True).offer())
    assert all(line.protocol == "RTP/SAVP" and line.value("crypto") is not None for line in insisting.media)


def test_reoffer_keeps_lines_payload_types_and_keys():
    state = negotiation()
    state.answer(offers.ROOM_SYSTEM)
    offer = session.parse(state.offer())
    assert shape(offer)[:3] == [
        ("audio", 40000, "RTP/AVP", ("9", "101")),
        ("video", 40002, "RTP/AVP", ("109",)),
        ("video", 40004, "RTP/AVP", ("108",)),
    ]
    media = state.receive_answer(offers.ROOM_SYSTEM)
    assert {spec.kind for spec in media.streams} == {Kind.AUDIO, Kind.VIDEO, Kind.CONTENT}
    dtls = negotiation()
    dtls.answer(offers.CHROMIUM)
    assert session.parse(dtls.offer()).media[0].value("setup") == "actpass"
    assert dtls.receive_answer(offers.CHROMIUM.replace(b"actpass", b"passive")).streams[0].dtls.is_client


ALL = [offers.BARESIP_SDES, offers.LINPHONE, offers.CHROMIUM, offers.ROOM_SYSTEM, offers.FAX]


@pytest.mark.parametrize("offer", ALL, ids=["baresip", "linphone", "chromium", "room-system", "fax"])
def test_round_trip(offer):
    first = session.parse(offer)
    assert session.parse(first.serialize()) == first


@pytest.mark.parametrize("offer", ALL, ids=["baresip", "linphone", "chromium", "room-system", "fax"])
def test_truncated_at_every_length(offer):
    state = negotiation()
    for length in range(0, len(offer), 1):
        try:
            state = negotiation()
            state.answer(offer[:length])
        except SdpError:
            continue


@pytest.mark.parametrize(
    "offer",
    [
        b"", b"v=1\r\n", b"v=0\r\no=x\r\n", sdp("m=audio x RTP/AVP 0"), sdp("m=audio 70000 RTP/AVP 0"), sdp("m=audio"),
        sdp("m=audio 1 RTP/AVP 0", "c=IN IP5 x"), sdp("nonsense"), sdp(*["m=audio 0 RTP/AVP 0"] * 17), sdp("a=x\0"),
        sdp("a=" + "x" * 40_000), sdp(*["a=x"] * 1100),
    ],
)  # fmt: skip
def test_malformed(offer):
    with pytest.raises(SdpError) as caught:
        session.parse(offer)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("lines", "mid"),
    [
        ((b"m=audio 4000 RTP/AVP 0", b"a=mid:\xff\xfe"), ""),
        ((b"m=audio 4000 RTP/AVP 0", b"a=mid:" + b"x" * 30_000), ""),
        ((b"m=audio 4000 RTP/AVP 0", b"c=IN IP6 fe80::1%\xff"), ""),
        ((b"m=audio 4000 RTP/AVP 0", b"a=mid:0"), "0"),
    ],
)
def test_what_is_agreed_can_be_told_to_the_worker(lines, mid):
    offer = sdp("").rstrip(b"\r\n") + b"\r\n" + b"\r\n".join(lines) + b"\r\n"
    for address in ("10.0.0.1", "fd00::1"):
        media = answer(offer, address=address)[1]
        assert len(encode(ConfigureLeg(1, media.streams))) < 1000
        assert media.streams[0].mid == mid


@pytest.mark.parametrize("number", ["\x1f096", "64\x1c", "\u0662", "-1", "1" * 20, ""])
def test_bandwidths_that_are_no_numbers_are_ignored(number):
    description = session.parse(offers.BARESIP_SDES + f"b=AS:{number}\r\nb=TIAS: 64000 \r\n".encode())
    assert description.media[-1].bandwidths == (("TIAS", 64000),)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(ALL), st.text(max_size=20), st.integers(0, 2000), st.integers(0, 20))
def test_garbage_raises_nothing_else(offer, noise, at, cut):
    try:
        negotiation().answer(offer[:at] + noise.encode() + offer[at + cut :])
    except SdpError:
        pass
    state = negotiation()
    state.offer()
    try:
        state.receive_answer(offer[:at] + noise.encode() + offer[at + cut :])
    except SdpError:
        pass


def test_pictures_that_are_held_are_inactive_until_an_offer_of_ours_releases_them() -> None:
    state = negotiation(held=frozenset({Kind.VIDEO, Kind.CONTENT}))
    body, media = state.answer(offers.BARESIP_SDES)
    lines = session.parse(body).media
    assert [line.port for line in lines] == [40000, 40002]
    assert [("inactive", None) in line.attributes for line in lines] == [False, True]
    video = media.stream(Kind.VIDEO)
    assert video is not None
    assert (video.send, video.receive) == (None, ())
    held_again = session.parse(state.offer()).media
    assert ("inactive", None) in held_again[1].attributes, "whoever asks for an offer is offered what holds"
    state.withdraw()
    assert state.release()
    assert not state.release()
    offered = session.parse(state.offer())
    assert [("sendrecv", None) in line.attributes for line in offered.media] == [True, True]
    back = offers.BARESIP_SDES
    again = state.receive_answer(back).stream(Kind.VIDEO)
    assert again is not None
    assert again.send is not None
    assert again.receive


def test_an_offer_of_ours_holds_pictures_too() -> None:
    lines = session.parse(negotiation(held=frozenset({Kind.VIDEO, Kind.CONTENT})).offer()).media
    directions = [{"sendrecv", "inactive"} & {name for name, _ in line.attributes} for line in lines]
    assert directions == [{"sendrecv"}, {"inactive"}, {"inactive"}]
