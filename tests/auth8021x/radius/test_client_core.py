"""The RADIUS client without sockets: repetition, failover, dead servers, and which answers are believed."""

import random

import pytest

from auth8021x.radius.request import Answered, Failure, GaveUp, Request, Server, ServerChanged
from auth8021x.wire import packet, password
from auth8021x.wire.attribute import Attribute, first
from auth8021x.wire.authenticity import Fault, check_request
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.packet import Packet
from config.dot1x import RadiusTimers
from tests.auth8021x.radius.fakes import ASK, SECRET, USER, Bench, accepts, answer, silent
from tests.fuzz.mutator import mutate


def test_a_request_and_its_answer():
    bench = Bench([accepts])
    ticket = bench.ask()
    found = bench.outcome(ticket)
    assert isinstance(found, Answered)
    assert (found.server, found.packet.code, found.is_excused) == ("r0", Code.ACCESS_ACCEPT, False)
    sent = packet.parse(bench.sent[0][1].octets)
    assert check_request(sent, SECRET) is None
    assert sent.attributes[0].type == Type.MESSAGE_AUTHENTICATOR
    assert sent.attributes[1:] == (USER,)
    assert bench.core.next_timeout() is None
    assert bench.core.in_flight == 0


def test_one_server_is_asked_as_rfc_5080_says():
    bench = Bench([silent], RadiusTimers(retransmit_s=2, max_tries=5, max_request_s=30))
    ticket = bench.ask()
    bench.run(60)
    assert bench.sent_at() == [100, 102, 106, 114]  # 2, 4, 8 s; MRD is over before the next 16
    assert len({each.octets for _, each in bench.sent if each.octets[0] == Code.ACCESS_REQUEST}) == 1
    assert bench.outcome(ticket) == GaveUp(ticket, Failure.NO_ANSWER)
    assert [at for at, event in bench.events if isinstance(event, GaveUp)] == [130]


def test_waits_are_bounded_and_spread():
    from auth8021x.radius.exchange import interval

    timers = RadiusTimers(retransmit_s=2, max_retransmit_s=16)
    assert [interval(0, timers, 0.1), interval(0, timers, -0.1)] == [2.2, 1.8]
    assert interval(2, timers, 0.1) == pytest.approx(4.2)
    assert interval(10, timers, 0.1) == pytest.approx(17.6)


def test_the_second_server_is_asked_within_five_seconds():
    bench = Bench([silent, accepts])
    ticket = bench.ask()
    bench.run(5)
    found = bench.outcome(ticket)
    assert isinstance(found, Answered)
    assert found.server == "r1"
    assert bench.sent_at(0) == [100, 101]
    assert bench.sent_at(1) == [103]
    assert (103, ServerChanged("r0", is_up=False)) in bench.events
    second = bench.ask()
    assert isinstance(bench.outcome(second), Answered), "the dead server is not asked first again"
    assert not bench.core.is_up("r0")


def test_each_server_gets_the_password_under_its_own_secret():
    servers = [Server("r0", b"one"), Server("r1", b"two")]
    seen: list[Packet] = []

    def second(request: Packet) -> bytes | None:
        seen.append(request)
        return answer(request, secret=b"two")

    bench = Bench([silent, second], servers=servers)
    bench.ask(Request(Code.ACCESS_REQUEST, (USER,), password=b"020000aa0001"))
    bench.run(5)
    first_sent = packet.parse(bench.sent[0][1].octets)
    assert seen[0].authenticator != first_sent.authenticator
    assert check_request(seen[0], b"two") is None
    hidden = first(seen[0].attributes, Type.USER_PASSWORD)
    assert hidden is not None
    assert password.reveal(hidden, seen[0].authenticator, b"two") == b"020000aa0001"
    assert "020000aa0001" not in repr(bench.core.servers) + repr(seen)


def test_a_conversation_stays_with_its_server():
    bench = Bench([accepts, silent, accepts])
    ticket = bench.ask(Request(Code.ACCESS_REQUEST, (USER,), server="r1"))
    bench.run(40)
    assert bench.outcome(ticket) == GaveUp(ticket, Failure.NO_ANSWER)
    assert bench.sent_at(0) == []
    assert bench.sent_at(2) == []
    unknown = bench.ask(Request(Code.ACCESS_REQUEST, (USER,), server="r9"))
    assert bench.outcome(unknown) == GaveUp(unknown, Failure.NO_SERVER)


