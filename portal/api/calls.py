"""Calling people and terminals into rooms, and the trunks that numbers leave by."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from mcu.participant import Role
from portal.auditing import tell
from portal.bodies import json_response, read_body, room_number
from portal.errors import CallRefused, NotFound
from portal.principal import principal_of
from portal.rights import Access
from portal.route import API, Route
from portal.services import SERVICES
from signaling.dialing import Dialer
from signaling.placed import MAX_TARGET_CHARACTERS, DialRefused


class NewCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST .../calls."""

    target: Annotated[str, Meta(min_length=1, max_length=MAX_TARGET_CHARACTERS)]
    """Alias of a terminal, telephone number or sip: address."""
    role: Role = Role.GUEST


async def list_calls(request: web.Request) -> web.Response:
    """GET .../calls: who is being called, and who did not come a moment ago."""
    placed = _dialer(request).calls(room_number(request))
    return json_response({"calls": [call.snapshot() for call in placed]})


async def place_call(request: web.Request) -> web.Response:
    """POST .../calls: answered at once; how it goes is told by the events."""
    body = await read_body(request, NewCall)
    dialer, number = _dialer(request), room_number(request)
    try:
        leg = await dialer.dial(number, body.target, principal_of(request).name, body.role)
    except DialRefused as refused:
        raise CallRefused(refused.outcome) from None
    tell(request, f"{number}/{leg}", new={"role": str(body.role)})
    return json_response({"id": leg}, status=201)


async def cancel_call(request: web.Request) -> web.Response:
    """DELETE .../calls/{call}: give it up, or take its result off the list."""
    text = request.match_info["call"]
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise NotFound
    if not _dialer(request).cancel(room_number(request), int(text)):
        raise NotFound
    return web.Response(status=204)


async def dialable(request: web.Request) -> web.Response:
    """GET /dialable: terminals that are registered now, for the dialog that invites."""
    terminals = request.app[SERVICES].terminals
    if terminals is None:
        return json_response({"terminals": []})
    endpoints = terminals.endpoints.registrations() if terminals.endpoints is not None else ()
    aliases = sorted({*terminals.registrations.aliases(), *(found.account for found in endpoints)})
    named = [(alias, terminals.directory.name_of(alias)) for alias in aliases]
    return json_response({"terminals": [{"alias": alias, "name": name} for alias, name in named if name is not None]})


async def list_trunks(request: web.Request) -> web.Response:
    """GET /trunks."""
    return json_response({"trunks": list(request.app[SERVICES].trunks())})


def _dialer(request: web.Request) -> Dialer:
    dialer = request.app[SERVICES].dialer
    if dialer is None:
        raise NotFound
    return dialer


_CALLS = f"{API}/conferences/{{number}}/calls"
ROUTES = (
    Route("GET", _CALLS, list_calls, Access.CONTROL_CONFERENCES),
    Route("POST", _CALLS, place_call, Access.CONTROL_CONFERENCES, changes="conference.call-placed"),
    Route("DELETE", f"{_CALLS}/{{call}}", cancel_call, Access.CONTROL_CONFERENCES, changes="conference.call-cancelled"),
    Route("GET", f"{API}/dialable", dialable, Access.CONTROL_CONFERENCES),
    Route("GET", f"{API}/trunks", list_trunks, Access.CONTROL_CONFERENCES),
)
