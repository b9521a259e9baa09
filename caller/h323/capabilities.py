"""What our terminal takes and sends, out of its options."""

from __future__ import annotations

from caller.h323.options import Encryption
from caller.options import H264_PROFILES, CallOptions
from mcu.media import Codec, Kind
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.capability import H264
from signaling.h323.capabilities.own import OwnMedia

_TAKEN = {Codec.H263_1996: (Codec.H263,), Codec.H261: (Codec.H261, Codec.H263)}
"""Where that is not what is sent alone: capabilities do not tell payload formats apart, and rooms send no H.261."""


def wishes_of(options: CallOptions) -> Wishes:
    """One format of each medium: what is taken is what is sent, dearest first."""
    video, picture = options.video, H264(H264_PROFILES[options.profile], level_idc=31)
    own = OwnMedia(
        audio=() if options.audio is None else (options.audio,),
        video=() if video is None else _TAKEN.get(video, (video,)),
        h264=picture,
        content=picture if video is not None else None,
        video_bitrate_bps=options.h323.rate_bps,
        has_camera=False,
        algorithms=options.h323.algorithms,
        has_h263_plus=video is not Codec.H263_1996,
        sends_h261=video is Codec.H261,
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
