"""Netlink messages about interfaces (rtnetlink(7)): which of the watched ones have a carrier. Pure."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Final

GROUP_LINK: Final = 1
"""RTMGRP_LINK."""
_HEADER: Final = struct.Struct("=IHHII")
_LINK: Final = struct.Struct("=BxHiII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_ALIGNMENT: Final = 4
_REQUEST: Final = 0x0001
_DUMP: Final = 0x0300
_INTERRUPTED: Final = 0x0010
_AF_UNSPEC: Final = 0
_IFLA_IFNAME: Final = 3
_IFLA_CARRIER_CHANGES: Final = 35
_UP: Final = 0x1
_LOWER_UP: Final = 0x10000


class Kind(IntEnum):
    """nlmsg_type, as far as we are told."""

    ERROR = 2
    DONE = 3
    NEW_LINK = 16
    DEL_LINK = 17
    GET_LINK = 18


class Carriers:
    """What is known of the watched interfaces. All are down until the kernel says otherwise."""

    def __init__(self, names: Iterable[str]) -> None:
        self.counters: Counter[str] = Counter()
        self._is_up = dict.fromkeys(names, False)
        self._names: dict[int, str] = {}
        """By index: an interface may get another name."""
        self._marks: dict[str, tuple[int, bytes]] = {}
        """Index, and how often the carrier has come and gone by the kernel's count, of each interface."""
        self._listed: set[str] | None = None
        """Those that the list under way has named so far; None: there is none under way."""
        self._wants_list = True

    def request(self) -> bytes | None:
        """What to ask the kernel now: all interfaces, where we do not know what became of them."""
        if not self._wants_list or self._listed is not None:
            return None
        self._wants_list, self._listed = False, set()
        length = _HEADER.size + _LINK.size
        return _HEADER.pack(length, Kind.GET_LINK, _REQUEST | _DUMP, 1, 0) + _LINK.pack(_AF_UNSPEC, 0, 0, 0, 0)

    def lost(self) -> None:
        """The kernel had more to say than there was room for (ENOBUFS): ask for everything anew."""
        self.counters["link-messages-lost"] += 1
        self._wants_list = True

    def unsent(self) -> None:
        """The request could not be sent: there is no list under way."""
        self.counters["link-request-unsent"] += 1
        self._wants_list, self._listed = True, None

    def receive(self, data: bytes) -> list[tuple[str, bool]]:
        """A datagram of the kernel; which interfaces came up or went down."""
        changes: list[tuple[str, bool]] = []
        for kind, flags, body in _messages(data):
            if flags & _INTERRUPTED:
                self._wants_list = True
            if kind in (Kind.DONE, Kind.ERROR):
                changes += self._list_ends(is_whole=kind == Kind.DONE)
            elif kind in (Kind.NEW_LINK, Kind.DEL_LINK):
                changes += self._link(kind, body)
        return changes

    def _link(self, kind: int, body: bytes) -> Iterator[tuple[str, bool]]:
        if len(body) < _LINK.size:
            self.counters["link-message-malformed"] += 1
            return
        family, _, index, flags, _ = _LINK.unpack_from(body)
        if family != _AF_UNSPEC:
            return  # AF_BRIDGE tells of ports: one that changes its bridge is "deleted" there
        said = _attributes(body[_LINK.size :])
        name = said.get(_IFLA_IFNAME, b"").rstrip(b"\0").decode(errors="replace")
        before = self._names.pop(index, name)
        if before != name:
            yield from self._set(before, is_up=False)
        if name not in self._is_up:
            return
        if kind == Kind.DEL_LINK:
            yield from self._set(name, is_up=False)
            return
        self._names[index] = name
        if self._listed is not None:
            self._listed.add(name)
        yield from self._look_for_gap(name, index, said.get(_IFLA_CARRIER_CHANGES, b""))
        yield from self._set(name, is_up=flags & _UP != 0 and flags & _LOWER_UP != 0)

    def _look_for_gap(self, name: str, index: int, count: bytes) -> Iterator[tuple[str, bool]]:
        """Down in between: the kernel tells of changes once a second, and not at all when there are too many."""
        index_before, count_before = self._marks.get(name, (index, count))
        self._marks[name] = index, count or count_before
        has_counted = bool(count and count_before) and count != count_before
        if self._is_up[name] and (index != index_before or has_counted):
            self.counters["link-down-in-between"] += 1
            yield from self._set(name, is_up=False)

    def _list_ends(self, *, is_whole: bool) -> Iterator[tuple[str, bool]]:
        """What a whole list did not name is not there."""
        listed, self._listed = self._listed, None
        if not is_whole:
            self.counters["link-list-failed"] += 1
            self._wants_list = True
        elif listed is not None:
            for name in self._is_up.keys() - listed:
                yield from self._set(name, is_up=False)

    def _set(self, name: str, *, is_up: bool) -> Iterator[tuple[str, bool]]:
        if self._is_up[name] != is_up:
            self._is_up[name] = is_up
            yield name, is_up


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, flags and body of each message; what comes after a broken one is not looked at."""
    while len(data) >= _HEADER.size:
        length, kind, flags, _, _ = _HEADER.unpack_from(data)
        if not _HEADER.size <= length <= len(data):
            return
        yield kind, flags, data[_HEADER.size : length]
        data = data[_aligned(length) :]


def _attributes(data: bytes) -> dict[int, bytes]:
    """By type; what comes after a broken one is not looked at."""
    found: dict[int, bytes] = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if not _ATTRIBUTE.size <= length <= len(data):
            break
        found[kind] = data[_ATTRIBUTE.size : length]
        data = data[_aligned(length) :]
    return found


def _aligned(length: int) -> int:
    return (length + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT
