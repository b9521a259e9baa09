"""The embedded RADIUS server (RFC 2865 2, RFC 3579 2, RFC 5080 2.2.2, RFC 5997): requests in, answers out. Pure.

Whoever is not believed gets no answer. Everything that an Access-Accept grants stands in the Accept alone.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Final

import msgspec

from auth8021x.eapserver import bypass
from auth8021x.eapserver.account import Account, Book, read_identity
from auth8021x.eapserver.authorization import Authorization
from auth8021x.eapserver.conversation import Conversation
from auth8021x.eapserver.methods import Contexts, Methods, Octets
from auth8021x.eapserver.nas_clients import NasClient, NasClients
from auth8021x.eapserver.place import UNPLACED, Place, place_of
from auth8021x.eapserver.sessions import ServerSession, ServerSessions
from auth8021x.eapserver.step import Failed, Moment, Passed
from auth8021x.eapserver.tls_framing import OVERHEAD_BYTES
from auth8021x.eapserver.unheard import UnheardRequests
from auth8021x.errors import MalformedPacketError
from auth8021x.radius.replies import Replies, Seen, Source
from auth8021x.wire import attribute, authenticity, eap, eap_message, packet
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.authenticity import Fault
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.eap import Eap
from auth8021x.wire.eap import Method as EapType
from auth8021x.wire.packet import Packet
from config.dot1x_server import EapServerSettings

_STATE_BYTES: Final = 16
_MIN_FRAGMENT_BYTES: Final = 64
_PROXY_STATE: Final = int(Type.PROXY_STATE)
_MAX_EVENTS: Final = 1000
_COUNTERS: Final = {Seen.AGAIN: "repeated", Seen.REPLAYED: "replayed", Seen.TOO_MANY: "too-many"}
_PLACE: Final = (Type.CALLING_STATION_ID, Type.NAS_PORT, Type.NAS_PORT_ID, Type.NAS_IDENTIFIER, Type.NAS_IP_ADDRESS)


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """Who was let in or not, for the audit and the pages of administrators."""

    client: str
    station: str
    """Calling-Station-Id."""
    outer: str
    """How it called itself."""
    identity: str
    """Who it is, or tried to be, "" where that was not known yet."""
    method: int
    """EAP type; 0 for bypass and for who did not come so far."""
    reason: str
    """"" where it was let in."""
    detail: str = ""
    place: Place = UNPLACED


class _Asked(msgspec.Struct, frozen=True, gc=False):
    """A request that is believed."""

    request: Packet
    attributes: Sequence[Attribute]
    client: NasClient
    station: str
    """Calling-Station-Id."""
    moment: Moment


class _Reply(msgspec.Struct, frozen=True, gc=False):
    code: Code
    attributes: tuple[Attribute, ...] = ()


class EapServer:
    """One for all addresses that are listened on."""

    def __init__(
        self, settings: EapServerSettings, clients: Sequence[NasClient], book: Book, contexts: Contexts, octets: Octets
    ) -> None:
        self._settings = settings
        self._clients = NasClients(clients)
        self._book = book
        self._octets = octets
        self._methods = Methods(settings, book, contexts, octets).by_type()
        self._authorization = Authorization(settings)
        self._sessions = ServerSessions(settings.max_sessions, settings.max_sessions_per_client)
        self._replies = Replies(settings.max_remembered)
        self._events: deque[Verdict] = deque(maxlen=_MAX_EVENTS)
        self.counters: Counter[str] = Counter()
        """What was dropped and refused, by reason, and "accepted"; cumulative."""
        self.excused: Counter[str] = Counter()
        """Requests that were believed without Message-Authenticator, by the name of the client; cumulative."""

        self.unheard = UnheardRequests()

    def __len__(self) -> int:
        return len(self._sessions)

    def next_event(self) -> Verdict | None:
        """What was decided since the last call, oldest first."""
        return self._events.popleft() if self._events else None

    def receive(self, data: bytes, source: Source, now: float, now_utc: float) -> bytes | None:
        """A datagram; the answer to be sent, if there is one. `now` is monotonic."""
        client = self._clients.find(source[0])
        request: Packet | str = "unknown-client" if client is None else self._believed(client, data)
        if client is None or isinstance(request, str):
            self.counters[str(request)] += 1
            self.unheard.note(source[0], str(request), now_utc)
            return None
        self.unheard.heard(source[0])
        key = f"{client.name} {request.code} {request.identifier} ".encode() + request.authenticator
        seen, remembered = self._replies.check(key, source, now, self._settings.remembered_s)
        if seen is not Seen.NEW:
            self.counters[_COUNTERS[seen]] += 1
            return remembered
        station = attribute.first_text(request.attributes, Type.CALLING_STATION_ID) or ""
        moment = Moment(now, now_utc, f"{client.name} {station}")
        asked = _Asked(request, request.attributes, client, station, moment)
        try:
            reply = self._reply(asked)
        except MalformedPacketError:
            reply = None
            self.counters["malformed"] += 1
        if reply is None:
            self._replies.forget(key)  # there may be room for it when it comes again
            return None
        sealed = self._sealed(asked, reply)
        self._replies.answered(key, sealed)
        return sealed

    def _believed(self, client: NasClient, data: bytes) -> Packet | str:
        """The request, or the name of a counter."""
        try:
            request = packet.parse(data)
        except MalformedPacketError:
            return "malformed"
        if request.code not in (Code.ACCESS_REQUEST, Code.STATUS_SERVER):
            return "unexpected"
        fault = authenticity.check_request(request, client.secret, data)
        if fault is Fault.NO_MESSAGE_AUTHENTICATOR and not client.settings.demands_message_authenticator:
            self.counters["excused"] += 1
            self.excused[client.name] += 1
            return request
        return request if fault is None else fault.value

    def _reply(self, asked: _Asked) -> _Reply | None:
        if asked.request.code == Code.STATUS_SERVER:
            return _Reply(Code.ACCESS_ACCEPT)
        response = eap_message.join(asked.attributes)
        if response is None:
            return self._without_eap(asked)
        state = attribute.first(asked.attributes, Type.STATE)
        return self._begin(asked, response) if state is None else self._go_on(asked, response, state)

    def _without_eap(self, asked: _Asked) -> _Reply:
        found = bypass.check(asked.attributes, self._book) if self._settings.bypasses else Failed("no-eap")
        granted = self._granted(found, asked)
        outer = attribute.first_text(asked.attributes, Type.USER_NAME) or ""
        if isinstance(granted, Failed):
            self._decided(asked, outer, 0, granted)
            return _Reply(Code.ACCESS_REJECT)
        self._decided(asked, outer, 0, Passed(found.identity))
        return _Reply(Code.ACCESS_ACCEPT, granted)

    def _granted(self, found: Account | Failed, asked: _Asked) -> tuple[Attribute, ...] | Failed:
        return found if isinstance(found, Failed) else self._authorization.grant(found, asked.client.settings)

    def _begin(self, asked: _Asked, response: Eap) -> _Reply | None:
        """Without State only the peer's Identity makes sense (RFC 3579 2.1)."""
        if response.code != eap.Code.RESPONSE or response.type != EapType.IDENTITY:
            return self._refuse(asked, response, "", 0, Failed("no-session"))
        outer = read_identity(response.data)
        named = attribute.first(asked.attributes, Type.USER_NAME)
        # Who gives no name is called by its address there (RFC 3579 2.1).
        if outer is None or (outer and named is not None and named != response.data):
            return self._refuse(asked, response, outer or "", 0, Failed("malformed", "User-Name is another"))
        conversation = Conversation(
            outer, self._fragment_bytes(asked), self._methods, self._settings.anonymous, self._settings.max_rounds
        )
        place = tuple(attribute.first(asked.attributes, kind) or b"" for kind in _PLACE)
        if not any(place[:3]):
            place = (self._octets(_STATE_BYTES),)  # the switch does not say: then none takes the place of another
        session = ServerSession(asked.client.name, place, conversation, asked.moment.now + self._settings.session_s)
        if not self._sessions.add(session, asked.moment.now):
            self.counters["too-many-sessions"] += 1
            return None
        return self._challenge(session, conversation.begin(response.identifier))

    def _go_on(self, asked: _Asked, response: Eap, state: bytes) -> _Reply | None:
        session = self._sessions.find(state, asked.client.name, asked.moment.now)
        if session is None or response.code != eap.Code.RESPONSE:
            return self._refuse(asked, response, "", 0, Failed("no-session"))
        conversation = session.conversation
        step = conversation.respond(response, asked.moment)
        if step is None:
            self.counters["out-of-turn"] += 1
            return None
        if isinstance(step, Eap):
            return self._challenge(session, step)
        self._sessions.remove(session)
        found = self._account(step.identity) if isinstance(step, Passed) else step
        granted = self._granted(found, asked)
        if isinstance(granted, Failed):
            return self._refuse(asked, response, conversation.outer, conversation.method, granted)
        self._decided(asked, conversation.outer, conversation.method, Passed(found.identity))
        success = eap_message.split(eap.success(response.identifier).serialize())
        return _Reply(Code.ACCESS_ACCEPT, (*success, *granted))

    def _account(self, identity: str) -> Account | Failed:
        """Who has just proved to be this one may be known no more."""
        return self._book.account(identity) or Failed("unknown-identity", identity=identity)

    def _challenge(self, session: ServerSession, request: Eap) -> _Reply:
        state = self._octets(_STATE_BYTES)
        self._sessions.wait(session, state)
        self.counters["challenged"] += 1
        return _Reply(Code.ACCESS_CHALLENGE, (Attribute(Type.STATE, state), *eap_message.split(request.serialize())))

    def _refuse(self, asked: _Asked, response: Eap, outer: str, method: int, failed: Failed) -> _Reply:
        self._decided(asked, outer, method, failed)
        return _Reply(Code.ACCESS_REJECT, eap_message.split(eap.failure(response.identifier).serialize()))

    def _decided(self, asked: _Asked, outer: str, method: int, outcome: Passed | Failed) -> None:
        reason, detail = (outcome.reason, outcome.detail) if isinstance(outcome, Failed) else ("", "")
        self.counters[reason or "accepted"] += 1
        place = place_of(asked.attributes)
        self._events.append(
            Verdict(asked.client.name, asked.station, outer, outcome.identity, method, reason, detail, place)
        )

    def _fragment_bytes(self, asked: _Asked) -> int:
        """What fits where the switch says how much does (RFC 3579 2.4)."""
        mtu = attribute.first_number(asked.attributes, Type.FRAMED_MTU)
        most = self._settings.fragment_bytes
        return most if mtu is None else max(_MIN_FRAGMENT_BYTES, min(most, mtu - OVERHEAD_BYTES))

    def _sealed(self, asked: _Asked, reply: _Reply) -> bytes:
        """With what proxies put in, in their order (RFC 2865 5.33)."""
        proxies = [each for each in asked.attributes if each.type == _PROXY_STATE]
        answer = Packet(reply.code, asked.request.identifier, attributes=(*reply.attributes, *proxies))
        try:
            return authenticity.response_octets(answer, asked.request.authenticator, asked.client.secret)
        except ValueError:
            # Proxies may have put in so much that there is no room.
            self.counters["too-long"] += 1
            short = Packet(Code.ACCESS_REJECT, asked.request.identifier)
            return authenticity.response_octets(short, asked.request.authenticator, asked.client.secret)
