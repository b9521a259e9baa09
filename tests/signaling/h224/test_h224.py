"""H.224 frames and H.281 commands, byte by byte, and how a camera is moved."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.h224 import camera, frame, management
from signaling.h224.camera import Axes, Command, Request
from signaling.h224.control import CONTINUE_S, HOLD_S, CameraControl
from signaling.h224.frame import CME, H281, Frame

LEFT = Axes(pan=-1)


@pytest.mark.parametrize(
    ("made", "wire"),
    [
        (Frame(H281, b"\x01"), "006103 0000 0000 01 c0 01"),
        (Frame(CME, b"", True, 0x1234, 0x5678), "007103 1234 5678 00 c0"),
        (management.client_list(), "007103 0000 0000 00 c0 01000101"),
        (management.client_list_command(), "007103 0000 0000 00 c0 01ff"),
        (management.extra_capabilities(), "007103 0000 0000 00 c0 02008100"),
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


def test_who_wants_to_move_something_here_moves_nothing():
    control = CameraControl()
    control.receive(Command(Request.START, LEFT).frame().serialize(), 0.0)
    assert (control.data_to_send(), control.counters["commands-ignored"]) == ([], 1)


@pytest.mark.parametrize(
    ("clients", "can_move"),
    [(b"\x01\x81", True), (b"\x02\x7e\x05\x01", True), (b"\x02\x7f\xb5\x00\x00\x01\x02\x01", True), (b"\x00", False),
     (b"\x01\x7e\x01", False)],
)  # fmt: skip
def test_a_list_says_whether_there_is_a_camera_to_move(clients: bytes, can_move: bool):
    control = CameraControl()
    control.receive(Frame(CME, b"\x01\x00" + clients).serialize(), 0.0)
    assert control.can_move is can_move
