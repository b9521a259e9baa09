"""A registrar (RFC 3261 10.3, RFC 3327, RFC 5626), sans-IO: a REGISTER in, its answer and new bindings out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from config.registrar import RegistrarSettings
from signaling.errors import SipError
from signaling.network_access import Approach, NetworkAccess, Proof, names
from signaling.sip.authentication.authenticator import Authenticator, Outcome, Verdict
from signaling.sip.registry.binding import Binding, binding_key
from signaling.sip.registry.register_wishes import Wish, is_removal_of_all, wishes_of
from signaling.sip.registry.registrations import Registrations
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.fields import cseq_of, to_of
from signaling.sip.wire.message import Request
from signaling.sip.wire.uri import parse_name_addr
from signaling.tries import source_key

EXTENSIONS = ("path", "outbound")
_MAX_PATHS = 8
_MAX_PATH_CHARACTERS = 1024
_MAX_CALL_ID_CHARACTERS = 256
_MAX_USER_AGENT_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back, after `delay_s`."""

    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """For the audit: who failed to be whom; never what was tried."""

    username: str
    method: str
    flow: Flow
    outcome: Outcome


class Registrar:
    """Serves REGISTER. `now` is UTC in seconds."""

    def __init__(
        self,
        settings: RegistrarSettings,
        authenticator: Authenticator,
        registrations: Registrations,
        failed: Callable[[Failure], None],
        access: NetworkAccess | None = None,
    ) -> None:
        """`access`: whether the network knows who registers; None, and nobody is asked."""
        self._settings = settings
        self._authenticator = authenticator
        self._registrations = registrations
        self._failed = failed
        self._access = access
        self.counters: Counter[str] = Counter()
        """Cumulative, by status."""

    def receive(self, request: Request, flow: Flow, now: float) -> Reply:
        """Answer one REGISTER."""
        try:
            reply = self._answer(request, flow, now)
        except SipError as error:
            reply = Reply(error.status, error.reason, error.headers)
        self.counters[str(reply.status)] += 1
        return reply

    def _answer(self, request: Request, flow: Flow, now: float) -> Reply:
        unknown = [tag for tag in request.headers.values("Require") if tag.lower() not in EXTENSIONS]
        if unknown:
            raise SipError(420, "Bad Extension", (("Unsupported", ", ".join(unknown)[:256]),))
        alias = to_of(request.headers).uri.user
        familiar = alias if self._registrations.has_source(alias, source_key(flow.remote[0])) else ""
        verdict = self._authenticator.check(request, flow, now, familiar=familiar)
        if verdict.outcome is Outcome.REPEATED and self._is_done(verdict.username, request, flow):
            return self._listing(alias, request, now, has_flow=False)
        if verdict.outcome is not Outcome.RIGHT:
            return self._refuse(verdict, request, flow, now)
        if verdict.username != alias:
            self._failed(Failure(verdict.username, "REGISTER", flow, Outcome.WRONG))
            raise SipError(403, "Forbidden")  # RFC 3261 10.3, step 4
        self._check_network(alias, flow)
        has_flow = self._update(alias, request, flow, now)
        listing = self._listing(alias, request, now, has_flow=has_flow)
        return replace(listing, delay_s=verdict.delay_s) if verdict.delay_s else listing

    def _check_network(self, alias: str, flow: Flow) -> None:
        if self._access is None:
            return
        source, local = flow.remote[0], flow.local[0]
        if not self._access.allows_now(Approach(source, "sip", names(alias), local, Proof.DIGEST, "register")):
            raise SipError(403, "Not authenticated on the network")

    def _refuse(self, verdict: Verdict, request: Request, flow: Flow, now: float) -> Reply:
        if verdict.outcome in (Outcome.WRONG, Outcome.PAUSED):
            self._failed(Failure(verdict.username, request.method, flow, verdict.outcome))
        return refusal(self._authenticator, verdict, flow, now)

    def _is_done(self, username: str, request: Request, flow: Flow) -> bool:
        """Whether this very request was carried out before, over the same flow: its answer was lost.

        So nothing has to be remembered of requests that were answered, however many terminals register at once.
        """
        cseq, call_id = cseq_of(request.headers).number, request.headers.get("Call-ID")
        last = [item for item in self._registrations.contacts(username) if (item.call_id, item.cseq) == (call_id, cseq)]
        return bool(last) and all(binding.flow == flow for binding in last)

    # ---- bindings ---------------------------------------------------------------------------------------------

    def _update(self, alias: str, request: Request, flow: Flow, now: float) -> bool:
        """All of it or nothing (RFC 3261 10.3, step 7); whether outbound was used (RFC 5626)."""
        if is_removal_of_all(request):
            for binding in self._registrations.contacts(alias):
                self._check_order(binding, request)
            for binding in self._registrations.contacts(alias):
                self._registrations.remove(binding)
            return False
        wishes = wishes_of(request, self._settings)
        path = _path(request)
        for wish in wishes:
            if wish.reg_id and not _may_use_outbound(request, path):
                raise SipError(439, "First Hop Lacks Outbound Support")
        changes = [(self._binding(alias, wish, path, request, flow, now), wish.expires_s) for wish in wishes]
        self._registrations.check_room(alias, [binding for binding, expires_s in changes if expires_s])
        for binding, expires_s in changes:
            if expires_s:
                self._registrations.put(binding)
            else:
                self._registrations.remove(binding)
        return any(wish.reg_id for wish in wishes)

    def _binding(
        self, alias: str, wish: Wish, path: tuple[str, ...], request: Request, flow: Flow, now: float
    ) -> Binding:
        old = self._registrations.get(alias, binding_key(alias, wish.uri, wish.instance, wish.reg_id))
        if old is not None:
            self._check_order(old, request)
        call_id = request.headers.get("Call-ID")
        if len(call_id) > _MAX_CALL_ID_CHARACTERS or not call_id.isascii():
            raise SipError(400, "Malformed Call-ID")
        return Binding(
            alias=alias, uri=wish.uri, flow=flow, path=path, is_direct=len(request.headers.values("Via")) == 1,
            instance=wish.instance, reg_id=wish.reg_id, q=wish.q, call_id=call_id,
            cseq=cseq_of(request.headers).number, registered_at=old.registered_at if old else now, refreshed_at=now,
            expires_at=now + wish.expires_s, user_agent=_printable(request.headers.get("User-Agent")),
        )  # fmt: skip

    def _check_order(self, binding: Binding, request: Request) -> None:
        """An older REGISTER that was held up on the way must not undo a newer one."""
        same_call = binding.call_id == request.headers.get("Call-ID")
        if same_call and cseq_of(request.headers).number <= binding.cseq:
            raise SipError(500, "Out of order")

    def _listing(self, alias: str, request: Request, now: float, *, has_flow: bool) -> Reply:
        """RFC 3261 10.3, step 8; RFC 3327 5.3; RFC 5626 6."""
        headers = [("Contact", _contact(binding, now)) for binding in self._registrations.contacts(alias)]
        headers += [("Path", line) for line in request.headers.lines("Path")]
        headers.append(("Supported", ", ".join(EXTENSIONS)))
        if has_flow:
            headers += [("Require", "outbound"), ("Flow-Timer", str(self._settings.flow_timer_s))]
        return Reply(200, "OK", tuple(headers))


