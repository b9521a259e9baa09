"""What requests change, told to the audit: handlers say what it was, the guard adds who, from where and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from audit.event import Event, Outcome, Value, differences
from portal.errors import PortalError
from portal.principal import PRINCIPAL
from portal.route import Route
from portal.services import SERVICES
from portal.source import source_of

_REFUSALS = frozenset({401, 403, 429})
"""Statuses of those who may not; what was mistyped or is gone meanwhile is no business of an auditor."""


@dataclass(frozen=True, slots=True)
class _Told:
    object_id: str | None = None
    old: Mapping[str, Value] = field(default_factory=dict)
    new: Mapping[str, Value] = field(default_factory=dict)
    who: str | None = None


_TOLD: web.RequestKey[_Told] = web.RequestKey("told", _Told)


def tell(
    request: web.Request, object_id: str | None = None, *, old: Mapping[str, Value] | None = None,
    new: Mapping[str, Value] | None = None, who: str | None = None,
) -> None:  # fmt: skip
    """Say what a handler has changed, before it answers: of `old` and `new` the audit gets what differs.

    `object_id` where the path does not name it, `who` where nobody was signed in before.
    """
    request[_TOLD] = _Told(object_id, *differences(old or {}, new or {}), who)


async def record(request: web.Request, route: Route, error: Exception | None = None) -> None:
    """Give the audit the one event of a request that changes something: done, or why it was not."""
    outcome, reason = _outcome(error)
    if outcome is None or (outcome is Outcome.REFUSED and _is_nobody(request, route)):
        return
    told, principal = request.get(_TOLD, _Told()), request.get(PRINCIPAL)
    who = told.who if told.who is not None else principal.name if principal is not None else ""
    services = request.app[SERVICES]
    path = "/".join(request.match_info.values())
    object_id = path if told.object_id is None else told.object_id
    source = source_of(request).address
    event = Event(services.now(), who, source, route.changes, object_id, told.old, told.new, outcome, reason)
    await services.audit.record(event)


def _outcome(error: Exception | None) -> tuple[Outcome | None, str]:
    if error is None:
        return Outcome.DONE, ""
    if not isinstance(error, PortalError):
        return Outcome.FAILED, PortalError.code
    if error.status in _REFUSALS:
        return Outcome.REFUSED, error.code
    return (Outcome.FAILED, error.code) if error.status >= 500 else (None, "")


def _is_nobody(request: web.Request, route: Route) -> bool:
    """A stranger who tries what is open to nobody unknown; only at the sign-in strangers are of interest."""
    return PRINCIPAL not in request and not route.is_public
