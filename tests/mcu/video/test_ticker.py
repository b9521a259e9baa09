"""The grid of ticks: absolute, nothing queued up, lateness measured."""

from mcu.video.ticker import Ticker


def test_ticks_lie_on_whole_multiples_of_the_interval() -> None:
    ticker = Ticker(25, 1_010_000)
    assert ticker.next_us == 1_040_000
    assert ticker.start(1_039_999) is None
    assert ticker.start(1_040_000) == 1_040_000
    assert ticker.next_us == 1_080_000


def test_missed_ticks_are_skipped_and_counted() -> None:
    ticker = Ticker(25, 0)
    assert ticker.start(41_000) == 40_000
    assert ticker.start(205_000) == 200_000
    assert ticker.skipped == 3
    assert ticker.start(205_000) is None, "nothing is made up for"
    assert ticker.next_us == 240_000


def test_lateness_is_told() -> None:
    ticker = Ticker(25, 0)
    assert ticker.lateness_p99_ms() == 0
    for number in range(1, 101):
        ticker.start(number * 40_000 + (7000 if number == 50 else 1000))
    assert ticker.lateness_p99_ms() == 7
    for number in range(101, 800):
        ticker.start(number * 40_000 + 1000)
    assert ticker.lateness_p99_ms() == 1


def test_uneven_intervals_do_not_drift() -> None:
    ticker = Ticker(30, 0)
    ticks = [ticker.start(ticker.next_us) for _ in range(300)]
    assert ticks[-1] == 10_000_000
    assert None not in ticks


def test_every_other_tick_keeps_to_the_grid() -> None:
    ticker = Ticker(25, 0)
    assert ticker.start(40_000) == 40_000
    ticker.take_every(2)
    assert (ticker.next_us, ticker.rate, ticker.interval_us) == (80_000, 12.5, 80_000)
    assert ticker.start(80_000) == 80_000
    assert ticker.start(120_000) is None
    assert ticker.start(165_000) == 160_000
    assert ticker.lateness_us == 5_000
    assert ticker.start(410_000) == 400_000
    assert ticker.skipped == 2
    ticker.take_every(1)
    assert ticker.next_us == 480_000
    assert ticker.start(480_000) == 480_000
    assert ticker.next_us == 520_000
