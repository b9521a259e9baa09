"""A port with terminals, a server and a clock: who gets in, who stays, who is told, and what a flood costs."""

import random

import pytest

from auth8021x.pae.conversation import Conversation
from auth8021x.pae.grant import By
from auth8021x.radius import exchange
from auth8021x.radius.dynamic_orders import Change, Kind, Order, Selector
from auth8021x.wire import attribute, eap, eapol, packet
from auth8021x.wire.dictionary import AcctStatusType, Code, ErrorCause, ServiceType, TerminateCause, Type
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.eapol import PAE_GROUP_ADDRESS, Eapol, Frame
from tests.auth8021x.pae.world import MAC, OTHER, OURS, Radius, Supplicant, World, reply
from tests.fuzz.mutator import mutate

FAILURE, SUCCESS, REQUEST = eap.Code.FAILURE, eap.Code.SUCCESS, eap.Code.REQUEST
START, STOP, UPDATE = AcctStatusType.START, AcctStatusType.STOP, AcctStatusType.INTERIM_UPDATE


def timeout(seconds: int, action: int = 0):
    return attribute.number(Type.SESSION_TIMEOUT, seconds), attribute.number(Type.TERMINATION_ACTION, action)


def inside(*supplicants: Supplicant, server: Radius | None = None, **settings: object) -> World:
    world = World(server or Radius(), *(supplicants or (Supplicant(),)), **settings).up()
    assert world.inside, "it got in"
    return world


# ---- in and out


def test_who_is_asked_when_the_line_comes_up_is_in_at_once():
    world = World(Radius(), Supplicant()).up()
    assert world.history == [(1000, "in", MAC)]
    assert world.inside[MAC].identity == "vt1"
    assert [(to, packet.code, packet.type) for _, to, packet in world.heard] == [
        (PAE_GROUP_ADDRESS, REQUEST, Method.IDENTITY), (MAC, REQUEST, Method.MD5_CHALLENGE), (MAC, SUCCESS, 0),
    ]  # fmt: skip
    assert world.accounted() == [(START, None)]


def test_what_the_server_is_told():
    world = inside()
    request = world.asked[0][1].request
    attributes = packet.parse(exchange.build(request, 1, bytes(16), b"secret")).attributes
    numbers = {kind: attribute.first_number(attributes, kind) for kind in (Type.NAS_PORT, Type.NAS_PORT_TYPE)}
    assert numbers == {Type.NAS_PORT: 3, Type.NAS_PORT_TYPE: 15}
    texts = {
        kind: attribute.first_text(attributes, kind)
        for kind in (Type.USER_NAME, Type.NAS_IDENTIFIER, Type.NAS_PORT_ID, Type.CALLING_STATION_ID)
    }
    assert list(texts.values()) == ["vt1", "ward", "p1", "02-00-00-AA-00-01"]
    assert attribute.first_number(attributes, Type.SERVICE_TYPE) == ServiceType.FRAMED
    assert request.password is None


def test_who_says_start_later_gets_in():
    world = World(Radius()).up().run(60)
    assert world.told(REQUEST, PAE_GROUP_ADDRESS) == [1000, 1003, 1006]
    world.supplicants.append(Supplicant())
    assert MAC in world.start().inside


def test_a_wrong_proof_keeps_out_and_is_held_for_the_quiet_period():
    world = World(Radius(), Supplicant(proof=b"bad"), quiet_period_s=0.5).up()
    assert world.inside == {}
    assert world.told(FAILURE) == [1000]
    assert world.accounted() == []
    world.start().run(0.4)
    assert len(world.told(FAILURE)) == 1, "nothing is asked while it is held"
    world.supplicants[0].proof = b"good"
    world.run(0.2)
    assert world.history == [(1000.5, "in", MAC)]


