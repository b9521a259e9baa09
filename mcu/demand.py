"""What a running room needs, from who is in it and what is encoded for them (see mcu.capacity)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mcu.capacity import Allowance, Demand, Picture
from mcu.media import Codec, Kind
from mcu.participant import Participant
from mcu.rendition import RenditionKey

_ASKED_IN_SDP = (640, 360)
"""Terminals send this, whatever their tile is: it is what our SDP asks for (SipSettings.picture_width)."""


def demand_of(people: Iterable[Participant], outputs: Mapping[RenditionKey, int]) -> Demand:
    """`outputs` are the renditions that run, and how many receive each."""
    everybody = list(people)
    return Demand(
        tuple(picture for person in everybody for picture in _sent_by(person)),
        tuple(
            Picture(key.codec, key.rung.width, key.rung.height, key.rung.bitrate_bps, key.scene, key.rung.frame_rate)
            for key in outputs
        ),
        len(everybody),
        sum(key.rung.bitrate_bps * receivers for key, receivers in outputs.items()),
    )


def _sent_by(person: Participant) -> Iterator[Picture]:
    """What is decoded of somebody: cameras that are shown, and the shared screen."""
    for kind, need in person.needs.items():
        stream = person.leg.media.stream(kind)
        if stream is None or not stream.receive or not need.is_shown or not person.allowance.has_pictures:
            continue
        if kind is Kind.CONTENT and not person.is_sharing:
            continue
        width, height = need.width, need.height
        is_full = person.allowance is Allowance.FULL
        if kind is Kind.VIDEO and is_full and person.protocol != "webrtc":
            width, height = _ASKED_IN_SDP
        yield Picture(Codec(stream.receive[0].codec), width, height, need.bitrate_bps)
