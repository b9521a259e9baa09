"""Commands and events between the control process and the processes of a worker (msgspec, MessagePack).

Nothing here assumes that both ends run on one machine. Times are microseconds of the worker's CLOCK_MONOTONIC.
They are written down by direction in the files beside this one; everybody imports them from here.
"""

from __future__ import annotations

import msgspec

from mcu.worker.audio_messages import (
    AddAudioLeg,
    AssignAudio,
    Levels,
    ListenerLoss,
    MuteLeg,
    Playout,
    PlayPrompt,
    RemoveAudioLeg,
    SetGain,
    StopPrompts,
)
from mcu.worker.message import Message
from mcu.worker.net_commands import (
    AttachLeg,
    CameraFrame,
    CloseLeg,
    ConfigureLeg,
    LimitSource,
    MoveLeg,
    OpenLeg,
    OpenRecorderLeg,
    PeerWantsKeyframe,
    RequestKeyframe,
    RestartIce,
    RouteContent,
    RouteVideo,
    Transport,
)
from mcu.worker.net_events import (
    Dtmf,
    KeyframeWanted,
    LegBandwidth,
    LegConfigured,
    LegConnected,
    LegFailed,
    LegOpened,
    LegSilent,
    LegStats,
    PeerLimit,
    StreamStats,
)
from mcu.worker.process_messages import (
    CannotStart,
    Channel,
    ProcessStats,
    Start,
    Stop,
)
from mcu.worker.recorder_messages import (
    RecordingEnded,
    RecordingProgress,
    StartRecording,
    StopRecording,
)
from mcu.worker.video_commands import (
    BanSource,
    CloseRendition,
    CloseRoom,
    CloseScene,
    OpenRendition,
    Panel,
    RemoveSource,
    SetScene,
    Tile,
    UpdateRendition,
)

__all__ = [
    "AddAudioLeg",
    "AnyMessage",
    "AssignAudio",
    "AttachLeg",
    "BanSource",
    "CameraFrame",
    "CannotStart",
    "Channel",
    "CloseLeg",
    "CloseRendition",
    "CloseRoom",
    "CloseScene",
    "ConfigureLeg",
    "Dtmf",
    "KeyframeWanted",
    "LegBandwidth",
    "LegConfigured",
    "LegConnected",
    "LegFailed",
    "LegOpened",
    "LegSilent",
    "LegStats",
    "Levels",
    "LimitSource",
    "ListenerLoss",
    "Message",
    "MoveLeg",
    "MuteLeg",
    "OpenLeg",
    "OpenRecorderLeg",
    "OpenRendition",
    "Panel",
    "PeerLimit",
    "PeerWantsKeyframe",
    "PlayPrompt",
    "Playout",
    "ProcessStats",
    "RecordingEnded",
    "RecordingProgress",
    "RemoveAudioLeg",
    "RemoveSource",
    "RequestKeyframe",
    "RestartIce",
    "RouteContent",
    "RouteVideo",
    "SetGain",
    "SetScene",
    "Start",
    "StartRecording",
    "Stop",
    "StopPrompts",
    "StopRecording",
    "StreamStats",
    "Tile",
    "Transport",
    "UpdateRendition",
    "decode",
    "encode",
]

AnyMessage = (
    Start | Channel | Stop
    | OpenLeg | ConfigureLeg | RestartIce | AttachLeg | MoveLeg | RouteVideo | RouteContent | CloseLeg | OpenRecorderLeg
    | RequestKeyframe | PeerWantsKeyframe | LimitSource | CameraFrame | PeerLimit | LegBandwidth
    | LegOpened | LegConfigured | LegFailed | LegConnected | LegSilent | KeyframeWanted | Dtmf | LegStats | ProcessStats
    | CannotStart
    | SetScene | CloseScene | OpenRendition | UpdateRendition | CloseRendition | CloseRoom | BanSource | RemoveSource
    | AddAudioLeg | RemoveAudioLeg | MuteLeg | SetGain | PlayPrompt | StopPrompts | AssignAudio | Playout | Levels
    | ListenerLoss
    | StartRecording | StopRecording | RecordingProgress | RecordingEnded
)  # fmt: skip

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)


def encode(message: Message) -> bytes:
    """MessagePack of `message`, tagged with its class."""
    return _encoder.encode(message)


def decode(data: bytes | memoryview) -> AnyMessage:
    """The message in `data`. Raises msgspec.DecodeError (a ValidationError where the shape is wrong)."""
    try:
        return _decoder.decode(data)
    except (UnicodeDecodeError, RecursionError) as error:  # of broken text and of nests thousands deep
        raise msgspec.DecodeError(str(error)) from error
