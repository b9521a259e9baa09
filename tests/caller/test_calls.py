"""Whole calls over loopback: our terminal against an answering peer."""

import asyncio
import json

import av
import numpy as np
import pytest

from caller.calls import place_call, place_calls
from caller.media import make_programme
from caller.options import CallOptions, OptionError
from caller.report import exit_code, summary
from mcu.media import Codec, Kind
from tests.caller.peer import Peer

SMALL = {"width": 160, "height": 96, "bitrate_bps": 100_000}


@pytest.fixture(scope="module")
def programme():
    return make_programme(CallOptions("sip:1@h", color="#20c040", tone="700", **SMALL))


@pytest.fixture(scope="module")
def vp8_programme():
    return make_programme(
        CallOptions("sip:1@h", color="#20c040", tone="700", video=Codec.VP8, audio=Codec.PCMA, **SMALL)
    )


def spectrum_peak(path):
    with av.open(path) as container:
        pcm = np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)])
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm))))
    return float(np.argmax(spectrum)) * 48_000 / len(pcm), len(pcm) / 48_000


def centre(path):
    with av.open(path) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return tuple(int(value) for value in pictures[-1][48, 80]), len(pictures)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_call_is_heard_seen_and_recorded(programme, tmp_path, transport) -> None:
    path = tmp_path / "out.mp4"
    async with Peer(programme) as peer:
        options = CallOptions(
            peer.uri, "24681357", record=path, seconds=1.6, transport=transport, name="Ward 3 内科", tone="500", **SMALL
        )
        report = await place_call(options, None, programme)
    assert (report.outcome, report.status, report.ended_by) == ("ok", 200, "us")
    audio, video = report.streams["audio"], report.streams["video"]
    assert (audio.codec, video.codec, video.suite) == ("OPUS", "H264", "AEAD_AES_256_GCM")
    assert abs(audio.received_packets - 50 * report.duration_s) <= 10
    assert video.frames_received == video.frames_decoded >= 33
    assert (video.width, video.height, video.lost_packets, video.decode_errors) == (160, 96, 0, 0)
    assert 0 <= video.first_s < 1
    assert 0 <= audio.first_s < 1
    assert 0 < video.round_trip_ms < 500
    frequency, seconds = spectrum_peak(path)
    assert abs(frequency - 700) < 2
    assert abs(seconds - report.duration_s) < 0.4
    color, count = centre(path)
    assert np.allclose(color, (0x20, 0xC0, 0x40), atol=12)
    assert count >= 33
    assert len(peer.received[Kind.AUDIO]) >= 70
    assert len(peer.received[Kind.VIDEO]) >= 33
    assert peer.requests[0].uri == f"sip:1001**24681357@{peer.uri.split('@')[1]}" + (
        ";transport=tcp" if transport == "tcp" else ""
    )
    assert "24681357" not in json.dumps(report.to_dict()), "four digits would be found among figures one day"
    assert "24681357" not in repr(options)


async def test_vp8_without_encryption_is_encoded_for_the_file(vp8_programme, tmp_path) -> None:
    path = tmp_path / "out.mp4"
    async with Peer(vp8_programme) as peer:
        report = await place_call(
            CallOptions(
                peer.uri, record=path, seconds=1.2, is_encrypted=False, video=Codec.VP8, audio=Codec.PCMA, **SMALL
            ),
            None,
            vp8_programme,
        )
    video = report.streams["video"]
    assert (video.codec, video.suite, report.streams["audio"].codec) == ("VP8", "", "PCMA")
    assert video.frames_decoded >= 24
    assert np.allclose(centre(path)[0], (0x20, 0xC0, 0x40), atol=16)
    assert abs(spectrum_peak(path)[0] - 700) < 2


async def test_sound_alone(programme, tmp_path) -> None:
    path = tmp_path / "out.mp4"
    async with Peer(programme) as peer:
        report = await place_call(CallOptions(peer.uri, record=path, seconds=0.8, video=None), None, programme)
    assert list(report.streams) == ["audio"]
    assert abs(spectrum_peak(path)[0] - 700) < 3


async def test_many_calls_share_one_programme(programme) -> None:
    async with Peer(programme) as peer:
        reports = await place_calls(
            CallOptions(peer.uri, seconds=1.0, count=4, decodes=False, **SMALL), None, programme
        )
    assert [report.outcome for report in reports] == ["ok"] * 4
    assert len({request.headers.get("From") for request in peer.requests}) == 4
    total = summary(reports)
    assert (total["calls"], total["ok"], total["lost_packets"]) == (4, 4, 0)
    assert exit_code(reports) == 0
    assert all(report.streams["video"].first_s is not None for report in reports)


