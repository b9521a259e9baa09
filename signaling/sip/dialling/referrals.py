"""Serves REFER: those with host rights have us call a third party into their room, or take somebody out of it.

RFC 4579 5.5 to 5.7. A participant is known by its call; out of dialog by a proven identity that is a host in the room.
We never send a participant away: a Refer-To that would replace a call in progress is declined with 603, and no REFER of
ours is ever sent, because the room's rights, seats and recording end where our signalling ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mcu.conference import Conference
from mcu.conferences import Conferences
from mcu.participant import Participant, Role
from signaling import dialplan
from signaling.dialing import Dialer
from signaling.errors import SipError
from signaling.placed import CallState, DialRefused, PlacedCall
from signaling.sip.calls.leg import SipLeg
from signaling.sip.dialling.refer import Referral, ReferSubscription, parse_referral, status_of
from signaling.sip.registry.identity import Challenge
from signaling.sip.server_request import ServerRequest
from signaling.sip.services import Identify
from signaling.sip.sessions.dialog import Dialog, dialog_id_of_request, uas_dialog
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.message import Request, Response
from signaling.sip.wire.uri import Uri, parse_uri

logger = logging.getLogger(__name__)

MAX_REFERRALS = 200
"""Referrals whose progress is told at the same time."""


class Agent(Protocol):
    """What is needed of ua.UserAgent."""

    @property
    def counters(self) -> Counter[str]:
        """Where refusals are counted."""

    def serve(self, method: str, handler: Callable[[ServerRequest], None]) -> None:
        """Take a method."""

    def send(self, request: Request, flow: Flow, on_response: Callable[[Response | None], None]) -> None:
        """Send a request of a dialog."""

    def contact(self, flow: Flow) -> Uri:
        """Our address, as this peer can reach it."""


@dataclass(slots=True)
class _Told:
    """Somebody who is told how a call goes."""

    dialog: Dialog
    subscription: ReferSubscription


class Referrals:
    """All REFER of the server."""

    def __init__(self, agent: Agent, conferences: Conferences, dialer: Dialer, identify: Identify | None) -> None:
        self._agent = agent
        self._conferences = conferences
        self._dialer = dialer
        self._identify = identify
        self._told: dict[int, _Told] = {}
        self._has_referred: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = dialer.observe(self._changed)
        agent.serve("REFER", self._came)

    async def stop(self) -> None:
        """Take no more."""
        self._stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _came(self, asked: ServerRequest) -> None:
        if len(self._tasks) + len(self._told) >= MAX_REFERRALS:
            asked.reply(503, "", (("Retry-After", "10"),))
            return
        task = asyncio.get_running_loop().create_task(self._serve(asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, asked: ServerRequest) -> None:
        try:
            referral = parse_referral(asked.request)
            conference, person = await self._who(asked)
            if referral.is_attended:
                raise SipError(603, "Calls in progress are not taken over")
            if referral.method == "BYE":
                await self._remove(asked, conference, person, referral)
            else:
                await self._dial(asked, conference, person, referral)
        except SipError as error:
            self._agent.counters[f"refer-{error.status}"] += 1
            asked.reply(error.status, error.reason, error.headers)
        except Exception:
            logger.exception("a REFER failed")
            asked.reply(500)

    # ---- who asks ---------------------------------------------------------------------------------------------

    async def _who(self, asked: ServerRequest) -> tuple[Conference, Participant]:
        """The host who asks, and the room. Raises SipError 403 for everybody else, 401 to have an identity proven."""
        if asked.session is not None:
            found = self._by_session(asked)
        else:
            if dialog_id_of_request(asked.request)[1]:
                raise SipError(481, "Call/Transaction Does Not Exist")
            found = await self._by_identity(asked)
        if found is None or found[1].role is not Role.HOST:
            raise SipError(403, "Only hosts may refer")
        return found

    def _by_session(self, asked: ServerRequest) -> tuple[Conference, Participant] | None:
        for conference in self._conferences.running():
            for person in conference.participants.values():
                if isinstance(person.leg, SipLeg) and person.leg.session is asked.session:
                    return conference, person
        return None

    async def _by_identity(self, asked: ServerRequest) -> tuple[Conference, Participant] | None:
        found = self._identify(asked.request, asked.flow) if self._identify is not None else None
        if isinstance(found, Challenge):
            await asyncio.sleep(found.delay_s)
            raise SipError(found.status, found.reason, found.headers)
        conference = self._conferences.get(dialplan.parse(parse_uri(asked.request.uri).user).room)
        if found is None or conference is None:
            return None
        people = [person for person in conference.participants.values() if person.identity == found.alias]
        hosts = [person for person in people if person.role is Role.HOST]
        return (conference, hosts[0]) if hosts else None

    # ---- what is asked ----------------------------------------------------------------------------------------

    async def _dial(self, asked: ServerRequest, conference: Conference, person: Participant, wish: Referral) -> None:
        room = conference.policy.number
        logger.info("room=%s leg=%d refers, referred by %r", room, person.id, wish.referred_by)
        try:
            leg = await self._dialer.dial(room, wish.target.serialize(), person.name)
        except DialRefused as refused:
            raise SipError(status_of(refused.outcome), "") from None
        self._accept(asked, wish, leg)

    async def _remove(self, asked: ServerRequest, conference: Conference, person: Participant, wish: Referral) -> None:
        """RFC 4579 5.7: the participant whose address this is, is hung up on."""
        gone = [other for other in conference.participants.values() if _is_called(other, wish.target)]
        if not gone:
            raise SipError(404, "Nobody of that address is here")
        logger.info("room=%s leg=%d has leg=%d removed", conference.policy.number, person.id, gone[0].id)
        told = self._accept(asked, wish, None)
        await conference.remove(gone[0].id)
        if told is not None:
            self._tell(told, 200)

    def _accept(self, asked: ServerRequest, wish: Referral, leg: int | None) -> _Told | None:
        """202, and the implicit subscription unless it is not wanted (RFC 4488)."""
        dialog = asked.session.dialog if asked.session is not None else None
        if dialog is None:
            dialog = uas_dialog(asked.request, asked.flow, asked.tag, self._agent.contact(asked.flow))
            dialog.keeps_flow = True  # only who has proven itself is told
        headers: tuple[tuple[str, str], ...] = (("Contact", dialog.contact),)
        if wish.is_silent:
            asked.reply(202, "Accepted", (*headers, ("Refer-Sub", "false")))
            return None
        asked.reply(202, "Accepted", headers)
        is_first = asked.session is None or id(asked.session) not in self._has_referred
        if asked.session is not None:
            self._remember(id(asked.session))
        told = _Told(dialog, ReferSubscription(asked.request, is_first=is_first))
        self._tell(told, 100)
        if leg is not None:
            self._told[leg] = told
        return told

    def _remember(self, session: int) -> None:
        if len(self._has_referred) >= 10 * MAX_REFERRALS:
            self._has_referred.clear()
        self._has_referred.add(session)

    # ---- NOTIFY -----------------------------------------------------------------------------------------------

    def _changed(self, placed: PlacedCall) -> None:
        """The dialer tells of a call: it rings, has failed, or is off the list because it was answered."""
        told = self._told.get(placed.leg)
        if told is None:
            return
        if placed.state is CallState.ENDED and placed.outcome is not None:
            self._tell(told, status_of(placed.outcome))
        elif placed not in self._dialer.calls(placed.room):
            self._tell(told, 200)
        elif placed.state is CallState.RINGING:
            self._tell(told, 180)
        if told.subscription.is_over:
            del self._told[placed.leg]

    def _tell(self, told: _Told, status: int) -> None:
        notify = told.subscription.notify(status)
        if notify is None:
            return
        headers, body = notify
        request = told.dialog.request("NOTIFY")
        for name, value in headers:
            request.headers.add(name, value)
        request.body = body
        self._agent.send(request, told.dialog.next_hop(), self._answered)

    def _answered(self, response: Response | None) -> None:
        if response is None or response.status >= 300:
            self._agent.counters["refer-notify-refused"] += 1


def _is_called(person: Participant, target: Uri) -> bool:
    """Whether a participant is meant: by the address that it calls itself, or by its proven alias."""
    if person.identity and person.identity == target.user:
        return True
    peer = person.leg.peer if isinstance(person.leg, SipLeg) else None
    return peer is not None and (peer.user, peer.host) == (target.user, target.host)
