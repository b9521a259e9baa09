"""Our terminalCapabilitySet (H.245 B.2.2), from what the room takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from crypto.h235.algorithm import Algorithm
from mcu.media import Codec, Kind
from signaling.h323.capabilities import content, medium, security
from signaling.h323.capabilities.capability import H264, Capability, Packetization, PictureIntervals

SECURITY_OFFSET = 100
"""The security entry of entry N has number 100 + N, as terminals of the trade number theirs."""
_CONTROL_ENTRY, _SIGNAL_ENTRY, _STRING_ENTRY = 90, 91, 92
_LARGEST_JITTER_MS = 300
_HD = H264(profile_idc=66, level_idc=31)
"""1280x720 at 30 pictures a second."""
_FULL_RATE = PictureIntervals(qcif=1, cif=1)


@dataclass(frozen=True, slots=True)
class OwnMedia:
    """What we take of a terminal."""

    audio: tuple[Codec, ...] = (Codec.G722, Codec.PCMA, Codec.PCMU)
    video: tuple[Codec, ...] = (Codec.H264, Codec.H263, Codec.H261)
    """None for a call of sound alone."""
    h264: H264 = _HD
    """Its profile is that of what we encode."""
    taken_profiles: tuple[int, ...] = (100, 77, 66)
    """profile_idc of what we decode, dearest first, within the levels of `h264` and `content`."""
    content: H264 | None = _HD
    """None takes no content."""
    video_bitrate_bps: int = 1_920_000
    sent_bitrate_bps: int = 0
    """Of each picture that we send, at most; 0 for no more than we take."""
    has_camera: bool = True
    telephone_event_payload_type: int = 101
    """0 takes none."""
    algorithms: tuple[Algorithm, ...] = ()
    """Dearest first; none without a half key of the peer, or where the room does not encrypt."""
    is_encryption_required: bool = False
    """Clear media are then in no set of simultaneous capabilities: they only carry the encrypted ones."""
    audio_frames: int = 20
    has_h263_plus: bool = True
    """H.263 is taken and sent in the payloads of RFC 4629, too, and not only in those of RFC 2190."""
    sends_h261: bool = False
    """Rooms take it alone: they have no encoder for it."""

    def capabilities(self) -> list[Capability]:
        """Numbered from 1, dearest of each kind first."""
        return [
            Capability(
                each.codec, each.kind, number, each.max_bitrate_bps, each.frames, each.payload_type, each.h264,
                each.intervals, self.algorithms if each.codec is not Codec.TELEPHONE_EVENT else (),
            )
            for number, each in enumerate(self._media(), 1)
        ]  # fmt: skip

    def _media(self) -> Iterator[Capability]:
        for codec in self.audio:
            yield Capability(codec, Kind.AUDIO, frames=self.audio_frames)
        for codec in self.video:
            yield from self._video(codec, Kind.VIDEO, self.h264)
        if self.content is not None and self.video:
            yield from self._video(Codec.H264, Kind.CONTENT, self.content)
        if self.has_camera and self.video:
            yield Capability(Codec.H224, Kind.CAMERA, max_bitrate_bps=medium.CAMERA_BITRATE_BPS)
        if self.telephone_event_payload_type:
            yield Capability(Codec.TELEPHONE_EVENT, Kind.AUDIO, payload_type=self.telephone_event_payload_type)

    def _video(self, codec: Codec, kind: Kind, limits: H264) -> Iterator[Capability]:
        rate_bps = self.video_bitrate_bps
        if codec is Codec.H264:
            for profile in self.taken_profiles:
                yield Capability(codec, kind, h264=replace(limits, profile_idc=profile), max_bitrate_bps=rate_bps)
        else:
            yield Capability(codec, kind, intervals=_FULL_RATE, max_bitrate_bps=rate_bps)


def capability_set(own: OwnMedia) -> dict[str, Any]:
    """multiplexCapability, capabilityTable and capabilityDescriptors for a Control."""
    capabilities = own.capabilities()
    table = [_entry(each.number, medium.write_capability(each)) for each in capabilities]
    table += [
        _entry(SECURITY_OFFSET + each.number, security.entry(each.number, each.algorithms))
        for each in capabilities
        if each.algorithms
    ]
    table.append(_entry(_SIGNAL_ENTRY, ("receiveUserInputCapability", ("dtmf", 0))))
    table.append(_entry(_STRING_ENTRY, ("receiveUserInputCapability", ("basicString", 0))))
    if any(each.kind is Kind.CONTENT for each in capabilities):
        table.append(_entry(_CONTROL_ENTRY, content.control()))
    descriptor = {"capabilityDescriptorNumber": 0, "simultaneousCapabilities": _simultaneous(own, capabilities)}
    return {
        "multiplexCapability": ("h2250Capability", _h2250_capability(own)),
        "capabilityTable": table,
        "capabilityDescriptors": [descriptor],
    }


def _entry(number: int, capability: Any) -> dict[str, Any]:
    return {"capabilityTableEntryNumber": number, "capability": capability}


def _simultaneous(own: OwnMedia, capabilities: list[Capability]) -> list[list[int]]:
    """One of each kind at a time, and keys in each way beside them."""
    sets: dict[tuple[Kind, bool], list[int]] = {}
    for each in capabilities:
        numbers = sets.setdefault((each.kind, each.codec is Codec.TELEPHONE_EVENT), [])
        if each.algorithms:
            numbers.append(SECURITY_OFFSET + each.number)
        if not each.algorithms or not own.is_encryption_required:
            numbers.append(each.number)
    keys = [[_SIGNAL_ENTRY], [_STRING_ENTRY]]
    has_content = (Kind.CONTENT, False) in sets
    return [*sets.values(), *keys, *([[_CONTROL_ENTRY]] if has_content else [])]


def _h2250_capability(own: OwnMedia) -> dict[str, Any]:
    """We as an MCU with a centralized conference, and how pictures lie in RTP (H.245 B.2.2.3)."""
    unicast = {
        "multicastCapability": False,
        "multiUniCastConference": False,
        "mediaDistributionCapability": [_CENTRALIZED],
    }
    return {
        "maximumAudioDelayJitter": _LARGEST_JITTER_MS,
        "receiveMultipointCapability": unicast,
        "transmitMultipointCapability": unicast,
        "receiveAndTransmitMultipointCapability": unicast,
        "mcCapability": {"centralizedConferenceMC": True, "decentralizedConferenceMC": False},
        "rtcpVideoControlCapability": False,
        "mediaPacketizationCapability": _packetizations(own),
        "logicalChannelSwitchingCapability": False,
        "t120DynamicPortCapability": False,
    }


_CENTRALIZED = {
    "centralizedControl": True,
    "distributedControl": False,
    "centralizedAudio": True,
    "distributedAudio": False,
    "centralizedVideo": True,
    "distributedVideo": False,
}


def _packetizations(own: OwnMedia) -> dict[str, Any]:
    """H.261 only as RFC 4587 has it; h261aVideoPacketization would be that of H.225.0 Annex E."""
    body: dict[str, Any] = {"h261aVideoPacketization": False}
    taken: list[Packetization] = []
    if Codec.H264 in own.video:
        taken += [Packetization.H264_SINGLE_NAL, Packetization.H264_NON_INTERLEAVED]
    if Codec.H263 in own.video:
        taken += [Packetization.RFC_2190, *([Packetization.RFC_2429] if own.has_h263_plus else [])]
    if taken:
        body["rtpPayloadType"] = [{"payloadDescriptor": each.value} for each in taken]
    return body
