"""openLogicalChannel and its acknowledgement, to and from LogicalChannel (H.245 B.3.1 and B.3.2); fast start too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from signaling.h323.h245 import transport_address
from signaling.h323.h245.logical_channel import ChannelAnswer, LogicalChannel

_NULL_DATA = ("nullData", 0)
_PAYLOAD_TYPES = range(96, 128)
"""dynamicRTPPayloadType can name no others."""


def write_open(channel: LogicalChannel) -> dict[str, Any]:
    """OpenLogicalChannel of a channel of ours."""
    body: dict[str, Any] = {
        "forwardLogicalChannelNumber": channel.number,
        "forwardLogicalChannelParameters": _write_parameters(channel),
    }
    if channel.reverse is not None:
        body["reverseLogicalChannelParameters"] = _write_parameters(channel.reverse)
    if channel.encryption_sync is not None:
        body["encryptionSync"] = channel.encryption_sync
    if channel.generic_information:
        body["genericInformation"] = list(channel.generic_information)
    return body


def write_fast_reverse(channel: LogicalChannel) -> dict[str, Any]:
    """A fast start item for the direction to the caller of fastStart: forward carries nothing (H.323 8.1.7)."""
    body = write_open(replace(channel, data_type=_NULL_DATA))
    body["forwardLogicalChannelParameters"]["multiplexParameters"] = ("none", 0)
    body["reverseLogicalChannelParameters"] = _write_parameters(channel)
    return body


def read_open(body: Any) -> LogicalChannel | None:
    """A channel of the peer; None where it is none of H.323 (no H.225.0 parameters)."""
    forward = body["forwardLogicalChannelParameters"]
    number = body["forwardLogicalChannelNumber"]
    channel = _read_parameters(number, forward)
    if channel is None:
        return None
    reverse = body.get("reverseLogicalChannelParameters")
    return replace(
        channel,
        reverse=None if reverse is None else _read_parameters(number, reverse),
        encryption_sync=body.get("encryptionSync"),
        generic_information=tuple(body.get("genericInformation", ())),
    )


def read_fast_reverse(body: Any) -> LogicalChannel | None:
    """The direction to the caller in a fast start item; None where the item is of the other direction."""
    reverse = body.get("reverseLogicalChannelParameters")
    if reverse is None or body["forwardLogicalChannelParameters"]["dataType"][0] != "nullData":
        return None
    channel = _read_parameters(body["forwardLogicalChannelNumber"], reverse)
    if channel is None:
        return None
    return replace(channel, encryption_sync=body.get("encryptionSync"))


def write_ack(channel: LogicalChannel, answer: ChannelAnswer, reverse_number: int | None = None) -> dict[str, Any]:
    """OpenLogicalChannelAck to a channel of the peer."""
    parameters: dict[str, Any] = {
        "sessionID": channel.session_id if answer.session_id is None else answer.session_id,
        "mediaChannel": transport_address.write(answer.media),
        "flowControlToZero": answer.is_flow_zero,
    }
    if answer.media_control is not None:
        parameters["mediaControlChannel"] = transport_address.write(answer.media_control)
    if answer.payload_type in _PAYLOAD_TYPES:
        parameters["dynamicRTPPayloadType"] = answer.payload_type
    if not parameters["sessionID"]:
        del parameters["sessionID"]
    body: dict[str, Any] = {
        "forwardLogicalChannelNumber": channel.number,
        "forwardMultiplexAckParameters": ("h2250LogicalChannelAckParameters", parameters),
    }
    if reverse_number is not None and channel.reverse is not None:
        body["reverseLogicalChannelParameters"] = {
            "reverseLogicalChannelNumber": reverse_number,
            "multiplexParameters": _write_parameters(replace(channel.reverse, media=answer.media))[
                "multiplexParameters"
            ],
        }
    if answer.encryption_sync is not None:
        body["encryptionSync"] = answer.encryption_sync
    if answer.generic_information:
        body["genericInformation"] = list(answer.generic_information)
    return body


def read_ack(channel: LogicalChannel, body: Any) -> LogicalChannel:
    """A channel of ours with what the peer added to it. Sparse acknowledgements leave our own values."""
    name, parameters = body.get("forwardMultiplexAckParameters", ("", {}))
    if name != "h2250LogicalChannelAckParameters":
        parameters = {}
    return replace(
        channel,
        session_id=parameters.get("sessionID", channel.session_id),
        media=transport_address.read(parameters.get("mediaChannel")),
        media_control=transport_address.read(parameters.get("mediaControlChannel")),
        payload_type=parameters.get("dynamicRTPPayloadType", channel.payload_type),
        encryption_sync=body.get("encryptionSync", channel.encryption_sync),
        generic_information=tuple(body.get("genericInformation", ())),
        is_flow_zero=bool(parameters.get("flowControlToZero", False)),
        reverse=_read_reverse_ack(channel, body),
    )


def _read_reverse_ack(channel: LogicalChannel, body: Any) -> LogicalChannel | None:
    reverse = body.get("reverseLogicalChannelParameters")
    if channel.reverse is None or reverse is None:
        return None
    number = reverse["reverseLogicalChannelNumber"]
    whole = {"dataType": channel.reverse.data_type, "multiplexParameters": reverse.get("multiplexParameters")}
    return _read_parameters(number, whole) or replace(channel.reverse, number=number)


def _write_parameters(channel: LogicalChannel) -> dict[str, Any]:
    """Forward or reverse parameters; they look alike."""
    parameters: dict[str, Any] = {"sessionID": channel.session_id}
    if channel.associated_session_id is not None:
        parameters["associatedSessionID"] = channel.associated_session_id
    if channel.media is not None:
        parameters["mediaChannel"] = transport_address.write(channel.media)
    if channel.media_control is not None:
        parameters["mediaControlChannel"] = transport_address.write(channel.media_control)
    if channel.payload_type in _PAYLOAD_TYPES:
        parameters["dynamicRTPPayloadType"] = channel.payload_type
    if channel.packetization is not None:
        parameters["mediaPacketization"] = channel.packetization
    multiplex = ("h2250LogicalChannelParameters", parameters)
    return {"dataType": channel.data_type, "multiplexParameters": multiplex}


def _multiplex(direction: Any) -> tuple[str, Any]:
    multiplex: tuple[str, Any] = direction.get("multiplexParameters") or ("", {})
    return multiplex


def _read_parameters(number: int, direction: Any) -> LogicalChannel | None:
    name, parameters = _multiplex(direction)
    if name != "h2250LogicalChannelParameters":
        return None
    return LogicalChannel(
        number=number,
        session_id=parameters["sessionID"],
        data_type=direction["dataType"],
        media=transport_address.read(parameters.get("mediaChannel")),
        media_control=transport_address.read(parameters.get("mediaControlChannel")),
        payload_type=parameters.get("dynamicRTPPayloadType"),
        packetization=parameters.get("mediaPacketization"),
        associated_session_id=parameters.get("associatedSessionID"),
    )