def test_a_conversation_that_can_begin_anew_does_not_wait_until_the_end():
    bench = Bench([silent, accepts])
    ticket = bench.ask(Request(Code.ACCESS_REQUEST, (USER,), server="r0", can_begin_anew=True))
    bench.run(5)
    assert bench.outcome(ticket) == GaveUp(ticket, Failure.NO_ANSWER)
    assert [at for at, event in bench.events if isinstance(event, GaveUp)] == [103]
    found = bench.outcome(bench.ask())
    assert isinstance(found, Answered)
    assert found.server == "r1"


def test_a_dead_server_is_asked_for_its_status_and_comes_back():
    bench = Bench([silent, accepts], RadiusTimers(probe_interval_s=6, answers_to_revive=2))
    bench.ask()
    bench.run(20)
    assert bench.sent_at(0, Code.STATUS_SERVER) == [109, 115]
    sent = packet.parse(bench.sent[-1][1].octets)
    assert check_request(sent, SECRET) is None
    assert first(sent.attributes, Type.NAS_IDENTIFIER) == b"ward"
    bench.behaviours[0] = accepts
    bench.run(6)  # one answer at 121 is not enough
    assert not bench.core.is_up("r0")
    bench.run(6)
    assert (127, ServerChanged("r0", is_up=True)) in bench.events
    bench.run(60)
    assert bench.sent_at(0, Code.STATUS_SERVER)[-1] == 127
    assert bench.core.next_timeout() is None


def test_a_status_without_message_authenticator_is_a_sign_of_life():
    bench = Bench([silent, accepts])
    bench.ask()
    bench.run(5)
    bench.behaviours[0] = _without_message_authenticator
    bench.run(60)
    assert bench.core.is_up("r0")
    ticket = bench.ask()
    assert bench.outcome(ticket) is None, "a request is answered with proof or not at all"


def test_a_status_that_proves_nothing_revives_nobody():
    bench = Bench([silent, accepts])
    bench.ask()
    bench.run(5)
    bench.behaviours[0] = lambda request: answer(request, secret=b"other")
    bench.run(60)
    assert not bench.core.is_up("r0")
    assert bench.core.counters[Fault.AUTHENTICATOR.value] > 3


def test_a_server_without_status_server_is_tried_again_after_a_while():
    servers = [Server("r0", SECRET, has_status_server=False), Server("r1", SECRET)]
    bench = Bench([silent, accepts], RadiusTimers(revive_s=60), servers)
    bench.ask()
    bench.run(70)
    assert bench.sent_at(0, Code.STATUS_SERVER) == []
    assert (163, ServerChanged("r0", is_up=True)) in bench.events


def test_a_server_that_answers_others_is_not_dead():
    def picky(request: Packet) -> bytes | None:
        return answer(request) if first(request.attributes, Type.USER_NAME) != b"odd" else None

    bench = Bench([picky, accepts])
    odd = bench.ask(Request(Code.ACCESS_REQUEST, (Attribute(Type.USER_NAME, b"odd"),)))
    bench.run(0.5)
    bench.ask()
    bench.run(10)
    assert bench.core.is_up("r0")
    assert isinstance(bench.outcome(odd), Answered), "the other server had its chance"


def test_when_all_are_dead_all_are_asked_all_the_same():
    bench = Bench([silent, silent], RadiusTimers(probe_interval_s=1000))
    first_ticket = bench.ask()
    bench.run(40)
    assert bench.outcome(first_ticket) == GaveUp(first_ticket, Failure.NO_ANSWER)
    assert not bench.core.is_up("r0")
    assert not bench.core.is_up("r1")
    bench.behaviours[1] = accepts
    second = bench.ask()
    bench.run(40)
    assert isinstance(bench.outcome(second), Answered)
    assert bench.core.is_up("r1")


