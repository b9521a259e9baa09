"""Whose Setup is passed on: that of an admitted call, from the terminal that was admitted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from signaling.h323.call import message
from signaling.h323.call import setup as setups
from signaling.h323.call.setup import Setup
from signaling.h323.q931 import MessageType
from signaling.h323.ras.registration import Registration
from signaling.h323.registry.routes import AdmittedRoutes
from signaling.h323.routing.route import Route
from tests.signaling.h323.call.peer import IDENTITY, SETUP, octets
from tests.signaling.h323.ras.terminal import Site, Terminal
from tests.signaling.h323.registry.test_admission import Doors

HERE, ELSEWHERE = ("192.0.2.10", 40_000), ("192.0.2.66", 40_000)


class Office:
    """A gatekeeper that routes, with two terminals; the first is admitted to call the second."""

    def __init__(self, account: str = "", **admission: Any) -> None:
        self.site = Site(call_model="routed")
        self.caller = Terminal(self.site, "or1", HERE[0])
        self.called = Terminal(self.site, "or2", "198.51.100.20")
        self.caller.register()
        self.called.register()
        fields = {"callIdentifier": {"guid": IDENTITY.identifier}, "conferenceID": IDENTITY.conference_id}
        fields |= {"destinationInfo": self.called.aliases} | admission
        self.caller.admit(**fields)
        self.doors = Doors()
        self.routes = AdmittedRoutes(self.doors)
        self.routes.gatekeeper = self
        self.account = account

    @property
    def has_routed(self) -> bool:
        return self.site.gatekeeper.zone.calls.has_routed

    def routed(self, call_id: bytes) -> list[tuple[Registration, Registration]]:
        """As signaling.h323.ras.server has it."""
        zone = self.site.gatekeeper.zone
        pairs = [(call.identifier, call.routed_to) for call in zone.calls.routed(call_id)]
        return [tuple(self.with_account(zone.registrations.get(one)) for one in pair) for pair in pairs]

    def with_account(self, found: Registration) -> Registration:
        return replace(found, account=self.account)


def setup(**fields: Any) -> Setup:
    return setups.parse(message.parse(octets(MessageType.SETUP, SETUP | fields, is_caller=True)))


def test_an_admitted_call_goes_where_its_admission_says() -> None:
    office = Office()
    assert office.routes.has_any
    # Whatever the Setup says of it.
    for said in (
        {},
        {"destinationAddress": [("dialledDigits", "1001")]},
        {"endpointIdentifier": office.caller.identifier},
    ):
        found = office.routes.find(setup(**said), HERE, "")
        assert isinstance(found, Route)
        assert (found.caller.identifier, found.called.identifier) == (
            office.caller.identifier,
            office.called.identifier,
        )


@pytest.mark.parametrize(
    ("remote", "said"),
    [
        (ELSEWHERE, {}),
        (HERE, {"callIdentifier": {"guid": bytes(range(1, 17))}}),
        (HERE, {"endpointIdentifier": "another"}),
    ],
)
def test_any_other_setup_is_for_ourselves(remote: Any, said: dict[str, Any]) -> None:
    body = octets(MessageType.SETUP, SETUP | said, is_caller=True)
    if "callIdentifier" in said:
        body = body.replace(IDENTITY.identifier, said["callIdentifier"]["guid"])
    assert Office().routes.find(setups.parse(message.parse(body)), remote, "") is None


def test_a_call_that_is_over_is_admitted_no_more() -> None:
    office = Office()
    gone = office.caller.of_call() | {
        "callIdentifier": {"guid": IDENTITY.identifier}, "conferenceID": IDENTITY.conference_id,
    }  # fmt: skip
    assert office.caller.ask("disengageRequest", disengageReason=("normalDrop", 0), **gone)[0] == "disengageConfirm"
    assert office.routes.find(setup(), HERE, "") is None
    assert not office.routes.has_any


def test_terminals_of_version_1_have_no_call_identifier() -> None:
    office = Office(callIdentifier={"guid": bytes(16)}, callReferenceValue=IDENTITY.reference)
    assert isinstance(office.routes.find(setup(), HERE, ""), Route)


@pytest.mark.parametrize(("account", "is_routed"), [("or1", True), ("", True), ("or2", False)])
def test_nobody_else_may_have_signed_it(account: str, is_routed: bool) -> None:
    office = Office("or1")
    found = office.routes.find(setup(), HERE, account)
    assert isinstance(found, Route) if is_routed else found == "securityDenied"
    assert office.routes.counters["routed-signed-by-another"] == (0 if is_routed else 1)


@pytest.mark.parametrize(("account", "is_routed"), [("or1", True), ("", False)])
def test_the_gate_is_asked(account: str, is_routed: bool) -> None:
    """A source that failed so often that it is refused; who has shown a secret does not pay for others there."""
    office = Office(account)
    office.doors.refused = {(HERE[0], False)}
    found = office.routes.find(setup(), HERE, "")
    assert isinstance(found, Route) if is_routed else found == "securityDenied"


def test_before_the_gatekeeper_runs_nothing_is_routed() -> None:
    routes = AdmittedRoutes(Doors())
    assert not routes.has_any
    assert routes.find(setup(), HERE, "") is None
