"""Registering with a trunk, on a virtual clock."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sip.trunks.trunk_registration import RETRY_MAX_S, Registration, RegistrationState, granted
from signaling.sip.wire.message import Headers, Response

HOST = "10.0.0.1"


def answer(status: int, *headers: tuple[str, str]) -> Response:
    return Response(status, "", Headers(list(headers)))


def ok(expires: int) -> Response:
    return answer(200, ("Contact", f"<sip:other@10.0.0.2>;expires=9, <sip:trunk@{HOST}:5060>;expires={expires}"))


class Client:
    """A registration and what it has sent, with the time."""

    def __init__(self, expires_s: int = 600) -> None:
        self.core = Registration(expires_s, lambda: 0.0)
        self.now = 0.0
        self.core.start()

    def sent(self) -> list[int]:
        return self.core.requests_to_send()

    def hear(self, response: Response | None) -> None:
        if response is None:
            self.core.no_answer(self.now)
        else:
            self.core.receive_response(response, HOST, self.now)

    def wait(self) -> float:
        deadline = self.core.next_timeout()
        assert deadline is not None
        self.now = max(self.now, deadline)
        self.core.handle_timeout(self.now)
        return self.now


def test_registered_and_renewed_before_it_ends():
    client = Client()
    assert client.sent() == [600]
    client.hear(ok(300))
    assert client.core.is_registered
    assert client.wait() == 240.0
    assert client.sent() == [600]
    assert client.core.state is RegistrationState.RENEWING
    assert client.core.is_registered
    client.hear(ok(300))
    assert client.wait() == 480.0


def test_a_renewal_without_an_answer_ends_with_the_binding():
    client = Client()
    client.sent()
    client.hear(ok(300))
    client.wait()
    assert client.wait() == 300.0  # nobody has answered yet
    assert not client.core.is_registered
    client.hear(None)
    assert client.core.state is RegistrationState.FAILED


def test_failures_are_tried_again_later_and_later():
    client, pauses = Client(), []
    for _ in range(10):
        assert client.sent() == [600]
        client.hear(answer(503))
        before = client.now
        pauses.append(client.wait() - before)
    assert pauses[:4] == [2.5, 5.0, 10.0, 20.0]
    assert max(pauses) == RETRY_MAX_S / 2  # the jitter of this test is 0
    client.sent()
    client.hear(ok(300))
    assert client.core.failures == 0


def test_a_failed_renewal_is_tried_again_while_the_binding_holds():
    client = Client()
    client.sent()
    client.hear(ok(300))
    client.wait()
    client.sent()
    client.hear(None)
    assert client.core.is_registered
    assert client.wait() == 242.5
    assert client.sent() == [600]


def test_retry_after_is_heard_within_reason():
    client = Client()
    client.sent()
    client.hear(answer(503, ("Retry-After", "120 (maintenance)")))
    assert client.wait() == 120.0
    client.sent()
    client.hear(answer(503, ("Retry-After", "999999999")))
    assert client.wait() == 120.0 + 3600.0


def test_interval_too_brief_is_tried_once_more_with_the_longer_one():
    client = Client(60)
    assert client.sent() == [60]
    client.hear(answer(423, ("Min-Expires", "1800")))
    assert client.sent() == [1800]
    client.hear(answer(423, ("Min-Expires", "3600")))
    assert client.sent() == []
    assert client.core.state is RegistrationState.FAILED


@pytest.mark.parametrize("min_expires", ["", "10", "x", "99999999999"])
def test_423_without_a_longer_interval_is_a_failure(min_expires):
    client = Client(600)
    client.sent()
    client.hear(answer(423, ("Min-Expires", min_expires)))
    assert client.core.state is RegistrationState.FAILED


def test_goodbye():
    client = Client()
    client.sent()
    client.hear(ok(300))
    client.core.stop()
    assert client.sent() == [0]
    client.hear(answer(200))
    assert client.core.state is RegistrationState.ENDED
    assert client.core.next_timeout() is None


def test_nothing_is_said_where_there_is_no_binding():
    client = Client()
    client.core.stop()
    assert client.sent() == []
    client.hear(ok(300))  # too late
    assert client.core.state is RegistrationState.ENDED


def test_a_lost_path_registers_at_once():
    client = Client()
    client.sent()
    client.hear(ok(300))
    client.now = 10.0
    client.core.path_lost(client.now)
    client.core.handle_timeout(client.now)
    assert client.sent() == [600]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("Contact", f"<sip:a@{HOST}>;expires=120"), ("Expires", "900")], 120.0),
        ([("Contact", "<sip:a@10.9.9.9>;expires=120"), ("Expires", "900")], 900.0),
        ([("Contact", "<sip:a@10.9.9.9>;expires=120")], 600.0),
        ([("Contact", "<<<")], 600.0),
        ([("Contact", f"<sip:a@{HOST}>;expires=1")], 10.0),
        ([("Expires", "999999999")], 86_400.0),
    ],
)
def test_granted(headers, seconds):
    assert granted(answer(200, *headers), HOST, 600) == seconds


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([200, 401, 403, 423, 503, 0, -1]), max_size=40), st.randoms())
def test_whatever_comes_it_goes_on(answers, random):
    client = Client()
    for status in answers:
        assert len(client.sent()) <= 1
        if status > 0:
            client.hear(answer(status, ("Expires", str(random.randrange(0, 5000))), ("Min-Expires", "700")))
        elif status == 0:
            client.hear(None)
        else:
            client.core.path_lost(client.now)
        deadline = client.core.next_timeout()
        if deadline is not None:
            client.wait()
            assert client.core.next_timeout() is None or client.core.next_timeout() >= client.now
        assert client.core.state not in (RegistrationState.IDLE, RegistrationState.ENDED)