def test_two_terminals_on_one_port_do_not_vouch_for_each_other():
    world = World(Radius(), Supplicant(), Supplicant(OTHER, b"bad"), quiet_period_s=1).up()
    assert set(world.inside) == {MAC}


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (lambda request: reply(Code.ACCESS_ACCEPT, eap.success(9)), "accept-without-method"),
        (lambda request: reply(Code.ACCESS_ACCEPT, None), "accept-without-eap"),
        (lambda request: reply(Code.ACCESS_ACCEPT, eap.failure(9)), "accept-without-success"),
        (lambda request: reply(Code.ACCESS_REJECT, None), "rejected"),
        (lambda request: reply(Code.ACCESS_CHALLENGE, None), "challenge-without-request"),
    ],
)
def test_odd_answers_right_after_identity_open_nothing(odd, reason: str):
    world = World(odd, Supplicant()).up()
    assert world.inside == {}
    assert world.told(FAILURE) == [1000]
    assert world.port.counters[reason] == 1


def test_a_line_that_goes_down_ends_all_and_nobody_is_told():
    world = inside(Supplicant(), Supplicant(OTHER), guest="all", guest_network="guests")
    world.port.carrier(False, world.now + 5)
    world.work()
    assert world.inside == {}
    assert world.causes == [TerminateCause.LOST_CARRIER] * 2
    assert world.told(FAILURE) == []
    assert world.accounted()[2:] == [(STOP, 2), (STOP, 2)]
    assert world.port.next_timeout() is None
    assert world.port.terminals == {}
    world.start()
    assert world.port.terminals == {}, "frames that were on their way open nothing"


# ---- time


def test_session_timeout_alone_ends_the_session_and_the_supplicant_is_told():
    world = inside(server=Radius(timeout(8)))
    world.supplicants[0].is_on = False
    world.run(7.9)
    assert MAC in world.inside
    world.run(0.2)
    assert world.history == [(1000, "in", MAC), (1008, "out", MAC)]
    assert world.told(FAILURE) == [1008]
    assert world.causes == [TerminateCause.SESSION_TIMEOUT]
    assert world.accounted() == [(START, None), (STOP, 5)]


def test_a_supplicant_that_is_told_of_the_end_gets_in_anew():
    world = inside(server=Radius(timeout(8))).run(20)
    assert world.history == [
        (1000, "in", MAC), (1008, "out", MAC), (1008, "in", MAC), (1016, "out", MAC), (1016, "in", MAC),
    ]  # fmt: skip


def test_reauthentication_loses_nothing():
    """faucet 3677: there Session-Timeout logged the terminal off while it was asked again."""
    world = inside(server=Radius(timeout(8, 1))).run(100)
    assert [what for _, what, _ in world.history].count("out") == 0
    assert [at for at, what, _ in world.history if what == "moved"] == [1008 + 8 * number for number in range(12)]
    assert world.told(FAILURE) == []
    assert world.accounted() == [(START, None)]


def test_reauthentication_under_every_identifier():
    """faucet 3098: there it failed when its identifier was 0."""
    world = inside(server=Radius(timeout(1, 1))).run(600)
    asked = {packet.identifier for _, to, packet in world.heard if to == MAC and packet.type == Method.IDENTITY}
    assert 0 in asked
    assert len(asked) == 256
    assert [what for _, what, _ in world.history].count("out") == 0
    assert world.told(FAILURE) == []


def test_a_supplicant_that_fails_reauthentication_is_out():
    """faucet 2653: there the port stayed open after a failure."""
    world = inside(server=Radius(timeout(8, 1)), quiet_period_s=60)
    world.supplicants[0].proof = b"bad"
    world.run(9)
    assert world.inside == {}
    assert world.causes == [TerminateCause.REAUTHENTICATION_FAILURE]
    assert world.told(FAILURE) == [1008]


def test_a_supplicant_that_is_gone_is_out_when_it_does_not_answer_again():
    world = inside(server=Radius(timeout(8, 1)), request_timeout_s=3, max_requests=4, re_auth_max=2)
    world.supplicants[0].is_on = False
    world.run(8 + 23.9)
    assert MAC in world.inside
    world.run(0.2)
    assert world.history[-1] == (1008 + 24, "out", MAC)
    assert world.causes == [TerminateCause.REAUTHENTICATION_FAILURE]
    assert world.told(FAILURE) == [1032]


