"""Running conferences: who is in them, and what an administrator or host does about that."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from audit.event import Value
from mcu import notice
from mcu.conference import Conference
from mcu.fleet.worker import WorkerError
from mcu.policy import LayoutMode, RecordPolicy
from portal.auditing import tell
from portal.bodies import json_response, read_body, room_number
from portal.errors import DiskFull, NotFound, NotRunning, RecordingOff, Unavailable
from portal.principal import principal_of
from portal.rights import Access
from portal.route import API, Route
from portal.services import SERVICES
from recorder.errors import DiskFullError, RecordingError

logger = logging.getLogger(__name__)


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../lock."""

    is_locked: bool


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../message."""

    text: Annotated[str, Meta(min_length=1, max_length=notice.MAX_CHARACTERS, pattern=r"^(?=.*\S)[^\x00-\x1f\x7f]+$")]
    seconds: Annotated[int, Meta(ge=notice.SHOWN_S[0], le=notice.SHOWN_S[1])] = 20


class Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../layout."""

    layout: LayoutMode


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
    conference = running(request)
    conference.lock(body.is_locked)
    return done(request, new={"is_locked": body.is_locked})


async def set_layout(request: web.Request) -> web.Response:
    """POST .../layout."""
    body = await read_body(request, Layout)
    conference = running(request)
    conference.set_layout(body.layout)
    return done(request, new={"layout": body.layout.value})


async def show_message(request: web.Request) -> web.Response:
    """POST .../message: everybody reads a line in the picture for a while."""
    body = await read_body(request, Message)
    conference = running(request)
    conference.show_message(body.text.strip(), body.seconds)
    # Not its words: they may be about patients.
    return done(request, new={"characters": len(conference.message), "seconds": body.seconds})


async def take_message(request: web.Request) -> web.Response:
    """DELETE .../message: what is read in the picture goes; nothing there is a success."""
    running(request).show_message("", 0)
    return done(request)


async def mute_all(request: web.Request) -> web.Response:
    """POST .../mute-all: everybody but the hosts."""
    conference = running(request)
    conference.mute_all()
    return done(request)


async def start_recording(request: web.Request) -> web.Response:
    """POST .../recording; recording already is a success."""
    conference = running(request)
    if conference.policy.record is RecordPolicy.OFF:
        raise RecordingOff
    try:
        await conference.start_recording(principal_of(request).name)
    except DiskFullError:
        raise DiskFull from None
    except (WorkerError, RecordingError):
        logger.exception("room=%s recording did not start", conference.policy.number)
        raise Unavailable from None
    return done(request)


async def stop_recording(request: web.Request) -> web.Response:
    """DELETE .../recording; not recording is a success."""
    conference = running(request)
    await conference.stop_recording()
    return done(request)


async def end(request: web.Request) -> web.Response:
    """POST .../end: everybody is hung up on."""
    conference = running(request)
    await conference.close()
    return done(request)


async def take_floor(request: web.Request) -> web.Response:
    """DELETE .../floor: end the shared screen, whoever shares it; nobody sharing is a success."""
    conference = running(request)
    conference.take_floor()
    return done(request)


def running(request: web.Request) -> Conference:
    """The conference of the path. Raises NotRunning."""
    conference = request.app[SERVICES].conferences.get(room_number(request))
    if conference is None:
        raise NotRunning
    return conference


def done(request: web.Request, new: Mapping[str, Value] | None = None) -> web.Response:
    """What is answered when it is done, and what the audit is told."""
    tell(request, new=new)
    return web.Response(status=204)


_ONE = f"{API}/conferences/{{number}}"
_CONTROL = Access.CONTROL_CONFERENCES
ROUTES = (
    Route("GET", f"{API}/conferences", list_conferences, Access.SEE_ROOMS),
    Route("GET", _ONE, show_conference, Access.SEE_ROOMS),
    Route("POST", f"{_ONE}/lock", lock, _CONTROL, changes="conference.lock-set"),
    Route("POST", f"{_ONE}/layout", set_layout, _CONTROL, changes="conference.layout-set"),
    Route("POST", f"{_ONE}/message", show_message, _CONTROL, changes="conference.message-shown"),
    Route("DELETE", f"{_ONE}/message", take_message, _CONTROL, changes="conference.message-taken"),
    Route("POST", f"{_ONE}/mute-all", mute_all, _CONTROL, changes="conference.all-muted"),
    Route("POST", f"{_ONE}/recording", start_recording, _CONTROL, changes="conference.recording-started"),
    Route("DELETE", f"{_ONE}/recording", stop_recording, _CONTROL, changes="conference.recording-stopped"),
    Route("DELETE", f"{_ONE}/floor", take_floor, _CONTROL, changes="conference.floor-taken"),
    Route("POST", f"{_ONE}/end", end, _CONTROL, changes="conference.ended"),
)
