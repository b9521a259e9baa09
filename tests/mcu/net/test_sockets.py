"""UDP sockets on loopback: marks, grouped sends and their fallback, bounded reading."""

from __future__ import annotations

import errno
import socket
import time
from collections import Counter
from typing import Any

import pytest

from mcu.net.sockets import ASSURED_FORWARDING_41, EXPEDITED_FORWARDING, UdpSocket


@pytest.fixture(params=["127.0.0.1", "::1"])
def pair(request: pytest.FixtureRequest):
    far = socket.socket(socket.AF_INET6 if ":" in request.param else socket.AF_INET, socket.SOCK_DGRAM)
    far.bind((request.param, 0))
    far.settimeout(2)
    near = UdpSocket(
        request.param, 0, traffic_class=ASSURED_FORWARDING_41, buffer_bytes=1 << 20, has_gso=True, counters=Counter()
    )
    yield near, far
    near.close()
    far.close()


def _traffic_class(far: socket.socket) -> int:
    _, ancillary, _, _ = far.recvmsg(2048, 64)
    ((_, _, data),) = ancillary
    return data[0]


def test_sound_is_marked_ef_and_pictures_af41_on_the_same_socket(pair: tuple[UdpSocket, socket.socket]) -> None:
    near, far = pair
    if far.family == socket.AF_INET6:
        far.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
    else:
        far.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    near.send(b"picture", far.getsockname())
    assert _traffic_class(far) == 34 << 2
    near.send(b"sound", far.getsockname(), EXPEDITED_FORWARDING)
    assert _traffic_class(far) == 46 << 2
    near.send_many([b"p" * 100] * 3, far.getsockname())
    assert _traffic_class(far) == 34 << 2


@pytest.mark.parametrize("sizes", [[5], [1200] * 50, [1200] * 6 + [30], [30, 1200, 1200, 7], list(range(1, 60))])
def test_grouped_packets_arrive_as_they_were(pair: tuple[UdpSocket, socket.socket], sizes: list[int]) -> None:
    near, far = pair
    packets = [bytes([index]) * size for index, size in enumerate(sizes)]
    near.send_many(packets, far.getsockname())
    assert [far.recv(4096) for _ in sizes] == packets


class _Refusing:
    """A kernel or an interface that does not know UDP_SEGMENT."""

    def __init__(self, real: socket.socket, error: int) -> None:
        self.real, self.error, self.grouped = real, error, 0

    def sendmsg(self, *arguments: Any) -> int:
        self.grouped += 1
        raise OSError(self.error, "no")

    def sendto(self, *arguments: Any) -> int:
        return self.real.sendto(*arguments)

    def close(self) -> None:
        self.real.close()


@pytest.mark.parametrize(("error", "tries"), [(errno.EIO, 1), (errno.EINVAL, 2)])
def test_packets_go_one_by_one_where_grouping_is_refused(
    pair: tuple[UdpSocket, socket.socket], error: int, tries: int
) -> None:
    near, far = pair
    refusing = _Refusing(near._socket, error)
    near._socket = refusing  # type: ignore[assignment]
    for _ in range(2):
        near.send_many([b"a" * 100, b"b" * 100], far.getsockname())
        assert [far.recv(200)[:1] for _ in range(2)] == [b"a", b"b"]
    assert refusing.grouped == tries  # after EIO it is not tried again
    assert near._counters["gso-refused"] == tries


def test_failed_sends_are_counted(pair: tuple[UdpSocket, socket.socket]) -> None:
    near, far = pair
    assert not near.send(b"x" * 70_000, far.getsockname())
    assert near._counters["send-emsgsize"] == 1


def test_reading_is_bounded_in_number_and_time(pair: tuple[UdpSocket, socket.socket]) -> None:
    near, far = pair
    address = (near.address, near.port)
    taken: list[bytes] = []
    near.receive = lambda data, _source, _now_us: taken.append(data)
    for _ in range(100):
        far.sendto(b"x", address)
    near.read(30, 1_000_000)
    assert len(taken) == 30
    near.receive = lambda data, _source, _now_us: (taken.append(data), time.sleep(0.001))[0]
    near.read(1000, 2_000)
    assert len(taken) <= 30 + 32
    near.receive = lambda data, _source, _now_us: taken.append(data)
    near.read(1000, 1_000_000)
    assert len(taken) == 100


def test_what_is_too_long_is_counted_and_not_handed_over_in_part(pair: tuple[UdpSocket, socket.socket]) -> None:
    near, far = pair
    taken: list[bytes] = []
    near.receive = lambda data, _source, _now_us: taken.append(data)
    for size in (2048, 2049, 60_000, 12):
        far.sendto(b"x" * size, (near.address, near.port))
    near.read(10, 1_000_000)
    assert [len(data) for data in taken] == [2048, 12]
    assert near._counters == {"receive-too-long": 2}