async def test_ipv6(programme) -> None:
    async with Peer(programme, address="::1") as peer:
        report = await place_call(CallOptions(peer.uri, seconds=0.6, **SMALL), None, programme)
    assert report.outcome == "ok"
    assert report.streams["video"].frames_decoded > 5


async def test_giving_up_before_the_answer(programme) -> None:
    async with Peer(programme) as peer:
        stop = asyncio.Event()
        stop.set()
        report = await place_call(CallOptions(peer.uri, seconds=60, **SMALL), stop, programme)
    assert report.outcome == "refused"
    assert report.duration_s == 0


async def test_a_refusal_is_told(programme) -> None:
    async with Peer(programme, refuse=(403, "Passcode required")) as peer:
        reports = [await place_call(CallOptions(peer.uri, seconds=1, **SMALL), None, programme)]
    assert (reports[0].outcome, reports[0].status) == ("refused", 403)
    assert reports[0].lines() == ["refused: 403 Passcode required"]
    assert exit_code(reports) == 1


async def test_silence_is_no_media(programme) -> None:
    async with Peer(programme, sends=False) as peer:
        reports = [await place_call(CallOptions(peer.uri, seconds=0.5, **SMALL), None, programme)]
    assert reports[0].outcome == "no-media"
    assert exit_code(reports) == 3


async def test_a_call_that_nothing_comes_from_any_more_broke_off(programme) -> None:
    async with Peer(programme) as peer:
        asked = CallOptions(peer.uri, seconds=600, silent_s=1.0, **SMALL)
        calling = asyncio.create_task(place_call(asked, None, programme))
        async with asyncio.timeout(20):
            while not peer.streams or peer.streams[0][Kind.VIDEO].frames < 5:
                await asyncio.sleep(0.02)
            peer.is_cut_off = True
            report = await calling
    assert (report.outcome, report.ended_by, exit_code([report])) == ("lost", "silence", 4)
    assert report.lines()[0].startswith("lost: answered after ")
    assert report.lines()[0].endswith("(nothing came any more: the network is gone, or the other end)")
    assert summary([report])["lost"] == 1


async def test_nobody_rings_for_ever(programme, monkeypatch) -> None:
    """A peer that has said 180 need not say anything else, as far as RFC 3261 is concerned."""
    monkeypatch.setattr("caller.terminal.RINGING_S", 0.3)
    async with Peer(programme) as peer:
        peer.rings = 2
        async with asyncio.timeout(20):
            report = await place_call(CallOptions(peer.uri, seconds=1, **SMALL), None, programme)
    assert report.lines() == ["refused: 408 no answer"]


async def test_the_peer_may_hang_up(programme) -> None:
    async with Peer(programme) as peer:
        peer.hang_up_after_s = 0.4
        report = await place_call(CallOptions(peer.uri, seconds=20, **SMALL), None, programme)
    assert report.ended_by == "peer"
    assert report.duration_s < 3


async def test_stop_ends_a_call_and_leaves_nothing_behind(programme, tmp_path) -> None:
    before = set(asyncio.all_tasks())
    path = tmp_path / "out.mp4"
    async with Peer(programme) as peer:
        stop = asyncio.Event()
        task = asyncio.create_task(place_call(CallOptions(peer.uri, seconds=60, record=path, **SMALL), stop, programme))
        while not peer.streams or peer.streams[0][Kind.VIDEO].frames < 15:
            await asyncio.sleep(0.02)
        stop.set()
        report = await task
    assert report.ended_by == "us"
    assert report.duration_s < 3
    assert centre(path)[1] > 5
    await asyncio.sleep(0)
    assert set(asyncio.all_tasks()) == before


async def test_wrong_options_are_our_users_error(tmp_path) -> None:
    for options in (
        CallOptions("tel:1001"),
        CallOptions("sip:1001**1@h", "2468"),
        CallOptions("sip:1@127.0.0.1", play=str(tmp_path / "absent.mp4")),
        CallOptions("sip:1@127.0.0.1", passcode="12 34"),
        CallOptions("sip:1@127.0.0.1", tone="loud"),
        CallOptions("sip:1@127.0.0.1", color="red"),
        CallOptions("sip:1@127.0.0.1", count=0),
        CallOptions("sip:1@127.0.0.1", audio=None, video=None),
    ):
        with pytest.raises(OptionError):
            await place_calls(options)


@pytest.mark.parametrize("mode", [0, 1])
async def test_the_packetization_mode_wished_for_is_offered(programme, mode) -> None:
    async with Peer(programme) as peer:
        report = await place_call(
            CallOptions(peer.uri, seconds=0.5, packetization_mode=mode, **SMALL), None, programme
        )  # fmt: skip
    assert report.outcome == "ok"
    offers = [line for line in peer.requests[0].body.split(b"\r\n") if b"packetization-mode" in line]
    assert [line[-1:] for line in offers] == [b"%d" % mode]