def test_one_that_falls_silent_in_the_middle_is_told():
    world = World(Radius(), request_timeout_s=3, max_requests=4).up()
    world.holds_answers = True
    world.supplicants.append(Supplicant())
    world.start()
    world.supplicants[0].is_on = False
    world.respond(world.held.pop())
    world.work().run(12)
    assert len([packet for _, to, packet in world.heard if to == MAC and packet.type == Method.MD5_CHALLENGE]) == 4
    assert world.told(FAILURE) == [1012]


def test_interim_updates_are_sent_as_often_as_asked_for_with_a_bound():
    world = inside(server=Radius((attribute.number(Type.ACCT_INTERIM_INTERVAL, 5),)), min_interim_s=60).run(185)
    assert [(at, each.status) for at, each in world.accounts] == [
        (1000, START), (1060, UPDATE), (1120, UPDATE), (1180, UPDATE),
    ]  # fmt: skip
    assert attribute.first_number(world.accounts[-1][1].attributes, Type.ACCT_SESSION_TIME) == 180


# ---- servers


def test_without_a_server_nobody_gets_in_and_all_are_told():
    world = World(Radius(is_up=False), Supplicant(), quiet_period_s=1).up().run(30)
    assert world.inside == {}
    assert len(world.told(FAILURE)) >= 1
    assert len(world.asked) < 200


def test_a_session_ends_while_no_server_answers():
    radius = Radius(timeout(8, 1))
    world = inside(server=radius, without_server="end")
    radius.is_up = False
    world.run(20)
    assert world.inside == {}
    assert world.causes == [TerminateCause.REAUTHENTICATION_FAILURE]


def test_a_session_is_kept_while_no_server_answers():
    radius = Radius(timeout(8, 1))
    world = inside(server=radius, without_server="keep", server_retry_s=60)
    radius.is_up = False
    world.run(200)
    assert MAC in world.inside
    assert world.told(FAILURE) == []
    assert [at for at, _ in world.asked][2:] == [1008, 1068, 1128, 1188]
    radius.is_up = True
    world.run(60)
    assert world.history[-1] == (1256, "moved", MAC)
    world.supplicants[0].proof = b"bad"
    world.run(60)
    assert world.inside == {}, "a refusal counts as ever"


def test_who_is_not_in_does_not_get_in_while_no_server_answers():
    world = World(Radius(is_up=False), Supplicant(), without_server="keep").up().run(30)
    assert world.inside == {}


def test_an_answer_that_comes_too_late_changes_nothing():
    world = World(Radius(), server_timeout_s=30, max_requests=2, re_auth_max=1).up()
    world.holds_answers = True
    world.supplicants.append(Supplicant())
    world.start()
    late = world.held.pop()
    world.run(31)
    world.respond(late)
    assert world.port.counters["late-answer"] + world.port.counters["ruling-unexpected"] >= 1
    assert world.inside == {}


# ---- Start and Logoff prove nothing


def test_a_start_flood_in_the_victims_name_neither_throws_it_out_nor_floods_the_server():
    world = inside(start_interval_s=10)
    asked = len(world.asked)
    for _ in range(8000):
        world.start()
        world.run(0.001)
    assert [what for _, what, _ in world.history].count("out") == 0
    assert len(world.asked) - asked <= 2
    assert world.told(FAILURE) == []


def test_a_start_flood_during_the_authentication_does_not_stop_it():
    world = World(Radius()).up()
    world.holds_answers = True
    world.supplicants.append(Supplicant())
    world.start()
    for _ in range(2):
        for _ in range(500):
            world.start()
            world.run(0.001)
        world.respond(world.held.pop())
        world.work()
    assert MAC in world.inside
    assert len(world.asked) == 2


def test_a_supplicant_that_started_anew_is_asked_again_when_the_interval_is_over():
    world = inside(start_interval_s=10)
    world.run(4).start()
    assert len(world.asked) == 2
    world.run(6.1)
    assert [at for at, _ in world.asked][2:] == [1010, 1010]
    assert world.history == [(1000, "in", MAC), (1010, "moved", MAC)]


def test_a_supplicant_that_started_anew_in_the_middle_need_not_wait_for_all_repetitions():
    world = World(Radius(), restart_after_s=1).up()
    world.supplicants.append(Supplicant(is_on=False))
    world.start().run(0.5).start()
    assert len(world.told(REQUEST)) == 1
    world.run(0.6)
    world.supplicants[0].is_on = True
    world.start()
    assert world.history == [(pytest.approx(1001.1), "in", MAC)]


