"""The process itself: started as the fleet starts it, driven over its channels."""

from __future__ import annotations

import fcntl
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from mcu.audio.codecs import make_decoder, make_encoder
from mcu.media import Codec, Kind, stream_id
from mcu.worker import messages
from mcu.worker.channel import Channel, Frame, channel_pair
from tests.mcu.audio.simulation import amplitude, tone

_HIGH = 1100
"""Beyond what select() takes."""


@contextmanager
def audio_process(max_talkers: int = 4) -> Iterator[tuple[subprocess.Popen[bytes], Channel, Channel]]:
    ours, theirs = channel_pair()
    net_ours, net_theirs = channel_pair()
    high = fcntl.fcntl(theirs.fileno(), fcntl.F_DUPFD, _HIGH)  # as in a control process of many calls
    process = subprocess.Popen([sys.executable, "-m", "mcu.audio.process", "--fd", str(high)], pass_fds=[high])
    os.close(high)
    theirs.close()
    control, net = Channel(ours), Channel(net_ours)
    control.send(messages.Start({"max_talkers": max_talkers}))
    control.send(messages.Channel("net"), [net_theirs.fileno()])
    net_theirs.close()
    try:
        yield process, control, net
    finally:
        control.close()
        net.close()
        process.wait(5)


def collect(channels: tuple[Channel, ...], seconds: float) -> list[tuple[float, object]]:
    """Everything that arrives in so many seconds, with its time."""
    selector = selectors.DefaultSelector()
    for channel in channels:
        selector.register(channel, selectors.EVENT_READ)
    arrived: list[tuple[float, object]] = []
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            arrived += [(time.monotonic(), item) for item in key.fileobj.receive()]  # type: ignore[union-attr]
    return arrived


def wait_for_stats(control: Channel) -> None:
    while not any(isinstance(item, messages.ProcessStats) for _, item in collect((control,), 0.1)):
        pass


def test_sound_goes_through_and_the_process_ends_with_its_control() -> None:
    with audio_process() as (process, control, net):
        for leg in (1, 2):
            control.send(messages.AddAudioLeg("1001", leg, Codec.OPUS))
        wait_for_stats(control)
        collect((net,), 0.01)
        encoder, voice = make_encoder(Codec.OPUS, 32_000, 5, 0), tone(500)
        arrived: list[tuple[float, object]] = []
        start = time.monotonic()
        for number in range(48):
            frame = Frame(stream_id(1, Kind.AUDIO), Codec.OPUS, encoder.encode(voice(number)), number * 960, number)
            net.send_frame(frame)
            arrived += collect((net, control), max(0.0, start + (number + 1) * 0.02 - time.monotonic()))
        items = [item for _, item in arrived]
        outputs = {item.leg: item.output for item in items if isinstance(item, messages.AssignAudio)}
        frames = [item for item in items if isinstance(item, Frame)]
        decoder = make_decoder(Codec.OPUS)
        listener = [frame for frame in frames if frame.stream != outputs[1]]
        sound = np.concatenate([decoder.decode(frame.payload) for frame in listener])
        assert amplitude(sound[-24_000:], 500) > 0.05
        steps = np.diff([frame.rtp_timestamp for frame in listener])
        assert not (steps % 960).any()
        assert np.median(steps) == 960, "a process that is short of time leaves out some"
        assert any(isinstance(item, messages.Playout) for item in items)
        assert any(isinstance(item, messages.Levels) and item.speaker == 1 for item in items)
        control.send(messages.Stop())
        assert process.wait(5) == 0


def test_where_many_talk_another_thread_helps_although_the_process_is_confined() -> None:
    with audio_process(max_talkers=20) as (process, control, net):
        legs = range(1, 21)
        for leg in legs:
            control.send(messages.AddAudioLeg("1001", leg, Codec.OPUS))
        wait_for_stats(control)
        collect((net,), 0.01)
        threads = set(os.listdir(f"/proc/{process.pid}/task"))
        encoder, voice = make_encoder(Codec.OPUS, 32_000, 0, 0), tone(500, 0.01)
        packets = [encoder.encode(voice(number)) for number in range(25)]
        arrived: list[tuple[float, object]] = []
        start = time.monotonic()
        for number, packet in enumerate(packets):
            for leg in legs:
                net.queue_frame(Frame(stream_id(leg, Kind.AUDIO), Codec.OPUS, packet, number * 960, number))
            net.flush()
            arrived += collect((net, control), max(0.0, start + (number + 1) * 0.02 - time.monotonic()))
        frames = [item for _, item in arrived if isinstance(item, Frame)]
        assert len({frame.stream for frame in frames}) >= len(legs)
        assert len(set(os.listdir(f"/proc/{process.pid}/task")) - threads) == 1
        control.send(messages.Stop())
        assert process.wait(5) == 0


def test_it_leaves_when_control_is_gone_and_survives_a_restart_of_net() -> None:
    with audio_process() as (process, control, net):
        control.send(messages.AddAudioLeg("1001", 1, Codec.PCMU))
        wait_for_stats(control)
        net.close()
        ours, theirs = channel_pair()
        control.send(messages.Channel("net"), [theirs.fileno()])
        theirs.close()
        again = Channel(ours)
        items = [item for _, item in collect((again,), 0.4)]
        assert isinstance(items[0], messages.AssignAudio)
        assert any(isinstance(item, Frame) and len(item.payload) == 160 for item in items)
        again.close()
        control.close()
        process.wait(5)
