"""Modes of requestMode, understood (H.245 7.9, B.10): codecs that the peer would rather get."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mcu.media import Codec, Kind
from signaling.h323.capabilities import h264
from signaling.h323.h245 import generic_message

_SOUNDS = {"g711Alaw64k": Codec.PCMA, "g711Ulaw64k": Codec.PCMU, "g722-64k": Codec.G722}


def read(mode: Iterable[Any]) -> dict[Kind, Codec] | None:
    """The codecs of a mode by kind; None where one of its elements is none of ours.

    Kinds that it does not name are left as they are: who asks for sound in another codec means no end of the picture.
    """
    codecs: dict[Kind, Codec] = {}
    for element in mode:
        found = _read_element(*_unwrap(element["type"]))
        if found is None or found[0] in codecs:
            return None
        codecs[found[0]] = found[1]
    return codecs or None


def _unwrap(element: tuple[str, Any]) -> tuple[str, Any]:
    """Whether it is to be encrypted was settled by the capabilities."""
    name, body = element
    inner: tuple[str, Any] = body["mediaMode"] if name == "h235Mode" else element
    return inner


def _read_element(name: str, body: Any) -> tuple[Kind, Codec] | None:
    if name == "audioMode":
        codec = _SOUNDS.get(body[0])
        return None if codec is None else (Kind.AUDIO, codec)
    if name == "videoMode":
        return _read_video(*body)
    if name == "dataMode" and body["application"][0] == "h224":
        return Kind.CAMERA, Codec.H224
    return None


def _read_video(name: str, body: Any) -> tuple[Kind, Codec] | None:
    if name == "h263VideoMode":
        return Kind.VIDEO, Codec.H263
    if name == "genericVideoMode" and generic_message.oid_of(body["capabilityIdentifier"]) == h264.OID:
        return Kind.VIDEO, Codec.H264
    return None
