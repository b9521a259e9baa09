"""Whom a target means and whether it may be called."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from config.dialing import DialingSettings
from config.trunks import TrunkSettings
from crypto.secret import Secret
from signaling.callable_hosts import may_call
from signaling.placed import DialRefused, Outcome
from signaling.sip.dialling.out_plan import SipDials, World, trunk_authorize
from signaling.sip.registry.binding import Binding
from signaling.sip.transactions.transaction import Flow
from signaling.sip.trunks.trunk import Trunk, Trunks
from signaling.sip.wire.message import Headers, Request, Response

HOME = "10.0.0.1"


class Agent:
    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.local_addresses = [(HOME, 5060)]
        self.addresses = {"friends.example": "10.0.0.66", "gw.example": "10.0.0.8", "fd00:0::8": "fd00::8"}

    async def flow_to(self, uri, route=()) -> Flow:
        return Flow("udp", (HOME, 5060), (self.addresses.get(uri.host, uri.host), 5060))

    def now(self) -> float:
        return 0.0


def binding(alias: str, host: str, local: str = HOME, transport: str = "udp") -> Binding:
    flow = Flow(transport, (local, 5060), (host, 5060), 3)
    return Binding(alias, f"sip:{alias}@{host}", flow, ("<sip:p;lr>",), True, "", 0, 1.0, "c", 1, 0.0, 0.0, 9e9, "")


TRUNKS = (
    TrunkSettings(
        name="pstn", hosts=("10.0.0.9", "gw.example"), allowed=(r"0\d+",), user="u", realm="r", caller_id="07551000"
    ),
)


def dials(*bindings: Binding, **settings: Any) -> SipDials:
    registered = SimpleNamespace(contacts=lambda alias: [one for one in bindings if one.alias == alias])
    names = SimpleNamespace(name_of=lambda alias: {"ward-3": "Ward 3", "2001": "Cart"}.get(alias))
    trunks = Trunks(TRUNKS, {"pstn": Secret("s3cret")})
    world = World(
        DialingSettings(**settings), Agent(), SimpleNamespace(), registered, names, trunks, {"hospital.example", HOME}
    )
    return SipDials(world)


def addresses(plan) -> list[list[str]]:
    return [[branch.uri for branch in group] for group in plan.groups]


def test_all_devices_of_a_terminal_at_once_over_their_own_flows():
    plan = dials(binding("ward-3", "10.0.0.3"), binding("ward-3", "10.0.0.4")).plan("Ward-3")
    assert (plan.name, plan.address) == ("Ward 3", "10.0.0.3")
    assert addresses(plan) == [["sip:ward-3@10.0.0.3", "sip:ward-3@10.0.0.4"]]
    branch = plan.groups[0][0]
    assert (branch.flow.connection, branch.route) == (3, ("<sip:p;lr>",))


def test_devices_on_another_address_of_ours_are_a_group_of_their_own():
    there = binding("ward-3", "10.9.0.4", "10.9.0.1")
    secure = binding("ward-3", "10.0.0.5", transport="tls")
    plan = dials(binding("ward-3", "10.0.0.3"), there, secure).plan("ward-3")
    assert [len(group) for group in plan.groups] == [1, 1, 1]


def test_devices_are_bounded():
    made = dials(*(binding("ward-3", f"10.0.0.{last}") for last in range(2, 8)), max_forks=2)
    assert sum(map(len, made.plan("ward-3").groups)) == 2


@pytest.mark.parametrize(
    "target", ["sip:ward-3@hospital.example", f"sip:ward-3@{HOME}", "sips:WARD-3@hospital.example"]
)
def test_our_own_addresses_mean_terminals(target):
    assert addresses(dials(binding("ward-3", "10.0.0.3")).plan(target)) == [["sip:ward-3@10.0.0.3"]]


def test_a_terminal_that_is_called_like_a_number_is_a_terminal():
    assert addresses(dials(binding("2001", "10.0.0.3")).plan("2001")) == [["sip:2001@10.0.0.3"]]


def test_a_number_leaves_by_its_trunk_one_host_after_the_other():
    plan = dials().plan("0755-123")
    assert plan.trunk.name == "pstn"
    assert addresses(plan) == [["sip:0755123@10.0.0.9"], ["sip:0755123@gw.example"]]


@pytest.mark.parametrize("target", ["sip:0755123@10.0.0.9", "sip:0755123@GW.example:5080"])
def test_an_address_at_a_trunk_is_a_number_of_it(target):
    assert dials(networks=("10.0.0.0/8",)).plan(target).trunk.name == "pstn"


@pytest.mark.parametrize(
    ("target", "outcome"),
    [
        ("+1 900 555", Outcome.NOT_ALLOWED),
        ("sip:900@10.0.0.9", Outcome.NOT_ALLOWED),
        ("sip:900@gw.example", Outcome.NOT_ALLOWED),
        ("sip:x@192.0.2.1", Outcome.NOT_ALLOWED),
        ("sip:x@127.0.0.1", Outcome.NOT_ALLOWED),
        ("sip:x@elsewhere.example", Outcome.NOT_ALLOWED),
        ("ward-3", Outcome.NOT_REGISTERED),
        (f"sip:1001@{HOME}", Outcome.UNKNOWN_TARGET),
        ("sip:", Outcome.UNKNOWN_TARGET),
        ("sip:x@10.0.0.3;transport=sctp", Outcome.UNKNOWN_TARGET),
    ],
)
def test_what_may_not_be_called(target, outcome):
    made = dials()
    with pytest.raises(DialRefused) as refused:
        made.plan(target)
    assert refused.value.outcome is outcome


def test_what_means_nothing_is_left_to_others():
    assert dials().plan("h323:x") is None


def test_what_an_address_carries_along_is_left_out():
    plan = dials().plan("sip:x:secret@10.0.0.3:5070;transport=TCP;method=REFER;lr?Route=%3Csip:y%3E")
    assert addresses(plan) == [["sip:x@10.0.0.3:5070;transport=tcp"]]


@pytest.mark.parametrize("user", ["1001**2468", "1001%2A%2A2468", "1001**"])
def test_the_passcode_of_a_room_elsewhere_is_nobodys_name(user):
    plan = dials().plan(f"sip:{user}@10.0.0.3")
    assert plan.name == "1001"
    assert "2468" in addresses(plan)[0][0] or user == "1001**"


async def test_a_name_that_leads_to_a_trunk_goes_not_round_its_rules():
    made = dials(domains=("friends.example",))
    plan = made.plan("sip:900@friends.example")
    made._world.agent.addresses["friends.example"] = "10.0.0.9"
    with pytest.raises(DialRefused, match="not-allowed"):
        await plan._flow(plan.groups[0][0])


@pytest.mark.parametrize("target", ["sip:900@10.0.0.8", "sip:900@10.0.0.8:5080;transport=tcp", "sip:900@[fd00:0::8]"])
async def test_the_address_of_a_trunk_that_has_a_name_goes_not_round_its_rules(target):
    made = dials()
    made._world.agent.addresses["gw.example"] = "fd00::8" if "fd00" in target else "10.0.0.8"
    with pytest.raises(DialRefused, match="not-allowed"):
        plan = made.plan(target)
        await plan._flow(plan.groups[0][0])


@pytest.mark.parametrize(
    ("contact", "uri"),
    [
        ("<sip:y@10.0.0.70>;q=0.5", "sip:y@10.0.0.70"),
        ("<sip:y@192.0.2.70>", None),
        ("<sip:0900@10.0.0.9>", None),
        (f"<sip:1001@{HOME}>", None),
        ("<mailto:y@10.0.0.70>", None),
        ("<<<", None),
    ],
)
async def test_redirections_lead_only_where_one_might_have_called(contact, uri):
    branch = await dials().plan("sip:x@10.0.0.3")._redirected(contact)
    assert (branch.uri if branch else None) == uri


async def test_a_trunk_does_not_send_its_calls_elsewhere():
    assert await dials().plan("0755123")._redirected("<sip:y@10.0.0.70>") is None


@pytest.mark.parametrize(
    ("host", "may"),
    [("a.friends.example", True), ("friends.example", True), ("notfriends.example", False), ("10.1.2.3", True),
     ("fd00::1", True), ("8.8.8.8", False), ("", False)],
)  # fmt: skip
def test_networks_and_domains(host, may):
    assert may_call(host, DialingSettings(domains=("friends.example",))) is may


def challenged(realm: str) -> Response:
    value = f'Digest realm="{realm}", nonce="n", algorithm=MD5, qop="auth"'
    return Response(401, "", Headers([("WWW-Authenticate", value)]))


def test_only_the_realm_of_the_trunk_is_answered():
    counters: Counter[str] = Counter()
    authorize = trunk_authorize(Trunk(TRUNKS[0], Secret("s3cret")), counters)
    request = Request("REGISTER", "sip:r", Headers())
    assert authorize(challenged("other"), request) is None
    assert counters == {"trunk-foreign-realm": 1}
    name, value = authorize(challenged("r"), request)
    assert name == "Authorization"
    assert "s3cret" not in value
    request.headers.set(name, value)
    assert authorize(challenged("r"), request) is None
    assert counters["trunk-secret-refused"] == 1
    assert trunk_authorize(Trunk(TRUNKS[0]), counters) is None
