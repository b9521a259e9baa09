"""One row an arrow of figures 5 to 8 of RFC 3261 and of RFC 6026."""

from __future__ import annotations

import pytest

from signaling.sip.transactions.transaction import Flow, Input, State, Transaction
from signaling.sip.transactions.transaction_client import InviteClientTransaction, NonInviteClientTransaction
from signaling.sip.transactions.transaction_server import InviteServerTransaction, NonInviteServerTransaction
from signaling.sip.wire.message import Request, Response, parse
from signaling.sip.wire.reply import response_to

UDP = Flow("udp", ("127.0.0.1", 5060), ("127.0.0.2", 5060))
TCP = Flow("tcp", ("127.0.0.1", 5060), ("127.0.0.2", 5060), 1)
NOW = 100.0
S, I = State, Input  # noqa: E741


def request(method: str) -> Request:
    text = (
        f"{method} sip:1001@127.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKa\r\n"
        "From: <sip:a@x>;tag=1\r\n"
        f"To: <sip:1001@x>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n\r\n"
    )
    message = parse(text.encode())
    assert isinstance(message, Request)
    return message


def make(kind: type[Transaction], flow: Flow, state: State, *, is_new: bool = False) -> Transaction:
    method = "INVITE" if kind in (InviteClientTransaction, InviteServerTransaction) else "OPTIONS"
    if kind in (InviteServerTransaction, NonInviteServerTransaction):
        transaction = kind(request(method), flow, 0.0)  # type: ignore[call-arg]
        last = response_to(request(method), 180 if state is S.PROCEEDING else 200)
        transaction._last = b"" if is_new else last.serialize()  # type: ignore[attr-defined]
    else:
        transaction = kind(request(method), flow)
    transaction.state = state
    transaction._timers.clear()
    transaction._deadline = NOW + 9  # type: ignore[attr-defined]
    return transaction


def feed(transaction: Transaction, happened: Input) -> None:
    if happened.name.startswith("TIMER") or happened is I.TRYING_DUE:
        transaction._timers = {happened: NOW}
        transaction.handle_timeout(NOW)
        return
    message: Request | Response | None = None
    if happened in (I.R1XX, I.R2XX, I.R3XX_6XX):
        status = {I.R1XX: 180, I.R2XX: 200, I.R3XX_6XX: 486}[happened]
        message = response_to(transaction.request, status, to_tag="t")
    elif happened in (I.REQUEST, I.ACK):
        message = request("ACK" if happened is I.ACK else transaction.request.method)
    transaction._step(happened, NOW, message)


def sent(transaction: Transaction) -> list[str]:
    messages = map(parse, transaction.messages_to_send())
    return [message.method if isinstance(message, Request) else str(message.status) for message in messages]


def told(transaction: Transaction) -> list[str]:
    events = []
    while (event := transaction.next_event()) is not None:
        reason = getattr(event, "reason", "")
        events.append(type(event).__name__ + (":" + reason if reason else ""))
    return events


