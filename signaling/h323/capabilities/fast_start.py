"""Channels opened by Setup and its answer: lists of fastStart (H.323 8.1.7).

An item is the whole openLogicalChannel of one direction: of the caller's sound forwards, or of the called end's sound
in its reverse parameters. Items with one session are alternatives, dearest first. The call encodes and decodes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from signaling.h323.capabilities import channel as channels
from signaling.h323.capabilities.channel import Medium
from signaling.h323.h245 import open_channel
from signaling.h323.h245.logical_channel import Address, LogicalChannel

MOST_ITEMS = 64
"""Of a peer; the rest is passed over."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where we take RTP and RTCP of one session."""

    media: Address
    media_control: Address


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list."""

    channel: LogicalChannel
    is_callers: bool
    """Whether the caller sends on it."""


def propose(media: Iterable[Medium], ports: Mapping[int, Ports], new_number: Callable[[], int]) -> list[Any]:
    """As caller: each medium in both directions. `ports` by session (channel.SESSIONS)."""
    items: list[Any] = []
    for each in media:
        own = ports[channels.SESSIONS[each.capability.kind]]
        sent = channels.write(new_number(), each, own.media_control)
        received = channels.write(new_number(), each, own.media_control, media=own.media)
        items.append(_write(Item(sent, is_callers=True)))
        items.append(_write(Item(received, is_callers=False)))
    return items


def read(bodies: Sequence[Any]) -> list[Item]:
    """A list of the peer; items that are no H.323 channel are passed over."""
    found: list[Item] = []
    for body in bodies[:MOST_ITEMS]:
        reverse = open_channel.read_fast_reverse(body)
        if reverse is not None:
            found.append(Item(reverse, is_callers=False))
        elif (forward := open_channel.read_open(body)) is not None:
            found.append(Item(forward, is_callers=True))
    return found


def choose(items: Iterable[Item], is_taken: Callable[[Medium], bool]) -> list[Item]:
    """As called end: of each session and direction the caller's dearest that we take."""
    chosen: dict[tuple[int, bool], Item] = {}
    for item in items:
        medium = channels.read(item.channel)
        if medium is not None and is_taken(medium):
            chosen.setdefault((item.channel.session_id, item.is_callers), item)
    return list(chosen.values())


def answer(chosen: Iterable[Item], ports: Mapping[int, Ports], new_number: Callable[[], int]) -> list[Item]:
    """As called end: the chosen with our addresses, and with numbers of ours where we send; write() them."""
    answers: list[Item] = []
    for item in chosen:
        own = ports[item.channel.session_id]
        if item.is_callers:
            answers.append(
                replace(item, channel=replace(item.channel, media=own.media, media_control=own.media_control))
            )
        else:
            channel = replace(item.channel, number=new_number(), media=None, media_control=own.media_control)
            answers.append(replace(item, channel=channel))
    return answers


def opened_as_called(chosen: Iterable[Item], answers: Iterable[Item]) -> list[tuple[LogicalChannel, bool]]:
    """For Control.adopt(): channels with the caller's addresses, and whether they are ours."""
    return [
        (replace(theirs.channel, number=ours.channel.number), not theirs.is_callers)
        for theirs, ours in zip(chosen, answers, strict=True)
    ]


def opened_as_caller(answers: Iterable[Item]) -> list[tuple[LogicalChannel, bool]]:
    """The same of an answer that was read()."""
    return [(item.channel, item.is_callers) for item in answers]


def write(items: Iterable[Item]) -> list[Any]:
    """For fastStart of an answer."""
    return [_write(item) for item in items]


def _write(item: Item) -> Any:
    writer = open_channel.write_open if item.is_callers else open_channel.write_fast_reverse
    return writer(item.channel)
