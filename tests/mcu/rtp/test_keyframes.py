"""Asking for keyframes: at least 300 ms apart, repeated with back-off, one FIR number a wish."""

from mcu.rtp.keyframes import MAX_INTERVAL_US, KeyframeRequester


def test_repeats_back_off_until_one_comes() -> None:
    requester = KeyframeRequester()
    assert not requester.due(0)
    requester.want(1_000)
    times = [now for now in range(0, 12_000_000, 1_000) if requester.due(now)]
    assert times[:4] == [1_000, 301_000, 901_000, 2_101_000]
    assert times[-1] - times[-2] == MAX_INTERVAL_US or len(times) == 6
    assert requester.fir_sequence == 1
    requester.arrived()
    assert requester.next_timeout() is None
    assert not requester.due(99_000_000)


def test_wishes_in_quick_succession_are_one_request() -> None:
    requester = KeyframeRequester()
    sent = 0
    for now in range(0, 3_000_000, 10_000):
        requester.want(now)
        if requester.due(now):
            sent += 1
            requester.arrived()
    assert sent == 10
    assert requester.fir_sequence >= 10
