"""A call is a terminal's by a signature alone: under its Setup, or under the admission of this very call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signaling.h323.calls.services import Identity
from signaling.h323.ras.calls import AdmittedCall
from signaling.h323.registry.callers import Callers
from tests.signaling.h323.registry.test_accounts import registration

HERE, ELSEWHERE = ("192.0.2.10", 5000), ("192.0.2.66", 5000)
CALL = bytes(range(16))
ADMITTED = AdmittedCall("e1", CALL, bytes(16), 1, False, 0, 1.0, 1.0)


class Names:
    """Display names of enabled terminals."""

    def name_of(self, alias: str) -> str | None:
        return {"ward-3": "Ward 3"}.get(alias)


def callers(account: str = "ward-3", call: AdmittedCall = ADMITTED) -> Callers:
    known = {("e1", CALL): (registration(account, "ward-3"), call)}
    return Callers(Names(), lambda identifier, call_id: known.get((identifier, call_id)))


@pytest.mark.parametrize(("account", "found"), [("ward-3", Identity("ward-3", "Ward 3")), ("removed", None)])
def test_who_signed_the_setup(account: str, found: Identity | None) -> None:
    assert callers().identify(account, ELSEWHERE, "", bytes(16)) == found


def test_a_signed_admission_holds_for_one_setup_of_its_call() -> None:
    known = callers()
    assert known.identify("", HERE, "e1", CALL) == Identity("ward-3", "Ward 3")
    assert known.identify("", HERE, "e1", CALL) is None


@pytest.mark.parametrize(
    ("remote", "identifier", "call_id"),
    [(ELSEWHERE, "e1", CALL), (HERE, "e2", CALL), (HERE, "", CALL), (HERE, "e1", bytes(16))],
)
def test_what_a_stranger_knows_proves_nothing(remote, identifier: str, call_id: bytes) -> None:
    assert callers().identify("", remote, identifier, call_id) is None


@pytest.mark.parametrize(
    ("account", "call"), [("", ADMITTED), ("removed", ADMITTED), ("ward-3", replace(ADMITTED, is_answer=True))]
)
def test_admissions_that_name_nobody(account: str, call: AdmittedCall) -> None:
    assert callers(account, call).identify("", HERE, "e1", CALL) is None
