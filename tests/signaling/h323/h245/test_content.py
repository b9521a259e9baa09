from __future__ import annotations

import pytest

from signaling.h323.h245.content import RESPONSE_S
from signaling.h323.h245.events import ContentState, ContentToken, Send
from tests.signaling.h323.h245.talk import Talk, control, names, told

OID = ("standard", (0, 0, 8, 239, 2))


def parameter(number, value, kind="unsignedMin"):
    return {"parameterIdentifier": ("standard", number), "parameterValue": (kind, value)}


def message(kind, number, *content):
    body = {"messageIdentifier": OID, "subMessageIdentifier": number, "messageContent": list(content)}
    return (kind, (f"generic{kind.capitalize()}", body))


ACKNOWLEDGED = message("response", 4, parameter(126, 0, "logical"), parameter(44, 0), parameter(42, 5))
REFUSED = message("response", 4, parameter(127, 0, "logical"), parameter(44, 0), parameter(42, 5))
REQUEST = message("request", 3, parameter(44, 0), parameter(42, 260), parameter(43, 50))
RELEASE = message("command", 5, parameter(44, 0), parameter(42, 260))
OWNER = message("indication", 6, parameter(44, 0), parameter(42, 260))


def states(effects):
    return [each.state for each in told(effects) if isinstance(each, ContentToken)]


def messages(effects):
    return [each.message for each in effects if isinstance(each, Send)]


def test_asking_and_being_granted():
    end = control(99)
    end.machines.content._random_number = lambda: 49
    assert messages(end.request_content(5, 0.0)) == [
        message("request", 3, parameter(44, 0), parameter(42, 5), parameter(43, 50))
    ]
    assert end.request_content(5, 0.0) == []
    effects = end.receive(ACKNOWLEDGED, 1.0)
    assert messages(effects) == [message("indication", 6, parameter(44, 0), parameter(42, 5))]
    assert states(effects) == [ContentState.GRANTED]
    assert messages(end.release_content()) == [message("command", 5, parameter(44, 0), parameter(42, 5))]
    assert end.release_content() == []


def test_asking_and_being_refused():
    end = control(1)
    end.request_content(5, 0.0)
    assert states(end.receive(REFUSED, 1.0)) == [ContentState.REFUSED]
    assert end.receive(REFUSED, 1.0) == []
    assert end.next_timeout() is None


def test_asking_in_vain():
    end = control(1)
    end.request_content(5, 0.0)
    assert end.next_timeout() == RESPONSE_S
    effects = end.on_timeout(RESPONSE_S)
    assert states(effects) == [ContentState.REFUSED]
    assert messages(effects)[0][0] == "command"
    assert end.receive(ACKNOWLEDGED, 11.0) == []


def test_the_peer_asks():
    end = control(1)
    assert states(end.receive(REQUEST, 0.0)) == [ContentState.REQUESTED]
    assert messages(end.grant_content()) == [
        message("response", 4, parameter(126, 0, "logical"), parameter(44, 0), parameter(42, 260))
    ]
    assert end.grant_content() == end.refuse_content() == []
    assert end.receive(OWNER, 0.0) == []
    assert states(end.receive(RELEASE, 0.0)) == [ContentState.RELEASED]
    assert end.receive(RELEASE, 0.0) == []


def test_the_peer_is_refused():
    end = control(1)
    end.receive(REQUEST, 0.0)
    assert messages(end.refuse_content()) == [
        message("response", 4, parameter(127, 0, "logical"), parameter(44, 0), parameter(42, 260))
    ]


def test_granting_ends_what_we_present():
    end = control(1)
    end.request_content(5, 0.0)
    end.receive(ACKNOWLEDGED, 0.0)
    end.receive(REQUEST, 0.0)
    assert states(end.grant_content()) == [ContentState.LOST]
    assert end.indicate_content() == []


def test_a_peer_that_takes_the_token_without_asking():
    end = control(1)
    end.request_content(5, 0.0)
    end.receive(ACKNOWLEDGED, 0.0)
    assert states(end.receive(OWNER, 0.0)) == [ContentState.LOST, ContentState.OWNED]


@pytest.mark.parametrize(
    ("own", "expected"),  # the peer's number is 50
    [(48, [ContentState.REFUSED, ContentState.REQUESTED]), (49, []), (50, [])],
)
def test_requests_that_cross(own, expected):
    end = control(1)
    end.machines.content._random_number = lambda: own
    end.request_content(5, 0.0)
    effects = end.receive(REQUEST, 0.0)
    assert states(effects) == expected
    assert bool(messages(effects)) is not bool(expected)


def test_one_of_two_ends_wins():
    for left_number, right_number in ((3, 90), (90, 3), (7, 7)):
        talk = Talk(control(1), control(9)).start()
        talk.left.machines.content._random_number = lambda n=left_number: n
        talk.right.machines.content._random_number = lambda n=right_number: n
        talk._run([(talk.left, talk.left.request_content(5, 0.0)), (talk.right, talk.right.request_content(6, 0.0))])
        for end in (talk.left, talk.right):
            talk.say(end, end.grant_content())
        owners = [end.machines.content.is_owner for end in (talk.left, talk.right)]
        assert owners == [left_number > right_number, right_number > left_number]
        assert [end.machines.content.deadline for end in (talk.left, talk.right)] == [None, None]


@pytest.mark.parametrize(("is_limited", "verdict"), [(False, 126), (True, 127)])
def test_a_wish_for_more_rate(is_limited, verdict):
    end = control(1)
    if is_limited:
        end.flow_control(260, 64_000)
    wish = message("request", 1, parameter(42, 260), parameter(41, 7680))
    assert messages(end.receive(wish, 0.0)) == [
        message("response", 2, parameter(verdict, 0, "logical"), parameter(42, 260))
    ]


def test_our_number_is_told_once_we_have_one():
    end = control(1)
    end.receive(
        ("indication", ("conferenceIndication", ("terminalNumberAssign", {"mcuNumber": 1, "terminalNumber": 2}))), 0.0
    )
    (request,) = messages(end.request_content(5, 0.0))
    assert parameter(44, 258) in request[1][1]["messageContent"]


def test_numbers_without_a_meaning_are_passed_over():
    end = control(1)
    assert end.receive(message("request", 77), 0.0) == []
    assert end.receive(message("command", 3), 0.0) == []
    bare = ("request", ("genericRequest", {"messageIdentifier": OID}))
    assert end.receive(bare, 0.0) == []
    assert end.machines.ignored == 3


def test_other_generic_messages_are_the_owners():
    """H.460.18 says in one which H.245 connection it is."""
    end = control(1)
    other = {"messageIdentifier": ("standard", (0, 0, 8, 460, 18, 0, 1))}
    (event,) = end.receive(("indication", ("genericIndication", other)), 0.0)
    assert (event.kind, event.message) == ("indication", other)
    assert names(end.receive(("request", ("genericRequest", other)), 0.0)) == ["functionNotUnderstood"]
    assert messages(end.generic("indication", other)) == [("indication", ("genericIndication", other))]
