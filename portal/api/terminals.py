"""Terminals: list with where they are registered, create, change, new secret, delete."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from audit.event import Value
from crypto.secret import Secret
from portal.auditing import tell
from portal.bodies import Confidential, json_response, read_body
from portal.errors import Conflict, Invalid, NotFound, Outdated, TerminalExists, Unavailable
from portal.hub import HUB
from portal.rights import Access
from portal.route import API, Route
from portal.services import SERVICES, TerminalServices
from portal.versions import etag_of, version_wanted
from signaling.h323.ras.registration import Registration
from signaling.sip.registry.binding import Binding
from signaling.terminals import check_secret, generate_secret
from store import errors as store_errors
from store.terminals import Terminal

Alias = Annotated[str, Meta(max_length=64, pattern=r"^[0-9a-z]([0-9a-z._-]{0,62}[0-9a-z])?\Z")]
Name = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"^(?=.*\S)[^\x00-\x1f\x7f]+\Z")]
Site = Annotated[str, Meta(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
Given = Annotated[str, Meta(max_length=128)]
_ALIAS = re.compile(r"[0-9a-z._-]{1,64}", re.ASCII)


class SecretWish(Confidential, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of POST /terminals/{alias}/secret; "" has one made, which the answer shows."""

    secret: Given = ""


