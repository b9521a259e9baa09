"""The pages of the console and the files that they load."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aiohttp import web

from portal.errors import NotFound
from portal.rights import Access
from portal.route import Route

_WEB = Path(__file__).with_name("web")
_PAGES = (
    "/",
    "/rooms",
    "/rooms/{number:\\d{1,12}}",
    "/recordings",
    "/recordings/{recording:[A-Za-z0-9_-]{1,64}}",
    "/terminals",
    "/network",
)
_FILES = ("style.css", "console.css")
FOLDERS: Final = {f"/static/{name}": _WEB / name for name in ("js", "i18n", "img")}
"""Served as they are, to everybody."""


async def page(_request: web.Request) -> web.StreamResponse:
    """One shell for all pages: which one is shown, and whether somebody is signed in, the script finds out."""
    return web.FileResponse(_WEB / "index.html", headers={"Cache-Control": "no-cache"})


async def file(request: web.Request) -> web.StreamResponse:
    """GET /static/{file}."""
    name = request.match_info["file"]
    if name not in _FILES:
        raise NotFound
    return web.FileResponse(_WEB / name, headers={"Cache-Control": "no-cache"})


ROUTES = (
    *(Route("GET", path, page, Access.PUBLIC) for path in _PAGES),
    Route("GET", "/static/{file}", file, Access.PUBLIC),
)
