"""No machine stands still where it could move: whom a state concerns is told so, whatever happens in whatever order."""

import math
import random
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from auth8021x.pae.authenticator import Authenticator
from auth8021x.pae.conversation import Ruling
from auth8021x.pae.machine import Machine, States
from auth8021x.pae.variables import Variables
from auth8021x.radius.dynamic_orders import Selector
from auth8021x.wire import eap, eapol
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.eapol import Eapol
from config.dot1x import PaeSettings
from tests.auth8021x.pae.stepping import step
from tests.auth8021x.pae.world import MAC, Radius, Supplicant, World

WALKS, STEPS = 60, 60
AWAITED_FALSE = {"eap_restart", "auth_abort"}
"""Variables that a machine waits for to become false (figures 8-8: RESTART, ABORTING); for all others it is true."""


def machines() -> tuple[dict[int, Machine[Any]], Variables]:
    made = Authenticator(PaeSettings(), 100.0, 7)
    return made._machines, made.variables


def states() -> Iterator[tuple[int, States]]:
    for name, machine in machines()[0].items():
        yield from ((name, state) for state in type(machine.state))


def mentioned(machine: type[Machine[Any]]) -> set[str]:
    """What the conditions of a machine look at."""
    functions = [machine._everywhere, *machine._exits().values()]
    found: set[str] = set()
    while functions:
        for name in functions.pop().__code__.co_names:
            known = vars(machine).get(name)
            known = known.fget if isinstance(known, property) else known
            if name not in found and callable(known):
                functions.append(known)
            found.add(name)
    return found


def changes(number: int, state: States, before: bool) -> set[str]:
    """The flags that entering a state changes."""
    known, v = machines()
    flags = [each.name for each in fields(v) if isinstance(getattr(v, each.name), bool)]
    for name in flags:
        setattr(v, name, before)
    v.eap_req_data = v.eap_resp_data = eap.request_identity(7)
    known[8]._next, known[8].ruling = eap.request_identity(7), Ruling(eap.success(7))  # type: ignore[attr-defined]
    known[number]._enter(state)
    return {name for name in flags if getattr(v, name) is not before}


@pytest.mark.parametrize(("number", "state"), list(states()))
def test_a_state_concerns_those_that_wait_for_what_it_sets(number: int, state: States):
    awaited = changes(number, state, before=False) | (changes(number, state, before=True) & AWAITED_FALSE)
    known = machines()[0]
    waiting = [name for name, each in known.items() if name != number and awaited & mentioned(type(each))]
    assert type(known[number])._concerns().get(state, 0) == sum(waiting), awaited


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each event, whoever could still move is found; what waits for the time alone may, since a timer rings."""
    run = Authenticator._run

    def checked(self: Authenticator, concerned: int) -> None:
        run(self, concerned)
        v = self.variables
        now, v.now = v.now, -math.inf
        moved = [machine for machine in self._machines.values() if step(machine)]
        assert not moved, [f"{type(machine).__name__} went on to {machine.state}" for machine in moved]
        v.now = now

    monkeypatch.setattr(Authenticator, "_run", checked)


class Walk:
    """Events that terminals, servers, lines, administrators and time bring about, at random."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        settings = {
            "quiet_period_s": chance.choice([0.5, 5]), "without_server": chance.choice(["keep", "end"]),
            "logoff": chance.choice(["honour", "confirm", "ignore"]), "start_interval_s": chance.choice([0, 3]),
            "restart_after_s": 0.5, "max_requests": chance.choice([1, 3]), "reauthenticates": chance.random() < 0.5,
            "re_auth_period_s": 7, "server_timeout_s": 4, "server_retry_s": 2,
        }  # fmt: skip
        self.radius = Radius()
        self.supplicant = Supplicant()
        self.world = World(self.radius, self.supplicant, **settings)
        self.world.up()

    def step(self) -> None:
        self.chance.choice([
            self._start, self._logoff, self._time, self._time, self._switch, self._proof, self._server, self._hold,
            self._stray, self._answers, self._disconnect, self._line,
        ])()  # fmt: skip

    def _start(self) -> None:
        self.world.start()

    def _logoff(self) -> None:
        self.world.logoff()

    def _time(self) -> None:
        self.world.run(self.chance.choice([0.1, 1, 5, 20]))

    def _switch(self) -> None:
        self.supplicant.is_on = not self.supplicant.is_on

    def _proof(self) -> None:
        self.supplicant.proof = self.chance.choice([b"good", b"bad"])

    def _server(self) -> None:
        self.radius.is_up = not self.radius.is_up

    def _hold(self) -> None:
        self.world.holds_answers = not self.world.holds_answers

    def _answers(self) -> None:
        held, self.world.held = self.world.held, []
        for each in held:
            self.world.respond(each)
        self.world.work()

    def _stray(self) -> None:
        response = Eap(eap.Code.RESPONSE, self.chance.randrange(256), Method.MD5_CHALLENGE, b"stray")
        self.world.send(Eapol(eapol.Type.EAP, response.serialize()), MAC).work()

    def _disconnect(self) -> None:
        self.world.port.disconnect(Selector(), self.world.now)
        self.world.work()

    def _line(self) -> None:
        for is_up in (False, True):
            self.world.port.carrier(is_up, self.world.now)
            self.world.work()


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("seed", range(WALKS))
def test_whoever_is_concerned_looks(seed: int):
    walk = Walk(random.Random(seed))
    for _ in range(STEPS):
        walk.step()