def test_more_than_256_at_once_use_more_sockets():
    bench = Bench([silent])
    for _ in range(600):
        bench.ask()
    places = {(each.lane, each.octets[1]) for _, each in bench.sent}
    assert len(places) == 600
    assert {lane for lane, _ in places} == {0, 1, 2}
    bench.behaviours[0] = accepts
    bench.run(1)
    assert sum(isinstance(event, Answered) for _, event in bench.events) == 600
    assert len({event.ticket for _, event in bench.events if isinstance(event, Answered)}) == 600


def test_past_all_identifiers_a_request_is_refused_at_once():
    bench = Bench([silent], servers=[Server("r0", SECRET, max_lanes=1)])
    tickets = [bench.ask() for _ in range(257)]
    assert bench.outcome(tickets[-1]) == GaveUp(tickets[-1], Failure.TOO_MANY)
    assert bench.core.in_flight == 256
    bench.core.cancel(tickets[0])
    assert bench.outcome(bench.ask()) is None


def test_an_identifier_is_used_again_as_late_as_can_be():
    bench = Bench([accepts])
    for _ in range(257):
        bench.ask()
    assert [each.octets[1] for _, each in bench.sent] == [*range(256), 0]


def test_a_request_that_does_not_fit_is_refused():
    bench = Bench([accepts])
    ticket = bench.ask(Request(Code.ACCESS_REQUEST, (Attribute(Type.CLASS, bytes(253)),) * 20))
    assert bench.outcome(ticket) == GaveUp(ticket, Failure.TOO_LONG)
    assert bench.core.in_flight == 0


# ---- what is not believed


def test_answers_belong_to_a_request_by_socket_identifier_and_authenticator():
    bench = Bench([silent], servers=[Server("r0", SECRET)])
    tickets = [bench.ask() for _ in range(300)]
    early, late = (packet.parse(bench.sent[place][1].octets) for place in (3, 259))  # the same identifier, two sockets
    assert early.identifier == late.identifier == 3
    bench.core.receive(0, 0, answer(late), bench.now)
    bench.core.receive(0, 1, answer(early), bench.now)
    bench.core.receive(0, 7, answer(early), bench.now)
    bench.work()
    assert bench.events == []
    bench.core.receive(0, 1, answer(late), bench.now)
    bench.work()
    assert isinstance(bench.outcome(tickets[259]), Answered)
    assert bench.outcome(tickets[3]) is None


@pytest.mark.parametrize(
    ("wrong", "counter"),
    [
        (lambda request: answer(request, secret=b"other"), "wrong-authenticator"),
        (lambda request: answer(request, code=Code.ACCOUNTING_RESPONSE), "unexpected"),
        (lambda request: request.serialize(), "unexpected"),
        (lambda request: answer(request)[:-1], "malformed"),
        (lambda request: b"", "malformed"),
        (lambda request: _without_message_authenticator(request), "no-message-authenticator"),
        (lambda request: _bad_message_authenticator(request), "wrong-message-authenticator"),
    ],
)
def test_a_wrong_answer_is_counted_and_the_right_one_still_counts(wrong, counter):
    bench = Bench([wrong])
    ticket = bench.ask()
    assert bench.outcome(ticket) is None
    assert bench.core.counters[counter] == 1
    bench.core.receive(0, 0, answer(packet.parse(bench.sent[0][1].octets)), bench.now)
    bench.work()
    assert isinstance(bench.outcome(ticket), Answered)


def _digested(request: Packet, *attributes: Attribute) -> bytes:
    import hashlib

    from msgspec.structs import replace

    made = Packet(Code.ACCESS_ACCEPT, request.identifier, request.authenticator, attributes)
    return replace(made, authenticator=hashlib.md5(made.serialize() + SECRET).digest()).serialize()


def _without_message_authenticator(request: Packet) -> bytes:
    return _digested(request, USER)


def _bad_message_authenticator(request: Packet) -> bytes:
    return _digested(request, Attribute(Type.MESSAGE_AUTHENTICATOR, bytes(16)), USER)


