"""Messages between the control process and every process of a worker."""

from __future__ import annotations

from mcu.worker.message import Message


class Start(Message, frozen=True):
    """First message to a process: its settings, as the TOML table of its component, and what it may use."""

    settings: dict[str, object]


class Channel(Message, frozen=True):
    """A new channel to the named process ("video", "audio", "recorder"); its socket travels as SCM_RIGHTS beside it.

    Sent to the net process at start and whenever that neighbour was restarted.
    """

    name: str


class Stop(Message, frozen=True):
    """Finish what is open, then exit with status 0."""


class ProcessStats(Message, frozen=True):
    """Every second from every process: counters are cumulative since its start."""

    process: str
    counters: dict[str, int]
    gauges: dict[str, float]


class CannotStart(Message, frozen=True):
    """A process cannot work with its settings, and ends; `reason` is for the one who started the server."""

    reason: str
