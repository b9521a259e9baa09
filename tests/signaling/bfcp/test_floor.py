"""Floor server and participant, each by rows, then joined by a lossy link."""

import pytest

from signaling.bfcp import attributes, message
from signaling.bfcp.attributes import Attribute, RequestStatus, Type
from signaling.bfcp.client import FloorClient
from signaling.bfcp.events import FloorGranted, FloorLost, FloorReleased, FloorRequested, PeerPresents
from signaling.bfcp.exchange import T1_S, T2_S
from signaling.bfcp.message import RELIABLE, UNRELIABLE, ErrorCode, Message, Primitive
from signaling.bfcp.server import REFRESH_S, FloorServer, Holder
from tests.signaling.bfcp.link import CONFERENCE, FLOOR, USER, Pair

FLOOR_1 = attributes.number(Type.FLOOR_ID, FLOOR)
REQUEST_1 = attributes.number(Type.FLOOR_REQUEST_ID, 1)


class Terminal:
    """Speaks to a floor server by hand."""

    def __init__(self, version: int = UNRELIABLE) -> None:
        self.version = version
        self.server = FloorServer(CONFERENCE, USER, FLOOR, version, 0)
        self.transaction = 0

    def ask(self, primitive: Primitive, *found: Attribute, now: float = 0.0, **other: int) -> list[Message]:
        self.transaction += 1
        asked = Message(
            primitive, other.get("conference", CONFERENCE), other.get("transaction", self.transaction),
            other.get("user", USER), found, self.version,
        )  # fmt: skip
        self.server.receive(asked.serialize(), now)
        return self.heard()

    def heard(self) -> list[Message]:
        return [message.parse(data, self.version) for data in self.server.data_to_send()]


def result(told: Message) -> RequestStatus:
    information = told.find(Type.FLOOR_REQUEST_INFORMATION)
    assert information is not None
    overall = attributes.find(information.children, Type.OVERALL_REQUEST_STATUS)
    assert overall is not None
    return RequestStatus(overall.children[0].content[0])


def code(told: Message) -> ErrorCode:
    assert told.primitive == Primitive.ERROR
    found = told.find(Type.ERROR_CODE)
    assert found is not None
    return ErrorCode(found.content[0])


@pytest.mark.parametrize("version", [RELIABLE, UNRELIABLE])
def test_request_grant_release(version: int):
    terminal = Terminal(version)
    assert terminal.ask(Primitive.FLOOR_REQUEST, FLOOR_1) == []
    assert terminal.server.next_event() == FloorRequested(1)
    terminal.server.grant(1, 0.0)
    (told,) = terminal.heard()
    assert (told.primitive, told.transaction_id, result(told)) == (
        Primitive.FLOOR_REQUEST_STATUS,
        1,
        RequestStatus.GRANTED,
    )
    assert told.is_response is (version == UNRELIABLE)
    assert terminal.server.is_granted
    (told,) = terminal.ask(Primitive.FLOOR_RELEASE, REQUEST_1)
    assert (told.primitive, result(told)) == (Primitive.FLOOR_REQUEST_STATUS, RequestStatus.RELEASED)
    assert terminal.server.next_event() == FloorReleased(1)
    assert not terminal.server.is_granted
    (told,) = terminal.ask(Primitive.FLOOR_RELEASE, REQUEST_1)
    assert result(told) is RequestStatus.RELEASED
    assert terminal.server.next_event() is None, "released once"


def test_denied_and_cancelled():
    terminal = Terminal()
    terminal.ask(Primitive.FLOOR_REQUEST, FLOOR_1)
    terminal.server.deny(1, 0.0, "somebody else presents")
    assert result(terminal.heard()[0]) is RequestStatus.DENIED
    terminal.ask(Primitive.FLOOR_REQUEST, FLOOR_1)
    (told,) = terminal.ask(Primitive.FLOOR_RELEASE, attributes.number(Type.FLOOR_REQUEST_ID, 2))
    assert result(told) is RequestStatus.CANCELLED


def test_revoked_is_told_until_it_is_acknowledged():
    terminal = Terminal()
    terminal.ask(Primitive.FLOOR_REQUEST, FLOOR_1)
    terminal.server.grant(1, 0.0)
    terminal.heard()
    terminal.server.revoke(1.0, "taken over")
    (told,) = terminal.heard()
    assert (result(told), told.is_response) == (RequestStatus.REVOKED, False)
    assert told.transaction_id != 0
    due = terminal.server.next_timeout()
    assert due == 1.0 + T1_S
    terminal.server.handle_timeout(due)
    assert terminal.heard() == [told]
    terminal.ask(Primitive.FLOOR_REQUEST_STATUS_ACK, transaction=told.transaction_id)
    assert terminal.server.next_timeout() is None