class NewTerminal(SecretWish, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of POST /terminals."""

    alias: Alias
    name: Name
    site: Site = ""


class TerminalChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of PATCH /terminals/{alias}: what is absent stays."""

    name: Name | UnsetType = UNSET
    site: Site | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET


async def list_terminals(request: web.Request) -> web.Response:
    """GET /terminals: the administrator's, and H.323 terminals that are registered without being one of them."""
    services = _services(request)
    endpoints = _endpoints(services)
    listed = [describe(terminal, services, endpoints[terminal.alias]) for terminal in await services.book.all()]
    others = [_endpoint(registration) for registration in endpoints[""]]
    return json_response({"terminals": listed, "others": others})


async def show_terminal(request: web.Request) -> web.Response:
    """GET /terminals/{alias}."""
    return _answer(await _find(request), _services(request))


async def create_terminal(request: web.Request) -> web.Response:
    """POST /terminals: a secret that was made is in this answer and never shown again."""
    body = await read_body(request, NewTerminal)
    services = _services(request)
    secret = _secret(body)
    try:
        terminal = await services.book.add(body.alias, body.name, body.site, secret)
    except store_errors.AlreadyExists:
        raise TerminalExists from None
    except store_errors.Invalid as error:
        raise Conflict(str(error)) from None
    await _changed(request)
    tell(request, terminal.alias, new=facts(terminal))
    shown = {"terminal": describe(terminal, services), "secret": _shown(body, secret)}
    return json_response(shown, 201, {"ETag": etag_of(terminal)})


async def change_terminal(request: web.Request) -> web.Response:
    """PATCH /terminals/{alias}: one that is disabled is not registered any more."""
    body = await read_body(request, TerminalChange)
    services = _services(request)
    values = {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
    before = await _find(request)
    try:
        terminal = await services.book.change(before.alias, **values, version=version_wanted(request, before))
    except store_errors.NotFound:
        raise NotFound from None
    except store_errors.Outdated:
        raise Outdated from None
    except store_errors.Invalid as error:
        raise Conflict(str(error)) from None
    await _changed(request)
    tell(request, old=facts(before), new=facts(terminal))
    return _answer(terminal, services)


async def replace_secret(request: web.Request) -> web.Response:
    """POST /terminals/{alias}/secret: the old one stops working at once."""
    body = await read_body(request, SecretWish)
    services = _services(request)
    secret = _secret(body)
    before = await _find(request)
    try:
        terminal = await services.book.set_secret(before.alias, secret, version=version_wanted(request, before))
    except store_errors.NotFound:
        raise NotFound from None
    except store_errors.Outdated:
        raise Outdated from None
    await _changed(request)
    tell(request)
    shown = {"terminal": describe(terminal, services), "secret": _shown(body, secret)}
    return json_response(shown, headers={"ETag": etag_of(terminal)})


async def delete_terminal(request: web.Request) -> web.Response:
    """DELETE /terminals/{alias}."""
    services = _services(request)
    before = await _find(request)
    if not await services.book.remove(before.alias, version=version_wanted(request, before)):
        raise NotFound if await services.book.get(before.alias) is None else Outdated
    await _changed(request)
    tell(request, old=facts(before))
    return web.Response(status=204)


def describe(
    terminal: Terminal, services: TerminalServices, endpoints: Sequence[Registration] | None = None
) -> dict[str, object]:
    """A terminal as the API shows it: never a secret, never a hash. `endpoints`: its own with H.323."""
    if endpoints is None:
        endpoints = _endpoints(services)[terminal.alias]
    bindings = services.registrations.contacts(terminal.alias)
    return {
        "alias": terminal.alias,
        "name": terminal.name,
        "site": terminal.site,
        "is_enabled": terminal.is_enabled,
        "needs_new_secret": services.endpoints is not None and terminal.h235_key is None,
        "etag": etag_of(terminal),
        "contacts": [*map(_contact, bindings), *map(_endpoint, endpoints)],
        "created_at": terminal.created_at.isoformat(),
        "updated_at": terminal.updated_at.isoformat(),
    }


def facts(terminal: Terminal) -> dict[str, Value]:
    """What the audit keeps of a terminal."""
    return {"name": terminal.name, "site": terminal.site, "is_enabled": terminal.is_enabled}


def _contact(binding: Binding) -> dict[str, object]:
    return {
        "protocol": "sip",
        "address": _place(*binding.flow.remote),
        "transport": binding.flow.transport,
        "aliases": [],
        "user_agent": binding.user_agent,
        "registered_at": _iso(binding.registered_at),
        "seen_at": _iso(binding.refreshed_at),
        "expires_at": _iso(binding.expires_at),
    }


def _endpoint(registration: Registration) -> dict[str, object]:
    """A contact with H.323; its name for calls, vendor and version are what it says of itself."""
    vendor = registration.vendor
    return {
        "protocol": "h323",
        "address": _place(*(registration.source if registration.is_translated else registration.signalling)),
        "transport": "h323",
        "aliases": [alias.text for alias in registration.aliases],
        "user_agent": f"{vendor.product} {vendor.version}".strip(),
        "registered_at": _iso(registration.registered_at),
        "seen_at": _iso(registration.refreshed_at),
        "expires_at": _iso(registration.expires_at),
    }


def _endpoints(services: TerminalServices) -> defaultdict[str, list[Registration]]:
    """Who is registered with H.323, by terminal; "" for those that have shown no secret."""
    found: defaultdict[str, list[Registration]] = defaultdict(list)
    for registration in services.endpoints.registrations() if services.endpoints is not None else ():
        found[registration.account].append(registration)
    return found


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _secret(body: SecretWish) -> Secret:
    if not body.secret:
        return generate_secret()
    secret = Secret(body.secret)
    try:
        check_secret(secret)
    except store_errors.Invalid:
        raise Invalid({"secret": "weak-secret"}) from None
    return secret


def _shown(body: SecretWish, secret: Secret) -> str | None:
    return None if body.secret else secret.reveal()


async def _changed(request: web.Request) -> None:
    """The server's own copy follows before the page is answered."""
    await _services(request).directory.refresh()
    request.app[HUB].tell_terminals()


def _services(request: web.Request) -> TerminalServices:
    services = request.app[SERVICES].terminals
    if services is None:
        raise Unavailable
    return services


def _answer(terminal: Terminal, services: TerminalServices) -> web.Response:
    return json_response(describe(terminal, services), headers={"ETag": etag_of(terminal)})


async def _find(request: web.Request) -> Terminal:
    terminal = await _services(request).book.get(_alias(request))
    if terminal is None:
        raise NotFound
    return terminal


def _alias(request: web.Request) -> str:
    alias = request.match_info["alias"]
    if not _ALIAS.fullmatch(alias):
        raise NotFound
    return alias


_TERMINALS = f"{API}/terminals"
_ONE = f"{_TERMINALS}/{{alias}}"
ROUTES = (
    Route("GET", _TERMINALS, list_terminals, Access.SEE_TERMINALS),
    Route("POST", _TERMINALS, create_terminal, Access.EDIT_TERMINALS, changes="terminal.created"),
    Route("GET", _ONE, show_terminal, Access.SEE_TERMINALS),
    Route("PATCH", _ONE, change_terminal, Access.EDIT_TERMINALS, changes="terminal.changed"),
    Route("POST", f"{_ONE}/secret", replace_secret, Access.EDIT_TERMINALS, changes="terminal.secret-replaced"),
    Route("DELETE", _ONE, delete_terminal, Access.EDIT_TERMINALS, changes="terminal.deleted"),
)
