"""Settings of the attendant, who asks for room and passcode, and of the test room."""

from __future__ import annotations

from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]


class AttendantSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The attendant, for every protocol."""

    tries: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    """Room numbers that a caller may get wrong; passcodes have their own limit, tries_per_call of the gate."""
    digit_timeout_s: Seconds = 5.0
    """So long after the last digit what was keyed in counts as finished, with or without #."""
    prompt_interval_s: Seconds = 25.0
    """A caller who keys in nothing is asked again after this time; longer than what is said (18 s in two languages)."""
    max_prompts: Annotated[int, msgspec.Meta(ge=1, le=20)] = 4
    """A caller who keys in nothing is asked so often before the good-bye."""
    max_asking_s: Seconds = 240.0
    """Who has not found a room by then hears the good-bye, whatever is keyed in."""
    goodbye_s: Seconds = 10.0
    """How long a caller sees and hears why the call ends."""
    announcement_interval_s: Seconds = 30.0
    """Who waits outside a room is told so this often."""
    max_calls: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 64
    """Callers who talk to the attendant or wait in a picture at the same time; further ones are refused."""
    max_calls_per_source: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 32
    """So many of them from one address, which may be that of a whole hospital or of a trunk."""

    menu_timeout_s: Seconds = 20.0
    """The menu of the remote control closes when no digit comes for so long; speaking it takes 18 s."""

    test_number: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{0,12}\Z")] = "0"
    """The number of the test room; rooms have two digits at least, so that one digit belongs to none. "" for none."""
    test_alias: Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-z]([0-9a-z._-]{0,62}[0-9a-z])?)?\Z")] = "test"
    """The word for the test room; "" for none."""
    test_delay_s: Annotated[float, msgspec.Meta(ge=0.5, le=10)] = 3.0
    """One's own sound and picture come back after this time."""
    test_max_calls: Annotated[int, msgspec.Meta(ge=0, le=100)] = 4
    """Callers in the test room at the same time; 0 closes it."""
    test_max_s: Seconds = 300.0
    """A test ends after this time."""

    def is_test_room(self, dialled: str) -> bool:
        """Whether a number or alias is that of the test room."""
        return bool(dialled) and dialled.lower() in (self.test_number, self.test_alias)
