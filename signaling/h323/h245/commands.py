"""Commands about media that flow: pictures wanted, rates, keys (H.245 7.11), both ways."""

from __future__ import annotations

from typing import Any

from signaling.h323.h245.events import (
    Effect,
    EncryptionUpdate,
    EncryptionUpdated,
    EncryptionUpdateWanted,
    FastUpdate,
    FlowControl,
    PictureRequest,
    command,
)

_RATE_UNIT_BPS = 100
_MOST_RATE = 16_777_215
_PICTURES = {request.value: request for request in PictureRequest}
_BODIES: dict[PictureRequest, Any] = {
    PictureRequest.GOB: {"firstGOB": 0, "numberOfGOBs": 18},
    PictureRequest.MACROBLOCKS: {"firstGOB": 0, "firstMB": 1, "numberOfMBs": 8192},
    PictureRequest.LOST: [],
    PictureRequest.LOST_PARTIAL: {"pictureReference": ("pictureNumber", 0), "firstMB": 1, "numberOfMBs": 9216},
    PictureRequest.RECOVERY: [],
}


def fast_update(number: int, picture: PictureRequest) -> list[Effect]:
    """A miscellaneousCommand about the picture of a channel; parts of a picture mean all of it."""
    return _miscellaneous(number, picture.value, _BODIES.get(picture, 0))


def flow_control(number: int | None, bitrate_bps: int | None) -> list[Effect]:
    """A flowControlCommand in steps of 100 bit/s, rounded down."""
    scope = ("wholeMultiplex", 0) if number is None else ("logicalChannelNumber", number)
    if bitrate_bps is None:
        restriction: tuple[str, int] = ("noRestriction", 0)
    else:
        restriction = ("maximumBitRate", min(bitrate_bps // _RATE_UNIT_BPS, _MOST_RATE))
    return [command("flowControlCommand", {"scope": scope, "restriction": restriction})]


def update_encryption(number: int, is_masters: bool, encryption_sync: Any) -> list[Effect]:
    """An encryptionUpdateCommand; `is_masters`: the master sends on this channel (H.235.6 8.6.2)."""
    return _miscellaneous(number, "encryptionUpdateCommand", {"encryptionSync": encryption_sync}, is_masters)


def acknowledge_encryption(number: int, is_masters: bool, synch_flag: int) -> list[Effect]:
    """An encryptionUpdateAck."""
    return _miscellaneous(number, "encryptionUpdateAck", {"synchFlag": synch_flag}, is_masters)


def ask_encryption_update(number: int, is_masters: bool, synch_flag: int | None) -> list[Effect]:
    """An encryptionUpdateRequest."""
    body = {} if synch_flag is None else {"synchFlag": synch_flag}
    return _miscellaneous(number, "encryptionUpdateRequest", body, is_masters)


def read_flow_control(body: Any) -> list[Effect]:
    """A flowControlCommand of the peer; about resources, which are not of this network, nothing."""
    scope, number = body["scope"]
    if scope == "resourceID":
        return []
    kind, rate = body["restriction"]
    bitrate_bps = rate * _RATE_UNIT_BPS if kind == "maximumBitRate" else None
    return [FlowControl(number if scope == "logicalChannelNumber" else None, bitrate_bps)]


def read_miscellaneous(body: Any, is_master: bool) -> list[Effect]:
    """A miscellaneousCommand of the peer; those that ask for nothing we do give nothing."""
    number = body["logicalChannelNumber"]
    name, content = body["type"]
    picture = _PICTURES.get(name)
    if picture is not None:
        return [FastUpdate(number, picture)]
    return _read_encryption(number, name, content, _is_ours(body, name, is_master))


def _read_encryption(number: int, name: str, content: Any, is_ours: bool) -> list[Effect]:
    if name == "encryptionUpdateRequest":
        return [EncryptionUpdateWanted(number, is_ours)]
    if name == "encryptionUpdate":
        return [EncryptionUpdate(number, is_ours, content)]
    if name == "encryptionUpdateCommand":
        return [EncryptionUpdate(number, is_ours, content["encryptionSync"])]
    if name == "encryptionUpdateAck":
        return [EncryptionUpdated(number, is_ours, content["synchFlag"])]
    return []


def _is_ours(body: Any, name: str, is_master: bool) -> bool:
    """Without direction: keys come for channels of whoever sends the command, wishes for those of the other end."""
    if "direction" in body:
        return bool((body["direction"][0] == "masterToSlave") == is_master)
    return name in ("encryptionUpdateRequest", "encryptionUpdateAck")


def _miscellaneous(number: int, name: str, body: Any, is_masters: bool | None = None) -> list[Effect]:
    content: dict[str, Any] = {"logicalChannelNumber": number, "type": (name, body)}
    if is_masters is not None:
        content["direction"] = ("masterToSlave" if is_masters else "slaveToMaster", 0)
    return [command("miscellaneousCommand", content)]
