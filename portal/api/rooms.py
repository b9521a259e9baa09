"""Rooms: list, make, change, delete, new passcodes, end of a block."""

from __future__ import annotations

from dataclasses import fields, replace
from enum import StrEnum
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from audit.event import Value
from mcu.media import Grade
from mcu.policy import LayoutMode, MediaEncryption, RecordPolicy
from portal.auditing import tell
from portal.bodies import json_response, read_body, room_number
from portal.errors import Conflict, Invalid, NotFound, Outdated, RoomExists, RoomRunning
from portal.hub import HUB
from portal.passcodes import PasscodeWish, make_passcodes
from portal.rights import Access
from portal.route import API, Route
from portal.services import SERVICES, Services
from portal.versions import etag_of, version_wanted
from signaling.admission import policy_of
from store import errors as store_errors
from store.rooms import Room, with_encryption

Number = Annotated[str, Meta(pattern=r"^[0-9]{2,12}$")]
Name = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"^(?=.*\S)[^\x00-\x1f\x7f]+$")]
Alias = Annotated[str, Meta(max_length=64, pattern=r"^([0-9a-z]([0-9a-z._-]{0,62}[0-9a-z])?)?$")]
Seats = Annotated[int, Meta(ge=1, le=500)]
_UNKEPT = frozenset({"number", "guest_hash", "host_hash", "version", "created_at", "updated_at"})


class GradeName(StrEnum):
    """The words of the API for mcu.media.Grade."""

    CLEAR = "clear"
    OPPORTUNISTIC = "opportunistic"
    AUTHENTICATED = "authenticated"

    @property
    def grade(self) -> Grade:
        """The grade itself."""
        return Grade[self.name]


