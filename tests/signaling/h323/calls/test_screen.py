"""The token of H.239 and the floor of a room, with a room that only notes what it is asked."""

from __future__ import annotations

import itertools

import pytest

from signaling.h323.calls.screen import SharedScreen
from signaling.h323.h245.control import Control, OwnCapabilities
from signaling.h323.h245.events import ContentState, ContentToken, Effect, Send

LEG = 7


class Media:
    """The part of CallMedia that a shared screen uses."""

    is_content_taken = True

    def __init__(self) -> None:
        self.done: list[str] = []

    def content_number(self) -> int:
        return 5

    def open_content(self, _now: float) -> list[Effect]:
        self.done.append("open")
        return []

    def close_content(self, _now: float) -> list[Effect]:
        self.done.append("close")
        return []


class Calls:
    def __init__(self) -> None:
        self.has_floor = True
        self.asked: list[str] = []

    def request_floor(self, room: str, leg: int) -> bool:
        self.asked.append(f"request {room} {leg}")
        return self.has_floor

    def release_floor(self, room: str, leg: int) -> None:
        self.asked.append(f"release {room} {leg}")


class World:
    def __init__(self) -> None:
        self.media, self.calls = Media(), Calls()
        self.control = Control(OwnCapabilities({}), itertools.count(1).__next__)
        self.terminal = Control(OwnCapabilities({}), itertools.count(9).__next__)
        self.screen = SharedScreen(LEG, self.control, self.media, self.calls)  # type: ignore[arg-type]
        self.screen.room = "1001"

    def take(self, state: ContentState) -> list[str]:
        return messages(self.screen.take(ContentToken(state), 0.0))

    def hear(self, effects: list[Effect]) -> list[str]:
        """What the terminal sends reaches the room; the answer."""
        answers: list[Effect] = []
        for effect in effects:
            assert isinstance(effect, Send)
            for event in self.control.receive(effect.message, 0.0):
                assert isinstance(event, ContentToken)
                answers += self.screen.take(event, 0.0)
        return messages(answers)

    def ask_terminal(self, effects: list[Effect]) -> None:
        """What the room sends reaches the terminal, which refuses."""
        for effect in effects:
            assert isinstance(effect, Send)
            self.terminal.receive(effect.message, 0.0)
        self.hear(self.terminal.refuse_content())


def messages(effects: list[Effect]) -> list[str]:
    """Sub-messages of H.239 (8.2) by number, with "+" or "-" for a token granted or refused."""
    found: list[str] = []
    for effect in effects:
        assert isinstance(effect, Send)
        body = effect.message[1][1]
        parameters = {content["parameterIdentifier"][1] for content in body["messageContent"]}
        found.append(f"{body['subMessageIdentifier']}{'+' * (126 in parameters)}{'-' * (127 in parameters)}")
    return found


@pytest.fixture
def world() -> World:
    return World()


def test_a_screen_of_the_room_is_shown_once_the_terminal_grants(world: World) -> None:
    assert messages(world.screen.floor_changed(3, 0.0)) == ["3"]
    assert world.media.done == []
    world.take(ContentState.GRANTED)
    assert world.media.done == ["open"]


def test_a_terminal_that_refuses_is_asked_again_at_the_next_screen(world: World) -> None:
    world.ask_terminal(world.screen.floor_changed(3, 0.0))
    world.screen.floor_changed(0, 0.0)
    assert messages(world.screen.floor_changed(4, 0.0)) == ["3"]


def test_what_is_over_is_closed(world: World) -> None:
    world.screen.floor_changed(3, 0.0)
    world.take(ContentState.GRANTED)
    assert messages(world.screen.floor_changed(0, 0.0)) == ["5"]
    assert world.media.done == ["open", "close"]


def test_a_channel_that_is_refused_gives_the_token_back(world: World) -> None:
    world.screen.floor_changed(3, 0.0)
    world.take(ContentState.GRANTED)
    assert world.screen.refused(4) == []
    assert messages(world.screen.refused(5)) == ["5"]


def test_a_terminal_without_content_is_not_asked(world: World) -> None:
    world.media.is_content_taken = False
    assert world.screen.floor_changed(3, 0.0) == []


def test_the_terminals_own_screen_is_not_shown_to_it(world: World) -> None:
    assert world.screen.floor_changed(LEG, 0.0) == []


@pytest.mark.parametrize(("has_floor", "answer"), [(True, "4+"), (False, "4-")])
def test_a_terminal_presents_when_the_room_lets_it(world: World, has_floor: bool, answer: str) -> None:
    world.calls.has_floor = has_floor
    assert world.hear(world.terminal.request_content(5, 0.0)) == [answer]
    assert world.calls.asked == ["request 1001 7"]


def test_before_it_is_in_a_room_it_presents_nothing(world: World) -> None:
    world.screen.room = ""
    assert world.hear(world.terminal.request_content(5, 0.0)) == ["4-"]
    assert world.calls.asked == []


def test_it_gives_the_floor_back(world: World) -> None:
    world.take(ContentState.RELEASED)
    assert world.calls.asked == ["release 1001 7"]


def test_a_terminal_that_takes_the_token_stops_our_channel(world: World) -> None:
    world.screen.floor_changed(3, 0.0)
    world.take(ContentState.GRANTED)
    world.take(ContentState.LOST)
    assert world.media.done == ["open", "close"]
