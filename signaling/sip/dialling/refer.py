"""REFER: what is asked for, and how its progress is told (RFC 3515, RFC 4488, RFC 3892; RFC 4579 5.5 to 5.7). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import unquote

from signaling.errors import SipError
from signaling.placed import Outcome
from signaling.sip.wire.fields import cseq_of
from signaling.sip.wire.message import REASONS, Request
from signaling.sip.wire.uri import Uri, parse_name_addr

SIPFRAG_TYPE = "message/sipfrag;version=2.0"
EXPIRES_S = 180
"""For how long the implicit subscription is announced; a call that rings longer is given up before."""
MAX_HEADERS_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class Referral:
    """Somebody asks us to call, or to say goodbye to, a third party."""

    target: Uri
    """Without the headers and the method of the Refer-To URI."""
    method: str
    """INVITE or BYE."""
    referred_by: str
    """Who is said to ask (RFC 3892), "" where nobody is named; a claim, for the log alone."""
    is_silent: bool
    """No subscription is wanted (RFC 4488)."""
    is_attended: bool
    """A call in progress is to be replaced (RFC 3891)."""


def parse_referral(request: Request) -> Referral:
    """What a REFER asks for. Raises SipError: 400 for anything but one Refer-To, 416, 501 for other methods."""
    values = request.headers.values("Refer-To")
    if len(values) != 1:
        raise SipError(400, "One Refer-To is needed")  # RFC 3515 2.4.2
    uri = parse_name_addr(values[0]).uri
    if uri.scheme not in ("sip", "sips", "tel"):
        raise SipError(416, "Unsupported URI Scheme")
    method = (uri.param("method") or "INVITE").upper()
    if method not in ("INVITE", "BYE"):
        raise SipError(501, "Only INVITE and BYE can be asked for")
    params = tuple(param for param in uri.params if param[0] != "method")
    headers = {name.partition("=")[0].strip().lower() for name in _headers(uri)}
    return Referral(
        replace(uri, params=params, headers=""),
        method,
        _name(request.headers.get("Referred-By")),
        request.headers.get("Refer-Sub").partition(";")[0].strip().lower() == "false",
        is_attended="replaces" in headers,
    )


def status_of(outcome: Outcome) -> int:
    """The SIP status that says the same, for NOTIFY and for refusing at once."""
    return _STATUS.get(outcome, 500)


class ReferSubscription:
    """Tells who referred how the call goes (RFC 3515 2.4.4): each status once, a final one last."""

    def __init__(self, request: Request, *, is_first: bool) -> None:
        number = cseq_of(request.headers).number
        # The first in a dialog needs no id, and some terminals know none (RFC 3515 2.4.6).
        self.event = "refer" if is_first else f"refer;id={number}"
        self._last = 0

    @property
    def is_over(self) -> bool:
        """Whether the final status has been told."""
        return self._last >= 200

    def notify(self, status: int) -> tuple[tuple[tuple[str, str], ...], bytes] | None:
        """Headers and body of the NOTIFY that is due; None where there is nothing new to say."""
        if self.is_over or status <= self._last:
            return None
        self._last = status
        state = "terminated;reason=noresource" if self.is_over else f"active;expires={EXPIRES_S}"
        headers = (("Event", self.event), ("Subscription-State", state), ("Content-Type", SIPFRAG_TYPE))
        return headers, f"SIP/2.0 {status} {REASONS.get(status, '')}\r\n".encode()


_STATUS: dict[Outcome, int] = {
    Outcome.BUSY: 486,
    Outcome.DECLINED: 603,
    Outcome.NO_ANSWER: 480,
    Outcome.UNREACHABLE: 503,
    Outcome.UNKNOWN_TARGET: 404,
    Outcome.NOT_REGISTERED: 480,
    Outcome.NOT_ALLOWED: 403,
    Outcome.TOO_MANY_CALLS: 503,
    Outcome.NOT_ACCEPTABLE: 488,
    Outcome.ENCRYPTION_REQUIRED: 488,
    Outcome.FULL: 486,
    Outcome.UNKNOWN_ROOM: 404,
    Outcome.CANCELLED: 487,
    Outcome.FAILED: 500,
}


def _headers(uri: Uri) -> list[str]:
    return unquote(uri.headers[:MAX_HEADERS_CHARACTERS]).split("&") if uri.headers else []


def _name(text: str) -> str:
    try:
        uri = parse_name_addr(text).uri if text else None
    except SipError:
        return ""
    return f"{uri.user}@{uri.host}"[:128] if uri is not None else ""
