"""JSON in and out of handlers: bounded, typed, and refused by field name rather than by parser text."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from aiohttp import web

from portal.errors import BadJson, BodyTooLarge, Invalid, NotFound, WrongMediaType

MAX_BODY_BYTES = 64 * 1024
_PATH_OF_FIELD = re.compile(r" - at `\$\.?([A-Za-z0-9_.\[\]]{0,64})")
_MISSING_FIELD = re.compile(r"missing required field `([a-z_]{1,64})`")
_UNKNOWN_FIELD = re.compile(r"unknown field `(.{1,64}?)`")

BodyT = TypeVar("BodyT", bound=msgspec.Struct)


class Confidential(msgspec.Struct, frozen=True):
    """Base of bodies that hold a passcode or password: their repr shows nothing."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


async def read_body(request: web.Request, kind: type[BodyT]) -> BodyT:
    """The body of `request` as a `kind`; raises the PortalError that says what is wrong with it."""
    if request.content_type != "application/json":
        raise WrongMediaType
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise BodyTooLarge
    try:
        data = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise BodyTooLarge from error
    return decode_body(data, kind)


def decode_body(data: bytes, kind: type[BodyT]) -> BodyT:
    """Parse and validate; a value that is refused is never repeated in the answer, as it may be a passcode."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise Invalid(_refused_field(str(error))) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BadJson from None


def _refused_field(text: str) -> dict[str, str]:
    if match := _MISSING_FIELD.search(text):
        return {match[1]: "required"}
    if match := _UNKNOWN_FIELD.search(text):
        return {match[1]: "unknown"}
    match = _PATH_OF_FIELD.search(text)
    name = match[1] if match and match[1] else "body"
    if "length" in text:
        return {name: "length"}
    if ">=" in text or "<=" in text:
        return {name: "out-of-range"}
    return {name: "pattern" if "regex" in text else "wrong-type"}


def json_response(value: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json", headers=headers
    )


def room_number(request: web.Request) -> str:
    """The room number of the path: up to 12 digits."""
    number = request.match_info["number"]
    if not (number.isascii() and number.isdigit() and len(number) <= 12):
        raise NotFound
    return number


def participant_id(request: web.Request) -> int:
    """The participant of the path."""
    text = request.match_info["participant"]
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise NotFound
    return int(text)


def waiting_id(request: web.Request) -> int:
    """The waiting caller of the path."""
    text = request.match_info["waiting"]
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise NotFound
    return int(text)


def recording_id(request: web.Request) -> str:
    """The recording of the path: letters, digits, hyphen and underscore."""
    identity = request.match_info["recording"]
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", identity, re.ASCII):
        raise NotFound
    return identity
