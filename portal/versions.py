"""Entity tags of what is kept (RFC 9110 8.8.3 and 13.1.1): nobody overwrites what somebody else has just changed.

A tag names the stored version; what is merely shown beside it, such as whether somebody is in the room, does not count.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Protocol

from aiohttp import hdrs, web

from portal.errors import BadRequest, Outdated

_TAGS = re.compile(r'(?:[ \t]*(?:W/)?"[\x21\x23-\x7e]*"[ \t]*(?:,|\Z))+', re.ASCII)
_TAG = re.compile(r'((?:W/)?"[^"]*")')


class Versioned(Protocol):
    """A row that counts its changes."""

    @property
    def version(self) -> int:
        """Grows with every change."""

    @property
    def created_at(self) -> datetime:
        """Tells it from an earlier one of the same name."""


def etag_of(thing: Versioned) -> str:
    """The strong tag of this version."""
    return f'"{int(thing.created_at.timestamp() * 1000):x}.{thing.version}"'


def version_wanted(request: web.Request, thing: Versioned) -> int | None:
    """The version that alone may be changed (If-Match); None: any. Raises Outdated, BadRequest.

    Weak tags match nothing (RFC 9110 13.1.1).
    """
    wanted = ",".join(request.headers.getall(hdrs.IF_MATCH, [])).strip()
    if wanted in ("", "*"):
        return None
    if not _TAGS.fullmatch(wanted):
        raise BadRequest
    if etag_of(thing) not in _TAG.findall(wanted):
        raise Outdated
    return thing.version
