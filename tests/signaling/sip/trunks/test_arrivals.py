"""Which incoming calls come by a trunk."""

from __future__ import annotations

import pytest

from config.gate import GateSettings
from config.trunks import TrunkSettings
from crypto.secret import Secret
from signaling.errors import SipError
from signaling.sip.authentication.authenticator import Authenticator
from signaling.sip.authentication.digest import Credentials
from signaling.sip.authentication.nonces import Nonces
from signaling.sip.registry.identity import Challenge
from signaling.sip.transactions.transaction import Flow
from signaling.sip.trunks.arrivals import Arrivals
from signaling.sip.trunks.trunk import Arrival, Trunks
from signaling.sip.wire.message import Headers, Request, Response
from signaling.tries import SourceTries

SETTINGS = (
    TrunkSettings(name="fixed", hosts=("10.0.0.9",), numbers={"5551001": "1001"}, other_numbers="refuse"),
    TrunkSettings(
        name="roaming", hosts=("gw.example",), user="hospital", realm="pbx", inbound_digest=True, other_numbers="room"
    ),
)  # fmt: skip


@pytest.fixture
def arrivals() -> Arrivals:
    def authenticator(realm, secrets) -> Authenticator:
        nonces = Nonces(b"k" * 32, 0.0, lifetime_s=300, max_used=100)
        return Authenticator(realm, ("SHA-256", "MD5"), secrets, nonces, SourceTries(GateSettings()), b"d" * 32)

    return Arrivals(Trunks(SETTINGS, {"roaming": Secret("amber-signal")}), authenticator, lambda: 1.0)


def flow(host: str) -> Flow:
    return Flow("udp", ("10.0.0.1", 5060), (host, 5060))


def invite(user: str, origin: str = "x") -> Request:
    fields = [("From", f"<sip:{origin}@h>;tag=1"), ("To", "<sip:y@h>"), ("Via", "SIP/2.0/UDP h;branch=z9hG4bK1")]
    return Request("INVITE", f"sip:{user}@10.0.0.1", Headers(fields))


def test_known_by_its_address(arrivals):
    assert arrivals.find(invite("5551001"), flow("10.0.0.9")) == Arrival("fixed", "1001")
    assert arrivals.find(invite("5551001"), flow("10.0.0.8")) is None


def test_a_number_that_leads_nowhere(arrivals):
    with pytest.raises(SipError, match="404"):
        arrivals.find(invite("5559999"), flow("10.0.0.9"))


def answered(arrivals: Arrivals, request: Request, secret: str) -> object:
    asked = arrivals.find(request, flow("192.0.2.1"))
    assert isinstance(asked, Challenge)
    assert asked.status == 401
    response = Response(401, "", Headers(list(asked.headers)))
    header = Credentials("hospital", Secret(secret)).authorize("pbx")(response, request)
    request.headers.set(*header)
    return arrivals.find(request, flow("192.0.2.1"))


def test_proven_by_digest(arrivals):
    assert answered(arrivals, invite("2002", "hospital"), "amber-signal") == Arrival("roaming", "2002", is_proven=True)


def test_a_wrong_secret_is_asked_again(arrivals):
    assert isinstance(answered(arrivals, invite("2002", "hospital"), "wrong-signal"), Challenge)


def test_others_from_elsewhere_are_strangers(arrivals):
    assert arrivals.find(invite("2002", "somebody"), flow("192.0.2.1")) is None
