"""What surrounds every request: an id, security headers, the origin check, and errors as problem details."""

from __future__ import annotations

import logging
import secrets
from urllib.parse import urlsplit

import msgspec
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from portal.errors import (
    PROBLEM_TYPE,
    BadRequest,
    BodyTooLarge,
    CrossSite,
    MethodNotAllowed,
    NotFound,
    PortalError,
    preferred_language,
    problem_of,
)
from portal.route import SAFE_METHODS
from portal.source import source_of

logger = logging.getLogger(__name__)

REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self' blob: mediastream:; connect-src 'self'; font-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_STRICT_TRANSPORT = "max-age=31536000"


async def set_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler (on_response_prepare): also streamed and static answers carry the headers."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if source_of(request).is_secure:
        response.headers.setdefault("Strict-Transport-Security", _STRICT_TRANSPORT)
    if request.path.startswith("/api/"):
        response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    if identity := request.get(REQUEST_ID):
        response.headers.setdefault("X-Request-Id", identity)
    # The version of the server helps nobody but an attacker.
    response.headers[hdrs.SERVER] = "drumtower"


@web.middleware
async def guard_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Outermost middleware: give an id, check the origin, turn every exception into a problem."""
    request[REQUEST_ID] = secrets.token_hex(8)
    try:
        _check_origin(request)
        return await handler(request)
    except PortalError as error:
        return problem_response(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return problem_response(request, _translate(error))
    except ConnectionResetError:
        raise
    except Exception:
        logger.exception("request=%s method=%s failed", request[REQUEST_ID], request.method)
        return problem_response(request, PortalError())


def problem_response(request: web.Request, error: PortalError) -> web.Response:
    """The answer to `error` (RFC 9457) in the language of the request."""
    language = preferred_language(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
    problem = problem_of(error, language, request.get(REQUEST_ID, ""))
    return web.Response(
        body=msgspec.json.encode(problem),
        status=error.status,
        content_type=PROBLEM_TYPE,
        headers={hdrs.CACHE_CONTROL: "no-store", **error.headers},
    )


def is_same_origin(request: web.Request) -> bool:
    """Whether Origin, when there is one, names this very site; programs without a browser send none."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:
        return request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
    parts = urlsplit(origin)
    scheme = "https" if source_of(request).is_secure else "http"
    return parts.scheme == scheme and parts.netloc.lower() == request.host.lower()


def _check_origin(request: web.Request) -> None:
    """Refuse unsafe methods and WebSockets that another site's page sends with our cookie."""
    is_websocket = request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"
    if (request.method not in SAFE_METHODS or is_websocket) and not is_same_origin(request):
        raise CrossSite


def _translate(error: web.HTTPException) -> PortalError:
    """Our problem for what aiohttp itself raises."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        return MethodNotAllowed(headers={hdrs.ALLOW: ", ".join(sorted(error.allowed_methods))})
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return BodyTooLarge()
    if error.status == 404:
        return NotFound()
    return BadRequest()