def test_an_old_server_is_excused_visibly_and_never_for_eap():
    servers = [Server("old", SECRET, demands_message_authenticator=False)]
    bench = Bench([_without_message_authenticator], servers=servers)
    found = bench.outcome(bench.ask())
    assert isinstance(found, Answered)
    assert found.is_excused
    assert (bench.core.counters["excused"], bench.core.excused) == (1, {"old": 1})
    bench.behaviours[0] = lambda request: _digested(request, Attribute(Type.EAP_MESSAGE, bytes.fromhex("03010004")))
    ticket = bench.ask()
    assert bench.outcome(ticket) is None
    assert bench.core.counters[Fault.EAP_WITHOUT_MESSAGE_AUTHENTICATOR.value] == 1
    bench.behaviours[0] = _bad_message_authenticator
    assert bench.outcome(bench.ask()) is None


def test_accounting_is_answered_without_message_authenticator():
    bench = Bench([lambda request: answer(request, code=Code.ACCOUNTING_RESPONSE)])
    assert isinstance(bench.outcome(bench.ask(Request(Code.ACCOUNTING_REQUEST, (USER,)))), Answered)
    assert len(packet.parse(bench.sent[0][1].octets).attributes) == 1


@pytest.mark.exhaustive
def test_20_000_changed_answers_change_nothing():
    bench = Bench([silent], RadiusTimers(max_tries=20, max_request_s=30))
    ticket = bench.ask()
    sent = packet.parse(bench.sent[0][1].octets)
    good = answer(sent, USER, Attribute(Type.CLASS, b"room"))
    chance = random.Random(6)
    for _ in range(20_000):
        changed = mutate(chance, [good], 4096)
        if not changed.startswith(good):
            bench.core.receive(0, 0, changed, bench.now)
    bench.work()
    assert bench.outcome(ticket) is None
    bench.core.receive(0, 0, good, bench.now)
    bench.work()
    assert isinstance(bench.outcome(ticket), Answered)


# ---- RadSec


def reliable(count: int = 1) -> list[Server]:
    return [Server(f"r{number}", SECRET, is_reliable=True, max_lanes=1) for number in range(count)]


def test_nothing_is_sent_again_on_a_connection():
    bench = Bench([silent], servers=reliable())
    ticket = bench.ask()
    bench.run(30)
    assert bench.sent_at() == [100]
    assert bench.outcome(ticket) == GaveUp(ticket, Failure.NO_ANSWER)


def test_what_waits_on_a_broken_connection_goes_to_the_next_server_at_once():
    bench = Bench([silent, accepts], servers=reliable(2))
    ticket = bench.ask()
    bench.core.lane_lost(0, 0, bench.now)
    bench.work()
    assert isinstance(bench.outcome(ticket), Answered)
    assert bench.sent_at(1) == [100]
    assert not bench.core.is_up("r0")


def test_with_one_server_it_is_sent_on_the_next_connection():
    bench = Bench([silent], servers=reliable())
    ticket = bench.ask()
    first_try = bench.sent[0][1].octets
    bench.core.lane_lost(0, 0, bench.now)
    bench.behaviours[0] = accepts
    bench.run(10)
    assert isinstance(bench.outcome(ticket), Answered)
    assert bench.sent[1][1].octets[4:20] != first_try[4:20]


def test_a_connection_that_ends_while_nothing_waits_says_nothing():
    bench = Bench([accepts], servers=reliable())
    bench.ask()
    bench.core.lane_lost(0, 0, bench.now)
    assert bench.core.is_up("r0")


def test_connections_that_never_come_about_are_given_up():
    bench = Bench([silent], RadiusTimers(max_tries=3, probe_interval_s=1000), reliable())
    ticket = bench.ask()
    for _ in range(3):
        bench.core.lane_lost(0, 0, bench.now)
        bench.run(20)
    assert bench.outcome(ticket) == GaveUp(ticket, Failure.NO_ANSWER)
    assert len(bench.sent_at()) <= 3


def test_cancelled_requests_leave_nothing_behind():
    bench = Bench([silent])
    for _ in range(1000):
        bench.core.cancel(bench.ask(ASK))
    assert bench.core.in_flight == 0
    bench.run(60)
    assert bench.core.next_timeout() is None
    assert all(not isinstance(event, GaveUp) for _, event in bench.events)