RESPONSE, TIMEOUT, TRANSPORT = ["ResponseReceived"], ["TransactionFailed:timeout"], ["TransactionFailed:transport"]
# state, input, sent, events, next state, timers armed over UDP {name: seconds}
INVITE_CLIENT = [
    (S.IDLE, I.START, ["INVITE"], [], S.CALLING, {"A": 0.5, "B": 32}),
    (S.CALLING, I.TIMER_A, ["INVITE"], [], S.CALLING, {"A": 1.0}),
    (S.CALLING, I.TIMER_B, [], TIMEOUT, S.TERMINATED, {}),
    (S.CALLING, I.TRANSPORT_ERROR, [], TRANSPORT, S.TERMINATED, {}),
    (S.CALLING, I.R1XX, [], RESPONSE, S.PROCEEDING, {"C": 240}),
    (S.CALLING, I.R2XX, [], RESPONSE, S.ACCEPTED, {"M": 32}),
    (S.CALLING, I.R3XX_6XX, ["ACK"], RESPONSE, S.COMPLETED, {"D": 32}),
    (S.PROCEEDING, I.R1XX, [], RESPONSE, S.PROCEEDING, {}),
    (S.PROCEEDING, I.TIMER_C, [], TIMEOUT, S.TERMINATED, {}),
    (S.PROCEEDING, I.R2XX, [], RESPONSE, S.ACCEPTED, {"M": 32}),
    (S.PROCEEDING, I.R3XX_6XX, ["ACK"], RESPONSE, S.COMPLETED, {"D": 32}),
    (S.ACCEPTED, I.R2XX, [], RESPONSE, S.ACCEPTED, {}),
    (S.ACCEPTED, I.TIMER_M, [], [], S.TERMINATED, {}),
    (S.COMPLETED, I.R3XX_6XX, ["ACK"], [], S.COMPLETED, {}),
    (S.COMPLETED, I.TRANSPORT_ERROR, [], TRANSPORT, S.TERMINATED, {}),
    (S.COMPLETED, I.TIMER_D, [], [], S.TERMINATED, {}),
]
NON_INVITE_CLIENT = [
    (S.IDLE, I.START, ["OPTIONS"], [], S.TRYING, {"E": 0.5, "F": 32}),
    (S.TRYING, I.TIMER_E, ["OPTIONS"], [], S.TRYING, {"E": 1.0}),
    (S.TRYING, I.TIMER_F, [], TIMEOUT, S.TERMINATED, {}),
    (S.TRYING, I.TRANSPORT_ERROR, [], TRANSPORT, S.TERMINATED, {}),
    (S.TRYING, I.R1XX, [], RESPONSE, S.PROCEEDING, {"E": 4.0, "F": 9}),
    (S.TRYING, I.R2XX, [], RESPONSE, S.COMPLETED, {"K": 5}),
    (S.TRYING, I.R3XX_6XX, [], RESPONSE, S.COMPLETED, {"K": 5}),
    (S.PROCEEDING, I.TIMER_E, ["OPTIONS"], [], S.PROCEEDING, {"E": 1.0}),
    (S.PROCEEDING, I.TIMER_F, [], TIMEOUT, S.TERMINATED, {}),
    (S.PROCEEDING, I.TRANSPORT_ERROR, [], TRANSPORT, S.TERMINATED, {}),
    (S.PROCEEDING, I.R1XX, [], RESPONSE, S.PROCEEDING, {}),
    (S.PROCEEDING, I.R2XX, [], RESPONSE, S.COMPLETED, {"K": 5}),
    (S.PROCEEDING, I.R3XX_6XX, [], RESPONSE, S.COMPLETED, {"K": 5}),
    (S.COMPLETED, I.TIMER_K, [], [], S.TERMINATED, {}),
]
INVITE_SERVER = [
    (S.IDLE, I.START, [], [], S.PROCEEDING, {"TRYING_DUE": 0.2}),
    (S.PROCEEDING, I.REQUEST, ["180"], [], S.PROCEEDING, {}),
    (S.PROCEEDING, I.TRYING_DUE, ["180"], [], S.PROCEEDING, {}),
    (S.PROCEEDING, I.R1XX, ["180"], [], S.PROCEEDING, {}),
    (S.PROCEEDING, I.R2XX, ["200"], [], S.ACCEPTED, {"L": 32}),
    (S.PROCEEDING, I.R3XX_6XX, ["486"], [], S.COMPLETED, {"G": 0.5, "H": 32}),
    (S.PROCEEDING, I.TRANSPORT_ERROR, [], TRANSPORT, S.TERMINATED, {}),
    (S.ACCEPTED, I.REQUEST, [], [], S.ACCEPTED, {}),
    (S.ACCEPTED, I.R2XX, ["200"], [], S.ACCEPTED, {}),
    (S.ACCEPTED, I.ACK, [], ["AckReceived"], S.ACCEPTED, {}),
    (S.ACCEPTED, I.TIMER_L, [], [], S.TERMINATED, {}),
    (S.COMPLETED, I.REQUEST, ["200"], [], S.COMPLETED, {}),
    (S.COMPLETED, I.TIMER_G, ["200"], [], S.COMPLETED, {"G": 1.0}),
    (S.COMPLETED, I.TIMER_H, [], TIMEOUT, S.TERMINATED, {}),
    (S.COMPLETED, I.TRANSPORT_ERROR, [], TRANSPORT, S.TERMINATED, {}),
    (S.COMPLETED, I.ACK, [], [], S.CONFIRMED, {"I": 5}),
    (S.CONFIRMED, I.ACK, [], [], S.CONFIRMED, {}),
    (S.CONFIRMED, I.TIMER_I, [], [], S.TERMINATED, {}),
]
NON_INVITE_SERVER = [
    (S.IDLE, I.START, [], [], S.TRYING, {}),
    (S.TRYING, I.REQUEST, [], [], S.TRYING, {}),
    (S.TRYING, I.R1XX, ["180"], [], S.PROCEEDING, {}),
    (S.TRYING, I.R2XX, ["200"], [], S.COMPLETED, {"J": 32}),
    (S.TRYING, I.R3XX_6XX, ["486"], [], S.COMPLETED, {"J": 32}),
    (S.PROCEEDING, I.REQUEST, ["180"], [], S.PROCEEDING, {}),
    (S.PROCEEDING, I.R1XX, ["180"], [], S.PROCEEDING, {}),
    (S.PROCEEDING, I.R2XX, ["200"], [], S.COMPLETED, {"J": 32}),
    (S.PROCEEDING, I.R3XX_6XX, ["486"], [], S.COMPLETED, {"J": 32}),
    (S.PROCEEDING, I.TRANSPORT_ERROR, [], TRANSPORT, S.TERMINATED, {}),
    (S.COMPLETED, I.REQUEST, ["200"], [], S.COMPLETED, {}),
    (S.COMPLETED, I.TRANSPORT_ERROR, [], TRANSPORT, S.TERMINATED, {}),
    (S.COMPLETED, I.TIMER_J, [], [], S.TERMINATED, {}),
]
TABLES = {
    InviteClientTransaction: INVITE_CLIENT,
    NonInviteClientTransaction: NON_INVITE_CLIENT,
    InviteServerTransaction: INVITE_SERVER,
    NonInviteServerTransaction: NON_INVITE_SERVER,
}
ROWS = [
    pytest.param(kind, *row, id=f"{kind.__name__}-{row[0].name}-{row[1].name}")
    for kind, rows in TABLES.items()
    for row in rows
]