def test_over_tcp_notices_are_transaction_0_and_nobody_acknowledges_them():
    terminal = Terminal(RELIABLE)
    (told,) = terminal.ask(Primitive.FLOOR_QUERY, FLOOR_1)
    assert told.attributes == (FLOOR_1,)
    terminal.server.show_holder(Holder(9, "王医生"), 0.0)
    (told,) = terminal.heard()
    assert (told.primitive, told.transaction_id, result(told)) == (Primitive.FLOOR_STATUS, 0, RequestStatus.GRANTED)
    information = told.find(Type.FLOOR_REQUEST_INFORMATION)
    assert information is not None
    who = attributes.find(information.children, Type.BENEFICIARY_INFORMATION)
    assert who is not None
    assert (who.number, who.children[0].text) == (9, "王医生")
    assert terminal.server.next_timeout() is None
    terminal.server.show_holder(None, 0.0)
    assert terminal.heard()[0].attributes == (FLOOR_1,)


def test_the_status_is_told_only_to_who_asked_and_again_to_keep_the_path_open():
    terminal = Terminal()
    terminal.server.show_holder(Holder(9, "x"), 0.0)
    assert terminal.heard() == []
    (told,) = terminal.ask(Primitive.FLOOR_QUERY, FLOOR_1)
    assert told.find(Type.FLOOR_REQUEST_INFORMATION) is not None
    assert terminal.server.next_timeout() == REFRESH_S
    terminal.server.handle_timeout(REFRESH_S)
    assert terminal.heard()[0].primitive == Primitive.FLOOR_STATUS
    (told,) = terminal.ask(Primitive.FLOOR_QUERY, now=REFRESH_S)
    assert told.attributes == ()
    terminal.server.show_holder(None, REFRESH_S)
    assert terminal.heard() == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((Primitive.FLOOR_REQUEST, attributes.number(Type.FLOOR_ID, 2)), ErrorCode.INVALID_FLOOR),
        ((Primitive.FLOOR_REQUEST,), ErrorCode.INVALID_FLOOR),
        ((Primitive.FLOOR_REQUEST, FLOOR_1, attributes.number(Type.BENEFICIARY_ID, 99)), ErrorCode.UNAUTHORIZED),
        ((Primitive.FLOOR_RELEASE, REQUEST_1), ErrorCode.NO_SUCH_REQUEST),
        ((Primitive.FLOOR_REQUEST_QUERY,), ErrorCode.NO_SUCH_REQUEST),
        ((Primitive.FLOOR_QUERY, attributes.number(Type.FLOOR_ID, 7)), ErrorCode.INVALID_FLOOR),
        ((Primitive.CHAIR_ACTION,), ErrorCode.UNAUTHORIZED),
        ((Primitive.HELLO, Attribute(90, b"", (), is_mandatory=True)), ErrorCode.UNKNOWN_MANDATORY_ATTRIBUTE),
        ((77,), ErrorCode.UNKNOWN_PRIMITIVE),
    ],
)
def test_errors(asked: tuple[Primitive, ...], expected: ErrorCode):
    (told,) = Terminal().ask(*asked)
    assert code(told) is expected


def test_other_conferences_and_users_get_errors():
    assert code(Terminal().ask(Primitive.HELLO, conference=1)[0]) is ErrorCode.NO_SUCH_CONFERENCE
    assert code(Terminal().ask(Primitive.HELLO, user=1)[0]) is ErrorCode.NO_SUCH_USER


def test_one_request_at_a_time():
    terminal = Terminal()
    terminal.ask(Primitive.FLOOR_REQUEST, FLOOR_1)
    assert code(terminal.ask(Primitive.FLOOR_REQUEST, FLOOR_1)[0]) is ErrorCode.TOO_MANY_REQUESTS


def test_a_repeated_request_gets_the_same_answer_and_happens_once():
    terminal = Terminal()
    terminal.ask(Primitive.FLOOR_REQUEST, FLOOR_1, transaction=5)
    terminal.server.next_event()
    terminal.server.grant(1, 0.0)
    first = terminal.heard()
    assert terminal.ask(Primitive.FLOOR_REQUEST, FLOOR_1, transaction=5, now=T2_S - 1) == first
    assert terminal.server.next_event() is None


def test_hello_names_what_is_understood_and_user_query_what_is_open():
    terminal = Terminal()
    (told,) = terminal.ask(Primitive.HELLO)
    primitives, kinds = told.attributes
    assert (primitives.type, kinds.type) == (Type.SUPPORTED_PRIMITIVES, Type.SUPPORTED_ATTRIBUTES)
    assert Primitive.FLOOR_REQUEST in primitives.content
    assert [kind >> 1 for kind in kinds.content] == list(Type)
    terminal.ask(Primitive.FLOOR_REQUEST, FLOOR_1)
    terminal.server.grant(1, 0.0)
    terminal.heard()
    assert result(terminal.ask(Primitive.USER_QUERY)[0]) is RequestStatus.GRANTED


