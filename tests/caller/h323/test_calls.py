"""Whole calls over H.323 on loopback: our terminal against an answering peer."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import replace

import av
import numpy as np
import pytest

from caller.calls import place_call, place_calls
from caller.h323.options import Encryption, H323Options, PasscodeWay
from caller.media import make_programme
from caller.options import CallOptions
from caller.report import exit_code
from crypto.h235.algorithm import Algorithm
from mcu.media import Codec, Kind
from mcu.rtp import h264
from signaling.h323.call.events import KeypadDigits
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.h245.events import Password, UserInput
from signaling.h323.ras.alias import AliasKind
from tests.caller.h323.peer import Peer, Wants, talk

SMALL = {"width": 160, "height": 96, "bitrate_bps": 100_000, "audio": Codec.G722}
EXHAUSTIVE = pytest.mark.exhaustive
USUAL = ((Encryption.OFF, False, False), (Encryption.REQUIRED, True, True))


@pytest.fixture(scope="module")
def programme():
    return make_programme(CallOptions("h323:1@h", color="#20c040", tone="700", **SMALL))


def options(peer, seconds=60.0, passcode="", **h323):
    """A call of this length; talk() ends it before."""
    return CallOptions(
        peer.uri, passcode, seconds=seconds, name="Ward 3 内科", tone="500", h323=H323Options(**h323), **SMALL
    )  # fmt: skip


def keys_of(media):
    """All session keys of H.235.6."""
    found = [spec.h235 for spec in media.streams if spec.h235 is not None]
    return [key for each in found for key in (each.local, *(key for _, key in each.remote)) if key]


def units(picture):
    """NAL units, whatever stands between them."""
    return tuple(picture[start:end] for start, end in h264.nal_units(picture))


def recorded(path):
    with av.open(str(path)) as container:
        pcm = np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)])
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm))))
    return float(np.argmax(spectrum)) * 48_000 / len(pcm), tuple(int(value) for value in pictures[-1][48, 80])


@pytest.mark.parametrize(
    ("encryption", "tunnels", "fast"),
    [
        pytest.param(*each, marks=() if each in USUAL else EXHAUSTIVE)
        for each in itertools.product((Encryption.OFF, Encryption.REQUIRED), (True, False), (True, False))
    ],
)
async def test_a_call_is_heard_seen_and_recorded(programme, tmp_path, encryption, tunnels, fast) -> None:
    path = tmp_path / "out.mp4"
    async with Peer(programme) as peer:
        asked = options(
            peer,
            passcode="24681357",
            encryption=encryption,
            is_tunnelling=tunnels,
            has_fast_start=fast,
            groups=(2048,),
        )
        report = await talk(peer, replace(asked, record=path), programme)
    assert (report.outcome, report.status, report.ended_by) == ("ok", 0, "us")
    audio, video = report.streams["audio"], report.streams["video"]
    suite = "AES-256-CBC" if encryption is Encryption.REQUIRED else ""
    assert (audio.codec, video.codec, audio.suite, video.suite) == ("G722", "H264", suite, suite)
    assert (report.h323.is_tunnelling, report.h323.is_master) == (tunnels, False)
    assert report.h323.has_fast_start == (fast and not suite)
    assert report.h323.group_bits == (2048 if suite else 0)
    assert audio.received_packets >= 50
    assert video.frames_received == video.frames_decoded >= 12
    assert (video.width, video.height, video.lost_packets, video.decode_errors) == (160, 96, 0, 0)
    frequency, color = recorded(path)
    assert abs(frequency - 700) < 3
    assert np.allclose(color, (0x20, 0xC0, 0x40), atol=12)
    (session,) = peer.sessions
    assert len(session.received[Kind.AUDIO]) >= 50
    assert len(session.received[Kind.VIDEO]) >= 12
    (call,) = peer.calls
    assert (call.setup.called[0].kind, call.setup.called[0].text) == (AliasKind.DIALLED_DIGITS, "1001**24681357")
    assert [alias.text for alias in call.setup.calling] == ["Ward 3 内科"]
    assert call.setup.display == "", "Display cannot say it"
    assert "24681357" not in json.dumps(report.to_dict())


@pytest.mark.parametrize("is_master", [False, True])
@pytest.mark.parametrize("key_bits", [128, pytest.param(192, marks=EXHAUSTIVE), pytest.param(256, marks=EXHAUSTIVE)])
async def test_every_cipher_in_both_roles(programme, is_master, key_bits) -> None:
    async with Peer(programme) as peer:
        asked = options(peer, encryption=Encryption.REQUIRED, key_bits=(key_bits,), groups=(2048,), is_master=is_master)
        report = await talk(peer, asked, programme)
    suite = f"AES-{key_bits}-CBC"
    assert (report.outcome, report.h323.is_master) == ("ok", is_master)
    assert {stream.suite for stream in report.streams.values()} == {suite}
    for stream in report.streams.values():
        assert stream.frames_received > 5
        assert set(stream.dropped) <= {"undecodable"}, "what came before the first keyframe"
    (session,) = peer.sessions
    assert len(session.received[Kind.AUDIO]) > 5
    values = max((keys_of(media) for media in session.agreed), key=len)
    assert len(values) == len(set(values)) == 4
    assert {8 * len(key) for key in values} == {key_bits}


@pytest.mark.parametrize(("groups", "bits", "suite"), [
    ((1024,), 1024, "AES-128-CBC"), pytest.param((4096,), 4096, "AES-256-CBC", marks=EXHAUSTIVE),
    ((4096, 2048, 1024), 4096, "AES-256-CBC"),
])  # fmt: skip
async def test_the_strongest_group_is_taken(programme, groups, bits, suite) -> None:
    async with Peer(programme) as peer:
        report = await talk(peer, options(peer, groups=groups), programme)
    assert (report.h323.group_bits, report.streams["audio"].suite) == (bits, suite)


@pytest.mark.parametrize("is_master", [False, True])
@pytest.mark.parametrize("is_ours", [pytest.param(False, marks=EXHAUSTIVE), True])
async def test_keys_are_renewed_without_a_loss(programme, is_master, is_ours) -> None:
    async with Peer(programme, Wants(renews_keys_s=0.0 if is_ours else 0.25)) as peer:
        asked = options(
            peer, encryption=Encryption.REQUIRED, groups=(2048,), is_master=is_master,
            renew_keys_s=0.25 if is_ours else 0.0,
        )  # fmt: skip

        def are_renewed(session):
            streams = [session.stream(kind) for kind in (Kind.AUDIO, Kind.VIDEO) if session.frames(kind) >= 25]
            return len(streams) == 2 and all(min(len(each.own_keys), len(each.peer_keys)) >= 3 for each in streams)

        report = await talk(peer, asked, programme, are_renewed)
    assert report.outcome == "ok"
    for stream in report.streams.values():
        assert stream.own_keys >= 3
        assert stream.peer_keys >= 3
        assert stream.lost_packets == 0


async def test_stolen_ciphertext_is_read(programme) -> None:
    async with Peer(programme) as peer:
        asked = options(peer, encryption=Encryption.REQUIRED, groups=(2048,), steals=True)
        report = await talk(peer, asked, programme)
    assert report.outcome == "ok"
    (session,) = peer.sessions
    assert len(session.received[Kind.VIDEO]) > 5
    assert {units(payload) for payload in session.received[Kind.VIDEO]} <= {
        units(unit.payload) for unit in programme.video
    }


async def test_optional_encryption_does_without(programme) -> None:
    async with Peer(programme, Wants(encryption=Encryption.OFF)) as peer:
        report = await talk(peer, options(peer, groups=(2048,)), programme)
    assert (report.outcome, report.h323.group_bits) == ("ok", 0)
    assert {stream.suite for stream in report.streams.values()} == {""}


async def test_required_encryption_sends_and_takes_nothing_in_the_clear(programme) -> None:
    async with Peer(programme, Wants(encryption=Encryption.OFF)) as peer:
        asked = options(peer, 0.6, encryption=Encryption.REQUIRED, groups=(2048,))
        report = await place_call(asked, None, programme)
    assert report.outcome in ("no-media", "refused")
    (session,) = peer.sessions
    assert not any(session.received.values())


async def test_few_ciphers_of_the_peer(programme) -> None:
    own = OwnMedia(has_camera=False, algorithms=(Algorithm.AES_128_CBC,))
    async with Peer(programme, Wants(own=own)) as peer:
        report = await talk(peer, options(peer, groups=(2048,)), programme)
    assert report.streams["audio"].suite == "AES-128-CBC"


@pytest.mark.parametrize(("way", "kind", "digits"), [
    (PasscodeWay.INPUT, UserInput, ["2468#"]),
    pytest.param(PasscodeWay.SIGNAL, UserInput, list("2468#"), marks=EXHAUSTIVE),
    pytest.param(PasscodeWay.KEYPAD, KeypadDigits, ["2468#"], marks=EXHAUSTIVE), (PasscodeWay.H243, UserInput, []),
])  # fmt: skip
async def test_a_passcode_is_keyed_in(programme, monkeypatch, way, kind, digits) -> None:
    monkeypatch.setattr("caller.h323.passcode.DELAY_S", 0.05)
    monkeypatch.setattr("caller.h323.passcode.KEY_S", 0.02)
    async with Peer(programme) as peer:
        asked = options(peer, passcode="2468", passcode_way=way, encryption=Encryption.OFF)

        def is_keyed_in(session):
            return peer.has_heard_and_seen(session) and len(peer.events(kind)) >= len(digits)

        report = await talk(peer, asked, programme, is_keyed_in)
    assert report.outcome == "ok"
    assert [event.digits for event in peer.events(kind)] == digits
    assert peer.calls[0].setup.called[0].text == "1001"


@pytest.mark.parametrize(("passcode", "requests", "ended_by"), [("2468", 1, "us"), ("1357", 3, "peer")])
async def test_a_conference_asks_for_its_password(programme, passcode, requests, ended_by) -> None:
    async with Peer(programme, Wants(password="2468")) as peer:
        asked = options(peer, passcode=passcode, passcode_way=PasscodeWay.H243)

        def has_answered(session):
            return peer.has_heard_and_seen(session) and peer.events(Password)

        report = await talk(peer, asked, programme, has_answered)
    assert (report.ended_by, report.h323.password_requests, report.h323.terminal) == (ended_by, requests, "7.3")
    if ended_by == "peer":
        assert report.reason == "securityDenied"


@pytest.mark.parametrize("encryption", [pytest.param(Encryption.OFF, marks=EXHAUSTIVE), Encryption.REQUIRED])
async def test_slides_go_both_ways(programme, encryption) -> None:
    async with Peer(programme) as peer:
        asked = options(peer, encryption=encryption, groups=(2048,), slides="#802020")
        report = await talk(peer, asked, programme, lambda _: peer.has_got(Kind.CONTENT, 5))
    assert (report.h323.has_presented, report.h323.saw_presentation) == (True, False)
    (session,) = peer.sessions
    decoder = av.CodecContext.create("h264", "r")
    pictures = [frame for unit in session.received[Kind.CONTENT] for frame in decoder.decode(av.Packet(unit))]
    assert len(pictures) > 3
    assert np.allclose(pictures[-1].to_ndarray(format="rgb24")[360, 640], (0x80, 0x20, 0x20), atol=12)

    async with Peer(programme, Wants(presents=True)) as peer:
        asked = options(peer, encryption=encryption, groups=(2048,))
        report = await talk(peer, asked, programme, lambda session: session.frames(Kind.CONTENT) > 12)
    assert (report.h323.has_presented, report.h323.saw_presentation) == (False, True)
    content = report.streams["content"]
    assert content.frames_decoded > 10
    assert content.suite == ("AES-256-CBC" if encryption is Encryption.REQUIRED else "")


async def test_a_keyframe_is_asked_for(programme) -> None:
    async with Peer(programme, Wants(asks_keyframe=True)) as peer:
        asked = options(peer, encryption=Encryption.OFF)

        def is_asked(session):
            return peer.has_heard_and_seen(session) and session.stream(Kind.VIDEO).keyframes_asked

        report = await talk(peer, asked, programme, is_asked)
    assert report.streams["video"].keyframe_requests_received == 1


async def test_many_calls_share_one_programme(programme) -> None:
    async with Peer(programme) as peer:
        asked = CallOptions(
            peer.uri, seconds=0.8, count=3, decodes=False, h323=H323Options(encryption=Encryption.OFF), **SMALL
        )
        reports = await place_calls(asked, None, programme)
    assert [report.outcome for report in reports] == ["ok"] * 3
    assert {call.setup.display for call in peer.calls} == {"Drumtower call 1", "Drumtower call 2", "Drumtower call 3"}
    identities = {call.identity.identifier for call in peer.calls}
    assert len(identities) == 3


async def test_a_refusal_is_told(programme) -> None:
    async with Peer(programme, Wants(refuses="securityDenied")) as peer:
        report = await place_call(options(peer), None, programme)
    assert (report.outcome, report.reason) == ("refused", "securityDenied")
    assert exit_code([report]) == 1
    assert "securityDenied" in report.lines()[0]


async def test_nobody_there_is_told(programme) -> None:
    async with Peer(programme) as peer:
        uri = peer.uri
    report = await place_call(CallOptions(uri, seconds=1, **SMALL), None, programme)
    # Q.850 cause 3: no route to destination.
    assert (report.outcome, report.status, report.reason) == ("refused", 3, "unreachableDestination")


async def test_silence_is_no_media() -> None:
    async with Peer(sends=False) as peer:
        report = await place_call(options(peer, 0.5, encryption=Encryption.OFF))
    assert report.outcome == "no-media"


@pytest.mark.parametrize("what", ["media", "signalling"])
async def test_a_call_that_breaks_off_is_lost(programme, monkeypatch, what) -> None:
    async with Peer(programme) as peer:
        asked = replace(options(peer, 600, encryption=Encryption.OFF), silent_s=1.0)
        calling = asyncio.create_task(place_call(asked, None, programme))
        async with asyncio.timeout(20):
            while not peer.sessions or len(peer.sessions[0].received[Kind.VIDEO]) < 5:
                await asyncio.sleep(0.02)
            if what == "media":
                peer.sessions[0].cut_off()
            else:
                peer.calls[0]._line.stream.abort()
            report = await calling
    assert (report.outcome, exit_code([report])) == ("lost", 4)
    assert report.ended_by == ("silence" if what == "media" else "peer")
    assert report.lines()[0].startswith("lost: answered after ")


async def test_the_peer_may_hang_up(programme) -> None:
    async with Peer(programme, Wants(hangs_up_after_s=0.4)) as peer:
        report = await place_call(options(peer, 20, encryption=Encryption.OFF), None, programme)
    # Q.850 cause 16: normal clearing.
    assert (report.ended_by, report.status) == ("peer", 16)
    assert report.duration_s < 3


async def test_stop_ends_a_call_and_leaves_nothing_behind(programme) -> None:
    before = set(asyncio.all_tasks())
    async with Peer(programme) as peer:
        stop = asyncio.Event()
        asked = options(peer, 60, encryption=Encryption.OFF, is_tunnelling=False)
        task = asyncio.create_task(place_call(asked, stop, programme))
        async with asyncio.timeout(10):
            while not peer.sessions or len(peer.sessions[0].received[Kind.VIDEO]) < 10:
                await asyncio.sleep(0.02)
        stop.set()
        report = await task
    assert report.ended_by == "us"
    assert report.duration_s < 5
    await asyncio.sleep(0)
    assert set(asyncio.all_tasks()) == before


async def test_giving_up_before_the_answer(programme) -> None:
    async with Peer(programme) as peer:
        stop = asyncio.Event()
        stop.set()
        report = await place_call(options(peer, 60), stop, programme)
    assert (report.outcome, report.duration_s) == ("refused", 0)


@pytest.mark.parametrize(
    "codec", [Codec.H263, *(pytest.param(each, marks=EXHAUSTIVE) for each in (Codec.H263_1996, Codec.H261))]
)
async def test_old_pictures(codec) -> None:
    """Of H.261 there are only senders: who sends it is sent H.263."""
    small = {"audio": Codec.PCMA, "width": 176, "height": 144, "bitrate_bps": 100_000}
    taken = Codec.H263 if codec is Codec.H261 else codec
    ours, theirs = (
        make_programme(CallOptions("h323:1@h", color="#20c040", tone="700", video=each, **small))
        for each in (codec, taken)
    )
    own = OwnMedia(audio=(Codec.PCMA,), video=(Codec.H263, Codec.H261), has_camera=False)
    async with Peer(theirs, Wants(own=own)) as peer:
        report = await talk(peer, CallOptions(peer.uri, seconds=60, video=codec, **small), ours)
    video = report.streams["video"]
    assert (video.codec, video.suite, report.streams["audio"].codec) == (taken.name, "AES-256-CBC", "PCMA")
    assert (video.width, video.height, video.decode_errors) == (176, 144, 0)
    assert video.frames_decoded >= 10
    (session,) = peer.sessions
    assert set(session.received[Kind.VIDEO]) <= {unit.payload for unit in ours.video}
    assert session.stream(Kind.VIDEO).codec is codec


@pytest.mark.parametrize(("password", "outcome"), [("quiet lantern", "ok"), ("loud lantern", "refused")])
async def test_a_call_is_signed_and_so_is_its_answer(programme, password, outcome) -> None:
    async with Peer(programme, Wants(secrets={"ward3": "quiet lantern"})) as peer:
        asked = options(peer, groups=(2048,), account="ward3", password=password)
        report = await talk(peer, asked, programme)
    assert (report.outcome, report.h323.is_signed) == (outcome, outcome == "ok")
    if outcome == "ok":
        assert peer.calls[0].account == "ward3"
        assert report.streams["audio"].suite == "AES-256-CBC"
    else:
        assert (peer.calls, report.reason) == ([], "securityDenied")


async def test_an_answer_that_nobody_signed_is_not_taken_for_signed(programme) -> None:
    async with Peer(programme) as peer:
        asked = options(peer, groups=(2048,), account="ward3", password="quiet lantern")
        report = await talk(peer, asked, programme)
    assert (report.outcome, report.h323.is_signed) == ("ok", False)
