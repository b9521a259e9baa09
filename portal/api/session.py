"""Signing in and out, and replacing the password."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
from aiohttp import web

from crypto.passcode import HasherBusy, PasscodeError, check_password
from crypto.secret import Secret
from portal.auditing import tell
from portal.bodies import Confidential, json_response, read_body
from portal.errors import Invalid, SignInFailed, TooManyTries
from portal.hub import HUB
from portal.lockout import Lockout, LockoutPolicy
from portal.principal import Principal, principal_of
from portal.rights import Access, rights_of
from portal.route import API, Route
from portal.services import SERVICES, Services
from portal.sessions import delete_cookie, session_of, set_cookie
from portal.source import source_of
from signaling.tries import source_key
from store.sessions import Session
from store.users import User

Password = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_BUSY_RETRY_S = 2.0


class SignIn(Confidential, frozen=True, forbid_unknown_fields=True):
    """Body of POST /session."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    password: Password


class NewPassword(Confidential, frozen=True, forbid_unknown_fields=True):
    """Body of PUT /session/password."""

    current: Password
    new: Annotated[str, msgspec.Meta(max_length=256)]


class Doors:
    """Failed sign-ins of this server, by user name and by source."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        self._users = Lockout(LockoutPolicy(settings.user_free_failures, max_delay_s=settings.max_user_delay_s))
        self._sources = Lockout(LockoutPolicy(settings.source_free_failures, max_delay_s=settings.max_source_delay_s))

    def enter(self, name: str, source: str) -> None:
        """Count a try as failed before it is checked. Raises TooManyTries."""
        now = time.monotonic()
        wait_s = max(self._users.retry_after_s(name, now), self._sources.retry_after_s(source, now))
        if wait_s > 0:
            raise TooManyTries(wait_s)
        self._users.fail(name, now)
        self._sources.fail(source, now)

    def passed(self, name: str, source: str) -> None:
        """The password was right."""
        self._users.succeed(name)
        self._sources.succeed(source)


DOORS: web.AppKey[Doors] = web.AppKey("doors", Doors)


async def sign_in(request: web.Request) -> web.Response:
    """POST /session: name and password for a cookie and a CSRF token; every failure looks the same."""
    body = await read_body(request, SignIn)
    services = request.app[SERVICES]
    user = await _check(request, body.name, body.password)
    now = services.now()
    await services.sessions.purge(now=now)
    # A cookie that came with the sign-in is not kept: nobody can fix a session beforehand.
    token, session = await services.sessions.open(
        user.id, now=now, lifetime_s=min(services.settings.session_idle_s, services.settings.session_absolute_s)
    )
    response = json_response(_describe(request, session), status=201)
    set_cookie(request, response, token, services.settings)
    tell(request, str(session.id), who=user.name)
    return response


async def show_session(request: web.Request) -> web.Response:
    """GET /session: who is signed in, with which rights."""
    return json_response(_describe(request, session_of(request)))


async def sign_out(request: web.Request) -> web.Response:
    """DELETE /session."""
    session = session_of(request)
    await request.app[SERVICES].sessions.close(session.id)
    request.app[HUB].end_session(session.id)
    tell(request, str(session.id))
    response = web.Response(status=204)
    delete_cookie(request, response)
    return response


async def change_password(request: web.Request) -> web.Response:
    """PUT /session/password: needs the current one; ends every other session of this user."""
    body = await read_body(request, NewPassword)
    services = request.app[SERVICES]
    name = principal_of(request).name
    try:
        check_password(body.new)
    except PasscodeError:
        raise Invalid({"new": "weak"}) from None
    if body.new == body.current:
        raise Invalid({"new": "same"})
    try:
        user = await _check(request, name, body.current)
    except SignInFailed:
        raise Invalid({"current": "wrong"}) from None
    await services.users.set_password(user.id, await services.hasher.hash(Secret(body.new)), must_change=False)
    request.app[HUB].end_user(user.id)
    token, session = await services.sessions.open(
        user.id, now=services.now(), lifetime_s=services.settings.session_idle_s
    )
    response = json_response(_describe(request, session))
    set_cookie(request, response, token, services.settings)
    tell(request, user.name)
    return response


async def _check(request: web.Request, name: str, password: str) -> User:
    """The user whose name and password these are; as slow for an unknown name as for a wrong password."""
    services, doors = request.app[SERVICES], request.app[DOORS]
    key, source = name.strip().casefold(), source_key(source_of(request).address)
    doors.enter(key, source)
    user = await services.users.find(name.strip())
    try:
        is_right = await services.hasher.verify(Secret(password), user.password_hash if user else None)
    except HasherBusy:
        raise TooManyTries(_BUSY_RETRY_S) from None
    if user is None or not is_right:
        # What was typed as a name may be a password: the audit is not told.
        raise SignInFailed
    doors.passed(key, source)
    return user


def _describe(request: web.Request, session: Session) -> dict[str, object]:
    user, services = session.user, request.app[SERVICES]
    rights = rights_of(Principal.of(session, source_of(request).address))
    # Without 802.1X the console has no page of it.
    has_network = any(each is not None for each in (services.network, services.ports, services.radius))
    shown = rights if has_network else rights - {Access.CONTROL_NETWORK}
    return {
        "user": {"name": user.name, "role": user.role},
        "rights": sorted(shown),
        "must_change": user.must_change,
        "csrf_token": session.csrf,
        "expires_at": session.expires_at.isoformat(),
    }


ROUTES = (
    Route("POST", f"{API}/session", sign_in, Access.PUBLIC, changes="session.opened"),
    Route("GET", f"{API}/session", show_session, Access.SESSION),
    Route("DELETE", f"{API}/session", sign_out, Access.SESSION, changes="session.closed"),
    Route("PUT", f"{API}/session/password", change_password, Access.SESSION, changes="user.password-changed"),
)
