"""A process that does as a worker's process would on its channels, and nothing else: `--fd`, answers, echoes."""

from __future__ import annotations

import os
import select
import socket

from mcu.worker.channel import Channel
from mcu.worker.messages import (
    AnyMessage,
    ConfigureLeg,
    LegConfigured,
    LegFailed,
    LegOpened,
    OpenLeg,
    ProcessStats,
    Stop,
)
from mcu.worker.messages import Channel as ChannelMessage
from mcu.worker.shell import run_process


class StandIn:
    """Counts what it is told by class, answers legs, and says so in ProcessStats."""

    def __init__(self, control: Channel) -> None:
        self.control = control
        self.told: dict[str, int] = {}
        self.neighbours: dict[str, Channel] = {}

    def run(self) -> None:
        while True:
            select.select([self.control], [], [])
            for message, descriptors in self.control.receive_with_descriptors():
                if isinstance(message, Stop):
                    return
                self.take(message, descriptors)  # type: ignore[arg-type]
            self.control.send(ProcessStats(str(os.getpid()), self.told, {"neighbours": len(self.neighbours)}))

    def take(self, message: AnyMessage, descriptors: list[int]) -> None:
        name = type(message).__name__
        self.told[name] = self.told.get(name, 0) + 1
        match message:
            case ChannelMessage():
                self.neighbours[message.name] = Channel(socket.socket(fileno=descriptors[0]))
            case OpenLeg(room="none"):
                self.control.send(LegFailed(message.leg, "no-ports"))
            case OpenLeg(room="crash"):
                os._exit(3)
            case OpenLeg():
                self.control.send(LegOpened(message.leg, "192.0.2.1"))
            case ConfigureLeg():
                self.control.send(LegConfigured(message.leg))
            case _:
                pass


if __name__ == "__main__":
    run_process("stand-in", lambda control: StandIn(control).run())
