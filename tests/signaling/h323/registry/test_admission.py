"""Which calls are admitted and where they go, over the real gatekeeper core."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from signaling.h323 import per
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.registry.admission import ZoneAdmission
from store.errors import Unavailable
from tests.signaling.h323.ras.terminal import OURS, Book, Site, Terminal, ip

PRIVATE = ("10.0.0.0/8",)
THERE = ip("192.0.2.20", 1720)


class Doors:
    """Refuses the sources that it is told to."""

    def __init__(self) -> None:
        self.refused: set[tuple[str, bool]] = set()

    def is_refused(self, source: str, *, is_trusted: bool = False) -> bool:
        return (source, is_trusted) in self.refused


class Office:
    """A gatekeeper with two terminals, or1 (who calls) and or2 (number 7002), and some rooms."""

    def __init__(self, *rooms: str, password: str = "") -> None:
        self.rooms, self.doors, self.sent = set(rooms), Doors(), []
        self.is_down = False
        self.looked: list[str] = []
        self.admission = ZoneAdmission(self.doors, self.is_room, frozenset({OURS, "drumtower"}), PRIVATE)
        self.admission.decide = self.decide
        changes: dict[str, Any] = {"authentication": "known"}
        self.site = Site(Book(or1=password) if password else None, **changes)
        self.site.gatekeeper._admissions._admission = self.admission
        self.caller = Terminal(self.site, "or1", "192.0.2.10", password=password)
        self.called = Terminal(self.site, "or2", "192.0.2.20")
        self.called.aliases.append(("dialledDigits", "7002"))
        self.caller.register()
        self.called.register()

    async def is_room(self, dialled: str) -> bool:
        self.looked.append(dialled)
        if self.is_down:
            raise Unavailable("gone")
        return dialled in self.rooms

    def decide(self, ticket: int, verdict: Any) -> None:
        (sent,) = self.site.gatekeeper.decide(ticket, verdict, self.site.now)
        self.sent.append(per.decode(per.Type.RAS, sent.octets))

    async def admit(self, called: str = "", **fields: Any) -> tuple[str, Any]:
        """The last word about a call, and where it may go or why not."""
        name, body = self.caller.admit(called, **fields)
        if name == "requestInProgress":
            for _ in range(5):
                await asyncio.sleep(0)
            name, body = self.sent.pop()
        return name, body.get("destCallSignalAddress") or body["rejectReason"][0]


@pytest.mark.parametrize("called", ["1001", "1001**24681357", "12##1001", "4711", ""])
async def test_rooms_unknown_numbers_and_nothing_lead_here_without_a_look(called: str) -> None:
    office = Office("1001")
    assert await office.admit(called) == ("admissionConfirm", ip(OURS, 1720))
    assert office.looked == []


@pytest.mark.parametrize("name", ["board", "nobody", "drumtower", "board@" + OURS])
async def test_names_lead_here_whether_there_is_such_a_room_or_not(name: str) -> None:
    office = Office("board")
    kind = "url-ID" if "@" in name else "h323-ID"
    assert await office.admit(destinationInfo=[(kind, name)]) == ("admissionConfirm", ip(OURS, 1720))
    assert office.looked == []


async def test_a_registered_terminal_is_called_where_it_is() -> None:
    office = Office("1001")
    assert await office.admit("7002") == ("admissionConfirm", THERE)
    assert await office.admit(destinationInfo=[("h323-ID", "OR2")], call=2) == ("admissionConfirm", THERE)


@pytest.mark.parametrize("room", ["7002", "or2"])
async def test_who_registers_the_number_of_a_room_gets_none_of_its_calls(room: str) -> None:
    office = Office(room)
    alias = ("dialledDigits", room) if room.isdigit() else ("h323-ID", room)
    assert await office.admit(destinationInfo=[alias]) == ("admissionConfirm", ip(OURS, 1720))


async def test_who_is_called_may_answer() -> None:
    office = Office()
    assert (await office.admit("7002", answerCall=True))[0] == "admissionConfirm"
    assert office.looked == []


@pytest.mark.parametrize(
    ("address", "verdict"),
    [
        (("10.1.2.3", 1720), ("admissionConfirm", ip("10.1.2.3", 1720))),
        (("203.0.113.5", 1720), ("admissionReject", "invalidPermission")),
        (("127.0.0.1", 22), ("admissionReject", "invalidPermission")),
        ((OURS, 1720), ("admissionConfirm", ip(OURS, 1720))),
    ],
)
async def test_calls_by_address_stay_within_the_networks_of_the_settings(address, verdict) -> None:
    assert await Office().admit(destCallSignalAddress=ip(*address)) == verdict


async def test_a_source_that_kept_failing_is_refused_but_for_terminals() -> None:
    office = Office()
    office.doors.refused = {("192.0.2.10", False)}
    assert await office.admit("1001") == ("admissionReject", "requestDenied")
    assert (await office.admit("7002", call=2))[0] == "admissionConfirm"
    assert office.admission.counters == {"refused-source": 1}


async def test_who_has_shown_a_secret_does_not_pay_for_strangers_at_its_address() -> None:
    office = Office(password="quiet-lantern-7")
    office.doors.refused = {("192.0.2.10", False)}
    assert (await office.admit("1001"))[0] == "admissionConfirm"


async def test_without_the_database_terminals_cannot_be_called() -> None:
    office = Office()
    office.is_down = True
    assert await office.admit("7002") == ("admissionReject", "resourceUnavailable")


async def test_no_question_is_left_behind() -> None:
    office = Office()
    assert office.caller.admit("7002")[0] == "requestInProgress"
    await office.admission.stop()
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize(
    ("kind", "text", "is_here"),
    [
        (AliasKind.DIALLED_DIGITS, "1001", True),
        (AliasKind.DIALLED_DIGITS, "1001**2468", True),
        (AliasKind.H323_ID, "4711", True),
        (AliasKind.URL_ID, "h323:1001@meet.example", True),
        (AliasKind.H323_ID, "board", False),
        (AliasKind.DIALLED_DIGITS, "**", False),
    ],
)
def test_location_tells_numbers_alone(kind: AliasKind, text: str, is_here: bool) -> None:
    """Whether there is such a room, the gate says."""

    async def nothing(_: str) -> bool:
        raise AssertionError

    admission = ZoneAdmission(Doors(), nothing, frozenset(), ())
    assert admission.locate([Alias(kind, text)]) is is_here