@pytest.mark.parametrize(
    ("policy", "answers", "history"),
    [
        ("honour", False, ["in", "out"]),
        ("ignore", True, ["in"]),
        ("confirm", True, ["in", "moved"]),
        ("confirm", False, ["in", "out"]),
    ],
)
def test_logoff_by_policy(policy: str, answers: bool, history: list[str]):
    world = inside(logoff=policy, start_interval_s=0)
    world.supplicants[0].is_on = answers
    world.logoff().run(60)
    assert [what for _, what, _ in world.history] == history
    if policy == "honour":
        assert world.history[1][0] == 1000
        assert world.causes == [TerminateCause.USER_REQUEST]
        assert world.accounted()[-1] == (STOP, 1)
        assert world.told(FAILURE) == [1000]


def test_addresses_that_somebody_invents_are_bounded():
    world = inside(max_supplicants_per_port=4, new_supplicants_per_s=5)
    for number in range(2000):
        world.start(b"\2\0\0\0" + number.to_bytes(2, "big"))
        world.run(0.001)
    assert len(world.port.terminals) == 4
    assert MAC in world.inside
    assert world.port.counters["too-many-terminals"] > 1900
    assert len(world.heard) < 200


# ---- terminals that speak no EAP


def bypassing(**settings: object) -> World:
    world = World(Radius(timeout(600, 1), {"020000aa0001"}), bypass="silent", **settings).up()
    world.port.seen(MAC, world.now)
    return world.work()


def test_a_silent_terminal_is_looked_up_by_its_address_as_call_check():
    world = bypassing(request_timeout_s=1, max_requests=2, re_auth_max=2).run(10)
    assert world.inside[MAC].by is By.BYPASS
    request = world.asked[-1][1].request
    assert attribute.first_number(request.attributes, Type.SERVICE_TYPE) == ServiceType.CALL_CHECK
    assert attribute.first(request.attributes, Type.EAP_MESSAGE) is None
    assert request.password == b"020000aa0001"
    assert world.accounted() == [(START, None)]
    world.run(1200)
    assert len(world.asked) > 1, "it is renewed"
    assert [what for _, what, _ in world.history] == ["in"], "and loses nothing by it"


def test_without_the_policy_nobody_is_looked_up():
    world = World(Radius((), {"020000aa0001"})).up()
    world.port.seen(MAC, world.now)
    world.work().run(120)
    assert world.asked == []
    assert world.port.terminals == {}, "it is forgotten until it is seen again"


def test_who_speaks_eap_is_never_looked_up():
    world = World(Radius((), {"020000aa0001"}), Supplicant(proof=b"bad"), bypass="silent", quiet_period_s=1).up()
    world.run(30)
    world.supplicants[0].is_on = False
    world.run(300)
    assert all(ask.request.password is None for _, ask in world.asked)
    assert world.inside == {}


def test_an_accept_that_carries_eap_lets_nobody_in_by_its_address():
    world = World(lambda request: reply(Code.ACCESS_ACCEPT, eap.success(1)), bypass="silent").up()
    world.port.seen(MAC, world.now)
    world.work().run(120)
    assert world.inside == {}


def test_an_unknown_address_stays_outside_and_is_forgotten():
    world = World(Radius(), bypass="silent", quiet_period_s=5, request_timeout_s=1, max_requests=1).up()
    world.port.seen(MAC, world.now)
    world.work().run(20)
    assert world.inside == {}
    assert len(world.asked) == 1
    assert world.port.terminals == {}


def test_a_terminal_that_begins_to_speak_eap_is_let_in_by_it_without_a_gap():
    world = bypassing(request_timeout_s=1, max_requests=1, re_auth_max=1).run(10)
    world.supplicants.append(Supplicant())
    world.start()
    assert world.inside[MAC].by is By.EAP
    assert [what for _, what, _ in world.history] == ["in", "moved"]
    assert [status for status, _ in world.accounted()] == [START, STOP, START]


