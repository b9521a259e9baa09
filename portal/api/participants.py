"""One participant of a running conference: what hosts do for it and about it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from mcu.camera import CameraMove
from mcu.conference import GAINS_DB, Conference
from mcu.participant import Role
from mcu.policy import LayoutMode
from portal.api.conferences import done, running
from portal.bodies import participant_id, read_body
from portal.errors import Elsewhere, Invalid, LockTooWeak, NoCamera, NotFound, PortalError, RoomFull, TooManyLayouts
from portal.rights import Access
from portal.route import API, Route
from portal.services import SERVICES
from signaling.admission import policy_of
from signaling.refusal import Refusal, Refused


class Mute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../mute."""

    is_muted: bool


class OwnLayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../layout; null: as all others see it."""

    layout: LayoutMode | None


class Spotlight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../spotlight."""

    is_on: bool


class Volume(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../volume."""

    gain_db: Annotated[int, Meta(ge=GAINS_DB[0], le=GAINS_DB[1])]


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../move."""

    room: Annotated[str, Meta(max_length=12)]
    """Number of the other room."""


class NewRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../role."""

    role: Role


async def mute(request: web.Request) -> web.Response:
    """POST .../mute."""
    body = await read_body(request, Mute)
    conference, participant = _found(request)
    conference.mute(participant, body.is_muted)
    return done(request, new={"is_muted": body.is_muted})


async def set_volume(request: web.Request) -> web.Response:
    """POST .../volume: how much louder or quieter all others hear them."""
    body = await read_body(request, Volume)
    conference, participant = _found(request)
    conference.set_gain(participant, body.gain_db)
    return done(request, new={"gain_db": body.gain_db})


async def set_layout(request: web.Request) -> web.Response:
    """POST .../layout: arrange their own picture otherwise than that of all."""
    body = await read_body(request, OwnLayout)
    conference, participant = _found(request)
    if not conference.set_own_layout(participant, body.layout):
        raise TooManyLayouts
    return done(request, new={"layout": body.layout.value if body.layout else ""})


async def set_spotlight(request: web.Request) -> web.Response:
    """POST .../spotlight: the big tile is theirs, whoever speaks, until it is taken away."""
    body = await read_body(request, Spotlight)
    conference, participant = _found(request)
    if body.is_on or conference.spotlight == participant:
        conference.set_spotlight(participant if body.is_on else 0)
    return done(request, new={"is_on": body.is_on})


async def set_role(request: web.Request) -> web.Response:
    """POST .../role: make somebody a host, or a guest again."""
    body = await read_body(request, NewRole)
    conference, participant = _found(request)
    conference.set_role(participant, body.role)
    return done(request, new={"role": body.role.value})


async def move(request: web.Request) -> web.Response:
    """POST .../move: to another room, without a new call and whatever its lock and passcode."""
    body = await read_body(request, Move)
    conference, participant = _found(request)
    services = request.app[SERVICES]
    room = await services.rooms.get(body.room)
    if room is None or room.number == conference.policy.number:
        raise Invalid({"room": "unknown"})
    try:
        await services.calls.move(conference.policy.number, participant, policy_of(room))
    except KeyError:
        raise NotFound from None
    except Refused as refused:
        raise _REFUSALS.get(refused.reason, Elsewhere) from None
    return done(request, new={"room": room.number})


async def lower_hand(request: web.Request) -> web.Response:
    """POST .../lower-hand: what was asked for by it has been heard."""
    conference, participant = _found(request)
    conference.raise_hand(participant, is_raised=False)
    return done(request)


async def allow_video(request: web.Request) -> web.Response:
    """POST .../allow-video: decode a picture again that crashed the decoder twice."""
    conference, participant = _found(request)
    conference.allow_video(participant)
    return done(request)


async def move_camera(request: web.Request) -> web.Response:
    """POST .../camera: move for a moment, go on, or (all zero) stop."""
    move = await read_body(request, CameraMove)
    conference, participant = _found(request)
    if not conference.move_camera(participant, move):
        raise NoCamera
    return done(request)


async def remove(request: web.Request) -> web.Response:
    """DELETE: hang up on them."""
    conference, participant = _found(request)
    await conference.remove(participant)
    return done(request)


_REFUSALS: dict[Refusal, type[PortalError]] = {
    Refusal.FULL: RoomFull,
    Refusal.ENCRYPTION_REQUIRED: LockTooWeak,
}


def _found(request: web.Request) -> tuple[Conference, int]:
    conference, participant = running(request), participant_id(request)
    if participant not in conference.participants:
        raise NotFound
    return conference, participant


_ONE = f"{API}/conferences/{{number}}/participants/{{participant}}"
_CONTROL = Access.CONTROL_CONFERENCES
ROUTES = (
    Route("POST", f"{_ONE}/mute", mute, _CONTROL, changes="participant.mute-set"),
    Route("POST", f"{_ONE}/volume", set_volume, _CONTROL, changes="participant.volume-set"),
    Route("POST", f"{_ONE}/layout", set_layout, _CONTROL, changes="participant.layout-set"),
    Route("POST", f"{_ONE}/spotlight", set_spotlight, _CONTROL, changes="participant.spotlight-set"),
    Route("POST", f"{_ONE}/role", set_role, _CONTROL, changes="participant.role-set"),
    Route("POST", f"{_ONE}/move", move, _CONTROL, changes="participant.moved"),
    Route("POST", f"{_ONE}/lower-hand", lower_hand, _CONTROL, changes="participant.hand-lowered"),
    Route("POST", f"{_ONE}/allow-video", allow_video, _CONTROL, changes="participant.video-allowed"),
    Route("POST", f"{_ONE}/camera", move_camera, _CONTROL, changes="participant.camera-moved"),
    Route("DELETE", _ONE, remove, _CONTROL, changes="participant.removed"),
)
