"""What a running conference looks like to a subscriber: nobody's network address, names as in the roster."""

from __future__ import annotations

from mcu.conference import Conference
from mcu.media import Kind, StreamSpec
from mcu.participant import Participant, Role
from signaling.sip.calls.leg import SipLeg
from signaling.sip.focus.conference_info import ConferenceInfo, MediaInfo, UserInfo
from signaling.sip.wire.uri import Uri

_TYPES = {Kind.AUDIO: "audio", Kind.VIDEO: "video", Kind.CONTENT: "video"}
_STATUS = {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly", (False, False): "inactive"}


def conference_info(conference: Conference, entity: Uri) -> ConferenceInfo:
    """The conference as `entity`, which is its URI as the subscriber knows it."""
    policy = conference.policy
    return ConferenceInfo(
        entity.serialize(),
        policy.name or policy.number,
        policy.max_participants,
        is_locked=conference.is_locked,
        users=tuple(_user(person, entity.host) for person in conference.participants.values()),
    )


def user_entity(person: Participant, host: str) -> str:
    """A URI that means this participant within the conference; who proved an identity is named by it (5.6)."""
    if person.identity:
        return Uri("sip", person.identity, host).serialize()
    return f"sip:p{person.id}@anonymous.invalid"


def _user(person: Participant, host: str) -> UserInfo:
    media = tuple(
        MediaInfo(number, _TYPES[stream.kind], _status(person, stream), "slides" if stream.kind is Kind.CONTENT else "")
        for number, stream in enumerate(person.leg.media.streams, 1)
        if stream.kind in _TYPES
    )
    is_on_hold = bool(media) and not any(stream.receive for stream in person.leg.media.streams)
    has_been_called = isinstance(person.leg, SipLeg) and not person.leg.has_dialled_in
    return UserInfo(
        user_entity(person, host),
        person.name,
        ("participant", "chair") if person.role is Role.HOST else ("participant",),
        "on-hold" if is_on_hold else "connected",
        "dialed-out" if has_been_called else "dialed-in",
        media=media,
    )


def _status(person: Participant, stream: StreamSpec) -> str:
    """From the participant's side (5.8.5); who is muted is not heard."""
    sends = bool(stream.receive) and not (stream.kind is Kind.AUDIO and person.is_muted)
    return _STATUS[sends, stream.send is not None]
