"""The session of a browser: its cookie, its CSRF token and its two timeouts."""

from __future__ import annotations

import hmac
import re
from datetime import datetime, timedelta

from aiohttp import web

from config.portal import PortalSettings
from portal.errors import CrossSite, NotSignedIn
from portal.principal import PRINCIPAL, Principal
from portal.services import SERVICES
from portal.source import source_of
from store.sessions import Session

COOKIE = "drumtower"
SECURE_COOKIE = "__Host-drumtower"
"""Browsers take this prefix only over TLS, without Domain and with Path=/ (RFC 6265bis 4.1.3.2)."""
CSRF_HEADER = "X-CSRF-Token"
SESSION: web.RequestKey[Session] = web.RequestKey("session", Session)
_TOKEN = re.compile(r"[A-Za-z0-9_.~=-]{16,256}", re.ASCII)


def cookie_name(request: web.Request) -> str:
    """The name of the session cookie over TLS (also of a trusted proxy) or over loopback HTTP."""
    return SECURE_COOKIE if source_of(request).is_secure else COOKIE


def set_cookie(request: web.Request, response: web.StreamResponse, token: str, settings: PortalSettings) -> None:
    """Give the browser its token; scripts cannot read it and other sites cannot send it."""
    response.set_cookie(
        cookie_name(request), token, max_age=settings.session_absolute_s, path="/", secure=source_of(request).is_secure,
        httponly=True, samesite="Strict",
    )  # fmt: skip


def delete_cookie(request: web.Request, response: web.StreamResponse) -> None:
    """Take the token away again."""
    response.del_cookie(
        cookie_name(request), path="/", secure=source_of(request).is_secure, httponly=True, samesite="Strict"
    )


def expiry(created_at: datetime, now: datetime, settings: PortalSettings) -> datetime:
    """When a session used `now` ends: after the idle time, at the latest after the absolute one."""
    idle_end = now + timedelta(seconds=settings.session_idle_s)
    return min(idle_end, created_at + timedelta(seconds=settings.session_absolute_s))


def is_worth_extending(session: Session, now: datetime, settings: PortalSettings) -> bool:
    """Whether the stored expiry lags behind: written often enough for the timeout, not at every request."""
    lag = expiry(session.created_at, now, settings) - session.expires_at
    return lag > timedelta(seconds=min(60.0, settings.session_idle_s / 10))


async def load_session(request: web.Request) -> Session | None:
    """Find the session of the cookie, keep it alive, and remember it and who it is in the request; None without one."""
    token = request.cookies.get(cookie_name(request), "")
    if not _TOKEN.fullmatch(token):
        return None
    services = request.app[SERVICES]
    now = services.now()
    session = await services.sessions.find(token, now=now)
    if session is None:
        return None
    request[SESSION] = session
    request[PRINCIPAL] = Principal.of(session, source_of(request).address)
    if is_worth_extending(session, now, services.settings):
        await services.sessions.extend(session.id, expires_at=expiry(session.created_at, now, services.settings))
    return session


def session_of(request: web.Request) -> Session:
    """The session of a request; raises NotSignedIn."""
    if SESSION not in request:
        raise NotSignedIn
    return request[SESSION]


def signed_in_as(request: web.Request) -> str:
    """Who is signed in and has chosen a password, "" for nobody; known after the middleware has run."""
    principal = request.get(PRINCIPAL)
    return principal.name if principal is not None and not principal.must_change else ""


def check_csrf(request: web.Request, session: Session) -> None:
    """Refuse a request whose page does not know the token of its session."""
    candidate = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(candidate.encode(errors="replace"), session.csrf.encode()):
        raise CrossSite
