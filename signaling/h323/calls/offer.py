"""What the room offers a terminal, by settings and by what the machine has left. Pure."""

from __future__ import annotations

from config.h323 import H323Settings
from mcu.capacity import SMALL, SMALL_SEEN, Allowance
from mcu.media import Kind
from mcu.policy import RoomPolicy
from mcu.rendition import FULL_HD
from mcu.worker.messages import LegOpened
from signaling.h323.call_media.traversal import MediaTraversing, SharedPlace
from signaling.h323.capabilities.capability import H264
from signaling.h323.capabilities.fast_start import Ports
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.traversal import MediaFeature

_LEVELS = ((12, 320, 180), (30, 640, 360), (31, 1280, 720), (40, 1920, 1080))
"""level_idc and the largest 16:9 picture that it takes 25 times a second (H.264 table A-1)."""


def own_media(settings: H323Settings, allowance: Allowance) -> OwnMedia:
    """What we take of a terminal, and send it at most; small pictures or none where the machine has no more to give."""
    if not allowance.has_pictures:
        return OwnMedia(video=(), content=None, has_camera=False)
    width, height, rate_bps = settings.picture_width, settings.picture_height, settings.picture_bitrate_bps
    sent_bps = FULL_HD.bitrate_bps
    if allowance is Allowance.SMALL:
        width, height, rate_bps = SMALL.width, SMALL.height, SMALL.bitrate_bps
        sent_bps = SMALL_SEEN.bitrate_bps
    level = next((level for level, most, lines in _LEVELS if width <= most and height <= lines), _LEVELS[-1][0])
    limits = H264(profile_idc=66, level_idc=level)
    return OwnMedia(h264=limits, video_bitrate_bps=rate_bps, sent_bitrate_bps=sent_bps)


def may_encrypt(settings: H323Settings, policy: RoomPolicy | None) -> bool:
    """Whether keys are agreed on (H.235.6): the settings are the ceiling; before the room is known, all who can."""
    return settings.encryption != "off" and (policy is None or policy.asks_for_encryption)


def own_feature(settings: H323Settings) -> MediaFeature:
    """What we say of firewalls (H.460.19): everybody reaches us."""
    return MediaFeature(multiplexes=settings.has_multiplexed_media, is_server=True)


def traversing_of(opened: LegOpened, settings: H323Settings, peer: MediaFeature | None) -> MediaTraversing:
    """Media of a terminal behind a firewall; `peer` is what it says of that, None before it has said it."""
    rtp, rtcp = opened.multiplex_ports
    ports = Ports((opened.address, rtp), (opened.address, rtcp))
    numbers = opened.multiplex_ids if settings.has_multiplexed_media else {}
    shared = {Kind(kind): SharedPlace(ports, number) for kind, number in numbers.items()}
    return MediaTraversing(own_feature(settings), shared, settings.traversal_keep_alive_s, peer)


def ports_of(opened: LegOpened) -> dict[Kind, Ports]:
    """Where the net process takes RTP and RTCP of each kind."""
    return {
        Kind(kind): Ports((opened.address, rtp), (opened.address, rtcp)) for kind, (rtp, rtcp) in opened.ports.items()
    }
