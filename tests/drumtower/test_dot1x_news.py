"""What the running server leaves for commands, and what they print of it."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import msgspec
import pytest

from auth8021x.directory.orders import is_aside
from auth8021x.eapserver.recent import Login
from auth8021x.eapserver.unheard import Unheard
from auth8021x.ports.status import ClientKind, ClientStatus, ServerStatus
from auth8021x.wire.authenticity import Fault
from config.dot1x import Dot1xSettings
from drumtower import dot1x_news, login_report
from drumtower.dot1x_news import News, NewsDesk, gathered, read
from drumtower.login_report import lines
from store.bindings import Keepable, KeptBinding
from store.database import Database

ROOT = Path(__file__).parents[2]
NOW = 1_900_000_000.0
REFUSED = Login(
    NOW, "ward", "sw3", "Gi1/0/7", "02:00:5e:00:53:01", "vt1", "PEAP", "wrong-password", "", 3
)  # fmt: skip
LET_IN = Login(NOW, "ward", "", "", "02:00:5e:00:53:02", "cart-7", "EAP-TLS", "", "", 1)
STRANGER = Unheard(NOW, "192.0.2.99", "wrong-message-authenticator", 8)
OLD = ServerStatus("old", "192.0.2.1", "udp", True, is_excused=True, excused=7)
CART = ClientStatus("cart", ClientKind.LOGINS, ("192.0.2.7",), is_excused=True, excused=2)
KNOWN = msgspec.convert(
    {
        "servers": [
            {"name": "old", "address": "192.0.2.1", "demands_message_authenticator": False},
            {"name": "main", "address": "192.0.2.2"},
        ],
        "eap_server": {
            "clients": [
                {"name": "cart", "networks": ["192.0.2.7"], "demands_message_authenticator": False},
                {"name": "ward", "networks": ["192.0.2.8"]},
            ]
        },
        "dynamic": {"clients": [{"name": "policy", "address": "192.0.2.9", "demands_message_authenticator": False}]},
    },
    Dot1xSettings,
)


class Rows:
    def __init__(self) -> None:
        self.kept: list[KeptBinding] = []

    def put(self, binding: Keepable) -> None:
        assert isinstance(binding, KeptBinding)
        self.kept.append(binding)


async def test_it_is_there_after_the_server_and_is_no_session(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/drumtower.db")
    await database.open()
    desk = NewsDesk(
        database.port_sessions, lambda: gathered([REFUSED], [LET_IN], [STRANGER], [OLD], [CART]), lambda: NOW
    )
    desk.look()
    await database.close()
    again = Database(f"sqlite:///{tmp_path}/drumtower.db")
    await again.open()
    rows = await again.port_sessions.load(0.0)
    await again.close()
    assert [is_aside(row.key) for row in rows] == [True]
    assert read(rows) == News(NOW, (REFUSED,), (LET_IN,), (STRANGER,), (OLD,), (CART,))


async def test_it_is_written_when_something_is_new_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dot1x_news, "WRITE_EVERY_S", 0)
    rows, refused, looks = Rows(), list[Login](), 0

    def gather() -> News:
        nonlocal looks
        looks += 1
        return gathered(refused, [], [], [], [])

    desk = NewsDesk(rows, gather, lambda: NOW)
    desk.start()
    async with asyncio.timeout(10):
        while looks < 5:
            await asyncio.sleep(0)
    assert len(rows.kept) == 1
    refused.append(REFUSED)
    before = asyncio.all_tasks()
    await desk.stop()
    await desk.stop()
    assert len(asyncio.all_tasks()) == len(before) - 1
    assert [len(read([row]).refused) for row in rows.kept] == [0, 1]


def test_no_more_is_left_than_is_shown() -> None:
    found = gathered([REFUSED] * 100, [LET_IN] * 100, [STRANGER] * 100, [], [])
    assert {len(found.refused), len(found.let_in), len(found.unheard)} == {dot1x_news.MAX_LOGINS}


@pytest.mark.parametrize("data", ["", "{", '{"at": "tomorrow"}'])
def test_what_another_version_has_left_is_nothing(data: str) -> None:
    assert read([KeptBinding("!news", "", NOW, data)]) == News()


def test_what_is_printed() -> None:
    said = "\n".join(lines(KNOWN, News(NOW, (REFUSED,), (LET_IN,), (STRANGER,), (OLD,), (CART,))))
    assert "02:00:5e:00:53:01  vt1 PEAP, ward: sw3 Gi1/0/7, refused: wrong password, 3 times" in said
    assert "02:00:5e:00:53:02  cart-7 EAP-TLS, ward, let in" in said
    assert "192.0.2.99 gets no answer: it has another secret, 8 requests" in said
    assert "WARNING: old is believed without Message-Authenticator (BlastRADIUS): 7 answers so far" in said
    assert "WARNING: cart is believed without Message-Authenticator (BlastRADIUS): 2 requests so far" in said
    assert "WARNING: policy is believed without Message-Authenticator (BlastRADIUS): 0 orders so far" in said
    assert "main" not in said


def test_before_the_server_has_run_and_without_it() -> None:
    assert [line[:7] for line in lines(KNOWN, News())] == ["WARNING"] * 3, "excuses are seen all the same"
    assert list(lines(Dot1xSettings(), News(NOW))) == []
    assert list(lines(KNOWN, News(NOW)))[-1].strip() == "none yet"


def test_every_reason_of_the_server_has_words_everywhere() -> None:
    sources = "".join(file.read_text() for file in (ROOT / "auth8021x" / "eapserver").glob("*.py"))
    reasons = set(re.findall(r'Failed\(\s*"([a-z-]+)"|self\.fault(?:, self\.detail)? = "([a-z-]+)"', sources))
    found = {one or other for one, other in reasons} | {"wrong-password", "no-password"}
    unheard = {"unknown-client", "malformed", "unexpected", *(each.value for each in Fault)} - {"wrong-authenticator"}
    assert unheard == set(login_report._NO_ANSWER)
    assert len(found) > 15
    assert found <= set(login_report._WORDS)
    for language in ("en", "zh-CN"):
        texts = json.loads((ROOT / "portal" / "web" / "i18n" / f"{language}.json").read_text())
        assert {reason for reason in found if f"network.login.{reason}" not in texts} == set()
        assert {reason for reason in unheard if f"network.unheard.{reason}" not in texts} == set()
