"""Media frames and messages between two processes of a worker, over one SOCK_SEQPACKET socket that never blocks.

A datagram over about 200 kB fails on Linux, so frames are cut at 64 KiB and put together again under a bound. When
the other end does not keep up, frames wait in a bounded outbox; past the bound a video source is dropped up to its
next keyframe and an audio frame is dropped alone, and both are counted.
"""

from __future__ import annotations

import array
import os
import socket
import struct
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import msgspec

from mcu.media import Codec
from mcu.worker.messages import AnyMessage, Message, decode, encode

PIECE_BYTES = 65_536
MAX_FRAME_BYTES = 4 << 20
MAX_OUTBOX_BYTES = 8 << 20
MAX_UNDELIVERED_BYTES = 16 << 20
_SOCKET_BUFFER_BYTES = 1 << 20
_MAX_DESCRIPTORS = 4
_MAX_JOINED = 256
"""Frames in one datagram; the kernel takes 1024 buffers."""

# kind, codec, flags, level, stream, sequence, (pad), rtp timestamp, capture, due, arrival, bytes in the whole frame,
# offset
_HEADER = struct.Struct("!BBBBIHxxIqqqII")
_FRAME = 1
_MESSAGE = 2
_KEYFRAME = 1
NO_LEVEL = 255
_CODECS = {int(codec): codec for codec in Codec}


@dataclass(slots=True)
class Frame:
    """One encoded frame (a whole picture in Annex B or VP8 form, or one audio packet)."""

    stream: int
    codec: Codec
    payload: bytes
    rtp_timestamp: int = 0
    """Of a source: as received. Of an output: 90 kHz (video) or 48 kHz (audio) units of the worker's media clock."""
    sequence: int = 0
    """Audio of a source: its RTP sequence number, so that the jitter buffer sees losses."""
    capture_us: int = 0
    """CLOCK_MONOTONIC: of a source, when it was captured as far as sender reports tell; of an output, its tick."""
    due_us: int = 0
    """Video of a source: do not show earlier. Audio: play no earlier than its video can be shown. 0: no wish."""
    is_keyframe: bool = False
    level: int = NO_LEVEL
    """RFC 6464 level in -dBov (0..127) when the sender told it."""
    arrival_us: int = 0
    """CLOCK_MONOTONIC: sound of a source, when its packet came, since its reader looks by ticks; 0 where not told."""


@dataclass(slots=True)
class _Partial:
    total: int
    header: tuple[int, ...]
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0


class _Datagram(NamedTuple):
    data: bytes
    descriptors: tuple[int, ...] = ()
    is_whole_frame: bool = False
    """Others may follow it in one datagram."""


class ChannelClosed(ConnectionError):
    """The process at the other end is gone."""


