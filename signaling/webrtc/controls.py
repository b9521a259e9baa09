"""What a seated page may ask for: a table of small handlers, with the rights checked before them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from mcu.taping import RegisterError
from signaling.webrtc import protocol
from signaling.webrtc.errors import MessageError
from signaling.webrtc.protocol import AnyPageMessage, Problem
from signaling.webrtc.seat import Seat

Handler = Callable[[Seat, Any], Awaitable[None]]

_FOR_HOSTS = (
    protocol.MuteAll, protocol.Layout, protocol.Lock, protocol.Record, protocol.Unblock, protocol.Remove,
    protocol.TakeFloor, protocol.Spotlight, protocol.SetRole, protocol.LetIn, protocol.TurnAway, protocol.Call,
    protocol.CancelCall,
)  # fmt: skip
_ABOUT_SOMEBODY = (protocol.Mute, protocol.Hand)


async def control(seat: Seat, message: AnyPageMessage) -> None:
    """Carry a message out. Raises MessageError for what may not be done or makes no sense now."""
    handler = _HANDLERS.get(type(message))
    if handler is None:
        raise MessageError("unexpected", "not while in a room")
    if isinstance(message, _FOR_HOSTS) or (isinstance(message, _ABOUT_SOMEBODY) and not _is_own(seat, message)):
        _check_host(seat)
    await handler(seat, message)


def _is_own(seat: Seat, message: protocol.Mute | protocol.Hand) -> bool:
    return message.participant in (None, seat.participant.id)


def _check_host(seat: Seat) -> None:
    if not seat.is_host:
        raise MessageError("not-allowed", "for hosts only")


async def _mute(seat: Seat, message: protocol.Mute) -> None:
    participant = seat.participant.id if message.participant is None else message.participant
    if participant not in seat.conference.participants:
        raise MessageError("unexpected", "nobody of that number is here")
    # Nobody is made to speak: a host mutes others, they unmute themselves.
    if not message.is_muted and participant != seat.participant.id:
        raise MessageError("not-allowed", "people unmute themselves")
    seat.conference.mute(participant, message.is_muted)


async def _mute_all(seat: Seat, _message: protocol.MuteAll) -> None:
    seat.conference.mute_all()


async def _layout(seat: Seat, message: protocol.Layout) -> None:
    seat.conference.set_layout(message.mode)


async def _lock(seat: Seat, message: protocol.Lock) -> None:
    seat.conference.lock(message.is_locked)


async def _record(seat: Seat, message: protocol.Record) -> None:
    if not message.is_on:
        await seat.conference.stop_recording()
        return
    try:
        await seat.conference.start_recording(seat.participant.name)
    except RegisterError as error:
        seat.send(Problem("disk-full" if error.reason == "disk-full" else "failed"))


async def _unblock(seat: Seat, _message: protocol.Unblock) -> None:
    seat.unblock()


async def _remove(seat: Seat, message: protocol.Remove) -> None:
    if message.participant == seat.participant.id or message.participant not in seat.conference.participants:
        raise MessageError("unexpected", "nobody of that number is here")
    await seat.conference.remove(message.participant)


async def _spotlight(seat: Seat, message: protocol.Spotlight) -> None:
    if message.participant and message.participant not in seat.conference.participants:
        raise MessageError("unexpected", "nobody of that number is here")
    seat.conference.set_spotlight(message.participant)


async def _set_role(seat: Seat, message: protocol.SetRole) -> None:
    # Who leads and wants to lead no more leaves that to the next host: no room loses its last one by a slip.
    if message.participant == seat.participant.id or message.participant not in seat.conference.participants:
        raise MessageError("unexpected", "nobody else of that number is here")
    seat.conference.set_role(message.participant, message.role)


async def _let_in(seat: Seat, message: protocol.LetIn) -> None:
    _decide(seat, message.waiting, is_let_in=True)


async def _turn_away(seat: Seat, message: protocol.TurnAway) -> None:
    _decide(seat, message.waiting, is_let_in=False)


def _decide(seat: Seat, waiting: int, *, is_let_in: bool) -> None:
    # Who gave up waiting a moment ago is no mistake of the page.
    if not seat.decide(waiting, is_let_in):
        seat.push_roster()


async def _call(seat: Seat, message: protocol.Call) -> None:
    await seat.dial(message.target, message.role)


async def _cancel_call(seat: Seat, message: protocol.CancelCall) -> None:
    seat.cancel_call(message.call)


async def _hand(seat: Seat, message: protocol.Hand) -> None:
    participant = seat.participant.id if message.participant is None else message.participant
    if participant not in seat.conference.participants:
        raise MessageError("unexpected", "nobody of that number is here")
    if message.is_raised and participant != seat.participant.id:
        raise MessageError("not-allowed", "people raise their own hands")
    seat.conference.raise_hand(participant, message.is_raised)


async def _camera(seat: Seat, message: protocol.Camera) -> None:
    seat.switch_camera(message.is_on)


async def _share(seat: Seat, message: protocol.Share) -> None:
    if message.is_on and not seat.conference.request_floor(seat.participant.id):
        seat.send(Problem("floor-taken"))
        return
    seat.negotiation.share(message.is_on)
    if not message.is_on:
        seat.conference.release_floor(seat.participant.id)
    seat.make_offer()


async def _take_floor(seat: Seat, _message: protocol.TakeFloor) -> None:
    seat.conference.take_floor()


_HANDLERS: dict[type[AnyPageMessage], Handler] = {
    protocol.Mute: _mute,
    protocol.MuteAll: _mute_all,
    protocol.Layout: _layout,
    protocol.Lock: _lock,
    protocol.Call: _call,
    protocol.CancelCall: _cancel_call,
    protocol.Record: _record,
    protocol.Unblock: _unblock,
    protocol.Remove: _remove,
    protocol.Spotlight: _spotlight,
    protocol.SetRole: _set_role,
    protocol.LetIn: _let_in,
    protocol.TurnAway: _turn_away,
    protocol.Hand: _hand,
    protocol.Camera: _camera,
    protocol.Share: _share,
    protocol.TakeFloor: _take_floor,
}
