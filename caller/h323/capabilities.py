"""What our terminal takes and sends, out of its options."""

from __future__ import annotations

from caller.h323.options import Encryption
from caller.options import H264_PROFILES, CallOptions
from mcu.media import Kind
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.capability import H264
from signaling.h323.capabilities.own import OwnMedia


def wishes_of(options: CallOptions) -> Wishes:
    """One format of each medium: what is taken is what is sent."""
    picture = H264(H264_PROFILES[options.profile], level_idc=31)
    own = OwnMedia(
        audio=() if options.audio is None else (options.audio,),
        video=() if options.video is None else (options.video,),
        h264=picture,
        content=picture if options.video is not None else None,
        video_bitrate_bps=options.h323.rate_bps,
        has_camera=False,
        algorithms=options.h323.algorithms,
    )
    return Wishes(
        own,
        must_encrypt=options.h323.encryption is Encryption.REQUIRED,
        sends=frozenset(kinds_of(options)) - {Kind.CONTENT},
    )


def kinds_of(options: CallOptions) -> list[Kind]:
    """The kinds that need ports."""
    kinds = [] if options.audio is None else [Kind.AUDIO]
    return kinds if options.video is None else [*kinds, Kind.VIDEO, Kind.CONTENT]
