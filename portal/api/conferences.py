"""Running conferences: who is in them, and what an administrator or host does about that."""

from __future__ import annotations

import logging
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from mcu import notice
from mcu.camera import CameraMove
from mcu.conference import GAINS_DB, Conference
from mcu.fleet.worker import WorkerError
from mcu.participant import Role
from mcu.policy import LayoutMode, RecordPolicy
from portal.bodies import json_response, participant_id, read_body, room_number
from portal.errors import DiskFull, NoCamera, NotFound, NotRunning, RecordingOff, TooManyLayouts, Unavailable
from portal.services import SERVICES
from portal.sessions import session_of
from recorder.errors import DiskFullError, RecordingError

logger = logging.getLogger(__name__)


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../lock."""

    is_locked: bool


class Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../layout."""

    layout: LayoutMode


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../message."""

    text: Annotated[str, Meta(min_length=1, max_length=notice.MAX_CHARACTERS, pattern=r"^(?=.*\S)[^\x00-\x1f\x7f]+$")]
    seconds: Annotated[int, Meta(ge=notice.SHOWN_S[0], le=notice.SHOWN_S[1])] = 20


class OwnLayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../participants/{participant}/layout; null: as all others see it."""

    layout: LayoutMode | None


class Spotlight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../participants/{participant}/spotlight."""

    is_on: bool


class Volume(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../participants/{participant}/volume."""

    gain_db: Annotated[int, Meta(ge=GAINS_DB[0], le=GAINS_DB[1])]


class NewRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../participants/{participant}/role."""

    role: Role


class Mute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../participants/{participant}/mute."""

    is_muted: bool


async def list_conferences(request: web.Request) -> web.Response:
    """GET /conferences."""
    running = request.app[SERVICES].conferences.running()
    return json_response({"conferences": [conference.snapshot() for conference in running]})


async def show_conference(request: web.Request) -> web.Response:
    """GET /conferences/{number}."""
    conference = request.app[SERVICES].conferences.get(room_number(request))
    if conference is None:
        raise NotFound
    return json_response(conference.snapshot())


async def lock(request: web.Request) -> web.Response:
    """POST .../lock: let nobody else in, or let people in again."""
    body = await read_body(request, Lock)
    conference = _running(request)
    conference.lock(body.is_locked)
    return _done(request, conference, f"lock={body.is_locked}")


async def set_layout(request: web.Request) -> web.Response:
    """POST .../layout."""
    body = await read_body(request, Layout)
    conference = _running(request)
    conference.set_layout(body.layout)
    return _done(request, conference, f"layout={body.layout.value}")


async def show_message(request: web.Request) -> web.Response:
    """POST .../message: everybody reads a line in the picture for a while."""
    body = await read_body(request, Message)
    conference = _running(request)
    conference.show_message(body.text.strip(), body.seconds)
    return _done(request, conference, "message")


async def take_message(request: web.Request) -> web.Response:
    """DELETE .../message: what is read in the picture goes; nothing there is a success."""
    conference = _running(request)
    conference.show_message("", 0)
    return _done(request, conference, "take-message")


async def mute_all(request: web.Request) -> web.Response:
    """POST .../mute-all: everybody but the hosts."""
    conference = _running(request)
    conference.mute_all()
    return _done(request, conference, "mute-all")


async def start_recording(request: web.Request) -> web.Response:
    """POST .../recording; recording already is a success."""
    conference = _running(request)
    if conference.policy.record is RecordPolicy.OFF:
        raise RecordingOff
    try:
        await conference.start_recording(session_of(request).user.name)
    except DiskFullError:
        raise DiskFull from None
    except (WorkerError, RecordingError):
        logger.exception("room=%s recording did not start", conference.policy.number)
        raise Unavailable from None
    return _done(request, conference, "record")


async def stop_recording(request: web.Request) -> web.Response:
    """DELETE .../recording; not recording is a success."""
    conference = _running(request)
    await conference.stop_recording()
    return _done(request, conference, "stop-recording")


