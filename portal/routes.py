"""All routes of the portal as data: method, path, handler and the right that it needs."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from portal.api import (
    calls,
    capacity,
    conferences,
    events,
    health,
    network,
    network_ports,
    recordings,
    rooms,
    session,
    terminals,
    waiting,
)
from portal.errors import Forbidden, PasswordChangeRequired
from portal.middleware import SAFE_METHODS
from portal.rights import Access, has_right
from portal.sessions import check_csrf, session_of

API = "/api/v1"
_CONFERENCE = f"{API}/conferences/{{number}}"
_WAITING = f"{API}/rooms/{{number}}/waiting"
_PARTICIPANT = f"{_CONFERENCE}/participants/{{participant}}"


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table; every line names what it needs, there is no default."""

    method: str
    path: str
    handler: Handler
    access: Access


ROUTES = (
    Route("GET", "/healthz", health.healthz, Access.PUBLIC),
    # Who may read the metrics is decided in the handler: a monitoring system has an address, not a session.
    Route("GET", "/metrics", health.metrics, Access.PUBLIC),
    Route("POST", f"{API}/session", session.sign_in, Access.PUBLIC),
    Route("GET", f"{API}/session", session.show_session, Access.SESSION),
    Route("DELETE", f"{API}/session", session.sign_out, Access.SESSION),
    Route("PUT", f"{API}/session/password", session.change_password, Access.SESSION),
    Route("GET", f"{API}/rooms", rooms.list_rooms, Access.SEE_ROOMS),
    Route("POST", f"{API}/rooms", rooms.create_room, Access.EDIT_ROOMS),
    Route("GET", f"{API}/rooms/{{number}}", rooms.show_room, Access.SEE_ROOMS),
    Route("PATCH", f"{API}/rooms/{{number}}", rooms.change_room, Access.EDIT_ROOMS),
    Route("DELETE", f"{API}/rooms/{{number}}", rooms.delete_room, Access.EDIT_ROOMS),
    Route("POST", f"{API}/rooms/{{number}}/passcodes", rooms.rotate_passcodes, Access.EDIT_ROOMS),
    Route("POST", f"{API}/rooms/{{number}}/unblock", rooms.unblock_room, Access.CONTROL_CONFERENCES),
    Route("GET", _WAITING, waiting.list_waiting, Access.SEE_ROOMS),
    Route("POST", f"{_WAITING}/{{waiting}}/let-in", waiting.let_in, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_WAITING}/{{waiting}}/turn-away", waiting.turn_away, Access.CONTROL_CONFERENCES),
    Route("GET", f"{API}/conferences", conferences.list_conferences, Access.SEE_ROOMS),
    Route("GET", _CONFERENCE, conferences.show_conference, Access.SEE_ROOMS),
    Route("POST", f"{_CONFERENCE}/lock", conferences.lock, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_CONFERENCE}/layout", conferences.set_layout, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_CONFERENCE}/message", conferences.show_message, Access.CONTROL_CONFERENCES),
    Route("DELETE", f"{_CONFERENCE}/message", conferences.take_message, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_CONFERENCE}/mute-all", conferences.mute_all, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_CONFERENCE}/recording", conferences.start_recording, Access.CONTROL_CONFERENCES),
    Route("DELETE", f"{_CONFERENCE}/recording", conferences.stop_recording, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_CONFERENCE}/end", conferences.end, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_PARTICIPANT}/mute", conferences.mute_participant, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_PARTICIPANT}/spotlight", conferences.set_spotlight, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_PARTICIPANT}/layout", conferences.set_own_layout, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_PARTICIPANT}/volume", conferences.set_volume, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_PARTICIPANT}/role", conferences.set_role, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_PARTICIPANT}/lower-hand", conferences.lower_hand, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_PARTICIPANT}/allow-video", conferences.allow_video, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_PARTICIPANT}/camera", conferences.move_camera, Access.CONTROL_CONFERENCES),
    Route("DELETE", f"{_CONFERENCE}/floor", conferences.take_floor, Access.CONTROL_CONFERENCES),
    Route("GET", f"{_CONFERENCE}/calls", calls.list_calls, Access.CONTROL_CONFERENCES),
    Route("POST", f"{_CONFERENCE}/calls", calls.place_call, Access.CONTROL_CONFERENCES),
    Route("DELETE", f"{_CONFERENCE}/calls/{{call}}", calls.cancel_call, Access.CONTROL_CONFERENCES),
    Route("GET", f"{API}/dialable", calls.dialable, Access.CONTROL_CONFERENCES),
    Route("GET", f"{API}/capacity", capacity.show_capacity, Access.SEE_ROOMS),
    Route("GET", f"{API}/trunks", calls.list_trunks, Access.CONTROL_CONFERENCES),
    Route("DELETE", _PARTICIPANT, conferences.remove_participant, Access.CONTROL_CONFERENCES),
    Route("GET", f"{API}/recordings", recordings.list_recordings, Access.REVIEW_RECORDINGS),
    Route("GET", f"{API}/recordings/{{recording}}", recordings.show_recording, Access.REVIEW_RECORDINGS),
    Route("GET", f"{API}/recordings/{{recording}}/media", recordings.media, Access.REVIEW_RECORDINGS),
    Route("POST", f"{API}/recordings/{{recording}}/verify", recordings.verify_recording, Access.REVIEW_RECORDINGS),
    Route("GET", f"{API}/terminals", terminals.list_terminals, Access.SEE_TERMINALS),
    Route("POST", f"{API}/terminals", terminals.create_terminal, Access.EDIT_TERMINALS),
    Route("PATCH", f"{API}/terminals/{{alias}}", terminals.change_terminal, Access.EDIT_TERMINALS),
    Route("POST", f"{API}/terminals/{{alias}}/secret", terminals.replace_secret, Access.EDIT_TERMINALS),
    Route("DELETE", f"{API}/terminals/{{alias}}", terminals.delete_terminal, Access.EDIT_TERMINALS),
    Route("GET", f"{API}/network", network.show_network, Access.CONTROL_NETWORK),
    Route("DELETE", f"{API}/network/{{site}}/{{mac}}", network.end_session, Access.CONTROL_NETWORK),
    Route("POST", f"{API}/network/ports/{{mac}}/disconnect", network_ports.disconnect, Access.CONTROL_NETWORK),
    Route("GET", f"{API}/events", events.events, Access.SEE_ROOMS),
)


def add_api(app: web.Application) -> None:
    """Put the table into the application, every handler behind its guard."""
    for route in ROUTES:
        if route.method == "GET":
            app.router.add_get(route.path, guarded(route), allow_head=True)
        else:
            app.router.add_route(route.method, route.path, guarded(route))


def guarded(route: Route) -> Handler:
    """The handler of a route, reached only by those who may: session, password chosen, right, CSRF token."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if route.access is not Access.PUBLIC:
            session = session_of(request)
            if route.method not in SAFE_METHODS:
                check_csrf(request, session)
            if session.user.must_change and route.access is not Access.SESSION:
                raise PasswordChangeRequired
            if not has_right(session.user.role, route.access):
                raise Forbidden
        return await route.handler(request)

    return handle
