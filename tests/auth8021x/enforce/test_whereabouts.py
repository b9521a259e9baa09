"""A MAC address at two ports: who has proved more is in; who is known as well is in where it was seen last."""

import logging

import pytest

from auth8021x.enforce.plan import Openings
from auth8021x.enforce.together import Together
from auth8021x.enforce.whereabouts import Whereabouts
from auth8021x.pae.grant import By, Grant
from auth8021x.wire.dictionary import TerminateCause
from tests.auth8021x.enforce.world import ONE, grant, openings


class Closing:
    """The ports, as enforcement has them."""

    def __init__(self) -> None:
        self.openings: Openings = openings()

    def admit(self, port: str, mac: bytes, grant: Grant, session: str) -> None:
        self.openings.admit(port, mac, grant)

    def expel(self, port: str, mac: bytes, session: str, cause: TerminateCause) -> None:
        self.openings.expel(port, mac)

    @property
    def inside(self) -> list[str]:
        return [port.name for port in self.openings.plan() if ONE in port.terminals]


@pytest.mark.parametrize(
    ("first", "second", "inside"),
    [
        (By.EAP, By.GUEST, ["p1"]),
        (By.EAP, By.BYPASS, ["p1"]),
        (By.BYPASS, By.GUEST, ["p1"]),
        (By.EAP, By.EAP, ["p2"]),
        (By.GUEST, By.GUEST, ["p2"]),
        (By.GUEST, By.EAP, ["p2"]),
    ],
)
def test_who_is_known_less_well_takes_nobodys_place(first: By, second: By, inside: list[str]):
    closing, whereabouts = Closing(), Whereabouts()
    both = Together(whereabouts, closing)
    both.admit("p1", ONE, grant(by=first), "s1")
    both.admit("p2", ONE, grant(by=second), "s2")
    assert closing.inside == inside
    assert whereabouts.counters["impostor"] == (inside == ["p1"])


def test_at_its_own_port_it_may_be_let_in_by_less():
    closing, whereabouts = Closing(), Whereabouts()
    both = Together(whereabouts, closing)
    both.admit("p1", ONE, grant(), "s1")
    both.admit("p1", ONE, grant(by=By.GUEST), "s2")
    both.admit("p2", ONE, grant(by=By.BYPASS), "s3")
    assert closing.inside == ["p2"]


def test_an_impostor_that_goes_takes_nobody_with_it(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING)
    closing, whereabouts = Closing(), Whereabouts()
    both = Together(whereabouts, closing)
    both.admit("p1", ONE, grant(), "s1")
    both.admit("p2", ONE, grant(by=By.GUEST), "s2")
    assert "port=p2 mac=02:00:00:aa:00:01 session=s2 kept out" in caplog.text
    both.expel("p2", ONE, "s2", TerminateCause.USER_REQUEST)
    assert (closing.inside, ONE in whereabouts) == (["p1"], True)
    both.expel("p1", ONE, "s1", TerminateCause.USER_REQUEST)
    both.admit("p2", ONE, grant(by=By.GUEST), "s3")
    assert closing.inside == ["p2"], "nobody is there any more"
