"""What of a programme is due when."""

from caller.media import Programme, Unit
from caller.player import Due, Player


def programme(frame_rate=25, sounds=50, pictures=25):
    made = Programme(frame_rate)
    made.audio += [b"a%d" % index for index in range(sounds)]
    made.video += [Unit(b"v%d" % index, index == 0) for index in range(pictures)]
    made.finish()
    return made


def test_sound_and_pictures_keep_one_clock() -> None:
    player = Player(programme(), 1_000_000)
    first = list(player.due(1_000_000))
    assert first == [Due(False, b"a0", 0, 1_000_000), Due(True, b"v0", 0, 1_000_000)]
    later = list(player.due(1_080_000))
    assert [due.payload for due in later] == [b"a1", b"a2", b"a3", b"a4", b"v1", b"v2"]
    # 40 ms are 1920 ticks of 48 kHz and 3600 of 90 kHz.
    assert [(due.media_timestamp, due.capture_us) for due in later if due.payload in (b"a2", b"v1")] == [
        (1920, 1_040_000), (3600, 1_040_000)
    ]  # fmt: skip
    assert list(player.due(1_080_000)) == []


def test_it_loops() -> None:
    player = Player(programme(), 0)
    played = [due for now in range(0, 2_000_000, 20_000) for due in player.due(now)]
    assert [due.payload for due in played if not due.is_picture] == [b"a%d" % (index % 50) for index in range(100)]
    assert [due.payload for due in played if due.is_picture] == [b"v%d" % (index % 25) for index in range(50)]


def test_after_a_pause_sound_goes_on_from_where_it_should_be() -> None:
    player = Player(programme(), 0)
    assert len(list(player.due(0))) == 2
    sounds = [due for due in player.due(600_000) if not due.is_picture]
    assert (sounds[0].payload, sounds[-1].payload, len(sounds)) == (b"a20", b"a30", 11)


def test_slides_have_a_rate_of_their_own_and_no_sound() -> None:
    player = Player(programme(frame_rate=5, sounds=0, pictures=5), 0)
    assert [due.capture_us for now in range(0, 600_000, 10_000) for due in player.due(now)] == [0, 200_000, 400_000]