def test_a_terminal_that_fails_by_eap_is_out_whatever_its_address_is():
    world = bypassing(request_timeout_s=1, max_requests=1, re_auth_max=1).run(10)
    world.supplicants.append(Supplicant(proof=b"bad"))
    world.start()
    assert world.inside == {}


def test_guests_by_policy():
    silent = World(Radius(), guest="silent", guest_network="guests", request_timeout_s=1, max_requests=1).up()
    silent.port.seen(MAC, silent.now)
    silent.work().run(20)
    assert (silent.inside[MAC].by, silent.inside[MAC].vlan) == (By.GUEST, "guests")
    assert silent.accounts == []
    refused = World(Radius(), Supplicant(proof=b"bad"), guest="silent", guest_network="guests").up()
    assert refused.inside == {}, "who was refused is no guest by this policy"
    welcome = World(Radius(), Supplicant(proof=b"bad"), guest="all", guest_network="guests", quiet_period_s=5).up()
    assert welcome.inside[MAC].by is By.GUEST
    assert welcome.told(FAILURE) == [1000], "it is told all the same"
    welcome.supplicants[0].proof = b"good"
    welcome.run(6)
    assert welcome.inside[MAC].by is By.EAP


# ---- orders


def test_a_disconnect_ends_the_session_at_once_and_the_supplicant_is_told():
    world = inside(Supplicant(), Supplicant(OTHER))
    world.supplicants[0].is_on = False
    assert world.port.disconnect(Selector(mac=MAC), world.now) is None
    world.work()
    assert set(world.inside) == {OTHER}
    assert world.told(FAILURE) == [1000]
    assert world.causes == [TerminateCause.ADMIN_RESET]
    assert world.accounted()[-1] == (STOP, 6)


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        (Selector(user_name="vt1"), True),
        (Selector(user_name="vt2"), False),
        (Selector(mac=OTHER), False),
        (Selector(port=3), True),
        (Selector(port=4), False),
        (Selector(port_id="p1", mac=MAC), True),
        (Selector(port_id="p2"), False),
        (Selector(session_id="nothing"), False),
        (Selector(user_name="vt1", session_id="nothing"), False),
    ],
)
def test_whom_an_order_means(selector: Selector, fits: bool):
    world = inside()
    found = world.port.disconnect(selector, world.now)
    assert found == (None if fits else ErrorCause.SESSION_CONTEXT_NOT_FOUND)


def test_a_change_holds_from_now_on():
    world = inside().run(100)
    order = Order(Kind.CHANGE, "main", Selector(user_name="vt1"), Change(session_timeout_s=60, vlan="42"))
    assert world.port.change(order, world.now) is None
    world.work()
    assert world.inside[MAC].vlan == "42"
    world.supplicants[0].is_on = False
    world.run(61)
    assert world.history == [(1000, "in", MAC), (1100, "moved", MAC), (1160, "out", MAC)]
    nobody = Order(Kind.CHANGE, "main", Selector(user_name="vt2"), Change(vlan="42"))
    assert world.port.change(nobody, world.now) is ErrorCause.SESSION_CONTEXT_NOT_FOUND


def test_a_change_for_several_sessions_is_refused():
    world = inside(Supplicant(), Supplicant(OTHER))
    order = Order(Kind.CHANGE, "main", Selector(user_name="vt1"), Change(vlan="42"))
    assert world.port.change(order, world.now) is ErrorCause.MULTIPLE_SESSION_SELECTION_UNSUPPORTED


# ---- frames of strangers


def test_frames_for_others_and_of_other_kinds_are_ignored():
    world = World(Radius(), Supplicant()).up()
    before = len(world.heard)
    for frame in (
        Frame(bytes.fromhex("020000aa0009"), OTHER, Eapol(eapol.Type.START)),
        Frame(PAE_GROUP_ADDRESS, OTHER, Eapol(eapol.Type.MKA)),
        Frame(PAE_GROUP_ADDRESS, OTHER, Eapol(200)),
        Frame(PAE_GROUP_ADDRESS, OURS, Eapol(eapol.Type.START)),
        Frame(PAE_GROUP_ADDRESS, OTHER, Eapol(eapol.Type.EAP, Eap(2, 77, Method.IDENTITY, b"x").serialize())),
        Frame(PAE_GROUP_ADDRESS, OTHER, Eapol(eapol.Type.EAP, eap.success(1).serialize())),
        Frame(PAE_GROUP_ADDRESS, OTHER, Eapol(eapol.Type.LOGOFF)),
    ):
        world.port.receive(frame.serialize(), world.now)
    world.work()
    assert len(world.heard) == before
    assert set(world.port.terminals) == {MAC}
    assert len(world.port.counters) < 10, "names of counters are bounded"


