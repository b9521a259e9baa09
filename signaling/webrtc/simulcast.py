"""Simulcast of a browser's camera: the layers that we offer to take, and those that an answer sends (RFC 8853)."""

from __future__ import annotations

from collections.abc import Iterator

from signaling.webrtc import sdp

LAYERS = ("l", "m", "h")
"""The rids (RFC 8851), lowest first, as Chromium wants them; each has half the width of the next one."""


def offer_lines() -> Iterator[str]:
    """What makes the m-line of an offer one that takes every layer."""
    yield from (f"a=rid:{layer} recv" for layer in LAYERS)
    yield "a=simulcast:recv " + ";".join(LAYERS)


def agreed_layers(section: sdp.Section) -> tuple[str, ...]:
    """The layers that an answer sends, lowest first; none where it sends a single picture."""
    listed = _listed(section.first("simulcast") or "")
    described = {value.split(" ")[0] for value in section.every("rid") if value.split(" ")[1:2] == ["send"]}
    found = tuple(layer for layer in LAYERS if layer in listed and layer in described)
    return found if len(found) > 1 else ()


def _listed(simulcast: str) -> set[str]:
    """The rids behind "send"; "~" marks one that is paused at first, "," alternatives (RFC 8853 5.1)."""
    words = simulcast.split()
    if "send" not in words[:-1]:
        return set()
    streams = words[words.index("send") + 1]
    return {rid.removeprefix("~") for stream in streams.split(";") for rid in stream.split(",")}