class Channel:
    """One end of a channel. Not safe for use by several threads at once, except one sender beside one receiver."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER_BYTES)
        self._socket = sock
        self._outbox: deque[_Datagram] = deque()
        self._outbox_bytes = 0
        self._waits_for_keyframe: set[int] = set()
        self._partial: _Partial | None = None
        self._arrived: deque[Frame | AnyMessage] = deque()
        self.drops: Counter[str] = Counter()

    def fileno(self) -> int:
        """For selectors and event loops."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end; the other one gets ChannelClosed."""
        for waiting in self._outbox:
            for descriptor in waiting.descriptors:
                os.close(descriptor)
        self._outbox.clear()
        self._socket.close()

    @property
    def wants_write(self) -> bool:
        """Whether something waits in the outbox: call flush() when the socket becomes writable."""
        return bool(self._outbox)

    def refuses(self, frame: Frame) -> bool:
        """Whether queue_frame() would drop it since one before it was dropped."""
        return frame.stream in self._waits_for_keyframe and not frame.is_keyframe

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send or queue a message; messages are never dropped.

        `descriptors` are duplicated for the other end; the caller goes on owning its own.
        Raises ChannelClosed, also when the other end has not read for so long that the outbox is beyond all bounds.
        """
        data = bytes((_MESSAGE,)) + encode(message)
        if len(data) > PIECE_BYTES:
            raise ValueError(f"message of {len(data)} bytes")
        if self._outbox_bytes + len(data) > MAX_UNDELIVERED_BYTES:
            raise ChannelClosed("the other end does not read")
        self._put(_Datagram(data, tuple(os.dup(descriptor) for descriptor in descriptors)))
        self.flush()

    def send_frame(self, frame: Frame) -> bool:
        """Send or queue a frame; False when it was dropped (the reason is counted in `drops`). Raises ChannelClosed."""
        is_taken = self.queue_frame(frame)
        self.flush()
        return is_taken

    def queue_frame(self, frame: Frame) -> bool:
        """Like send_frame(), but it waits for flush(), which sends small frames together."""
        size = len(frame.payload)
        if size > MAX_FRAME_BYTES:
            self.drops["frame-too-large"] += 1
            return False
        if self.refuses(frame):
            self.drops["waiting-for-keyframe"] += 1
            return False
        if self._outbox_bytes + size > MAX_OUTBOX_BYTES:
            self.drops["channel-full"] += 1
            if frame.codec.is_video:
                self._waits_for_keyframe.add(frame.stream)
            return False
        self._waits_for_keyframe.discard(frame.stream)
        flags = _KEYFRAME if frame.is_keyframe else 0
        for offset in range(0, size or 1, PIECE_BYTES):
            head = _HEADER.pack(
                _FRAME, frame.codec, flags, frame.level, frame.stream, frame.sequence & 0xFFFF,
                frame.rtp_timestamp & 0xFFFFFFFF, frame.capture_us, frame.due_us, frame.arrival_us,
                size, offset,
            )  # fmt: skip
            piece = frame.payload if size <= PIECE_BYTES else frame.payload[offset : offset + PIECE_BYTES]
            self._put(_Datagram(head + piece, is_whole_frame=size <= PIECE_BYTES))
        return True

    def flush(self) -> None:
        """Write what waits until the socket is full. Raises ChannelClosed."""
        outbox = self._outbox
        while outbox:
            first = outbox[0]
            count = self._joinable() if first.is_whole_frame and len(outbox) > 1 else 1
            try:
                if first.descriptors:
                    socket.send_fds(self._socket, [first.data], first.descriptors)
                elif count == 1:
                    self._socket.send(first.data)
                else:
                    self._socket.sendmsg([datagram.data for datagram in islice(outbox, count)])
            except BlockingIOError:
                return
            except OSError as error:
                raise ChannelClosed(str(error)) from error
            for _ in range(count):
                self._outbox_bytes -= len(outbox.popleft().data)
            for descriptor in first.descriptors:
                os.close(descriptor)

    def _joinable(self) -> int:
        """How many whole frames at the head of the outbox fit one datagram."""
        count = size = 0
        for waiting in self._outbox:
            size += len(waiting.data)
            if not waiting.is_whole_frame or size > PIECE_BYTES or count == _MAX_JOINED:
                break
            count += 1
        return max(1, count)

    def receive(self, limit: int = 256) -> Iterator[Frame | AnyMessage]:
        """What has arrived, until the socket is empty or after `limit` datagrams. Raises ChannelClosed at the end."""
        while self._arrived:  # the reader of before did not take all
            yield self._arrived.popleft()
        for _ in range(limit):
            try:
                data = self._socket.recv(PIECE_BYTES + _HEADER.size)
            except BlockingIOError:
                return
            except OSError as error:
                raise ChannelClosed(str(error)) from error
            if not data:
                raise ChannelClosed("closed by the other end")
            self._parse(data)
            while self._arrived:
                yield self._arrived.popleft()

    def receive_with_descriptors(self, limit: int = 64) -> Iterator[tuple[Frame | AnyMessage, list[int]]]:
        """Like receive(), for a channel on which descriptors travel; the caller owns them."""
        for _ in range(limit):
            try:
                data, ancillary, _, _ = self._socket.recvmsg(
                    PIECE_BYTES + _HEADER.size, socket.CMSG_SPACE(_MAX_DESCRIPTORS * 4)
                )
            except BlockingIOError:
                return
            except OSError as error:
                raise ChannelClosed(str(error)) from error
            if not data:
                raise ChannelClosed("closed by the other end")
            descriptors = _descriptors(ancillary)
            self._parse(data)
            if not self._arrived:
                _close(descriptors)
            while self._arrived:
                yield self._arrived.popleft(), descriptors
                descriptors = []

    def _put(self, datagram: _Datagram) -> None:
        self._outbox.append(datagram)
        self._outbox_bytes += len(datagram.data)

    def _parse(self, data: bytes) -> None:
        if data[0] == _MESSAGE:
            try:
                self._arrived.append(decode(memoryview(data)[1:]))
            except msgspec.DecodeError:
                self.drops["bad-message"] += 1
            return
        position, end = 0, len(data)
        while position < end:
            if data[position] != _FRAME or position + _HEADER.size > end:
                self.drops["bad-piece"] += 1
                return
            header = _HEADER.unpack_from(data, position)
            start = position + _HEADER.size
            position = start + header[10]
            if header[11] == 0 and position <= end:
                self._partial = None
                frame = self._frame(header, data[start:position])
            else:
                frame = self._join(header, data[start:])
                position = end
            if frame is not None:
                self._arrived.append(frame)

    def _join(self, header: tuple[int, ...], data: bytes) -> Frame | None:
        """One piece of a frame that is larger than a datagram."""
        total, offset = header[10], header[11]
        size = len(data)
        if offset == 0:
            self._partial = None
            if total > MAX_FRAME_BYTES:
                self.drops["frame-too-large"] += 1
                return None
            self._partial = _Partial(total, header)
        partial = self._partial
        if partial is None or partial.size != offset or partial.total != total:
            self._partial = None
            self.drops["bad-piece"] += 1
            return None
        partial.pieces.append(data)
        partial.size += size
        if partial.size < total:
            return None
        self._partial = None
        return self._frame(partial.header, b"".join(partial.pieces))

    def _frame(self, header: tuple[int, ...], payload: bytes) -> Frame | None:
        _, codec, flags, level, stream, sequence, rtp_timestamp, capture_us, due_us, arrival_us, _, _ = header
        known = _CODECS.get(codec)
        if known is None:
            self.drops["bad-piece"] += 1
            return None
        return Frame(
            stream,
            known,
            payload,
            rtp_timestamp,
            sequence,
            capture_us,
            due_us,
            bool(flags & _KEYFRAME),
            level,
            arrival_us,
        )


def channel_pair() -> tuple[socket.socket, socket.socket]:
    """Two connected sockets for two processes; wrap each in a Channel in its own process."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _close(descriptors: Sequence[int]) -> None:
    """What came with something that nobody can read."""
    for descriptor in descriptors:
        os.close(descriptor)


def _descriptors(ancillary: Sequence[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return list(found)
