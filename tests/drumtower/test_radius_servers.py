"""Which servers a command asks."""

from __future__ import annotations

import msgspec
import pytest

from config.dot1x import Dot1xSettings
from drumtower.administration import CommandError
from drumtower.radius_servers import asking, embedded, health, named

MAIN = {"name": "main", "address": "10.1.1.10", "secret_file": "m"}
SECOND = {"name": "second", "address": "10.1.1.11", "secret_file": "s"}
BOOKS = {"name": "books", "address": "10.1.1.12", "secret_file": "b", "authentication_port": 0}
WARD = {"name": "ward", "networks": ["10.20.0.0/16"], "secret_file": "ward.secret"}
SELF = {"name": "self", "networks": ["10.20.0.5"], "secret_file": "self.secret"}
LOOPBACK = {"name": "loopback", "networks": ["127.0.0.0/8"], "secret_file": "loopback.secret"}


def settings(*servers: dict[str, object], **eap_server: object) -> Dot1xSettings:
    return msgspec.convert({"servers": servers, "eap_server": eap_server}, Dot1xSettings)


def test_those_that_are_asked_about_terminals_in_their_order():
    described = settings(MAIN, BOOKS, SECOND)
    assert [each.name for each in named(described, "", is_embedded=False)] == ["main", "second"]
    assert [each.name for each in named(described, "second", is_embedded=False)] == ["second"]
    assert asking(described, described.servers[:1]).servers == described.servers[:1]


@pytest.mark.parametrize("name", ["third", "books"])
def test_others_are_named_where_there_is_none(name: str):
    with pytest.raises(CommandError, match=f"{name}: .* there are main, books"):
        named(settings(MAIN, BOOKS), name, is_embedded=False)


@pytest.mark.parametrize(
    ("listen", "clients", "address", "secret"),
    [
        (["127.0.0.1"], [WARD, LOOPBACK], "127.0.0.1", "loopback.secret"),
        (["10.20.0.5"], [WARD], "10.20.0.5", "ward.secret"),
        (["10.20.0.5"], [WARD, SELF], "10.20.0.5", "self.secret"),
        (["0.0.0.0"], [WARD, LOOPBACK], "127.0.0.1", "loopback.secret"),
        (["192.0.2.1", "10.20.0.5"], [WARD], "10.20.0.5", "ward.secret"),
    ],
)
def test_the_embedded_server_as_one_of_its_own_clients(
    listen: list[str], clients: list[dict[str, object]], address: str, secret: str
):
    described = settings(listen=listen, clients=clients, port=18_120)
    found = embedded(described)
    assert (found.name, found.address, found.secret_file) == ("embedded", address, secret)
    assert (found.authentication_port, found.accounting_port) == (18_120, 0)
    assert named(described, "", is_embedded=False) == (found,)
    assert named(settings(MAIN, listen=listen, clients=clients, port=18_120), "", is_embedded=True) == (found,)


@pytest.mark.parametrize(
    ("described", "words"),
    [
        (settings(), "no RADIUS server"),
        (settings(clients=[WARD]), r"takes nobody from 127\.0\.0\.1"),
        (settings(listen=["10.30.0.5"], clients=[WARD, LOOPBACK]), r"takes nobody from 10\.30\.0\.5"),
    ],
)
def test_where_it_would_not_listen_to_us_it_says_what_to_do(described: Dot1xSettings, words: str):
    with pytest.raises(CommandError, match=words):
        named(described, "", is_embedded=False)


async def test_servers_that_cannot_be_asked_how_they_are():
    deaf = {**MAIN, "has_status_server": False, "accounting_port": 0}
    first, second, last = await health(settings(deaf, {**SECOND, "secret_file": "/nowhere"}, clients=[WARD]))
    assert "is not asked how it is" in first
    assert "accounting" not in first
    assert second.count("/nowhere: the secret cannot be read") == 2
    assert last.startswith("embedded") and "takes nobody" in last
