"""The uplink of the benchmarks of the net process is what a browser would send."""

from __future__ import annotations

from bench import net_media
from bench.net_peers import missing
from mcu.media import Extensions
from mcu.rtp import packet as rtp_packet

IDS = Extensions(mid=net_media.MID_ID, audio_level=net_media.LEVEL_ID, transport_cc=net_media.TRANSPORT_CC_ID)
PICTURES = [net_media.Picture(b"\0\0\0\1\x65" + bytes(range(1, 200)) * 30, True)]


def test_rates_numbers_and_extensions() -> None:
    sent = list(net_media.uplink(PICTURES, (1, 2), 2.0))
    assert [at for at, _ in sent] == sorted(at for at, _ in sent)
    packets = [rtp_packet.parse(data, IDS) for _, data in sent]
    sounds = [each for each in packets if each is not None and each.ssrc == 1]
    pictures = [each for each in packets if each is not None and each.ssrc == 2]
    assert len(sounds) == 100
    assert sum(each.marker for each in pictures) == 2 * net_media.RATE
    assert [each.sequence for each in pictures] == list(range(len(pictures)))
    assert [each.transport_sequence for each in packets if each is not None] == list(range(len(packets)))
    assert {each.audio_level for each in sounds} == {30}
    assert (sounds[0].mid, pictures[0].mid, pictures[-1].mid) == ("0", "1", "")


def test_what_is_missing_is_found_over_the_wrap() -> None:
    assert missing([65_534, 65_535, 0, 1]) == 0
    assert missing([65_534, 1, 0]) == 1
