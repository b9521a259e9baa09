"""The load of the server: rooms that run, callers on their way, late processes."""

from __future__ import annotations

from mcu.capacity import Allowance, Demand, newcomer
from mcu.load import Load
from tests.mcu.test_capacity import CAPACITY


class Server:
    def __init__(self, *, is_measured: bool = True) -> None:
        self.rooms: dict[str, Demand] = {}
        self.at = 0.0
        self.load = Load(lambda: self.rooms, lambda: self.at)
        self.load.capacity = CAPACITY if is_measured else None
        self.calls = 0

    def call(self, room: str = "1001", *, joins: bool = True) -> Allowance:
        self.calls += 1
        given = self.load.allowance(room, f"call-{self.calls}")
        if joins and given is not Allowance.NONE:
            self.rooms[room] = newcomer(self.rooms.get(room, Demand()), given)
            self.load.settled(f"call-{self.calls}")
        return given


def test_callers_get_less_and_less_and_none_of_those_inside_is_counted_twice() -> None:
    server = Server()
    given = [server.call(f"{1000 + number // 4}") for number in range(100)]
    assert (given[0], given[-1]) == (Allowance.FULL, Allowance.NONE)
    first = [given.index(allowance) for allowance in sorted(Allowance, reverse=True)]
    assert first == sorted(first)
    assert 0.8 * CAPACITY.cores < server.load.used() <= 0.9 * CAPACITY.cores


def test_callers_on_their_way_count_for_some_seconds() -> None:
    server = Server()
    for number in range(200):
        server.call(f"{1000 + number}", joins=False)
    assert server.call("2000", joins=False) is not Allowance.FULL
    server.at += 6
    assert server.load.used() == 0
    assert server.call("2000") is Allowance.FULL


def test_asked_again_a_call_counts_once() -> None:
    server = Server()
    for _ in range(1000):
        server.load.allowance("1001", "the-same")
    assert server.call("1001") is Allowance.FULL


def test_before_anything_is_measured_only_late_processes_count() -> None:
    server = Server(is_measured=False)
    assert {server.call(f"{number}") for number in range(100)} == {Allowance.FULL}
    for server.at in (0.0, 3.0):
        server.load.take({"video/1": {"frame_rate": 12.5}})
    assert server.call() is Allowance.SOUND
    assert server.load.gauges() == {"newcomers_get": float(Allowance.SOUND)}


def test_what_is_really_used_corrects_the_estimate() -> None:
    server = Server()
    server.rooms["1001"] = Demand(people=0, senders=newcomer(Demand(), Allowance.FULL).senders * 20)
    estimate = server.load.used()
    for server.at in range(60):
        server.load.take({"video/1": {"cpu_cores": 2 * estimate}, "net/1": {}})
    assert server.load.used() > 1.9 * estimate
    assert server.load.gauges()["load"] == round(server.load.used() / CAPACITY.cores, 4)


def test_who_is_in_gets_more_only_where_newcomers_find_room_besides() -> None:
    server = Server()
    given = [server.call(f"{1000 + number // 4}") for number in range(100)]
    rooms = {number: f"{1000 + number // 4}" for number in range(100)}
    late = given.index(Allowance.SOUND)
    assert server.load.better(rooms[late], Allowance.SOUND) is Allowance.SOUND
    assert server.load.better(rooms[0], Allowance.FULL) is Allowance.FULL, "nobody gets less"
    kept = list(server.rooms)
    raised_at = 0.0
    while server.load.better(rooms[late], Allowance.SOUND) is not Allowance.FULL:
        del server.rooms[kept.pop(0)]
        raised_at = server.load.used() / CAPACITY.cores
    assert raised_at <= CAPACITY.limits.full - 0.1


def test_nobody_gets_more_while_media_falls_behind() -> None:
    server = Server()
    for server.at in (0.0, 3.0):
        server.load.take({"video/1": {"frame_rate": 12.5}})
    assert server.load.better("1001", Allowance.SOUND) is Allowance.SOUND
    assert server.load.better("1001", Allowance.FULL) is Allowance.FULL
    server.at = 20.0
    server.load.take({"video/1": {"frame_rate": 25.0}})
    assert server.load.better("1001", Allowance.SOUND) is Allowance.FULL
