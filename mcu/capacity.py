"""How much this machine carries: what pictures and sound cost, what rooms need of them, what a newcomer may have.

Costs come from the self-test, in seconds of one core. A room costs senders x decoding their size, renditions x
composing and encoding, sound, and packets; listeners cost hardly more than their packets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from itertools import pairwise

import msgspec

from mcu.media import Codec
from mcu.rendition import LADDER, Rung

ROOM_SIZE = 9
"""The estimate for people is made for rooms of so many."""
HD = next(rung for rung in LADDER if rung.height == 720)
SMALL = next(rung for rung in LADDER if rung.width <= 320)
"""What a caller with a small picture is asked to send."""
SMALL_SEEN = next(rung for rung in LADDER if rung.width <= 640)
"""The largest picture that it is sent."""
_PICTURES_PER_S = 25
_SOUND_PER_S = 50
_PACKET_BITS = 1150 * 8
_TALKERS = 5
"""Voices that are mixed, each with a mix of its own (AudioSettings.max_talkers)."""
_TRANSPORT_RATIO = 4.0
"""CPU of the net process for a packet, over protecting it and sending it in a bare loop (`bench transport`)."""
_MOST_PEOPLE = 5000

Curve = tuple[tuple[int, float], ...]
"""(pixels, seconds) by size."""


class Allowance(IntEnum):
    """What a newcomer may have; the larger the more."""

    NONE = 0
    SOUND = 1
    SMALL = 2
    """Small pictures, both ways."""
    FULL = 3

    @property
    def has_pictures(self) -> bool:
        """Whether it sends and sees pictures."""
        return self >= Allowance.SMALL


class Costs(msgspec.Struct, frozen=True):
    """What the self-test measured, in CPU seconds for one picture, one 20 ms frame of sound, one packet."""

    decode: dict[str, Curve]
    """By name of the codec: one picture of so many pixels."""
    encode: dict[str, Curve]
    compose: Curve
    """One canvas of so many pixels, all tiles moving: scaling and blitting."""
    sound_decode: float
    sound_encode: float
    packet: float
    """Protecting, sending, receiving and unprotecting one in a bare loop, halved."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A moving picture that is decoded, or composed and encoded."""

    codec: Codec
    width: int
    height: int
    bitrate_bps: int
    scene: str = ""
    frame_rate: int = _PICTURES_PER_S

    @property
    def pixels(self) -> int:
        """In one picture."""
        return self.width * self.height

    @property
    def packets_per_s(self) -> float:
        """That it travels in."""
        return self.bitrate_bps / _PACKET_BITS


@dataclass(frozen=True, slots=True)
class Demand:
    """What one room needs."""

    senders: tuple[Picture, ...] = ()
    outputs: tuple[Picture, ...] = ()
    people: int = 0
    sent_bps: int = 0
    """Pictures on their way down, all legs together."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares of all cores up to which newcomers get full pictures, small ones, sound."""

    full: float = 0.7
    small: float = 0.8
    sound: float = 0.9

    def of(self, allowance: Allowance) -> float:
        """The share up to which this much is given."""
        return {Allowance.FULL: self.full, Allowance.SMALL: self.small}.get(allowance, self.sound)


