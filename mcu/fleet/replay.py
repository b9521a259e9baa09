"""What a restarted process must be told again: the commands that still hold, in the order in which they were given."""

from __future__ import annotations

from collections.abc import Hashable

from mcu.worker.messages import (
    AddAudioLeg,
    BanSource,
    CloseRendition,
    CloseRoom,
    CloseScene,
    Message,
    MuteLeg,
    OpenRendition,
    RemoveAudioLeg,
    SetGain,
    SetScene,
    UpdateRendition,
)


class Replay:
    """The standing orders of the video or the audio process of one worker."""

    def __init__(self) -> None:
        self._standing: dict[Hashable, Message] = {}

    def messages(self) -> list[Message]:
        """Everything that holds now."""
        return list(self._standing.values())

    @property
    def has_listeners(self) -> bool:
        """Whether somebody hears a room."""
        return any(isinstance(order, AddAudioLeg) for order in self._standing.values())

    def note(self, message: Message) -> None:
        """Remember a standing order, or forget those that `message` ends. Passing messages leave no trace."""
        match message:
            case SetScene():
                self._standing["scene", message.room, message.scene] = message
            case CloseScene():
                self._forget(("scene", message.room, message.scene))
            case OpenRendition():
                self._standing["rendition", message.rendition] = message
            case UpdateRendition():
                self._standing["update", message.rendition] = message
            case CloseRendition():
                self._forget(("rendition", message.rendition), ("update", message.rendition))
            case BanSource():
                self._standing["ban", message.stream] = message
            case AddAudioLeg():
                self._standing["leg", message.leg] = message
            case MuteLeg():
                self._standing["mute", message.leg] = message
            case SetGain():
                self._standing["gain", message.leg] = message
            case RemoveAudioLeg():
                self._forget(("leg", message.leg), ("mute", message.leg), ("gain", message.leg))
            case CloseRoom():
                self._close_room(message.room)
            case _:
                pass

    def _close_room(self, room: str) -> None:
        gone = [
            (key, order)
            for key, order in self._standing.items()
            if isinstance(order, SetScene | OpenRendition | AddAudioLeg) and order.room == room
        ]
        for key, order in gone:
            self._forget(key)
            if isinstance(order, OpenRendition):
                self._forget(("update", order.rendition))
            elif isinstance(order, AddAudioLeg):
                self._forget(("mute", order.leg), ("gain", order.leg))

    def _forget(self, *keys: Hashable) -> None:
        for key in keys:
            self._standing.pop(key, None)
