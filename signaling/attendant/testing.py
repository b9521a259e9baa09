"""The test room: one's own sound and picture come back after a while, with what the line is like written over it."""

from __future__ import annotations

import asyncio

from config.attendant import AttendantSettings
from mcu.media import Kind
from mcu.place import Place
from mcu.worker.messages import AnyMessage, LegStats, Panel, StreamStats

_NAMES = {Kind.AUDIO: "声音  Sound", Kind.VIDEO: "图像  Picture"}


class TestVisit:
    """One caller in the test room."""

    __test__ = False  # pytest takes the name for a test

    def __init__(self, settings: AttendantSettings, place: Place) -> None:
        self._settings = settings
        self._place = place
        self._is_over = asyncio.Event()

    async def run(self) -> None:
        """Until the time is over or the caller presses `*` or 0; the place is entered."""
        self._place.show(figures_panel((), self._settings.test_delay_s))
        self._place.say("test-room")
        self._place.echo(self._settings.test_delay_s)
        try:
            async with asyncio.timeout(self._settings.test_max_s):
                await self._is_over.wait()
        except TimeoutError:
            pass

    def receive_digit(self, digit: str) -> None:
        """`*` and 0 end the test."""
        if digit in "*0":
            self._is_over.set()

    def heard(self, message: AnyMessage) -> None:
        """An event of the leg: every second its figures."""
        if isinstance(message, LegStats):
            self._place.show(figures_panel(message.streams, self._settings.test_delay_s))


def figures_panel(streams: tuple[StreamStats, ...], delay_s: float) -> Panel:
    """Rate, loss and delay of each stream, both ways, for people who set up a terminal."""
    lines = [line for stream in streams if stream.kind in _NAMES for line in _figures(stream)]
    return Panel("测试  Test", (f"{delay_s:g} 秒后回放 · back after {delay_s:g} s", *lines, "*  结束  End"))


def _figures(stream: StreamStats) -> tuple[str, str, str]:
    total = stream.received_packets + stream.lost_packets
    lost = 100.0 * stream.lost_packets / total if total > 0 else 0.0
    received, sent = stream.received_bitrate_bps / 1000, stream.sent_bitrate_bps / 1000
    return (
        f"{_NAMES[stream.kind]}  {stream.codec}",
        f"↑ {received:.0f} kbit/s · 丢包 loss {lost:.1f} % · 抖动 jitter {stream.jitter_ms:.0f} ms",
        f"↓ {sent:.0f} kbit/s · 丢包 loss {100 * stream.remote_loss:.1f} % · 时延 delay {stream.round_trip_ms:.0f} ms",
    )
