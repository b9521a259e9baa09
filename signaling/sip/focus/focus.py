"""The focus (RFC 4579, RFC 4575): takes SUBSCRIBE of those who are in a room and tells them who else is."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from mcu.conference import Conference, ConferenceEvent
from mcu.conferences import Conferences
from mcu.participant import Participant
from signaling import dialplan
from signaling.errors import SipError
from signaling.sip.calls.leg import SipLeg
from signaling.sip.focus.conference_info import CONTENT_TYPE, ConferenceInfo
from signaling.sip.focus.roster import conference_info
from signaling.sip.focus.subscription import EVENT, MAX_EXPIRES_S, MIN_EXPIRES_S, Subscription
from signaling.sip.server_request import ServerRequest
from signaling.sip.sessions.dialog import Dialog, DialogId, dialog_id_of_request, uas_dialog
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.fields import from_of
from signaling.sip.wire.message import Request, Response
from signaling.sip.wire.uri import Uri, parse_uri

logger = logging.getLogger(__name__)


class Agent(Protocol):
    """What the focus needs of ua.UserAgent."""

    @property
    def counters(self) -> Counter[str]:
        """Where refusals are counted."""

    def serve(self, method: str, handler: Callable[[ServerRequest], None]) -> None:
        """Take a method."""

    def send(self, request: Request, flow: Flow, on_response: Callable[[Response | None], None]) -> None:
        """Send a request of a dialog; its final response, None where there is none."""

    def contact(self, flow: Flow) -> Uri:
        """Our address, as this peer can reach it."""


@dataclass(slots=True)
class _Subscriber:
    room: str
    leg: int
    entity: Uri
    subscription: Subscription


class Focus:
    """All subscriptions to all rooms; `most` bounds them."""

    def __init__(self, agent: Agent, conferences: Conferences, most: int) -> None:
        self._agent = agent
        self._conferences = conferences
        self._most = most
        self._subscribers: dict[DialogId, _Subscriber] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._forget = conferences.observe(self._happened)
        agent.serve("SUBSCRIBE", self._subscribe)

    def __len__(self) -> int:
        return len(self._subscribers)

    def stop(self) -> None:
        """Tell all that it is over, and watch no more."""
        self._forget()
        for subscriber in self._subscribers.values():
            subscriber.subscription.end("deactivated")
        self._tell()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # ---- SUBSCRIBE --------------------------------------------------------------------------------------------

    def _subscribe(self, asked: ServerRequest) -> None:
        try:
            expires_s = _checked(asked.request)
            subscriber = self._known(asked) or self._new(asked)
        except SipError as error:
            self._agent.counters[f"subscribe-{error.status}"] += 1
            asked.reply(error.status, error.reason, error.headers)
            return
        dialog = subscriber.subscription.dialog
        asked.reply(200, headers=(("Expires", str(expires_s)), ("Contact", dialog.contact)))
        subscriber.subscription.subscribe(expires_s, self._now())
        self._tell()

    def _known(self, asked: ServerRequest) -> _Subscriber | None:
        """The subscription that this SUBSCRIBE refreshes; None where it is a new one. Raises SipError."""
        found = self._subscribers.get(dialog_id_of_request(asked.request))
        if found is None and asked.session is None and dialog_id_of_request(asked.request)[1]:
            raise SipError(481, "Subscription does not exist")
        if found is not None and asked.session is None:
            found.subscription.dialog.receive_request(asked.request, asked.flow)
        return found

    def _new(self, asked: ServerRequest) -> _Subscriber:
        seat = self._seat(asked)
        if seat is None:
            # The same for a room that exists and one that does not: who is in a room is for those who are in it.
            raise SipError(403, "Join the conference first")
        if len(self._subscribers) >= self._most:
            raise SipError(503, "Too many subscriptions", (("Retry-After", "60"),))
        conference = seat[0]
        room = conference.policy.number
        dialog = _call_dialog(asked) or self._own_dialog(asked, room)
        entity = replace(dialog.local_contact, user=room)
        subscription = Subscription(dialog, conference_info(conference, entity))
        self._subscribers[dialog.id] = made = _Subscriber(room, seat[1].id, entity, subscription)
        logger.info("room=%s leg=%d subscribed to the conference", room, seat[1].id)
        return made

    def _own_dialog(self, asked: ServerRequest, room: str) -> Dialog:
        dialog = uas_dialog(asked.request, asked.flow, asked.tag, self._agent.contact(asked.flow))
        dialog.become_focus(room)
        dialog.keeps_flow = True  # only the address that the participant calls from is told who is in the room
        return dialog

    def _seat(self, asked: ServerRequest) -> tuple[Conference, Participant] | None:
        """The participant who asks: within its call, or beside it over the same flow under the same name.

        Others may share its address, behind a NAT or a proxy, and a From is only what somebody wrote.
        """
        for conference in self._conferences.running():
            for person in conference.participants.values():
                if isinstance(person.leg, SipLeg) and self._is_of(person.leg, asked, conference):
                    return conference, person
        return None

    @staticmethod
    def _is_of(leg: SipLeg, asked: ServerRequest, conference: Conference) -> bool:
        if asked.session is not None:
            return leg.session is asked.session
        origin = from_of(asked.request.headers).uri
        room = dialplan.parse(parse_uri(asked.request.uri).user).room
        return (
            room == conference.policy.number
            and len(asked.request.headers.values("Via")) == 1
            and leg.session.dialog is not None
            and _way(leg.session.dialog.flow) == _way(asked.flow)
            and leg.peer is not None
            and (leg.peer.user, leg.peer.host) == (origin.user, origin.host)
        )

    # ---- NOTIFY -----------------------------------------------------------------------------------------------

    def _happened(self, event: ConferenceEvent) -> None:
        if event.kind == "levels":
            return
        concerned = [subscriber for subscriber in self._subscribers.values() if subscriber.room == event.room]
        conference = self._conferences.get(event.room)
        infos: dict[Uri, ConferenceInfo] = {}
        for subscriber in concerned:
            subscription = subscriber.subscription
            if event.kind == "closed" or conference is None:
                subscription.conference_ended()
                continue
            if subscriber.entity not in infos:
                now, before = conference_info(conference, subscriber.entity), subscription.info
                infos[subscriber.entity] = before if before == now else now
            subscription.update(infos[subscriber.entity])
            if subscriber.leg not in conference.participants:
                subscription.end("rejected")  # who has left is told no more
        if concerned:
            self._tell()

    def _tell(self) -> None:
        """Send what is due and come back for the rest."""
        now = self._now()
        for key, subscriber in list(self._subscribers.items()):
            subscription = subscriber.subscription
            request = subscription.next_notify(now)
            if request is not None:
                self._agent.send(request, subscription.dialog.next_hop(), _Answered(self, key))
            if subscription.is_terminated:
                self._subscribers.pop(key, None)
        self._arm()

    def answered(self, key: DialogId, response: Response | None) -> None:
        """A NOTIFY was answered, or not."""
        subscriber = self._subscribers.get(key)
        if subscriber is not None:
            subscriber.subscription.answered(408 if response is None else response.status)
            self._tell()

    def _arm(self) -> None:
        times = (subscriber.subscription.next_timeout() for subscriber in self._subscribers.values())
        deadline = min((time for time in times if time is not None), default=None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            self._timer = asyncio.get_running_loop().call_at(deadline, self._tell)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True)
class _Answered:
    focus: Focus
    key: DialogId

    def __call__(self, response: Response | None) -> None:
        self.focus.answered(self.key, response)


def _call_dialog(asked: ServerRequest) -> Dialog | None:
    return asked.session.dialog if asked.session is not None else None


def _way(flow: Flow) -> tuple[str, tuple[str, int], int]:
    """What tells one peer's flow from another's."""
    return flow.transport, flow.remote, flow.connection


def _checked(request: Request) -> int:
    """Seconds to subscribe for. Raises SipError for what we do not offer (RFC 6665 4.2.1)."""
    headers = request.headers
    if headers.get("Event").partition(";")[0].strip().lower() != EVENT:
        raise SipError(489, "Bad Event", (("Allow-Events", EVENT),))
    accepted = [value.partition(";")[0].strip().lower() for value in headers.values("Accept")]
    if accepted and not {CONTENT_TYPE, "application/*", "*/*"} & set(accepted):
        raise SipError(406, "Not Acceptable", (("Accept", CONTENT_TYPE),))
    text = headers.get("Expires").strip() or str(MAX_EXPIRES_S)
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        raise SipError(400, "Malformed Expires")
    expires_s = min(int(text), MAX_EXPIRES_S)
    if 0 < expires_s < MIN_EXPIRES_S:
        raise SipError(423, "Interval Too Brief", (("Min-Expires", str(MIN_EXPIRES_S)),))
    return expires_s
