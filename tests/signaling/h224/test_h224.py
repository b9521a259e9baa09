"""H.224 frames and H.281 commands, byte by byte, and how a camera is moved."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.camera import HOLD_S
from signaling.h224 import camera, frame, management
from signaling.h224.camera import Axes, Command, Request
from signaling.h224.control import CONTINUE_S, CameraControl
from signaling.h224.frame import CME, H281, Frame
from signaling.h224.wishes import MAX_STARTS_PER_S, Wish

LEFT = Axes(pan=-1)


@pytest.mark.parametrize(
    ("made", "wire"),
    [
        (Frame(H281, b"\x01"), "006103 0000 0000 01 c0 01"),
        (Frame(CME, b"", True, 0x1234, 0x5678), "007103 1234 5678 00 c0"),
        (management.client_list(), "007103 0000 0000 00 c0 01000181"),
        (management.client_list_command(), "007103 0000 0000 00 c0 01ff"),
        (management.extra_capabilities(), "007103 0000 0000 00 c0 0200810014f0"),
        (Command(Request.START, Axes(1, 1, 1, 1), 400).frame(), "006103 0000 0000 01 c0 01ff08"),
        (Command(Request.START, Axes(-1, -1, -1, -1)).frame(), "006103 0000 0000 01 c0 01aa00"),
        (Command(Request.CONTINUE, Axes(tilt=1)).frame(), "006103 0000 0000 01 c0 0230"),
        (Command(Request.STOP, Axes(zoom=-1)).frame(), "006103 0000 0000 01 c0 0308"),
        (Command(Request.ACTIVATE_PRESET, number=3).frame(), "006103 0000 0000 01 c0 0730"),
        (Command(Request.STORE_PRESET, number=15).frame(), "006103 0000 0000 01 c0 06f0"),
        (Command(Request.SELECT_SOURCE, number=1).frame(), "006103 0000 0000 01 c0 0410"),
    ],
)  # fmt: skip
def test_on_the_wire(made: Frame, wire: str):
    assert made.serialize() == bytes.fromhex(wire)
    assert frame.parse(bytes.fromhex(wire)) == made
    for size in range(9):
        assert frame.parse(bytes.fromhex(wire)[:size]) is None


@pytest.mark.parametrize(
    "wire",
    [
        "016103 0000 0000 01 c0 01",
        "006003 0000 0000 01 c0 01",
        "006113 0000 0000 01 c0 01",
        "006103 0000 0000 7e c0 01",
        "006103 0000 0000 7f c0 01",
        "006103 0000 0000 01 80 01",
        "006103 0000 0000 01 40 01",
        "006103 0000 0000 01 c0" + "00" * 255,
    ],
    ids=["address", "dlci", "control", "extended", "non-standard", "begin only", "end only", "too long"],
)
def test_what_is_no_frame_of_ours(wire: str):
    assert frame.parse(bytes.fromhex(wire)) is None


axes = st.builds(Axes, *[st.integers(-1, 1)] * 4)
commands = st.one_of(
    st.builds(Command, st.just(Request.START), axes, st.integers(1, 16).map(lambda units: units * 50)),
    st.builds(Command, st.sampled_from([Request.CONTINUE, Request.STOP]), axes),
    st.builds(lambda request, number: Command(request, number=number),
              st.sampled_from([each for each in Request if not each.is_action]), st.integers(0, 15)),
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(commands)
def test_any_command_survives(command: Command):
    data = command.serialize()
    assert camera.parse(data) == command
    for size in range(len(data)):
        assert camera.parse(data[:size]) is None


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40), st.booleans())
def test_any_bytes_are_read_or_counted(data: bytes, has_header: bool):
    control = CameraControl()
    control.receive((b"\x00\x61\x03\0\0\0\0" if has_header else b"") + data, 0.0)
    assert sum(control.counters.values()) <= 1


def requests(control: CameraControl) -> list[tuple[Request, Axes]]:
    found = []
    for data in control.data_to_send():
        read = frame.parse(data)
        assert read is not None
        command = camera.parse(read.data) if read.client == H281 else None
        assert command is not None
        found.append((command.request, command.axes))
    return found


def test_a_tap_moves_for_a_moment_and_stops():
    control = CameraControl()
    control.move(LEFT, 10.0)
    assert requests(control) == [(Request.START, LEFT)]
    assert control.next_timeout() == 10.0 + CONTINUE_S
    control.handle_timeout(10.0 + CONTINUE_S)
    assert requests(control) == [(Request.CONTINUE, LEFT)]
    assert control.next_timeout() == 10.0 + HOLD_S
    control.handle_timeout(10.0 + HOLD_S)
    assert requests(control) == [(Request.STOP, LEFT)]
    assert control.next_timeout() is None


def test_a_key_that_is_held_goes_on_and_a_new_direction_stops_the_old():
    control = CameraControl()
    for tenth in range(20):
        now = tenth / 10
        control.move(LEFT, now)
        while (due := control.next_timeout()) is not None and due <= now:
            control.handle_timeout(now)
    told = requests(control)
    assert told[0] == (Request.START, LEFT)
    assert set(told[1:]) == {(Request.CONTINUE, LEFT)}
    control.move(Axes(tilt=1), 2.0)
    control.move(Axes(), 2.1)
    control.move(Axes(), 2.2)
    assert requests(control) == [
        (Request.STOP, LEFT), (Request.START, Axes(tilt=1)), (Request.STOP, Axes(tilt=1)),
    ]  # fmt: skip


def test_presets_are_activated():
    control = CameraControl()
    control.activate_preset(4)
    assert requests(control) == [(Request.ACTIVATE_PRESET, Axes())]


def test_we_say_what_we_are_and_answer_who_asks_within_reason():
    control = CameraControl()
    control.start()
    assert control.data_to_send() == [
        management.client_list().serialize(), management.extra_capabilities().serialize(),
        management.client_list_command().serialize(),
    ]  # fmt: skip
    control.receive(management.client_list_command().serialize(), 0.0)
    control.receive(Frame(CME, b"\x02\xff\x81").serialize(), 0.0)
    assert control.data_to_send() == [
        management.client_list().serialize(), management.extra_capabilities().serialize(),
    ]  # fmt: skip
    for _ in range(100):
        control.receive(management.client_list_command().serialize(), 1.0)
    assert len(control.data_to_send()) == 10
    assert control.counters["answers-dropped"] == 90


def press(control: CameraControl, request: Request, axes: Axes = LEFT, now: float = 0.0, timeout_ms: int = 800) -> None:
    """The remote control of the other end."""
    control.receive(Command(request, axes, timeout_ms).frame().serialize(), now)


def wishes(control: CameraControl) -> list[Wish]:
    found = []
    while (wish := control.next_wish()) is not None:
        found.append(wish)
    return found


def test_a_remote_control_starts_goes_on_and_stops():
    control = CameraControl()
    press(control, Request.START, now=10.0, timeout_ms=400)
    for now in (10.3, 10.6, 10.9):
        press(control, Request.CONTINUE, now=now)
    press(control, Request.STOP, now=11.0)
    held = Wish(LEFT, 0.4)
    assert wishes(control) == [Wish(LEFT, 0.4, is_start=True), held, held, held, Wish(Axes())]
    assert (control.data_to_send(), control.counters) == ([], {})


@pytest.mark.parametrize(
    ("pressed", "ignored"),
    [
        ([(Request.CONTINUE, LEFT, 0.0)], 1),
        ([(Request.STOP, LEFT, 0.0)], 1),
        ([(Request.START, Axes(), 0.0)], 1),
        ([(Request.START, LEFT, 0.0), (Request.CONTINUE, Axes(pan=1), 0.1)], 1),
        ([(Request.START, LEFT, 0.0), (Request.CONTINUE, LEFT, 0.81)], 1),
        ([(Request.START, LEFT, 0.0), (Request.STOP, Axes(tilt=1), 0.1)], 1),
        ([(Request.START, LEFT, 0.0), (Request.STOP, LEFT, 0.1), (Request.CONTINUE, LEFT, 0.2)], 1),
        ([(Request.START, LEFT, 0.0), (Request.STORE_PRESET, LEFT, 0.1), (Request.SELECT_SOURCE, LEFT, 0.2)], 2),
        ([(Request.ACTIVATE_PRESET, LEFT, 0.0)], 1),
    ],
    ids=["continue", "stop", "no axis", "other axes", "too late", "stop of others", "over", "presets", "preset"],
)
def test_what_was_not_begun_is_ignored(pressed: list[tuple[Request, Axes, float]], ignored: int):
    control = CameraControl()
    for request, axes, now in pressed:
        press(control, request, axes, now)
    assert control.counters == {"commands-ignored": ignored}
    starts = [wish for wish in wishes(control) if wish.axes != Axes()]
    assert starts == [Wish(LEFT, 0.8, is_start=True)] * (pressed[0] == (Request.START, LEFT, 0.0))


def test_a_stop_that_comes_late_stops_all_the_same_and_a_new_direction_needs_none():
    control = CameraControl()
    press(control, Request.START)
    press(control, Request.START, Axes(zoom=1), 0.1)
    press(control, Request.STOP, Axes(zoom=1), 5.0)
    assert wishes(control) == [
        Wish(LEFT, 0.8, is_start=True), Wish(Axes(zoom=1), 0.8, is_start=True), Wish(Axes()),
    ]  # fmt: skip


def test_no_hand_is_faster_than_so_many_starts():
    control = CameraControl()
    for hundredth in range(200):
        press(control, Request.START, Axes(pan=1 - 2 * (hundredth % 2)), hundredth / 100)
    assert len(wishes(control)) == 2 * MAX_STARTS_PER_S
    assert control.counters == {"commands-too-fast": 200 - 2 * MAX_STARTS_PER_S}


def test_a_camera_is_held_for_as_long_as_it_was_asked():
    control = CameraControl()
    control.move(LEFT, 10.0, 0.05)
    assert control.next_timeout() == pytest.approx(10.05)
    control.handle_timeout(10.05)
    assert requests(control) == [(Request.START, LEFT), (Request.STOP, LEFT)]


@pytest.mark.parametrize(
    ("clients", "can_move"),
    [(b"\x01\x81", True), (b"\x02\x7e\x05\x01", True), (b"\x02\x7f\xb5\x00\x00\x01\x02\x01", True), (b"\x00", False),
     (b"\x01\x7e\x01", False)],
)  # fmt: skip
def test_a_list_says_whether_there_is_a_camera_to_move(clients: bytes, can_move: bool):
    control = CameraControl()
    control.receive(Frame(CME, b"\x01\x00" + clients).serialize(), 0.0)
    assert control.can_move is can_move