@pytest.mark.exhaustive
def test_20_000_changed_frames_while_a_terminal_stays_in_and_another_gets_in():
    world = inside(max_supplicants_per_port=8)
    seeds = [
        Frame(PAE_GROUP_ADDRESS, bytes.fromhex("020000bb0001"), Eapol(eapol.Type.START)).serialize(),
        Frame(
            PAE_GROUP_ADDRESS, MAC, Eapol(eapol.Type.EAP, Eap(2, 3, Method.MD5_CHALLENGE, b"x").serialize())
        ).serialize(),
        Frame(OURS, MAC, Eapol(eapol.Type.EAP, Eap(2, 9, Method.IDENTITY, b"vt1").serialize())).serialize(),
    ]
    chance = random.Random(1)
    for number in range(20_000):
        world.port.receive(mutate(chance, seeds, 1600), world.now)
        world.work()
        world.run(0.0003)
        if number == 10_000:
            world.supplicants.append(Supplicant(OTHER))
            world.run(5).start(OTHER)
    assert world.inside[OTHER].by is By.EAP
    assert MAC in world.inside
    assert len(world.port.terminals) <= 8
    assert len(world.port.counters) < 20


def test_an_answer_to_a_conversation_that_was_ended_is_no_part_of_the_next():
    world = inside(server=Radius(timeout(8, 1)))
    world.holds_answers = True
    world.run(8)
    (late,) = world.held
    world.supplicants[0].is_on = False
    world.port.disconnect(Selector(mac=MAC), world.now)
    world.work().respond(late)
    conversation = world.port.terminals[MAC].authenticator.conversation
    assert (conversation.state, conversation.server, conversation.is_first) == (None, "", True)
    assert world.port.counters["late-answer"] == 1


def test_another_user_of_the_same_terminal_has_a_session_of_its_own():
    world = inside(server=Radius((*timeout(8, 1), attribute.text(Type.USER_NAME, "nurse"))))
    first = world.port.terminals[MAC].session
    world.server.accept = (attribute.text(Type.USER_NAME, "doctor"),)
    world.run(9)
    assert world.inside[MAC].identity == "doctor"
    assert [status for status, _ in world.accounted()] == [START, STOP, START]
    assert world.port.terminals[MAC].session != first
    assert len(world.told(FAILURE)) == 0, "no packet of it is lost"


def test_an_address_of_nobody_is_no_terminal():
    world = World(guest="silent", guest_network="guests").up()
    world.port.seen(bytes(6), world.now)
    assert world.run(60).inside == {}


@pytest.mark.parametrize("is_changed", [False, True])
def test_whose_802_1x_session_ends_is_not_left_in_by_its_address(is_changed: bool):
    world = bypassing(request_timeout_s=1, max_requests=1, re_auth_max=1).run(10)
    world.supplicants.append(Supplicant())
    assert world.start().inside[MAC].by is By.EAP
    if is_changed:
        order = Order(Kind.CHANGE, "main", Selector(mac=MAC), Change(filter_id="ward"))
        assert world.port.change(order, world.now) is None
    world.supplicants.clear()
    assert world.work().logoff().inside == {}
    assert world.run(300).inside == {}, "who has spoken 802.1X is not looked up any more"


def test_what_is_shown_of_a_name_is_what_the_server_was_asked_about():
    name = b"vt1\n" + b"x" * 300
    made = Conversation()
    made.responded(Eap(eap.Code.RESPONSE, 1, Method.IDENTITY, name))
    made.rule("r0", reply(Code.ACCESS_CHALLENGE, Eap(REQUEST, 2, Method.MD5_CHALLENGE)))
    made.responded(Eap(eap.Code.RESPONSE, 2, Method.MD5_CHALLENGE))
    grant = made.rule("r0", reply(Code.ACCESS_ACCEPT, eap.success(2))).grant
    assert grant is not None
    assert grant.identity == "vt1\N{REPLACEMENT CHARACTER}" + "x" * 249


