"""Figures once a second: each leg's streams, and how late the event loop runs."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from mcu.media import Kind
from mcu.net.leg import Leg
from mcu.worker.messages import LegStats, StreamStats

_MAX_SAMPLES = 256


class LagMeter:
    """How late timers fire; the 99th percentile since the last question."""

    def __init__(self) -> None:
        self._samples: list[float] = []

    def add(self, late_s: float) -> None:
        """A timer fired that late."""
        if len(self._samples) < _MAX_SAMPLES:
            self._samples.append(late_s)

    def p99_ms(self) -> float:
        """And begin anew."""
        samples, self._samples = sorted(self._samples), []
        return round(samples[int(len(samples) * 0.99)] * 1000, 3) if samples else 0.0


@dataclass(slots=True)
class _Before:
    now_us: int
    received_bytes: int
    sent_bytes: int


class LegMeters:
    """Turns cumulative counts into rates."""

    def __init__(self) -> None:
        self._before: WeakKeyDictionary[Leg, dict[Kind, _Before]] = WeakKeyDictionary()

    def measure(self, leg: Leg, now_us: int) -> LegStats:
        """The last second of a leg."""
        before = self._before.setdefault(leg, {})
        streams = tuple(_stream(leg, kind, before, now_us) for kind in leg.receivers)
        return LegStats(leg.number, streams, leg.is_silent)


def _stream(leg: Leg, kind: Kind, before: dict[Kind, _Before], now_us: int) -> StreamStats:
    sender, receiver = leg.outbound.senders[kind], leg.receivers[kind]
    source, receptions = receiver.source, [each.reception for each in receiver.sources]
    received_bytes = sum(reception.received_bytes for reception in receptions)
    last = before.get(kind, _Before(now_us - 1_000_000, received_bytes, 0))
    before[kind] = _Before(now_us, received_bytes, sender.sent_bytes)
    elapsed_us = max(1, now_us - last.now_us)
    statistics = sender.statistics
    return StreamStats(
        kind=kind,
        received_packets=sum(reception.received_packets for reception in receptions),
        lost_packets=sum(reception.lost_packets for reception in receptions),
        jitter_ms=max((reception.jitter_ms for reception in receptions), default=0.0),
        received_bitrate_bps=max(0, received_bytes - last.received_bytes) * 8_000_000 // elapsed_us,
        sent_packets=0 if statistics is None else statistics.packets,
        sent_bitrate_bps=max(0, sender.sent_bytes - last.sent_bytes) * 8_000_000 // elapsed_us,
        remote_loss=0.0 if statistics is None else statistics.remote_loss,
        round_trip_ms=0.0 if statistics is None else statistics.round_trip_us / 1000,
        codec="" if source is None else source.codec.name,
        remote_estimate_bps=leg.estimate_bps,
    )
