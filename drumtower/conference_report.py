"""Running conferences as lines of text, from what the API says of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit.lines import shown

Row = dict[str, Any]


def overview(conferences: Iterable[Row]) -> list[str]:
    """A line for each conference."""
    return [_conference(one) for one in conferences] or ["no conference runs now"]


def inside(conference: Row) -> list[str]:
    """The conference, and a line for each participant."""
    head = [
        f"{conference['number']} {shown(conference['name'])}",
        f"layout {conference['layout']}",
        *_state(conference),
    ]
    message = [f"in the picture: {shown(conference['message'])}"] if conference["message"] else []
    people = [_participant(person, conference["spotlight"]) for person in conference["participants"]]
    return [", ".join(head), *message, *people]


def outside(waiting: Iterable[Row]) -> list[str]:
    """A line for each who waits outside a room."""
    return [f"{one['id']:>6}  {shown(one['name'] or one['address']):<24} waits ({one['reason']})" for one in waiting]


def _conference(one: Row) -> str:
    count = len(one["participants"])
    return f"{one['number']:<12} {shown(one['name']):<32} {count:>3} in it  {' '.join(_state(one))}".rstrip()


def _state(conference: Row) -> list[str]:
    return [
        word
        for word, is_on in (("recording", conference["is_recording"]), ("locked", conference["is_locked"]))
        if is_on
    ]


def _participant(person: Row, spotlight: int) -> str:
    network = f"{100 * person['loss']:.1f} % lost, {person['round_trip_ms']:.0f} ms"
    lock = person["cipher"] or person["grade"]
    facts = [person["role"], person["protocol"], lock, *person["codecs"], network, *_signs(person, spotlight)]
    return f"{person['id']:>6}  {shown(person['name']):<24} {', '.join(facts)}"


def _signs(person: Row, spotlight: int) -> list[str]:
    signs = {
        "muted": person["is_muted"],
        "hand raised": person["has_hand_raised"],
        "speaks": person["is_speaking"],
        "shares": person["is_sharing"],
        "spotlight": person["id"] == spotlight,
        f"{person['gain_db']:+d} dB": person["gain_db"],
        f"layout {person['layout']}": person["layout"],
    }
    return [word for word, is_on in signs.items() if is_on]
