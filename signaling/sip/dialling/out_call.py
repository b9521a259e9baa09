"""One call that we make into a room: offer, ringing, answer, gate, conference; then it is a call like all others."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mcu.fleet.worker import Worker
from mcu.media import Kind
from mcu.worker.messages import OpenLeg, PeerWantsKeyframe, Transport
from signaling.called_party import CalledParty
from signaling.dialing import Attempt
from signaling.placed import DialRefused, Outcome
from signaling.sip.call_handle import OutgoingCall
from signaling.sip.calls.call import local_media
from signaling.sip.calls.conversation import SipConversation, cannot_ask_for_keyframes
from signaling.sip.calls.leg import SipLeg
from signaling.sip.calls.room_system import RoomSystem
from signaling.sip.dialling.forking import Branch, Caller, ForkedCall, Inviter, Redirect
from signaling.sip.sdp.offer_answer import Negotiation
from signaling.sip.services import Services
from signaling.sip.transactions.transaction import Flow


@dataclass(frozen=True, slots=True)
class Callee:
    """Whom to call and how."""

    name: str
    caller: Caller
    has_video: bool
    redirect: Redirect
    ring_timeout_s: float


class OutCall:
    """One attempt at branches that share a way out; what it took is given back when run() returns."""

    def __init__(self, inviter: Inviter, services: Services, attempt: Attempt, callee: Callee) -> None:
        self._inviter = inviter
        self._services = services
        self._attempt = attempt
        self._callee = callee

    async def run(self, branches: Sequence[Branch], flow: Flow) -> None:
        """Call and talk until the end; `flow` leads to the first branch. Raises DialRefused, WorkerError."""
        admission, leg = self._attempt.admission, self._attempt.leg
        room = admission.policy.number
        worker = await self._services.fleet.worker_for(room)
        kinds = tuple(Kind) if self._callee.has_video else (Kind.AUDIO,)
        opened = await worker.open_leg(OpenLeg(leg, room, Transport.PORTS, kinds, flow.local[0], flow.remote[0]))
        system = RoomSystem(leg, self._services, flow.local[0], flow.remote[0])
        try:
            local = system.prepare(local_media(opened, self._services.settings, flow, admission))
            must_encrypt = admission.policy.must_encrypt
            negotiation = Negotiation(local, secrets.randbits(47), must_encrypt=must_encrypt)
            try:
                call = await self._ring(branches, negotiation)
            except DialRefused as refused:
                if must_encrypt or refused.outcome is not Outcome.NOT_ACCEPTABLE:
                    raise
                # Terminals that insist on encryption refuse an offer in which it is only one way of two.
                negotiation = Negotiation(local, secrets.randbits(47), must_encrypt=True)
                call = await self._ring(branches, negotiation)
            await self._talk(call, worker, negotiation, system)
        finally:
            system.close()
            worker.close_leg(leg)

    async def _ring(self, branches: Sequence[Branch], negotiation: Negotiation) -> OutgoingCall:
        callee = self._callee
        caller = replace(callee.caller, focus=self._attempt.admission.policy.number)
        forked = ForkedCall(self._inviter, caller, callee.redirect, self._attempt.rings)
        offer = negotiation.offer()
        return await forked.place(branches, offer, callee.ring_timeout_s)

    async def _talk(self, call: OutgoingCall, worker: Worker, negotiation: Negotiation, system: RoomSystem) -> None:
        """The party has answered: through the gate, into the room, until somebody hangs up."""
        talk = SipConversation(call, SipLeg(self._attempt.leg, call), self._services, system)
        talk.negotiation = negotiation
        talk.room, talk.admission = self._attempt.admission.policy.number, self._attempt.admission
        talk.watch(worker)
        party = CalledParty(
            talk, self._services, worker, self._attempt, self._callee.name, call.flow.local[0]
        )  # fmt: skip

        async def enter() -> None:
            await talk.configure(negotiation.receive_answer(call.answer))
            talk.is_settled = True
            call.become_focus(talk.room)
            await party.join()
            if cannot_ask_for_keyframes(talk.leg.media):
                # What came before its decoder was ready may be lost on it.
                worker.send("net", PeerWantsKeyframe(talk.leg.id))

        await party.follow(enter)
