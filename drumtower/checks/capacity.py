"""How many participants this machine carries, and what was measured to say so."""

from __future__ import annotations

from collections.abc import Iterator

from config.settings import Settings
from drumtower import measurement
from drumtower.checks.finding import Finding, ok, warn
from mcu.capacity import HD, ROOM_SIZE, Costs
from mcu.media import Codec

_FEW = 4


def check_capacity(settings: Settings) -> Iterator[Finding]:
    """What was measured at a start on this machine, or is measured now."""
    costs = measurement.kept(settings)
    try:
        costs = costs or measurement.measure(settings)
    except measurement.NotMeasured as error:
        yield warn("capacity", f"the self-test did not work: {error}", "set [capacity] participants yourself")
        return
    capacity = measurement.capacity_of(settings, costs)
    people = capacity.about(HD)
    text = (
        f"about {people} participants at 720p 约可容纳 {people} 路 720p (rooms of {ROOM_SIZE}, "
        f"{capacity.cores:.3g} cores at {capacity.limits.full:.0%}); {capacity.about_sound()} by sound only 纯语音"
    )
    if people < _FEW:
        yield warn("capacity", text, "use a machine with more or faster cores, or smaller pictures")
    else:
        yield ok("capacity", text)
    yield ok("capacity", "CPU " + measured(costs))
    if not settings.capacity.enabled:
        yield warn("capacity", "[capacity] enabled is off: nobody gets less when it is busy", "switch it on")
    elif settings.capacity.participants:
        yield ok("capacity", f"[capacity] participants = {settings.capacity.participants} overrides what was measured")


def measured(costs: Costs) -> str:
    """The figures in milliseconds."""

    def of(curve: tuple[tuple[int, float], ...]) -> str:
        return "/".join(f"{seconds * 1000:.2f}" for _, seconds in curve)

    h264 = Codec.H264.name
    return (
        f"ms a picture of 720p/360p/180p: decode {of(costs.decode[h264])}, compose {of(costs.compose)}, "
        f"encode {of(costs.encode[h264])}; Opus 20 ms: decode {costs.sound_decode * 1000:.3f}, "
        f"encode {costs.sound_encode * 1000:.3f}; packet {costs.packet * 1e6:.1f} us"
    )