# ---- what the port cannot give


def test_who_is_granted_what_the_port_cannot_give_is_refused_and_told():
    world = World(Radius(), Supplicant(), quiet_period_s=60)
    world.kept_out[MAC] = "unknown-vlan"
    world.up()
    assert (world.inside, world.history, world.accounts) == ({}, [], [])
    assert (len(world.told(FAILURE)), world.told(SUCCESS)) == (1, [])
    assert world.port.counters["unknown-vlan"] == 1
    terminal = world.port.terminals[MAC]
    assert terminal.refusal is not None
    assert (terminal.refusal.reason, terminal.refusal.identity) == ("unknown-vlan", "vt1")
    asked = len(world.asked)
    world.run(59)
    assert len(world.asked) == asked, "it is left in peace for a while"
    del world.kept_out[MAC]
    world.run(30)
    assert MAC in world.inside


def test_a_renewal_that_the_port_cannot_give_ends_the_session():
    world = inside(server=Radius(accept=timeout(600, 1)))
    world.kept_out[MAC] = "other-vlan"
    world.run(601)
    assert world.inside == {}
    assert world.causes == [TerminateCause.REAUTHENTICATION_FAILURE]
    assert len(world.told(FAILURE)) == 1


def test_who_is_known_by_its_address_is_refused_likewise():
    world = World(Radius(known={"020000aa0001"}), bypass="silent", quiet_period_s=60).up()
    world.kept_out[MAC] = "other-vlan"
    world.port.seen(MAC, world.now)
    world.work()
    while MAC in world.port.terminals and world.port.terminals[MAC].refusal is None:
        world.run(1)
    assert (world.inside, world.history) == ({}, [])
    refusal = world.port.terminals[MAC].refusal
    assert refusal is not None
    assert refusal.reason == "other-vlan"
    world.run(61)
    del world.kept_out[MAC]
    world.port.seen(MAC, world.now)
    world.work().run(60)
    assert world.inside[MAC].by is By.BYPASS
    world.port.keep_out(MAC, "other-vlan", world.now)
    world.work()
    assert (world.inside, world.causes) == ({}, [TerminateCause.NAS_REQUEST])


@pytest.mark.parametrize("is_kept_out", [True, False])
def test_who_is_thrown_out_is_told_and_asked_anew(is_kept_out: bool):
    world = inside()
    if is_kept_out:
        world.kept_out[MAC] = "no-network"
    world.port.keep_out(MAC, "no-network", world.now)
    world.port.keep_out(OTHER, "no-network", world.now)
    world.work()
    assert world.causes == [TerminateCause.NAS_REQUEST]
    assert len(world.told(FAILURE)) == (2 if is_kept_out else 1), "and its next try fails at once"
    assert (MAC in world.inside) is not is_kept_out


def test_a_guest_that_is_kept_out_stays_one():
    """It has no session that anybody would let it call by, and nothing to fail at."""
    world = World(Radius(), Supplicant(is_on=False), guest="silent", guest_network="99").up()
    world.port.seen(MAC, world.now)
    world.work().run(120)
    assert world.inside[MAC].by is By.GUEST
    world.port.keep_out(MAC, "other-vlan", world.now)
    assert world.work().inside[MAC].by is By.GUEST


def test_invented_guests_keep_out_nobody_who_can_prove_who_it_is():
    world = World(
        guest="silent", guest_network="guests", max_supplicants_per_port=4, new_supplicants_per_s=100,
        request_timeout_s=1, max_requests=1, re_auth_max=1,
    ).up()  # fmt: skip
    for number in range(4):
        world.port.seen(b"\2\0\0\0\0" + bytes((number,)), world.now)
        world.work().run(5)
    assert len(world.inside) == 4
    world.supplicants.append(Supplicant())
    assert world.start().inside[MAC].by is By.EAP
    assert len(world.inside) == 4, "the guest seen longest ago is out"
    assert world.history[-2:] == [(world.now, "out", b"\2\0\0\0\0\0"), (world.now, "in", MAC)]