def refusal(authenticator: Authenticator, verdict: Verdict, flow: Flow, now: float) -> Reply:
    """The answer of a server to a request whose credentials are not right (RFC 3261 22.2)."""
    if verdict.outcome is Outcome.PAUSED:
        return Reply(503, "Service Unavailable", (("Retry-After", str(math.ceil(verdict.retry_after_s))),))
    is_stale = verdict.outcome in (Outcome.STALE, Outcome.REPEATED)
    lines = authenticator.challenges(flow, now, is_stale=is_stale)
    headers = tuple(("WWW-Authenticate", line) for line in lines)
    return Reply(401, "Unauthorized", headers, delay_s=verdict.delay_s)


def _path(request: Request) -> tuple[str, ...]:
    """The Path, which is the route set of requests to the terminal (RFC 3327 5.3). Raises SipError."""
    values = request.headers.values("Path")
    if len(values) > _MAX_PATHS or len(text := "".join(values)) > _MAX_PATH_CHARACTERS or not text.isascii():
        raise SipError(400, "Malformed Path")
    return tuple(parse_name_addr(value).serialize() for value in values)


def _may_use_outbound(request: Request, path: tuple[str, ...]) -> bool:
    """RFC 5626 6: the first hop keeps the flow, unless there is none before us."""
    if len(request.headers.values("Via")) == 1:
        return True
    return bool(path) and parse_name_addr(path[-1]).uri.param("ob") is not None


def _contact(binding: Binding, now: float) -> str:
    text = f"<{binding.uri}>;expires={math.ceil(binding.expires_at - now)}"
    if binding.q != 1.0:
        text += f";q={binding.q:.3g}"
    if binding.reg_id:
        text += f";reg-id={binding.reg_id}"
    # RFC 5626 11.1: the value is a quoted string whatever it holds.
    return text + (f';+sip.instance="{_escaped(binding.instance)}"' if binding.instance else "")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())[:_MAX_USER_AGENT_CHARACTERS]