class NewRoom(PasscodeWish, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of POST /rooms."""

    number: Number
    name: Name
    alias: Alias = ""
    is_locked: bool = False
    waits_for_host: bool = False
    keeps_presenter: bool = False
    has_full_hd: bool = False
    max_participants: Seats = 36
    record: RecordPolicy = RecordPolicy.ON_REQUEST
    layout: LayoutMode = LayoutMode.AUTO
    encryption: MediaEncryption | UnsetType = UNSET
    required_grade: GradeName | UnsetType = UNSET


class RoomChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of PATCH /rooms/{number}: what is absent stays."""

    name: Name | UnsetType = UNSET
    alias: Alias | UnsetType = UNSET
    is_locked: bool | UnsetType = UNSET
    waits_for_host: bool | UnsetType = UNSET
    keeps_presenter: bool | UnsetType = UNSET
    has_full_hd: bool | UnsetType = UNSET
    max_participants: Seats | UnsetType = UNSET
    record: RecordPolicy | UnsetType = UNSET
    layout: LayoutMode | UnsetType = UNSET
    encryption: MediaEncryption | UnsetType = UNSET
    required_grade: GradeName | UnsetType = UNSET


async def list_rooms(request: web.Request) -> web.Response:
    """GET /rooms."""
    services = request.app[SERVICES]
    return json_response({"rooms": [describe(room, services) for room in await services.rooms.all()]})


async def show_room(request: web.Request) -> web.Response:
    """GET /rooms/{number}."""
    services = request.app[SERVICES]
    return _shown(await _find(request), services)


async def create_room(request: web.Request) -> web.Response:
    """POST /rooms: the passcodes are in this answer and never shown again."""
    body = await read_body(request, NewRoom)
    services = request.app[SERVICES]
    if services.is_taken(body.number) or await services.rooms.get(body.number) is not None:
        raise RoomExists
    _check_alias(body.alias, services)
    encryption = _encryption(body)
    made = await make_passcodes(body, services.hasher)
    room = Room(
        number=body.number, name=body.name.strip(), alias=body.alias, is_locked=body.is_locked,
        waits_for_host=body.waits_for_host, keeps_presenter=body.keeps_presenter, has_full_hd=body.has_full_hd,
        max_participants=body.max_participants, record=body.record.value,
        layout=body.layout.value,
    )  # fmt: skip
    try:
        room = await services.rooms.add(made.apply(with_encryption(room, *encryption)))
    except store_errors.AlreadyExists:
        if await services.rooms.get(body.number) is None:
            raise Invalid({"alias": "taken"}) from None
        raise RoomExists from None
    except store_errors.Invalid as error:
        raise Conflict(str(error)) from None
    request.app[HUB].tell_room(room.number)
    tell(request, room.number, new=facts(room))
    return json_response({"room": describe(room, services), "passcodes": made.shown()}, 201, {"ETag": etag_of(room)})


async def change_room(request: web.Request) -> web.Response:
    """PATCH /rooms/{number}: a running conference follows where it can."""
    body = await read_body(request, RoomChange)
    services = request.app[SERVICES]
    values = {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
    _check_alias(str(values.get("alias", "")), services)
    for name in ("record", "layout"):
        if name in values:
            values[name] = str(values[name])
    encryption = _encryption(body)
    before: list[Room] = []
    kept = {name: value for name, value in values.items() if name not in ("encryption", "required_grade")}

    def changed(room: Room) -> Room:
        version_wanted(request, room)
        before.append(room)
        return with_encryption(replace(room, **kept), *encryption)

    try:
        room = await services.rooms.change(room_number(request), changed)
    except store_errors.NotFound:
        raise NotFound from None
    except store_errors.AlreadyExists:
        raise Invalid({"alias": "taken"}) from None
    except store_errors.Invalid as error:
        raise Conflict(str(error)) from None
    _room_changed(room, request)
    tell(request, old=facts(before[-1]), new=facts(room))
    return _shown(room, services)


async def delete_room(request: web.Request) -> web.Response:
    """DELETE /rooms/{number}: not while somebody is in it; its recordings stay."""
    services = request.app[SERVICES]
    number = room_number(request)
    if services.conferences.get(number) is not None:
        raise RoomRunning
    before = await _find(request)
    if not await services.rooms.delete(number, version=version_wanted(request, before)):
        raise NotFound if await services.rooms.get(number) is None else Outdated
    services.gate.room_changed(number)
    request.app[HUB].tell_room(number)
    tell(request, old=facts(before))
    return web.Response(status=204)


async def rotate_passcodes(request: web.Request) -> web.Response:
    """POST /rooms/{number}/passcodes: new ones, shown once; those who still wait outside are asked again."""
    body = await read_body(request, PasscodeWish)
    services = request.app[SERVICES]
    before = await _find(request)
    version_wanted(request, before)
    made = await make_passcodes(body, services.hasher, before)

    def changed(room: Room) -> Room:
        version_wanted(request, room)
        return made.apply(room)

    try:
        room = await services.rooms.change(room_number(request), changed)
    except store_errors.NotFound:
        raise NotFound from None
    _room_changed(room, request)
    tell(request, old=facts(before), new=facts(room))
    return json_response({"room": describe(room, services), "passcodes": made.shown()}, headers={"ETag": etag_of(room)})


async def unblock_room(request: web.Request) -> web.Response:
    """POST /rooms/{number}/unblock: strangers may try passcodes again."""
    room = await _find(request)
    request.app[SERVICES].gate.unblock(room.number)
    request.app[HUB].tell_room(room.number)
    tell(request)
    return web.Response(status=204)


def describe(room: Room, services: Services) -> dict[str, object]:
    """A room as the API shows it: never a passcode, never a hash."""
    conference = services.conferences.get(room.number)
    return {
        "number": room.number,
        "name": room.name,
        "alias": room.alias,
        "has_guest_passcode": room.has_guest_passcode,
        "has_host_passcode": room.has_host_passcode,
        "has_weak_passcode": room.is_guest_weak or room.is_host_weak,
        "is_locked": room.is_locked,
        "waits_for_host": room.waits_for_host,
        "keeps_presenter": room.keeps_presenter,
        "has_full_hd": room.has_full_hd,
        "max_participants": room.max_participants,
        "record": room.record,
        "layout": room.layout,
        "encryption": room.encryption,
        "required_grade": Grade(room.required_grade).name.lower(),
        "is_blocked": any(block.room == room.number for block in services.gate.blocked()),
        "is_running": conference is not None,
        "etag": etag_of(room),
        "addresses": list(services.dial_addresses(room.number)),
        "created_at": room.created_at.isoformat(),
        "updated_at": room.updated_at.isoformat(),
    }


def facts(room: Room) -> dict[str, Value]:
    """What the audit keeps of a room: never a passcode, never a hash; `generation` grows where one was changed."""
    kept = {field.name: getattr(room, field.name) for field in fields(room) if field.name not in _UNKEPT}
    return {**kept, "has_guest_passcode": room.has_guest_passcode, "has_host_passcode": room.has_host_passcode}


def _room_changed(room: Room, request: web.Request) -> None:
    services = request.app[SERVICES]
    services.gate.room_changed(room.number)
    request.app[HUB].tell_room(room.number)
    if conference := services.conferences.get(room.number):
        conference.policy_changed(policy_of(room))


def _encryption(body: NewRoom | RoomChange) -> tuple[str | None, int | None]:
    """What the body says of encryption, for with_encryption(). Raises Invalid where policy and grade contradict."""
    encryption = None if body.encryption is UNSET else str(body.encryption)
    grade = None if body.required_grade is UNSET else int(body.required_grade.grade)
    if encryption is not None and grade is not None and (encryption == MediaEncryption.REQUIRED) is not (grade > 0):
        raise Invalid({"required_grade": "wrong"})
    return encryption, grade


def _check_alias(alias: str, services: Services) -> None:
    if alias and services.is_taken(alias):
        raise Invalid({"alias": "taken"})


def _shown(room: Room, services: Services) -> web.Response:
    return json_response(describe(room, services), headers={"ETag": etag_of(room)})


async def _find(request: web.Request) -> Room:
    room = await request.app[SERVICES].rooms.get(room_number(request))
    if room is None:
        raise NotFound
    return room


_ONE = f"{API}/rooms/{{number}}"
ROUTES = (
    Route("GET", f"{API}/rooms", list_rooms, Access.SEE_ROOMS),
    Route("POST", f"{API}/rooms", create_room, Access.EDIT_ROOMS, changes="room.created"),
    Route("GET", _ONE, show_room, Access.SEE_ROOMS),
    Route("PATCH", _ONE, change_room, Access.EDIT_ROOMS, changes="room.changed"),
    Route("DELETE", _ONE, delete_room, Access.EDIT_ROOMS, changes="room.deleted"),
    Route("POST", f"{_ONE}/passcodes", rotate_passcodes, Access.EDIT_ROOMS, changes="room.passcodes-changed"),
    Route("POST", f"{_ONE}/unblock", unblock_room, Access.CONTROL_CONFERENCES, changes="room.unblocked"),
)