@pytest.mark.parametrize(("kind", "state", "happened", "out", "events", "following", "timers"), ROWS)
def test_arrow(kind, state, happened, out, events, following, timers):
    transaction = make(kind, UDP, state)
    feed(transaction, happened)
    assert sent(transaction) == out
    assert told(transaction) == events
    assert transaction.state is following
    armed = {timer.name.removeprefix("TIMER_"): when - NOW for timer, when in transaction._timers.items()}
    assert armed == pytest.approx(timers)


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_every_arrow_has_a_row(kind):
    assert {(row[0], row[1]) for row in TABLES[kind]} == set(kind.TRANSITIONS)


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_other_inputs_are_ignored_and_counted(kind):
    for state in State:
        for happened in Input:
            if (state, happened) in kind.TRANSITIONS:
                continue
            transaction = make(kind, UDP, state)
            transaction.ignored = 0
            transaction._timers = {}
            transaction._step(happened, NOW, None)
            assert transaction.state is state
            assert (transaction.ignored, sent(transaction), told(transaction)) == (1, [], [])


@pytest.mark.parametrize(
    ("kind", "state", "happened", "timers"),
    [
        (InviteClientTransaction, S.IDLE, I.START, {I.TIMER_B: 32}),
        (InviteClientTransaction, S.CALLING, I.R3XX_6XX, {I.TIMER_D: 0}),
        (NonInviteClientTransaction, S.IDLE, I.START, {I.TIMER_F: 32}),
        (NonInviteClientTransaction, S.TRYING, I.R1XX, {I.TIMER_F: 9}),
        (NonInviteClientTransaction, S.TRYING, I.R2XX, {I.TIMER_K: 0}),
        (InviteServerTransaction, S.PROCEEDING, I.R3XX_6XX, {I.TIMER_H: 32}),
        (InviteServerTransaction, S.COMPLETED, I.ACK, {I.TIMER_I: 0}),
        (NonInviteServerTransaction, S.TRYING, I.R2XX, {I.TIMER_J: 0}),
    ],
)
def test_a_reliable_transport_repeats_nothing(kind, state, happened, timers):
    transaction = make(kind, TCP, state)
    feed(transaction, happened)
    assert {timer: when - NOW for timer, when in transaction._timers.items()} == timers


def test_intervals_double_up_to_t2():
    transaction = NonInviteClientTransaction(request("OPTIONS"), UDP)
    transaction.start(0.0)
    transaction.messages_to_send()
    times = []
    while not transaction.is_terminated:
        now = transaction.next_timeout()
        transaction.handle_timeout(now)
        times += [now] * len(transaction.messages_to_send())
    assert times == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


def test_100_goes_out_where_nothing_was_said_for_200_ms_or_the_invite_came_again():
    for happened, is_new, expected in (
        (I.TRYING_DUE, True, ["100"]), (I.REQUEST, True, ["100"]), (I.REQUEST, False, ["180"]),
    ):  # fmt: skip
        transaction = make(InviteServerTransaction, UDP, S.PROCEEDING, is_new=is_new)
        feed(transaction, happened)
        assert sent(transaction) == expected
        feed(transaction, I.REQUEST)
        assert sent(transaction) == expected
    answered = InviteServerTransaction(request("INVITE"), UDP, NOW)
    assert answered.next_timeout() == NOW + 0.2
    feed(answered, I.R1XX)
    assert (sent(answered), answered.next_timeout()) == (["180"], None)
