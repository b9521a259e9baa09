"""Parsers of packets: RTP, RTCP, transport-wide feedback, payloads of H.264 and VP8, framing on TCP, H.224."""

from __future__ import annotations

from mcu.media import Extensions
from mcu.net.framing import BadFraming, Deframer
from mcu.rtp import h264, h264_sps, packet, rtcp, vp8
from mcu.rtp.demux import Protocol, classify
from mcu.rtp.dtmf import DtmfReceiver
from mcu.rtp.transport_cc import TransportFeedback
from signaling.h224 import frame as h224
from signaling.h224.control import CameraControl
from signaling.h224.wishes import MAX_STARTS_PER_S
from tests.fuzz.target import Bytes, target

EXTENSIONS = Extensions(mid=1, audio_level=2, abs_send_time=3, transport_cc=4, rid=5, repaired_rid=6)


@target("rtp")
def rtp(data: bytes) -> None:
    found = packet.parse(data, EXTENSIONS)
    assert found is None or len(found.payload) <= len(data) - packet.HEADER_BYTES
    plain = packet.parse(data)
    if plain is not None:
        assert (plain.audio_level, plain.mid, plain.rid) == (packet.NO_LEVEL, "", ""), "nothing was negotiated"
        assert packet.parse(plain.serialize()) is not None


@target("rtcp")
def compound(data: bytes) -> None:
    found, malformed = rtcp.parse_compound(data)
    assert len(found) + malformed <= rtcp.MAX_PACKETS + 1
    for each in found:
        if not isinstance(each, TransportFeedback):
            each.serialize()


@target("transport-cc")
def transport_cc(data: bytes) -> None:
    found = TransportFeedback.parse(data)
    if found is not None and any(arrival is not None for arrival in found.arrivals_us):
        assert len(found.arrivals_us) <= 2000


@target("demux")
def demux(data: bytes) -> None:
    assert classify(data) in Protocol


@target("h264-payloads")
def h264_payloads(data: bytes) -> None:
    script, joiner = Bytes(data), h264.Depacketizer()
    while not script.is_empty:
        payloads = [chunk for chunk in (script.chunk() for _ in range(script.number() % 8)) if chunk]
        for payload in payloads:
            joiner.starts_frame(payload)
        joined = joiner.join(payloads)
        assert joined is None or (joined.width <= 8192 and joined.height <= 8192)


@target("vp8-payloads")
def vp8_payloads(data: bytes) -> None:
    script, joiner = Bytes(data), vp8.Depacketizer()
    while not script.is_empty:
        payloads = [chunk for chunk in (script.chunk() for _ in range(script.number() % 8)) if chunk]
        for payload in payloads:
            joiner.starts_frame(payload)
        joined = joiner.join(payloads)
        assert joined is None or (joined.width <= 8192 and joined.height <= 8192)


@target("h264-sps")
def sps(data: bytes) -> None:
    h264_sps.parse(data)
    size = h264_sps.picture_size(data)
    assert size is None or (0 < size[0] <= 8192 and 0 < size[1] <= 8192)


@target("tcp-framing", BadFraming)
def framing(data: bytes) -> None:
    script, deframer = Bytes(data), Deframer()
    while not script.is_empty:
        for found in deframer.receive(script.chunk()):
            assert 0 < len(found) <= 2048


@target("telephone-events")
def telephone_events(data: bytes) -> None:
    script, receiver = Bytes(data), DtmfReceiver()
    while not script.is_empty:
        receiver.receive(script.take(script.number() % 6), script.number(4))


@target("h224")
def h224_frames(data: bytes) -> None:
    h224.parse(data)


_FRAME = bytes.fromhex("00610300000000")
"""The head of an H.224 frame; what follows is the script's."""


@target("remote-control")
def remote_control(data: bytes) -> None:
    """Frames of a remote control at any times: what it may bring about is bounded."""
    script, control, now_s, starts = Bytes(data), CameraControl(), 0.0, 0
    while not script.is_empty:
        now_s += script.number() / 100
        control.receive(_FRAME + script.take(script.number() % 8), now_s)
        wish = control.next_wish()
        assert control.next_wish() is None
        assert len(control.data_to_send()) <= 1
        starts += wish is not None and wish.is_start
        assert wish is None or wish.hold_s <= 0.8
    assert starts <= MAX_STARTS_PER_S * (now_s + 1)
