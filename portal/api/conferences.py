"""Running conferences: who is in them, and what an administrator or host does about that."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec
from aiohttp import web

from audit.event import Value
from mcu.camera import CameraMove
from mcu.conference import Conference
from mcu.fleet.worker import WorkerError
from mcu.policy import LayoutMode, RecordPolicy
from portal.auditing import tell
from portal.bodies import json_response, participant_id, read_body, room_number
from portal.errors import DiskFull, NoCamera, NotFound, NotRunning, RecordingOff, Unavailable
from portal.principal import principal_of
from portal.rights import Access
from portal.route import API, Route
from portal.services import SERVICES
from recorder.errors import DiskFullError, RecordingError

logger = logging.getLogger(__name__)


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../lock."""

    is_locked: bool


class Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../layout."""

    layout: LayoutMode


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
    return _done(request, new={"is_locked": body.is_locked})


async def set_layout(request: web.Request) -> web.Response:
    """POST .../layout."""
    body = await read_body(request, Layout)
    conference = _running(request)
    conference.set_layout(body.layout)
    return _done(request, new={"layout": body.layout.value})


async def mute_all(request: web.Request) -> web.Response:
    """POST .../mute-all: everybody but the hosts."""
    conference = _running(request)
    conference.mute_all()
    return _done(request)


async def start_recording(request: web.Request) -> web.Response:
    """POST .../recording; recording already is a success."""
    conference = _running(request)
    if conference.policy.record is RecordPolicy.OFF:
        raise RecordingOff
    try:
        await conference.start_recording(principal_of(request).name)
    except DiskFullError:
        raise DiskFull from None
    except (WorkerError, RecordingError):
        logger.exception("room=%s recording did not start", conference.policy.number)
        raise Unavailable from None
    return _done(request)


async def stop_recording(request: web.Request) -> web.Response:
    """DELETE .../recording; not recording is a success."""
    conference = _running(request)
    await conference.stop_recording()
    return _done(request)


async def end(request: web.Request) -> web.Response:
    """POST .../end: everybody is hung up on."""
    conference = _running(request)
    await conference.close()
    return _done(request)


async def mute_participant(request: web.Request) -> web.Response:
    """POST .../participants/{participant}/mute."""
    body = await read_body(request, Mute)
    conference, participant = _participant(request)
    conference.mute(participant, body.is_muted)
    return _done(request, new={"is_muted": body.is_muted})


async def lower_hand(request: web.Request) -> web.Response:
    """POST .../participants/{participant}/lower-hand: what was asked for by it has been heard."""
    conference, participant = _participant(request)
    conference.raise_hand(participant, is_raised=False)
    return _done(request)


async def allow_video(request: web.Request) -> web.Response:
    """POST .../participants/{participant}/allow-video: decode a picture again that crashed the decoder twice."""
    conference, participant = _participant(request)
    conference.allow_video(participant)
    return _done(request)


async def move_camera(request: web.Request) -> web.Response:
    """POST .../participants/{participant}/camera: move for a moment, go on, or (all zero) stop."""
    move = await read_body(request, CameraMove)
    conference, participant = _participant(request)
    if not conference.move_camera(participant, move):
        raise NoCamera
    return _done(request)


async def take_floor(request: web.Request) -> web.Response:
    """DELETE .../floor: end the shared screen, whoever shares it; nobody sharing is a success."""
    conference = _running(request)
    conference.take_floor()
    return _done(request)


async def remove_participant(request: web.Request) -> web.Response:
    """DELETE .../participants/{participant}."""
    conference, participant = _participant(request)
    await conference.remove(participant)
    return _done(request)


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


def _done(request: web.Request, new: Mapping[str, Value] | None = None) -> web.Response:
    tell(request, new=new)
    return web.Response(status=204)


_ONE = f"{API}/conferences/{{number}}"
_PARTICIPANT = f"{_ONE}/participants/{{participant}}"
_CONTROL = Access.CONTROL_CONFERENCES
ROUTES = (
    Route("GET", f"{API}/conferences", list_conferences, Access.SEE_ROOMS),
    Route("GET", _ONE, show_conference, Access.SEE_ROOMS),
    Route("POST", f"{_ONE}/lock", lock, _CONTROL, changes="conference.lock-set"),
    Route("POST", f"{_ONE}/layout", set_layout, _CONTROL, changes="conference.layout-set"),
    Route("POST", f"{_ONE}/mute-all", mute_all, _CONTROL, changes="conference.all-muted"),
    Route("POST", f"{_ONE}/recording", start_recording, _CONTROL, changes="conference.recording-started"),
    Route("DELETE", f"{_ONE}/recording", stop_recording, _CONTROL, changes="conference.recording-stopped"),
    Route("DELETE", f"{_ONE}/floor", take_floor, _CONTROL, changes="conference.floor-taken"),
    Route("POST", f"{_ONE}/end", end, _CONTROL, changes="conference.ended"),
    Route("POST", f"{_PARTICIPANT}/mute", mute_participant, _CONTROL, changes="participant.mute-set"),
    Route("POST", f"{_PARTICIPANT}/lower-hand", lower_hand, _CONTROL, changes="participant.hand-lowered"),
    Route("POST", f"{_PARTICIPANT}/allow-video", allow_video, _CONTROL, changes="participant.video-allowed"),
    Route("POST", f"{_PARTICIPANT}/camera", move_camera, _CONTROL, changes="participant.camera-moved"),
    Route("DELETE", _PARTICIPANT, remove_participant, _CONTROL, changes="participant.removed"),
)
