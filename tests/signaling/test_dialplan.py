"""The dial plan: a table, and nothing that a peer dials raises or shows a passcode."""

from __future__ import annotations

import logging
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.secret import Secret
from signaling.dialplan import MALFORMED, MAX_DIALLED_CHARACTERS, MAX_PASSCODE_CHARACTERS, parse

UNDERSTOOD = [
    # dialled, room, passcode, host, shown
    ("1001", "1001", None, "", "1001"),
    ("1001**2468", "1001", "2468", "", "1001"),
    ("1001**2468#", "1001", "2468", "", "1001"),
    ("1001**", "1001", "", "", "1001"),
    ("site##1001", "1001", None, "site", "site##1001"),
    ("10.0.0.5##1001**2468", "1001", "2468", "10.0.0.5", "10.0.0.5##1001"),
    ("##1001", "1001", None, "", "1001"),
    ("site%23%231001%2a%2A2468", "1001", "2468", "site", "site##1001"),
    ("Ward-3", "ward-3", None, "", "ward-3"),
    ("1001;phone-context=example", "1001", None, "", "1001"),
    # The first ** begins the passcode, whatever it holds.
    ("1001**24**68", "1001", "24**68", "", "1001"),
    ("1001**2##68", "1001", "2##68", "", "1001"),
    ("", "", None, "", ""),
]


@pytest.mark.parametrize(("dialled", "room", "passcode", "host", "shown"), UNDERSTOOD)
def test_understands(dialled: str, room: str, passcode: str | None, host: str, shown: str) -> None:
    found = parse(dialled)
    assert found.is_valid
    assert (found.room, found.host, found.shown) == (room, host, shown)
    assert (found.passcode.reveal() if found.passcode is not None else None) == passcode
    assert found.is_attendant == (room == "")


@pytest.mark.parametrize(
    "dialled",
    [
        "**2468", "site##", "site##**2468", "##", "**", "10 01", "1001*2468", "1001#", "-1001", "1001%",
        "1001%2", "1001%zz",
        "1001%ff", "1001%00", "1001%0d%0a", "房间", "a" * 65, "1" * (MAX_DIALLED_CHARACTERS + 1), "%31" * 300,
        "1001**" + "1" * (MAX_PASSCODE_CHARACTERS + 1), "h" * 129 + "##1001", "\ud800", "%41\ud800",
    ],
)  # fmt: skip
def test_refuses(dialled: str) -> None:
    assert parse(dialled) == MALFORMED
    assert not parse(dialled).is_attendant
    assert parse(dialled).shown == "(malformed)"


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_never_raises(text: str) -> None:
    found = parse(text)
    assert found.is_valid or found == MALFORMED
    assert "**" not in found.shown


@given(
    st.from_regex(r"[0-9]{2,12}", fullmatch=True),
    st.from_regex(r"[0-9]{1,10}", fullmatch=True),
    st.from_regex(r"[a-z.]{0,20}", fullmatch=True),
)
@settings(max_examples=100, deadline=None)
def test_encoded_or_not_is_the_same(room: str, passcode: str, host: str) -> None:
    dialled = f"{host}##{room}**{passcode}" if host else f"{room}**{passcode}"
    assert parse(dialled) == parse(quote(dialled, safe=""))
    assert (parse(dialled).room, parse(dialled).host) == (room, host)


def test_passcode_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    found = parse("1001**135790")
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("x").info("%s %r %s", found, found, found.passcode)
    texts = [repr(found), str(found), f"{found}", f"{found.passcode}", f"{found.passcode!r}", found.shown, caplog.text]
    assert not any("135790" in text for text in texts)


def test_secret_is_still_its_text() -> None:
    secret = Secret("2468")
    assert secret == "2468"
    assert secret.encode() == b"2468"
    assert type(secret.reveal()) is str
    assert secret.reveal() == "2468"
    assert f"{secret:>5}" == "  ***"
