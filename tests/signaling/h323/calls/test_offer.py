"""What a room offers a terminal, and what it is sent for what it takes."""

from __future__ import annotations

import pytest

from config.h323 import H323Settings
from mcu.capacity import SMALL, Allowance
from mcu.media import Codec, Grade, Kind
from mcu.policy import MediaEncryption, RoomPolicy
from mcu.rendition import LADDER, rendition_for
from signaling.h323.calls.offer import may_encrypt, own_media
from signaling.h323.capabilities import channel, remote, streams
from signaling.h323.capabilities.capability import H264
from signaling.h323.capabilities.choice import choose
from signaling.h323.capabilities.own import OwnMedia, capability_set

SETTINGS = H323Settings()


def sent(peer: OwnMedia, allowance: Allowance = Allowance.FULL) -> tuple[int, int]:
    """Width and bit rate of the picture for a terminal that takes this."""
    taken = remote.read(capability_set(peer))
    medium = choose(taken, own_media(SETTINGS, allowance), [Kind.VIDEO])[Kind.VIDEO]
    stream = streams.stream_of(Kind.VIDEO, [], channel.write(1, medium, ("192.0.2.1", 5001)))
    key = rendition_for(stream, "main")
    assert key is not None
    return key.rung.width, key.rung.bitrate_bps


def test_what_we_take_is_of_the_settings_or_of_what_is_left() -> None:
    full, small, none = (own_media(SETTINGS, each) for each in (Allowance.FULL, Allowance.SMALL, Allowance.SOUND))
    assert full.video_bitrate_bps == SETTINGS.picture_bitrate_bps
    assert small.video_bitrate_bps == SMALL.bitrate_bps
    assert (none.video, none.content, none.has_camera) == ((), None, False)


@pytest.mark.parametrize("setting", ["automatic", "off"])
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (None, True),
        (RoomPolicy("1001", "Ward"), True),
        (RoomPolicy("1001", "Ward", encryption=MediaEncryption.OFF), False),
        (RoomPolicy("1001", "Ward", encryption=MediaEncryption.REQUIRED, required_grade=Grade.OPPORTUNISTIC), True),
    ],
)
def test_a_room_has_no_more_encryption_than_the_settings(setting, policy, expected) -> None:
    settings = H323Settings(encryption=setting)
    assert may_encrypt(settings, policy) is (expected and setting == "automatic")


def test_a_terminal_that_takes_it_shares_the_picture_of_all_others() -> None:
    """Whatever we let it send."""
    assert SETTINGS.picture_bitrate_bps < LADDER[0].bitrate_bps
    assert sent(OwnMedia(video_bitrate_bps=4_000_000)) == (1280, LADDER[0].bitrate_bps)


@pytest.mark.parametrize(
    ("rate_bps", "expected"), [(1_152_000, (1280, 900_000)), (704_000, (640, 600_000)), (320_000, (320, 200_000))]
)
def test_a_narrow_terminal_gets_no_more_than_it_takes(rate_bps, expected) -> None:
    assert sent(OwnMedia(video_bitrate_bps=rate_bps)) == expected


def test_a_small_decoder_and_a_busy_machine_give_small_pictures() -> None:
    assert sent(OwnMedia(h264=H264(66, 13), video_bitrate_bps=1_920_000)) == (320, 200_000)
    assert sent(OwnMedia(video_bitrate_bps=1_920_000), Allowance.SMALL) == (640, 600_000)
    assert sent(OwnMedia(video=(Codec.H263,), video_bitrate_bps=1_920_000)) == (384, 320_000)
