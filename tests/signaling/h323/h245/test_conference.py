from __future__ import annotations

import pytest

from signaling.h323.h245.conference import Label
from signaling.h323.h245.events import Password, PasswordWanted, Send, TerminalLabel
from tests.signaling.h323.h245.talk import Talk, control, names

LABEL = {"mcuNumber": 1, "terminalNumber": 2}


def asked(name, body=0):
    return ("request", ("conferenceRequest", (name, body)))


def answers(end, *question):
    return [each.message for each in end.receive(asked(*question), 0.0) if isinstance(each, Send)]


def answer(name, body):
    return [("response", ("conferenceResponse", (name, body)))]


def test_the_password_of_a_room():
    talk = Talk(control(1), control(9, terminal_type=50)).start()
    talk.events(talk.left), talk.events(talk.right)
    talk.say(talk.left, [*talk.left.assign_terminal(1, 2), *talk.left.ask_password()])
    assert talk.events(talk.right) == [TerminalLabel(1, 2), PasswordWanted()]
    reply = talk.right.answer_password(b"2468")
    assert reply[0].message == answer("passwordResponse", {"terminalLabel": LABEL, "password": b"2468"})[0]
    talk.say(talk.right, reply)
    assert talk.events(talk.left) == [Password(b"2468")]
    assert "2468" not in repr(Password(b"2468"))


def test_a_password_nobody_asked_for():
    end = control(1)
    assert end.receive(answer("passwordResponse", {"terminalLabel": LABEL, "password": b"1"})[0], 0.0) == []
    assert end.machines.ignored == 1


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        (("makeMeChair",), ("makeMeChairResponse", ("deniedChairToken", 0))),
        (("dropTerminal", LABEL), ("terminalDropReject", 0)),
        (
            ("broadcastMyLogicalChannel", 3),
            ("broadcastMyLogicalChannelResponse", ("deniedBroadcastMyLogicalChannel", 0)),
        ),
        (("makeTerminalBroadcaster", LABEL), ("makeTerminalBroadcasterResponse", ("deniedMakeTerminalBroadcaster", 0))),
        (("sendThisSource", LABEL), ("sendThisSourceResponse", ("deniedSendThisSource", 0))),
        (("requestTerminalCertificate", {}), ("terminalCertificateResponse", {})),
        (("remoteMCRequest", ("masterActivate", 0)), ("remoteMCResponse", ("reject", ("unspecified", 0)))),
    ],
)
def test_no_terminal_rules_the_room(question, reply):
    assert answers(control(1), *question) == answer(*reply)


def test_who_is_there():
    end = control(1)
    end.assign_terminal(1, 2)
    people = {Label(1, 2): "Ward 3", Label(1, 3): ""}
    assert names(end.set_terminals(people)) == ["conferenceIndication"] * 2
    other = {"mcuNumber": 1, "terminalNumber": 3}
    ward = {"terminalLabel": LABEL, "terminalID": b"Ward 3"}
    assert answers(end, "terminalListRequest") == answer("terminalListResponse", [LABEL, other])
    assert answers(end, "requestTerminalID", LABEL) == answer("mCTerminalIDResponse", ward)
    everybody = answer("requestAllTerminalIDsResponse", {"terminalInformation": [ward]})
    assert answers(end, "requestAllTerminalIDs") == everybody
    (left,) = end.set_terminals({Label(1, 2): "Ward 3"})
    assert left.message == ("indication", ("conferenceIndication", ("terminalLeftConference", other)))


def test_who_we_are():
    end = control(1)
    end.machines.conference.own_name = "Drumtower"
    end.receive(("indication", ("conferenceIndication", ("terminalNumberAssign", LABEL))), 0.0)
    ours = {"terminalLabel": LABEL, "terminalID": b"Drumtower"}
    assert answers(end, "enterH243TerminalID") == answer("terminalIDResponse", ours)


@pytest.mark.parametrize(
    "question",
    [
        ("terminalListRequest", 0),
        ("requestTerminalID", LABEL),
        ("enterH243TerminalID", 0),
        ("enterH243ConferenceID", 0),
        ("enterExtensionAddress", 0),
        ("requestChairTokenOwner", 0),
    ],
)
def test_what_has_no_answer_is_not_understood(question):
    assert answers(control(1), *question) == [
        ("indication", ("functionNotUnderstood", ("request", ("conferenceRequest", question))))
    ]


def test_what_needs_no_answer():
    end = control(1)
    assert answers(end, "cancelMakeMeChair") == []
    assert end.receive(("indication", ("conferenceIndication", ("seenByAll", 0))), 0.0) == []
    assert end.receive(("command", ("conferenceCommand", ("dropConference", 0))), 0.0) == []
