"""Hosts on the join page call others into their room."""

from __future__ import annotations

from dataclasses import replace

from mcu.participant import Role
from signaling.placed import CallState, DialRefused, Outcome, PlacedCall
from signaling.webrtc.seats import Seats
from tests.signaling.webrtc.test_session import House, until


class Dialer:
    def __init__(self) -> None:
        self.placed: dict[int, PlacedCall] = {}
        self.observers = []

    async def dial(self, room: str, target: str, by: str, role: Role) -> int:
        if target == "forbidden":
            raise DialRefused(Outcome.NOT_ALLOWED)
        self.placed[7] = PlacedCall(7, room, target, role, by, CallState.RINGING)
        self.tell()
        return 7

    def cancel(self, room: str, leg: int) -> bool:
        found = self.placed.pop(leg, None)
        if found is not None:
            for told in self.observers:
                told(found)
        return found is not None

    def calls(self, room: str) -> list[PlacedCall]:
        return [call for call in self.placed.values() if call.room == room]

    def observe(self, callback):
        self.observers.append(callback)
        return lambda: self.observers.remove(callback)

    def tell(self) -> None:
        for told in list(self.observers):
            told(self.placed[7])


async def test_hosts_call_see_it_ring_and_give_up():
    house = House()
    dialer = Dialer()
    house.services = replace(house.services, dialer=dialer)
    house.seats = Seats(house.services)
    async with house.open():
        host, guest = await house.join("1357", "Host"), await house.join("2468", "Guest")
        assert (host.of("roster")[-1]["can_call"], guest.of("roster")[-1]["can_call"]) == (True, False)
        guest.say("call", target="ward-3")
        assert (await guest.expect("problem"))["code"] == "not-allowed"
        host.say("call", target="forbidden")
        assert (await host.expect("problem"))["code"] == "dial-not-allowed"
        host.say("call", target="ward-3", role="host")
        await until(lambda: host.of("roster")[-1]["calls"])
        assert host.of("roster")[-1]["calls"] == [
            {"id": 7, "target": "ward-3", "role": "host", "by": "Host", "state": "ringing", "outcome": ""}
        ]
        assert not any(roster["calls"] for roster in guest.of("roster"))
        guest.say("cancel-call", call=7)
        host.say("cancel-call", call=7)
        host.say("cancel-call", call=99)
        await until(lambda: host.of("roster")[-1]["calls"] == [])
        assert dialer.placed == {}
    assert dialer.observers == []


async def test_without_a_dialer_nothing_is_offered():
    async with House().open() as house:
        host = await house.join("1357", "Host")
        assert host.of("roster")[-1]["can_call"] is False
        host.say("call", target="ward-3")
        host.say("cancel-call", call=1)
        host.say("ping", id=5)
        await host.expect("pong")