@dataclass(frozen=True, slots=True)
class Capacity:
    """Costs on a number of cores."""

    costs: Costs
    cores: float
    limits: Limits = field(default_factory=Limits)

    def cost(self, demand: Demand) -> float:
        """Cores that a room keeps busy."""
        costs = self.costs
        decoding = sum(p.frame_rate * _of(costs.decode, p) for p in demand.senders)
        encoding = sum(p.frame_rate * _of(costs.encode, p) for p in demand.outputs)
        canvases = {(p.scene, p.width, p.height): p for p in demand.outputs}.values()
        composing = sum(p.frame_rate * _at(costs.compose, p.pixels) for p in canvases)
        heard = min(demand.people, 2 * _TALKERS)
        mixes = min(demand.people, _TALKERS) + 1 if demand.people else 0
        sound = _SOUND_PER_S * (heard * costs.sound_decode + mixes * costs.sound_encode)
        received = sum(p.packets_per_s for p in demand.senders) + demand.people * _SOUND_PER_S
        sent = demand.sent_bps / _PACKET_BITS + demand.people * _SOUND_PER_S
        return decoding + encoding + composing + sound + (received + sent) * costs.packet * _TRANSPORT_RATIO

    def about(self, rung: Rung) -> int:
        """How many who send and see pictures of this size fit, in rooms of nine, at the safety margin."""
        return self._most(lambda people: _meeting(people, rung))

    def about_sound(self) -> int:
        """How many fit who only speak and hear."""
        return self._most(lambda people: Demand(people=people))

    def with_participants(self, participants: int) -> Capacity:
        """The same costs on as many cores as so many participants at 720p need."""
        rooms, rest = divmod(participants, ROOM_SIZE)
        used = rooms * self.cost(_meeting(ROOM_SIZE, HD)) + self.cost(_meeting(rest, HD))
        return replace(self, cores=used / self.limits.full * (1 + 1e-9))

    def room_for(self, used: float, extra: Mapping[Allowance, float]) -> Allowance:
        """What a newcomer may have where `used` cores are busy, and this much of it would cost so much more."""
        for allowance in (Allowance.FULL, Allowance.SMALL, Allowance.SOUND):
            if used + extra[allowance] <= self.cores * self.limits.of(allowance):
                return allowance
        return Allowance.NONE

    def _most(self, room: Callable[[int], Demand]) -> int:
        budget = self.cores * self.limits.full
        whole = self.cost(room(ROOM_SIZE))
        rooms = min(int(budget / whole), _MOST_PEOPLE // ROOM_SIZE) if whole > 0 else _MOST_PEOPLE // ROOM_SIZE
        left = budget - rooms * whole
        rest = sum(self.cost(room(people)) <= left for people in range(1, ROOM_SIZE))
        return rooms * ROOM_SIZE + rest


def newcomer(room: Demand, allowance: Allowance, codec: Codec = Codec.H264) -> Demand:
    """What the room needs with one more in it, who comes with a picture if that is allowed."""
    joined = replace(room, people=room.people + 1)
    if not allowance.has_pictures:
        return joined
    is_small = allowance is Allowance.SMALL
    sent = SMALL if is_small else next(rung for rung in LADDER if rung.width <= 640)
    seen = SMALL_SEEN if is_small else HD
    outputs = joined.outputs
    known = [output for output in outputs if output.width <= seen.width and output.codec is codec]
    if not known:
        outputs = (*outputs, _picture(seen, codec, scene="new"))
    shown_bps = max((output.bitrate_bps for output in known), default=seen.bitrate_bps)
    return replace(
        joined,
        senders=(*joined.senders, _picture(sent, codec)),
        outputs=outputs,
        sent_bps=joined.sent_bps + shown_bps,
    )


def total(capacity: Capacity, rooms: Iterable[Demand]) -> float:
    """Cores that all rooms together keep busy."""
    return sum(map(capacity.cost, rooms))


def _meeting(people: int, rung: Rung) -> Demand:
    if not people:
        return Demand()
    picture = _picture(rung, Codec.H264)
    return Demand((picture,) * people, (picture,), people, people * rung.bitrate_bps)


def _picture(rung: Rung, codec: Codec, scene: str = "") -> Picture:
    return Picture(codec, rung.width, rung.height, rung.bitrate_bps, scene, rung.frame_rate)


def _of(curves: Mapping[str, Curve], picture: Picture) -> float:
    """By the curve of its codec; of one that was not measured, by the dearest."""
    curve = curves.get(picture.codec.name)
    if curve is not None:
        return _at(curve, picture.pixels)
    return max((_at(curve, picture.pixels) for curve in curves.values()), default=0.0)


def _at(curve: Curve, pixels: int) -> float:
    """Between two sizes on the straight line; beyond the ends in proportion."""
    if not curve or pixels <= 0:
        return 0.0
    points = sorted(curve)
    if pixels <= points[0][0]:
        return points[0][1] * pixels / points[0][0]
    for (low, low_s), (high, high_s) in pairwise(points):
        if pixels <= high:
            return low_s + (high_s - low_s) * (pixels - low) / (high - low)
    return points[-1][1] * pixels / points[-1][0]
