"""The seat of one browser in a conference: it outlives the WebSocket for a while (network changes, RFC 8445 9)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from mcu.conference import Conference, Participant
from mcu.fleet.worker import Worker
from mcu.media import Kind
from mcu.participant import Role
from mcu.worker.messages import AnyMessage, ConfigureLeg, LegConnected, LegFailed, LegSilent, LegStats
from signaling.placed import DialRefused
from signaling.webrtc.leg import WebrtcLeg
from signaling.webrtc.negotiation import Agreed, Negotiation, Rejected
from signaling.webrtc.patience import Patience
from signaling.webrtc.protocol import Answer, Bye, Moved, Problem, Roster, ServerMessage, ShareEnded, Wanted, serialize
from signaling.webrtc.services import Dialer, Gate, Link
from signaling.webrtc.turn import Relays
from signaling.webrtc.wanted import wanted_picture

_ROSTER_FIELDS = (
    "id", "name", "role", "protocol", "identity", "has_hand_raised", "is_muted", "is_speaking", "level", "has_video",
    "is_sharing", "grade", "is_encrypted", "cipher", "has_integrity", "allowance",
)  # fmt: skip


class Seat:
    """One participant who came by browser, and how to reach the page while it is connected."""

    def __init__(
        self,
        participant: Participant,
        leg: WebrtcLeg,
        worker: Worker,
        conference: Conference,
        negotiation: Negotiation,
        patience: Patience,
        gate: Gate,
        now: Callable[[], float],
        dialer: Dialer | None = None,
    ) -> None:
        self.participant = participant
        self.leg = leg
        self.worker = worker
        self.conference = conference
        self.negotiation = negotiation
        self.patience = patience
        self.roster_due = asyncio.Event()
        self.has_failed = False
        self.on_failure: Callable[[], None] = _nothing
        self.link: Link | None = None
        self.restarted_at = float("-inf")
        self._gate = gate
        self._now = now
        self._dialer = dialer
        self._told: dict[type[ServerMessage], ServerMessage] = {}
        leg.on_roster = self.roster_due.set
        leg.on_floor = self._floor_changed
        leg.on_pictures = self._pictures_allowed
        worker.observe_leg(leg.id, self._observe)

    @property
    def room(self) -> str:
        """Number of its room."""
        return self.conference.policy.number

    def move(self, participant: Participant, conference: Conference) -> None:
        """A host has taken it to another room."""
        self.participant, self.conference = participant, conference
        self._told.clear()
        self.send(Moved(conference.policy.number, conference.policy.name))
        self.roster_due.set()

    # ---- the page comes and goes

    def attach(self, link: Link) -> Link | None:
        """The page is connected by `link` from now on; the older WebSocket, if any, is told, and is to be closed."""
        old, self.link = self.link, link
        self.patience.socket_back()
        self._told.clear()
        self.roster_due.set()
        self.negotiation.abandon()
        if old is not None:
            old.send(serialize(Bye("replaced")))
        return old

    def detach(self, link: Link) -> None:
        """That WebSocket is gone; the seat stays."""
        if self.link is link:
            self.link = None
            self.patience.socket_lost(self._now())

    async def dismiss(self, reason: str) -> None:
        """Tell the page goodbye and close its WebSocket."""
        link, self.link = self.link, None
        if link is not None:
            link.send(serialize(Bye(reason)))
            await link.close()

    def send(self, message: ServerMessage) -> None:
        """Tell the page, if it is connected."""
        if self.link is not None:
            self.link.send(serialize(message))

    def push_roster(self) -> None:
        """Send what changed of the roster, and the picture size that follows from it."""
        snapshot = self.conference.snapshot()
        people = snapshot["participants"]
        fields = (*_ROSTER_FIELDS, "network_identity") if self.is_host else _ROSTER_FIELDS
        rows = [{name: row[name] for name in fields} for row in people] if isinstance(people, list) else []
        self._send_change(
            Roster(str(snapshot["layout"]), bool(snapshot["is_locked"]), bool(snapshot["is_recording"]),
                   snapshot["record_policy"] != "off", rows, self.conference.spotlight, self._is_blocked(),
                   self._waiting(), self._calls(), self.is_host and self._dialer is not None,
                   bool(snapshot["is_disk_full"]), _whole(snapshot["recording_ends_in_min"]))
        )  # fmt: skip
        if (need := self.participant.needs.get(Kind.VIDEO)) is not None:
            self._send_change(wanted_picture(need))

    @property
    def is_host(self) -> bool:
        """Whether the page may do what hosts do."""
        return self.participant.role is Role.HOST

    def _waiting(self) -> list[dict[str, object]]:
        return [one.snapshot() for one in self._gate.waiting(self.room)] if self.is_host else []

    def _calls(self) -> list[dict[str, object]]:
        is_told = self.is_host and self._dialer is not None
        return [call.snapshot() for call in self._dialer.calls(self.room)] if is_told and self._dialer else []

    async def dial(self, target: str, role: Role) -> None:
        """A host calls somebody into the room; how it goes is in the roster, why not at once in a Problem."""
        if self._dialer is None:
            return
        try:
            await self._dialer.dial(self.room, target, self.participant.name, role)
        except DialRefused as refused:
            self.send(Problem(f"dial-{refused.outcome}"))

    def cancel_call(self, call: int) -> None:
        """A host gives up a call; one that has ended meanwhile is no mistake of the page."""
        if self._dialer is None or not self._dialer.cancel(self.room, call):
            self.push_roster()

    def decide(self, waiting: int, is_let_in: bool) -> bool:
        """A host's word about one who waits outside; False when nobody of that number does."""
        decide = self._gate.let_in if is_let_in else self._gate.turn_away
        return decide(self.room, waiting)

    def _is_blocked(self) -> bool:
        return self.is_host and any(block.room == self.room for block in self._gate.blocked())

    def unblock(self) -> None:
        """Let strangers find the room again."""
        self._gate.unblock(self.room)
        self.push_roster()

    def _send_change(self, message: Roster | Wanted) -> None:
        if self._told.get(type(message)) != message:
            self._told[type(message)] = message
            self.send(message)

    # ---- offers and answers

    def make_offer(self) -> None:
        """Send the offer that is due, if the page is connected to take it."""
        if self.link is not None and (offer := self.negotiation.next_offer()) is not None:
            self.send(offer)

    async def take_answer(self, answer: Answer) -> bool:
        """Put an answer into effect; False when it was no use."""
        result = self.negotiation.receive_answer(answer)
        if isinstance(result, Rejected):
            self.send(Problem("bad-answer", result.detail))
            return False
        if isinstance(result, Agreed):
            await self.worker.configure_leg(ConfigureLeg(self.leg.id, result.media.streams))
            self.leg.renegotiated(result.media)
            self.conference.leg_changed(self.leg.id)
        self.make_offer()
        return True

    def _floor_changed(self, holder: int) -> None:
        """Somebody else presents, or a host has ended it: the page stops its own share."""
        if self.negotiation.has_content and holder != self.participant.id:
            self.negotiation.share(False)
            self.send(ShareEnded())
            self.make_offer()

    def _pictures_allowed(self) -> None:
        self.negotiation.allow_video()
        self.make_offer()

    def switch_camera(self, is_on: bool) -> None:
        """Show a picture or a card."""
        if self.leg.is_camera_on != is_on:
            self.leg.is_camera_on = is_on
            self.conference.leg_changed(self.leg.id)

    async def restart_ice(self, min_interval_s: float, relays: Relays) -> None:
        """New credentials, those for relays too, and a new offer, at most once in `min_interval_s`."""
        now = self._now()
        if now - self.restarted_at < min_interval_s:
            self.make_offer()
            return
        self.restarted_at = now
        self.negotiation.abandon()
        opened = await self.worker.restart_ice(self.leg.id)
        self.negotiation.restart_ice(opened, relays.issue(str(self.leg.id), time.time()))
        self.make_offer()

    # ---- the worker

    def _observe(self, message: AnyMessage) -> None:
        match message:
            case LegSilent():
                self.patience.media_silent(self._now() - message.silent_s)
            case LegConnected():
                self.patience.media_heard()
            case LegStats() if any(stream.received_bitrate_bps for stream in message.streams):
                self.patience.media_heard()
            case LegFailed():
                self.has_failed = True
                self.on_failure()
            case _:
                pass


def _whole(number: object) -> int | None:
    return number if isinstance(number, int) else None


def _nothing() -> None:
    """Nobody listens yet."""
