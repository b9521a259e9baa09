"""Writes the inputs that targets start from: `python -m tests.fuzz.make_corpus`. What was found later stays."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from auth8021x.directory.session import Entry, Held, Session, Source
from auth8021x.radius import record
from auth8021x.radius.record import Record
from auth8021x.wire import attribute, authenticity, eap, eap_message, eapol, tunnel
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import AcctStatusType, Code, ErrorCause, Type
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.eapol import PAE_GROUP_ADDRESS, Eapol
from auth8021x.wire.packet import Packet
from mcu.audio.opus import OpusEncoder
from mcu.audio.pcm import FRAME_SAMPLES
from mcu.media import Codec
from mcu.rtp import h264, rtcp, vp8
from mcu.rtp.packet import extension_block, header
from mcu.rtp.rate_limits import RateLimit, RateLimitNotice, RateLimitRequest
from mcu.rtp.transport_cc import TransportFeedback
from mcu.worker.channel import Channel, Frame, channel_pair
from mcu.worker.messages import (
    AssignAudio,
    ConfigureLeg,
    Dtmf,
    LegFailed,
    Message,
    OpenRendition,
    ProcessStats,
    SetScene,
    Start,
    Tile,
    encode,
)
from tests.auth8021x.accounting import packets
from tests.auth8021x.ports import test_link_messages
from tests.auth8021x.snooping import test_sightings
from tests.fuzz.target import keep
from tests.fuzz.targets.transports import check
from tests.mcu.video.media import RED, Sender, sps

START = b"\0\0\0\1"
HUGE_REMB = b"\x8f\xce\0\5" + struct.pack("!II", 1, 0) + b"REMB\1\xff\xff\xffSSRC"
HUGE_TMMBR = b"\x83\xcd\0\4" + struct.pack("!II", 1, 0) + b"SSRC\xff\xff\xff\xff"


def main() -> None:
    """Write them all."""
    for make in (
        _packets,
        _rtcp,
        _payloads,
        _streams,
        _transports,
        _sound,
        _video,
        _processes,
        _dot1x,
        _radius,
        _eap_server,
        _eap_peer,
    ):
        for name, title, data in make():
            keep(name, title, data)


Inputs = Iterator[tuple[str, str, bytes]]


def _long(data: bytes) -> bytes:
    return b"\0" + len(data).to_bytes(2, "big") + data


def _chunk(data: bytes) -> bytes:
    return bytes((min(255, len(data)),)) + data[:255]


def _packets() -> Inputs:
    one = extension_block([(1, b"v"), (2, b"\x9f"), (3, b"abc"), (4, b"\0\7"), (5, b"h")])
    two = extension_block([(1, b"video" * 4), (20, b""), (4, b"\0\7")])
    for title, block in (("plain", b""), ("one-byte", one), ("two-byte", two)):
        yield "rtp", title, header(96, True, 65_535, 0xFFFFFFFF, 5, block) + b"payload"
        yield "demux", title, header(96, True, 1, 2, 3, block) + b"payload"
    yield "rtp", "id-0-with-a-length", b"\x90\x60\0\1" + bytes(8) + b"\xbe\xde\0\1\3abc"
    yield "rtp", "padding-only", b"\xa0\x60\0\1" + bytes(8) + b"\0\0\0\4"
    yield "rtp", "fifteen-sources", b"\x8f\x60\0\1" + bytes(8 + 60)
    yield "rtp", "extension-without-end", b"\x90\x60\0\1" + bytes(8) + b"\xbe\xde\xff\xff"
    for event in range(0, 20, 7):
        yield (
            "telephone-events",
            f"event-{event}",
            b"\4" + bytes((event, 10, 0, 160)) + b"\0\0\0\5" + b"\4\3\x8a\3\x20" * 3,
        )
    yield "tcp-framing", "two-packets", _chunk(b"\0\3abc\0\2de") + _chunk(b"\0") + _chunk(b"\1x")
    yield "tcp-framing", "too-large", _chunk(b"\xff\xff")
    yield "h224", "camera", bytes.fromhex("0400000000000181000100")


def _rtcp() -> Inputs:
    block = rtcp.ReportBlock(1, 5, -3, 70_000, 9, 8, 7)
    everything = rtcp.compound(
        rtcp.SenderReport(1, 2 << 40, 3, 4, 5, (block,)), rtcp.SourceDescription(((1, "name"), (2, "é"))),
        rtcp.GenericNack(1, 2, (65_535, 0, 16, 17)), rtcp.PictureLoss(1, 2), rtcp.FullIntraRequest(1, ((2, 3),)),
        rtcp.ReceiverEstimate(1, 1_000_000, (2,)), RateLimitRequest(1, (RateLimit(2, 300_000),)),
        RateLimitNotice(1, (RateLimit(2, 300_000),)), rtcp.Goodbye((1,), "bye"),
    )  # fmt: skip
    yield "rtcp", "everything", everything
    yield "rtcp", "many-blocks", rtcp.ReceiverReport(1, (block,) * 31).serialize()
    yield "rtcp", "all-lost", b"\x81\xcd\0\x22" + bytes(8) + b"\0\0\xff\xff" * 32
    yield "rtcp", "largest-estimate", HUGE_REMB
    yield "rtcp", "largest-limit", HUGE_TMMBR
    yield "rtcp", "empty-packets", b"\x80\xcc\0\0" * 100
    feedback = TransportFeedback(1, 2, 65_530, 9, (64_000, None, 65_000, *(None,) * 30, 66_000, 164_000)).serialize()
    yield "rtcp", "transport-cc", feedback
    yield "rtcp", "transport-cc-thousands", (b"\x8f\xcd\0\5" + bytes(8) + b"\0\0\7\xd0\0\0\0\0\x1f\xff\0\0") * 80
    yield "transport-cc", "some", feedback[4:]
    yield "transport-cc", "thousands-in-few-bytes", bytes(8) + b"\0\0\7\xd0\0\0\0\0\x1f\xff\0\0"


def _payloads() -> Inputs:
    parameter_sets = START + sps(20, 11) + START + b"\x68\xce\x3c\x80"
    picture = [piece.payload for piece in h264.cut(parameter_sets + START + b"\x65" + bytes(range(1, 200)) * 3, 150)]
    yield "h264-payloads", "keyframe", b"\7" + b"".join(map(_chunk, picture))
    yield "h264-payloads", "many-small-units", b"\1" + _chunk(b"\x18" + b"\0\1\x41" * 84)
    yield "h264-payloads", "fragment-without-start", b"\2" + _chunk(b"\x7c\x05abc") + _chunk(b"\x7c\x45abc")
    yield (
        "vp8-payloads",
        "keyframe",
        b"\3"
        + b"".join(_chunk(piece.payload) for piece in vp8.cut(b"\x10\0\0\x9d\1\x2a\x40\1\xb4\0" + bytes(300), 150, 5)),
    )
    yield (
        "vp8-payloads",
        "cut-descriptors",
        b"\4" + b"".join(_chunk(head) for head in (b"\x90", b"\x90\x80", b"\x90\xf0\x80")),
    )
    for title, unit in {
        "small": sps(20, 11), "16384": sps(1024, 1024), "references": sps(512, 512, 16), "flat": sps(512, 1),
        "endless-number": b"\x67\x42\xc0\x1f" + bytes(40), "scaling-lists": b"\x67\x64\0\x1f\xac" + b"\xff" * 200,
        "long": b"\x67\x64\0\x1f\xac" + b"\0\0\0\1\xff" * 250,
    }.items():  # fmt: skip
        yield "h264-sps", title, unit
        yield "h264-header", title, START + unit + START + b"\x65\x88"
    yield "h264-header", "many-units", b"\0\0\1\x41" * 600 + START + sps(1024, 1024)
    yield "vp8-header", "16383", b"\x10\0\0\x9d\1\x2a\xff\x3f\xff\x3f" + bytes(20)


def _streams() -> Inputs:
    chance = random.Random(4)
    # 0x47.. in a packet's choices: the next number, the next time, one of the telling payloads.
    follow = b"".join(bytes((0, 0x45 | part << 3, kind, 0)) for part in range(8) for kind in (2, 2, 1, 3))
    for name in ("video-receiver", "simulcast-receiver"):
        yield name, "in-order", follow * 4
        yield name, "jumps", b"".join(bytes((0, 0xC2, *chance.randbytes(6), 2, 1)) for _ in range(60))
        yield name, "time-and-layers", (follow + b"\xcd\5\xf1\x20\x10\x10\xe7\xfa") * 3
    yield "frame-assembler", "backwards", bytes((0, *[2] * 80, *[6] * 4, *[3] * 40))
    yield "frame-assembler", "holes", bytes((4, 5, 0xF4, 12)) * 40
    yield "frame-assembler", "whole", bytes((0x10, 0x20, 0xD8)) * 50
    yield "arrival-log", "steps-of-2000", bytes((3, 2, 0x13, 4)) * 60 + b"\x98\x98"
    yield "arrival-log", "in-order", bytes((0, 8, 0)) * 80 + b"\x98"
    yield "video-sender", "everything-again", bytes((1, 5, 0, 0, 0, 1, 80, 0, 0, 9, 9, 182, 182, 183)) + bytes(
        (179, *bytes(158))) * 6  # fmt: skip
    yield "video-sender", "without-rtx", bytes((0, 90, 0, 0, 0, 1, 183, 183, 150, *bytes(100), 183, 150, *bytes(100)))
    yield from _legs()
    yield "waiting-frames", "full", bytes((10, 1, 200, 40, 1, 250)) * 40


def _legs() -> Inputs:
    def datagrams(*given: bytes) -> bytes:
        return b"".join(b"\x50" + _chunk(data) for data in given)

    picture = b"".join(h + p for h, p in ((header(97, True, 7, 8, 9), b"\x65\x88" + bytes(60)),))
    sound = header(0, False, 1, 160, 5) + bytes(160)
    nack = b"\x81\xcd\0\x12" + b"\0\0\0\1SSRC" + b"\0\0\xff\xff" * 16
    limits = b"".join(b"SSRC" + struct.pack("!I", 3 << 26 | number << 9) for number in range(1000, 1016))
    yield "leg", "media", datagrams(picture, sound) + b"\x20" + datagrams(picture, sound) + b"\x25" * 3
    yield "leg", "largest-estimate", datagrams(HUGE_REMB) + b"\x25" * 4
    yield "leg", "largest-limit", datagrams(HUGE_TMMBR) + b"\x22" * 4
    yield "leg", "nacks", b"\x0f\x20\x0f\x20" + datagrams(nack) * 20
    yield "leg", "limits-that-change", datagrams(b"\x83\xcd\0\x22" + bytes(8) + limits) * 12
    digits = (header(101, True, n, n * 160, 5) + bytes((n % 16, 10, 0, 160)) for n in range(150))
    yield "leg", "digits", b"".join(b"\x51" + _chunk(digit) for digit in digits)
    yield "leg", "keyframes", datagrams(b"\x81\xce\0\2\0\0\0\1SSRC") * 100


def _transports() -> Inputs:
    yield "stun", "check", check()
    yield "stun", "controlled", check(controlled=True)
    yield "stun", "unknown-user", check("else")
    yield "stun", "zero-length-attributes", b"\0\1\0\x40\x21\x12\xa4\x42" + bytes(12) + b"\x80\x22\0\0" * 16
    for title, body in {
        "software": b"\x80\x22\0\4abcd", "second-user": b"\0\6\0\4else", "error-code": b"\0\x09\0\4\0\0\4\x57",
        "address": b"\0\x20\0\x08\0\1\x21\x12\xa4\x42\1\2", "short-address": b"\0\x20\0\4\0\2\0\0",
        "flag": b"\0\x25\0\0",
    }.items():  # fmt: skip
        yield "stun-authentic", title, body
    yield (
        "ice-agent",
        "all",
        b"".join(bytes((step & 7 | (step % 5 == 0) << 6, step % 6, step % 13)) for step in range(200)),
    )
    yield "port-checks", "on", bytes((1, 41, 43, 40)) + _chunk(check())
    for title, packet in (("media", header(96, True, 1, 2, 3) + bytes(60)), ("report", b"\x80\xc9\0\1" + bytes(40))):
        yield "srtp", title, packet
    yield "srtp", "fifteen-sources", b"\x8f\x60\0\1" + bytes(30)
    yield "srtp", "long-extension", b"\x90\x60\0\1" + bytes(8) + b"\xbe\xde\xff\xff" + bytes(30)
    yield "srtp-sequence", "all", bytes(range(256)) * 2
    yield "latch", "all", bytes(range(256)) * 2
    greetings = b"".join(bytes((5, port, 4)) + b"helo" for port in range(7))
    yield "dtls-keying", "strangers", b"\1\0\0\1\4" + greetings * 3 + bytes((3, 0, 11, 0, 2, 0)) + greetings
    yield "dtls-keying", "client", b"\1\x08\0\1\3" + greetings + b"\3\0" + greetings + b"\4\0\x18\0" + greetings
    yield "dtls-keying", "over-ice", b"\0" + greetings + b"\0\0" + greetings + b"\2\0\x10\0" + greetings + b"\3\0"


def _sound() -> Inputs:
    encoder = OpusEncoder(expected_loss_percent=20)
    noise = random.Random(1)
    import numpy as np

    talk = b""
    for _ in range(6):
        packet = encoder.encode(np.array([noise.uniform(-0.5, 0.5) for _ in range(FRAME_SAMPLES)], np.float32))
        talk += b"\0" + len(packet).to_bytes(2, "big") + packet
    yield "opus", "noise", talk
    for title, packet in {
        "48-frames": b"\x83\x30" + bytes(48), "49-frames": b"\x83\x31" + bytes(49), "no-frames": b"\x83\0",
        "padding-all": b"\xff\x41\xff\xff\xff\xff\0", "padding-beyond": b"\xff\x41\xfe",
        "120-ms": b"\xfb\x06" + bytes(90),
        "too-long": b"\x1b\x03" + bytes(30), "variable": b"\xff\xc3\xfb\xff\1" + bytes(40),
        "stereo": b"\xfc" + b"\xff" * 200,
        "empty": b"", "one-byte": b"\xfc",
    }.items():  # fmt: skip
        yield (
            "opus",
            title,
            (b"\0" + len(packet).to_bytes(2, "big") + packet) * 3 + b"\1" + len(packet).to_bytes(2, "big") + packet,
        )
    for number, name in enumerate(("opus", "g722", "pcmu", "pcma")):
        follow = bytes((number,)) + (bytes((0x3F, 40)) + b"\x55" * 40 + bytes(7)) * 20
        yield "sound-source", f"{name}-in-order", follow
        yield "sound-source", f"{name}-jumps", bytes((number,)) + random.Random(number).randbytes(1200)
    yield "sound-source", "pcmu-one-sample", b"\2" + (bytes((0x2F, 1, 0x55)) + bytes(7)) * 120


def _video() -> Inputs:
    for codec, name in ((Codec.H264, "h264-decoder"), (Codec.VP8, "vp8-decoder")):
        sender = Sender(5, RED, codec, (64, 48))
        coded = [sender.frame(is_key=number % 4 == 0).payload for number in range(5)]
        yield name, "pictures", b"".join(len(data).to_bytes(2, "big") + data for data in coded)
        tall = Sender(5, RED, codec, (16, 512)).frame().payload
        yield name, "changing-size", b"".join(len(data).to_bytes(2, "big") + data for data in (coded[0], tall) * 3)


def _processes() -> Inputs:
    told: list[Message] = [
        AssignAudio(1, 2), Dtmf(1, "5"), LegFailed(1, "x"), Start({"a": [1, {"b": None}]}), ConfigureLeg(1, ()),
        ProcessStats("video", {"a": 1}, {"b": 2.0}), SetScene("1001", "all", (Tile(0, 0, 1, 1, 5, "A"),)),
        OpenRendition(9, "1001", "all", Codec.H264, 320, 180, 25, 500_000),
    ]  # fmt: skip
    for message in told:
        yield "messages", type(message).__name__.lower(), encode(message)
        yield "channel", f"message-{type(message).__name__.lower()}", _chunk(b"\2" + encode(message))
    yield "messages", "deep", b"\x82\xa4type\xa5Start\xa8settings\x81\xa1a" + b"\x91" * 3000 + b"\xc0"
    ours, theirs = channel_pair()
    Channel(ours).send_frame(Frame(5, Codec.OPUS, b"sound"))
    frame = theirs.recv(4096)
    ours.close()
    theirs.close()
    yield "channel", "frame", _chunk(frame) * 2
    yield "channel", "two-in-one", _chunk(frame + frame)
    yield "channel", "huge-total", _chunk(frame[:-13] + b"\xff\xff\xff\xff\0\0\0\0sound")


def _dot1x() -> Inputs:
    from tests.fuzz.targets.dot1x import MAC, SECRET

    challenge = Eap(eap.Code.REQUEST, 2, Method.TLS, bytes(300))
    granted = (
        *tunnel.vlan_attributes("42"),
        *tunnel.vlan_attributes("video", 1),
        attribute.number(Type.SESSION_TIMEOUT, 60),
    )
    accept = Packet(Code.ACCESS_ACCEPT, 1, attributes=(*eap_message.split(eap.success(1).serialize()), *granted))
    asked = Packet(Code.ACCESS_CHALLENGE, 1, attributes=eap_message.split(challenge.serialize()))
    for name in ("radius", "radius-answer"):
        for title, each in (("accept", accept), ("challenge", asked)):
            yield name, title, authenticity.seal_response(each, bytes(16), SECRET).serialize()
    station = attribute.text(Type.CALLING_STATION_ID, "0200-00AA-0001")
    order = authenticity.seal_request(Packet(Code.DISCONNECT_REQUEST, 1, attributes=(station,)), SECRET)
    yield "radius-orders", "disconnect", order.serialize()
    moved = Packet(Code.COA_REQUEST, 2, attributes=(station, *granted))
    yield "radius-orders", "change", authenticity.seal_request(moved, SECRET).serialize()
    identity = Eapol(0, Eap(eap.Code.RESPONSE, 1, Method.IDENTITY, b"vt1").serialize())
    for title, sent in (("identity", identity), ("start", Eapol(1)), ("logoff", Eapol(2))):
        yield "eapol", title, eapol.Frame(PAE_GROUP_ADDRESS, MAC, sent).serialize()
    yield "eapol-port", "login", b"".join(b"\x10" + _chunk(sent.serialize()) for sent in (Eapol(1), identity, Eapol(2)))
    for title, text in (("huawei", b"2CFD-A140-5663"), ("plain", b"2C-FD-A1-40-56-63:ward")):
        yield "mac-address", title, text
    kept = Record(1, "s1", AcctStatusType.START, (Attribute(Type.CLASS, b"x"),), 1.0)
    yield "accounting-journal", "record", record.line(kept).rstrip(b"\n")
    yield "accounting-journal", "removal", record.removal(1).rstrip(b"\n")
    for title, told in (
        ("huawei", packets.huawei()),
        ("cisco", packets.cisco()),
        ("stop", packets.huawei(packets.STOP)),
    ):
        yield "accounting-requests", title, _long(packets.request(*told))
    twice = _long(packets.request(*packets.huawei())) + _long(packets.request(*packets.cisco()))
    yield "accounting-requests", "two-devices", twice
    yield "sightings", "arp", _long(test_sightings.arp(mac=MAC, source=MAC))
    yield "sightings", "dhcp", b"\1" + _long(test_sightings.dhcp())[1:]
    held = Held("10.1.2.3", Source.ARP, 1.0)
    session = Session("north", MAC, "sw", "s1", "vt1", "p1", 1.0, 2.0, 2e9, Entry.EAP, addresses=(held,))
    yield "kept-session", "session", session.serialize().encode()


def _radius() -> Inputs:
    station = attribute.text(Type.CALLING_STATION_ID, "0200-00AA-0001")
    two = [Packet(code, 1, attributes=(station,)).serialize() for code in (Code.ACCESS_ACCEPT, Code.ACCESS_REJECT)]
    yield "radsec", "two-packets", _chunk(two[0][:7]) + _chunk(two[0][7:] + two[1])
    yield "radsec", "wrong-length", _chunk(two[0] + b"\2\1\0\x13" + bytes(16)) + _chunk(two[1])
    granted = b"".join(
        each.serialize()
        for each in (
            *tunnel.vlan_attributes("42"), attribute.number(Type.SESSION_TIMEOUT, 1),
            attribute.number(Type.TERMINATION_ACTION, 1), attribute.number(Type.ACCT_INTERIM_INTERVAL, 1),
            attribute.text(Type.USER_NAME, "vt1"), attribute.text(Type.REPLY_MESSAGE, "welcome"),
        )
    )  # fmt: skip
    ask, again, lost = b"\0\0\0", b"\xf0\1\0", b"\xf3\0"
    yield "radius-client", "answered", ask * 3 + b"\2\0\0" + _chunk(granted) + b"\2\1\1\0\2\2\2\0"
    yield "radius-client", "strangers", ask + b"\1\0" + _long(two[0])[1:] + b"\1\2" + _long(two[1])[1:]
    yield "radius-client", "silence", (ask + again + b"\0\0\2" + lost) * 20
    long = len(granted).to_bytes(2, "big") + granted
    yield "radius-port", "login", b"\0\0"
    yield "radius-port", "every-second", b"\0\5" + long + (b"\0\5" + long) * 20
    yield "radius-port", "endless", (b"\2" + _chunk(Eap(eap.Code.REQUEST, 7, Method.TLS, b"\x20").serialize())) * 240
    yield "radius-port", "no-answer", b"\0\1\1\0\3\0\0\4" + long
    for title, code in (("accept", Code.ACCESS_ACCEPT), ("challenge", Code.ACCESS_CHALLENGE)):
        yield "radius-grant", title, Packet(code, 1, attributes=attribute.parse(granted)).serialize()
    cut_off = (Attribute(Type.SESSION_TIMEOUT, b"\1"),)
    yield "radius-grant", "cut-off", Packet(Code.ACCESS_ACCEPT, 1, attributes=cut_off).serialize()
    refused = (attribute.number(Type.ERROR_CAUSE, ErrorCause.SESSION_CONTEXT_NOT_FOUND),)
    yield "radius-grant", "refused-order", Packet(Code.DISCONNECT_NAK, 1, attributes=refused).serialize()
    listed = test_link_messages.link("p1", changes=1) + test_link_messages.link("p2", up=False, index=4)
    done = test_link_messages.message(test_link_messages.DONE, bytes(4))
    yield "link-messages", "list", b"\1" + _long(listed + done)[1:]
    renamed = test_link_messages.link("p1", changes=3) + test_link_messages.link("x", changes=4)
    yield "link-messages", "gap", b"\1" + _long(listed + done)[1:] + b"\0" + _long(renamed)[1:]


def _eap_peer() -> Inputs:
    def asks(kind: int, data: bytes) -> bytes:
        return bytes((kind, 7)) + _long(data)[1:]

    identity, own, note = 0, 1, 2
    talk = asks(identity, b"") + asks(note, b"closed from 22:00\0\1") * 12
    for number, name in enumerate(("md5", "peap", "ttls", "tls")):
        start = asks(own, b"\x10" + bytes(16) if name == "md5" else b"\x20")
        pieces = b"".join(asks(own, each) for each in (b"\0", b"\xc0\0\0\0\x09abcd", b"\x40efg", b"\0hi"))
        yield "eap-peer", name, bytes((number,)) + talk + asks(own, b"") + start + pieces
    challenge = b"\x1a\1\7\0\x1e\x10" + bytes(16) + b"drumtower"
    success = b"\x1a\3\7\0\x2f" + b"S=" + b"0" * 40 + b" M=OK"
    result = Eap(eap.Code.REQUEST, 1, Method.TLV, b"\x80\3\0\2\0\1").serialize()
    said = (b"\1", challenge, success, result)
    yield "peap-inside-peer", "impostor", b"".join(_chunk(each) for each in said)
    yield "tls-damaged", "whole", b"\1"
    yield "tls-damaged", "small-pieces", b"\x11" + bytes(30)
    yield "tls-damaged", "flipped", b"\x81" + b"\0\0\0\0\0\1\0\x20\1"
    yield "tls-damaged", "cut-and-longer", b"\1\0\0\2\0\x30\0\3\4more"
    yield "tls-damaged", "wrong-password", b"\0" + bytes(40)


def _eap_server() -> Inputs:
    identity, nak = b"\0\0" + _chunk(b"vt1"), b"\1\1" + _chunk(b"\4")
    proof = b"\2\1" + _chunk(b"\x10" + bytes(16))
    yield "eap-server", "md5", identity + proof
    yield "eap-server", "nak", identity + nak + proof
    called = b"\xa0\0\0\x1f" + _chunk(b"02-00-00-AA-00-01")
    yield "eap-server", "call-check", b"\x20\0\0" + called + identity
    pieces = (b"\xc0\0\0\0\x09abcd", b"\x40efg", b"\0hi", b"\0")
    yield "tls-framing", "fragments", _chunk(b"ours") + b"".join(_chunk(each) for each in pieces)
    yield "tls-framing", "acknowledgements", _chunk(bytes(250)) + _chunk(b"\0") * 3
    mschap = b"\x1a\2\1\0\x39\x31" + bytes(49) + b"vt1"
    result = Eap(eap.Code.RESPONSE, 1, Method.TLV, b"\x80\3\0\2\0\1").serialize()
    inside = (b"\1vt1", mschap, b"\x1a\3", result)
    yield "peap-inside", "login", b"".join(_chunk(each) for each in inside)
    name, password = b"\0\0\0\1\x40\0\0\x0bvt1\0", b"\0\0\0\2\x40\0\0\x18" + b"guess".ljust(16, b"\0")
    yield "ttls-inside", "pap", name + password
    key = ec.derive_private_key(7, ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vt1")])
    named = x509.SubjectAlternativeName([x509.DNSName("vt1"), x509.RFC822Name("vt1@ward.example")])
    start = datetime(2026, 11, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=30))
        .add_extension(named, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    )  # fmt: skip
    yield "client-certificate", "vt1", made.public_bytes(serialization.Encoding.DER)


if __name__ == "__main__":
    main()
