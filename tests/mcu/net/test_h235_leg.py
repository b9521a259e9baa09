"""A leg whose media is encrypted by H.235.6, on real sockets; the far end is nothing but AES-CBC of a library."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mcu.media import Codec, Format, H235Keys, Kind
from mcu.rtp import h263, h263_old, h264
from mcu.rtp.rtcp import SenderReport, parse_compound
from mcu.worker.channel import Frame
from mcu.worker.messages import (
    AssignAudio,
    AttachLeg,
    ConfigureLeg,
    LegConfigured,
    LegConnected,
    LegFailed,
    LegOpened,
    RequestKeyframe,
    RouteVideo,
    Transport,
)
from tests.mcu.net.harness import Harness, Peer, audio_spec, net_process, rtp, video_spec

OURS, THEIRS, NEWER = bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 64))
SENT, TAKEN, TAKEN_NEXT = (Format(Codec.PCMU, number, 8000) for number in (109, 110, 111))
CLEAR = Format(Codec.PCMU, 0, 8000)
SOUND = random.Random(5).randbytes(160)
BLOCK = 16


def vector(datagram: bytes) -> bytes:
    """Sequence number and timestamp, over and over (H.235.6 9.3)."""
    return (datagram[2:8] * 3)[:BLOCK]


def padded(datagram: bytes, key: bytes, *, fill: int = 0xEE) -> bytes:
    """As terminals send it, whose padding is garbage but for its count."""
    payload = datagram[12:]
    missing = -len(payload) % BLOCK
    if missing:
        payload += bytes([fill]) * (missing - 1) + bytes([missing])
    ciphertext = Cipher(algorithms.AES(key), modes.CBC(vector(datagram))).encryptor().update(payload)
    return bytes([datagram[0] | (0x20 if missing else 0)]) + datagram[1:12] + ciphertext


def stolen(datagram: bytes, key: bytes) -> bytes:
    """With ciphertext stealing: the last two blocks change places, and the one that is last now is cut short."""
    payload = datagram[12:]
    rest = len(payload) % BLOCK
    whole = payload + bytes(BLOCK - rest)
    blocks = Cipher(algorithms.AES(key), modes.CBC(vector(datagram))).encryptor().update(whole)
    return datagram[:12] + blocks[: -2 * BLOCK] + blocks[-BLOCK:] + blocks[-2 * BLOCK : -BLOCK][:rest]


def opened(datagram: bytes, key: bytes) -> bytes:
    """The payload."""
    payload = Cipher(algorithms.AES(key), modes.CBC(vector(datagram))).decryptor().update(datagram[12:])
    return payload[: -payload[-1]] if datagram[0] & 0x20 else payload


def is_rtp(datagram: bytes) -> bool:
    return not 192 <= datagram[1] <= 223


def shares_a_run(datagrams: Sequence[bytes], clear: bytes) -> bool:
    """Whether 16 octets in a row of the clear payload are on the wire."""
    runs = {clear[place : place + BLOCK] for place in range(len(clear) - BLOCK + 1)}
    return any(datagram[place : place + BLOCK] in runs for datagram in datagrams for place in range(len(datagram)))


async def datagrams(net: Harness, peer: Peer, count: int) -> list[bytes]:
    """RTP as it came, encrypted."""
    found: list[bytes] = []
    await net.wait(lambda: found.extend(filter(is_rtp, peer.receive())) or len(found) >= count)
    return found


def dropped(net: Harness, reason: str) -> int:
    for leg in net.process.legs or ():
        leg.collect_drops()
    return net.process.counters[reason]


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


async def _leg(net: Harness, peer: Peer, keys: H235Keys, **changes: object) -> LegOpened:
    """A leg of sound, open, with a mix to hear."""
    opened_leg = await net.open(1, Transport.PORTS, Kind.AUDIO)
    await _configure(net, peer, keys, **changes)
    net.control.send(AttachLeg(1))
    net.neighbours["audio"].send(AssignAudio(1, 7))
    return opened_leg


async def _configure(net: Harness, peer: Peer, keys: H235Keys, **changes: object) -> None:
    fields = {"receive": (TAKEN,), "send": SENT} | changes
    net.control.send(ConfigureLeg(1, (audio_spec(peer, h235=keys, **fields),)))
    await net.expect(LegConfigured)


def _say(net: Harness, tick: int, payload: bytes = SOUND) -> None:
    net.neighbours["audio"].send_frame(
        Frame(7, Codec.PCMU, payload, rtp_timestamp=960 * tick, capture_us=20_000 * tick)
    )


async def test_sound_is_encrypted_both_ways(peer: Peer) -> None:
    async with net_process() as net:
        leg = await _leg(net, peer, H235Keys(OURS, ((110, THEIRS),)))
        port = leg.ports["audio"][0]
        for number, seal in enumerate((padded, stolen, padded)):
            clear = rtp(110, number, SOUND[: 150 + number], timestamp=160 * number)
            peer.send(seal(clear, THEIRS), port)
            assert (await net.frame("audio")).payload == SOUND[: 150 + number]
        await net.expect(LegConnected)
        for tick in range(5):
            _say(net, tick, SOUND[: 160 - tick])
        seen = await datagrams(net, peer, 5)
        assert [opened(each, OURS) for each in seen] == [SOUND[: 160 - tick] for tick in range(5)]
        assert {each[1] & 0x7F for each in seen} == {109}
        assert not shares_a_run(seen, SOUND)


async def test_silence_is_noise_on_the_wire(peer: Peer) -> None:
    """64 KiB of it, as of other calls under other keys: no two blocks are alike."""
    blocks: list[bytes] = []
    for key in (OURS, NEWER):
        async with net_process() as net:
            await _leg(net, peer, H235Keys(key))
            for start in range(0, 210, 30):
                for tick in range(start, start + 30):
                    _say(net, tick, b"\xff" * 160)
                for each in await datagrams(net, peer, 30):
                    blocks += [each[place : place + BLOCK] for place in range(12, len(each), BLOCK)]
    assert len(set(blocks)) == len(blocks) == 2 * 210 * 10
    counts = Counter(b"".join(blocks)).values()
    total = sum(counts)
    assert total >= 65_536
    assert -sum(count / total * math.log2(count / total) for count in counts) > 7.9


async def test_what_comes_in_the_clear_is_dropped_and_counted(peer: Peer) -> None:
    async with net_process() as net:
        leg = await _leg(net, peer, H235Keys(OURS, ((110, THEIRS),)), receive=(TAKEN, CLEAR))
        for number in range(7):
            peer.send(rtp(0, number, SOUND), leg.ports["audio"][0])
        peer.send(padded(rtp(110, 9, b"heard"), THEIRS), leg.ports["audio"][0])
        assert (await net.frame("audio")).payload == b"heard"
        assert dropped(net, "h235-payload-type") == 7


async def test_without_keys_nothing_goes_out_and_nothing_comes_in(peer: Peer) -> None:
    async with net_process() as net:
        leg = await _leg(net, peer, H235Keys())
        peer.send(rtp(110, 1, SOUND), leg.ports["audio"][0])
        for tick in range(3):
            _say(net, tick)
        await net.wait(lambda: dropped(net, "h235-protect-no-key") == 3)
        assert not list(filter(is_rtp, peer.receive()))
        assert dropped(net, "h235-payload-type") == 1


async def test_keys_are_replaced_while_packets_run(peer: Peer) -> None:
    """The new key has a payload type of its own, and what was sent under the old one before is still heard."""
    async with net_process() as net:
        leg = await _leg(net, peer, H235Keys(OURS, ((110, THEIRS),)))
        port = leg.ports["audio"][0]
        peer.send(padded(rtp(110, 1, b"one"), THEIRS), port)
        assert (await net.frame("audio")).payload == b"one"
        _say(net, 0)
        (first,) = await datagrams(net, peer, 1)
        both = H235Keys(NEWER, ((110, THEIRS), (111, NEWER)))
        await _configure(net, peer, both, receive=(TAKEN, TAKEN_NEXT), send=Format(Codec.PCMU, 112, 8000))
        peer.send(padded(rtp(111, 3, b"three"), NEWER), port)
        peer.send(padded(rtp(110, 2, b"two"), THEIRS), port)
        assert [(await net.frame("audio")).payload for _ in range(2)] == [b"three", b"two"]
        _say(net, 1)
        (second,) = await datagrams(net, peer, 1)
        assert (first[1] & 0x7F, second[1] & 0x7F) == (109, 112)
        assert second[2:4] == ((first[2] << 8 | first[3]) + 1).to_bytes(2, "big"), "numbers go on"
        assert second[8:12] == first[8:12]
        assert opened(second, NEWER) == SOUND
        await _configure(net, peer, H235Keys(NEWER, ((111, NEWER),)), receive=(TAKEN_NEXT,))
        peer.send(padded(rtp(110, 4, b"four"), THEIRS), port)
        peer.send(padded(rtp(111, 5, b"five"), NEWER), port)
        assert (await net.frame("audio")).payload == b"five"
        assert dropped(net, "h235-payload-type") == 1


async def test_who_decrypts_proves_nothing_so_the_first_place_stays(peer: Peer) -> None:
    """There is no tag: a stranger with the key, or who repeats a packet, takes no leg over."""
    stranger = Peer("127.0.0.2")
    async with net_process() as net:
        leg = await _leg(net, peer, H235Keys(OURS, ((110, THEIRS),)))
        port = leg.ports["audio"][0]
        peer.send(padded(rtp(110, 1, b"one"), THEIRS), port)
        assert (await net.frame("audio")).payload == b"one"
        stranger.send(padded(rtp(110, 2, b"two"), THEIRS), port)
        await net.wait(lambda: net.process.counters["media-wrong-source"])
        _say(net, 0)
        assert opened((await datagrams(net, peer, 1))[0], OURS) == SOUND
        assert not stranger.receive()
    stranger.close()


async def test_rtcp_is_in_the_clear_and_understood(peer: Peer) -> None:
    control = Peer()
    async with net_process() as net:
        leg = await _leg(net, peer, H235Keys(OURS, ((110, THEIRS),)), remote_rtcp=control.address)
        peer.send(padded(rtp(110, 1, b"one", ssrc=77), THEIRS), leg.ports["audio"][0])
        await net.frame("audio")
        control.send(SenderReport(77, 1 << 32, 0, 1, 160).serialize(), leg.ports["audio"][1])
        found: list[bytes] = []
        await net.wait(lambda: found.extend(control.receive()) or found)
        packets, malformed = parse_compound(found[0])
        assert packets and not malformed
        assert not net.process.counters["rtcp-malformed"]
    control.close()


async def test_keys_of_a_wrong_length_end_the_leg(peer: Peer) -> None:
    async with net_process() as net:
        await net.open(1, Transport.PORTS, Kind.AUDIO)
        net.control.send(ConfigureLeg(1, (audio_spec(peer, h235=H235Keys(b"short")),)))
        assert (await net.expect(LegFailed)).reason == "bad-keys"


def _groups(dice: random.Random, sizes: Sequence[int]) -> bytes:
    """An H.263 picture in CIF, intra, of groups of so many octets (no start code inside)."""
    picture = b"\0\0\x80\x02\x0c"
    for number, size in enumerate(sizes):
        start = b"\0\0" + bytes([0x80 | number << 2]) if number else b""
        picture += start + bytes(dice.randrange(1, 256) for _ in range(size))
    return picture


def _access_unit(dice: random.Random) -> bytes:
    """H.264: parameter sets and one large slice."""
    slices = b"\x65\x88" + bytes(dice.randrange(1, 256) for _ in range(5000))
    return b"".join(
        b"\0\0\0\1" + unit for unit in (b"\x67\x42\xe0\x1f\xda\x01\x40\x16\xe9", b"\x68\xce\x3c\x80", slices)
    )


@pytest.mark.parametrize(
    ("codec", "joiner"),
    [(Codec.H264, h264.Depacketizer), (Codec.H263, h263.Depacketizer), (Codec.H263_1996, h263_old.Depacketizer)],
)
@pytest.mark.parametrize("is_encrypted", [True, False])
async def test_pictures_of_each_codec_go_out_and_come_in(peer, codec, joiner, is_encrypted) -> None:
    dice = random.Random(codec)
    picture = _access_unit(dice) if codec is Codec.H264 else _groups(dice, (900, 700, 1900, 300, 40))
    limits = {"profile_level_id": "42e01f", "packetization_mode": 1} if codec is Codec.H264 else {"max_fs": 396}
    sent, taken = (Format(codec, number, 90_000, **limits) for number in (109, 110))
    keys = H235Keys(OURS, ((110, NEWER),)) if is_encrypted else None
    async with net_process() as net:
        leg = await net.open(1, Transport.PORTS, Kind.VIDEO)
        net.control.send(ConfigureLeg(1, (video_spec(peer, receive=(taken,), send=sent, h235=keys),)))
        await net.expect(LegConfigured)
        net.control.send(AttachLeg(1))
        net.control.send(RouteVideo(1, 11))
        assert (await net.message("video", RequestKeyframe)).stream == 11
        encoded = Codec.H263 if codec is Codec.H263_1996 else codec
        net.neighbours["video"].send_frame(Frame(11, encoded, picture, rtp_timestamp=0, is_keyframe=True))
        seen: list[bytes] = []
        await net.wait(lambda: seen.extend(filter(is_rtp, peer.receive())) or any(each[1] & 0x80 for each in seen))
        payloads = [opened(each, OURS) if is_encrypted else each[12:] for each in seen]
        assert joiner().join(payloads).payload == picture
        assert shares_a_run(seen, picture) is not is_encrypted
        for number, (payload, each) in enumerate(zip(payloads, seen, strict=True)):
            clear = rtp(110, number, payload, timestamp=5, marker=bool(each[1] & 0x80))
            peer.send(padded(clear, NEWER) if is_encrypted else clear, leg.ports["video"][0])
        frame = await net.frame("video")
        assert (frame.codec, frame.payload, frame.is_keyframe) == (codec, picture, True)
