"""What the processes of a worker say to each other: one that was taken over must not bring down the next."""

from __future__ import annotations

import msgspec

from mcu.worker.channel import MAX_FRAME_BYTES, PIECE_BYTES, Channel, channel_pair
from mcu.worker.messages import decode, encode
from tests.fuzz.target import Bytes, target


@target("messages", msgspec.DecodeError)
def messages(data: bytes) -> None:
    once = encode(decode(data))
    assert encode(decode(once)) == once


@target("channel")
def channel(data: bytes) -> None:
    script = Bytes(data)
    raw, theirs = channel_pair()
    with raw:
        reader = Channel(theirs)
        while not script.is_empty:
            raw.send(script.chunk() or b"\x01")
            for _ in reader.receive():
                pass
            partial = reader._partial
            assert partial is None or partial.size <= MAX_FRAME_BYTES + PIECE_BYTES
        reader.close()