def test_goodbye_releases():
    terminal = Terminal()
    terminal.ask(Primitive.FLOOR_REQUEST, FLOOR_1)
    terminal.server.grant(1, 0.0)
    terminal.heard()
    assert terminal.ask(Primitive.GOODBYE)[0].primitive == Primitive.GOODBYE_ACK
    assert [terminal.server.next_event(), terminal.server.next_event()] == [FloorRequested(1), FloorReleased(1)]


def test_a_fragment_is_refused_in_words():
    terminal = Terminal()
    terminal.server.receive(bytes.fromhex("480b0000000012670001000c00000000"), 0.0)
    (told,) = terminal.heard()
    assert code(told) is ErrorCode.GENERIC
    info = told.find(Type.ERROR_INFO)
    assert info is not None
    assert "fragment" in info.text


def test_an_error_is_never_answered():
    terminal = Terminal()
    assert terminal.ask(Primitive.ERROR) == []
    terminal.server.receive(Message(Primitive.ERROR, 1, 1, 1, (), RELIABLE).serialize(), 0.0)
    assert terminal.heard() == []


# ---- both ends


@pytest.mark.parametrize("is_reliable", [False, True])
def test_a_participant_asks_gets_and_gives_back(is_reliable: bool):
    pair = Pair(is_reliable=is_reliable)
    pair.client.start(0.0)
    pair.client.want_floor(True, 0.0)
    pair.run(1.0)
    assert pair.client_events == [FloorGranted()]
    assert pair.client.is_granted
    pair.client.want_floor(False, pair.now)
    pair.run(1.0)
    assert pair.server_events == [FloorRequested(1), FloorReleased(1)]
    assert not pair.client.is_granted
    pair.client.want_floor(True, pair.now)
    pair.run(1.0)
    assert pair.client_events == [FloorGranted(), FloorGranted()]


def test_a_participant_is_refused_and_may_ask_again():
    pair = Pair(grants=False)
    pair.client.start(0.0)
    pair.client.want_floor(True, 0.0)
    pair.run(1.0)
    assert pair.client_events == [FloorLost()]
    pair.grants = True
    pair.client.want_floor(True, pair.now)
    pair.run(1.0)
    assert pair.client.is_granted


def test_a_participant_sees_who_else_presents():
    pair = Pair()
    pair.client.start(0.0)
    pair.run(1.0)
    pair.server.show_holder(Holder(77, "terminal"), pair.now)
    pair.run(1.0)
    pair.server.show_holder(None, pair.now)
    pair.run(1.0)
    assert pair.client_events == [PeerPresents(True), PeerPresents(False)]


def test_a_wish_that_ends_before_its_answer_is_given_back():
    pair = Pair()
    pair.client.start(0.0)
    pair.client.want_floor(True, 0.0)
    pair.client.want_floor(False, 0.0)
    pair.run(1.0)
    assert pair.server_events == [FloorRequested(1), FloorReleased(1)]
    assert not pair.client.is_granted


def test_a_revoked_participant_stops():
    pair = Pair()
    pair.client.start(0.0)
    pair.client.want_floor(True, 0.0)
    pair.run(1.0)
    pair.server.revoke(pair.now)
    pair.run(1.0)
    assert pair.client_events == [FloorGranted(), FloorLost()]


@pytest.mark.parametrize("seed", range(20))
def test_a_fifth_of_the_datagrams_lost(seed: int):
    pair = Pair(loss=0.2, seed=seed)
    pair.client.start(0.0)
    for _ in range(3):
        pair.client.want_floor(True, pair.now)
        pair.run(20.0)
        pair.client.want_floor(False, pair.now)
        pair.run(20.0)
    asked = [event for event in pair.server_events if isinstance(event, FloorRequested)]
    released = [event for event in pair.server_events if isinstance(event, FloorReleased)]
    assert len(asked) == len(released) == 3, "each wish happened once"
    assert [event for event in pair.client_events if isinstance(event, FloorGranted)] == [FloorGranted()] * 3


def test_a_server_that_never_answers_is_asked_four_times():
    client = FloorClient(CONFERENCE, USER, FLOOR, UNRELIABLE, 0xFFFE)
    client.want_floor(True, 0.0)
    sent = [(0.0, *client.data_to_send())]
    while not client.exchange.counters["unanswered"]:
        due = client.next_timeout()
        assert due is not None
        client.handle_timeout(due)
        sent += [(due, data) for data in client.data_to_send()]
    assert [time for time, _ in sent] == [0.0, 0.5, 1.5, 3.5]
    assert len({data for _, data in sent}) == 1
    assert client.next_event() == FloorLost()