async def end(request: web.Request) -> web.Response:
    """POST .../end: everybody is hung up on."""
    conference = _running(request)
    await conference.close()
    return _done(request, conference, "end")


async def mute_participant(request: web.Request) -> web.Response:
    """POST .../participants/{participant}/mute."""
    body = await read_body(request, Mute)
    conference, participant = _participant(request)
    conference.mute(participant, body.is_muted)
    return _done(request, conference, f"mute={body.is_muted} participant={participant}")


async def set_own_layout(request: web.Request) -> web.Response:
    """POST .../participants/{participant}/layout: arrange their own picture otherwise than that of all."""
    body = await read_body(request, OwnLayout)
    conference, participant = _participant(request)
    if not conference.set_own_layout(participant, body.layout):
        raise TooManyLayouts
    return _done(request, conference, f"own-layout={body.layout} participant={participant}")


async def set_spotlight(request: web.Request) -> web.Response:
    """POST .../participants/{participant}/spotlight: the big tile is theirs, whoever speaks, until it is taken away."""
    body = await read_body(request, Spotlight)
    conference, participant = _participant(request)
    if body.is_on or conference.spotlight == participant:
        conference.set_spotlight(participant if body.is_on else 0)
    return _done(request, conference, f"spotlight={body.is_on} participant={participant}")


async def set_volume(request: web.Request) -> web.Response:
    """POST .../participants/{participant}/volume: how much louder or quieter all others hear them."""
    body = await read_body(request, Volume)
    conference, participant = _participant(request)
    conference.set_gain(participant, body.gain_db)
    return _done(request, conference, f"volume={body.gain_db} participant={participant}")


async def set_role(request: web.Request) -> web.Response:
    """POST .../participants/{participant}/role: make somebody a host, or a guest again."""
    body = await read_body(request, NewRole)
    conference, participant = _participant(request)
    conference.set_role(participant, body.role)
    return _done(request, conference, f"role={body.role} participant={participant}")


async def lower_hand(request: web.Request) -> web.Response:
    """POST .../participants/{participant}/lower-hand: what was asked for by it has been heard."""
    conference, participant = _participant(request)
    conference.raise_hand(participant, is_raised=False)
    return _done(request, conference, f"lower-hand participant={participant}")


async def allow_video(request: web.Request) -> web.Response:
    """POST .../participants/{participant}/allow-video: decode a picture again that crashed the decoder twice."""
    conference, participant = _participant(request)
    conference.allow_video(participant)
    return _done(request, conference, f"allow-video participant={participant}")


async def move_camera(request: web.Request) -> web.Response:
    """POST .../participants/{participant}/camera: move for a moment, go on, or (all zero) stop."""
    move = await read_body(request, CameraMove)
    conference, participant = _participant(request)
    if not conference.move_camera(participant, move):
        raise NoCamera
    return _done(request, conference, f"camera participant={participant}")


async def take_floor(request: web.Request) -> web.Response:
    """DELETE .../floor: end the shared screen, whoever shares it; nobody sharing is a success."""
    conference = _running(request)
    conference.take_floor()
    return _done(request, conference, "take-floor")


async def remove_participant(request: web.Request) -> web.Response:
    """DELETE .../participants/{participant}."""
    conference, participant = _participant(request)
    await conference.remove(participant)
    return _done(request, conference, f"remove participant={participant}")


def _running(request: web.Request) -> Conference:
    conference = request.app[SERVICES].conferences.get(room_number(request))
    if conference is None:
        raise NotRunning
    return conference


def _participant(request: web.Request) -> tuple[Conference, int]:
    conference, participant = _running(request), participant_id(request)
    if participant not in conference.participants:
        raise NotFound
    return conference, participant


def _done(request: web.Request, conference: Conference, what: str) -> web.Response:
    logger.info("room=%s user=%s %s", conference.policy.number, session_of(request).user.name, what)
    return web.Response(status=204)
