"""Events of the audit: what they hold, that no secret gets in, and how they look as lines."""

import logging
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest

from audit.event import Event, NoAudit, Outcome, SecretInEventError, differences
from audit.log import LoggingAudit
from crypto.secret import Secret

NOW = datetime(2026, 3, 4, 8, 30, tzinfo=UTC)


def event(**values: object) -> Event:
    return Event(
        **{"when": NOW, "who": "admin", "source": "192.0.2.7", "action": "room.changed", "object_id": "1001"} | values
    )


SECRETS = [
    {"passcode": "2468"}, {"guest_passcode": "2468"}, {"guest_passcode": None}, {"host_hash": "x"}, {"hash": 7},
    {"password": "x"}, {"new_password": "x"}, {"client_secret": "x"}, {"secret": Secret("x")}, {"name": Secret("x")},
    {"h235_key": "x"}, {"key": "x"}, {"keys": ("a", "b")}, {"token": "x"}, {"csrf": "x"}, {"csrf_token": "x"},
    {"Passcode": "2468"}, {"pin": 2468}, {"name": b"\x01\x02"}, {"name": bytearray(b"x")}, {"name": memoryview(b"x")},
    {"name": "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA"}, {"people": ("Li", "$argon2id$v=19$x")},
]  # fmt: skip


@pytest.mark.parametrize("side", ["old", "new"])
@pytest.mark.parametrize("fields", SECRETS, ids=lambda fields: next(iter(fields)))
def test_no_secret_gets_in(fields, side):
    with pytest.raises(SecretInEventError) as refused:
        event(**{side: fields})
    assert str(refused.value) == next(iter(fields))


def test_whether_there_is_a_secret_is_none():
    fields = {"has_guest_passcode": True, "must_change_password": False, "monkey": "x", "keynote": "x", "pinned": 3}
    assert dict(event(new=fields).new) == fields


@pytest.mark.parametrize("value", [{"a": 1}, ["a"], object(), (1, 2), {1}])
def test_only_plain_values(value):
    with pytest.raises(TypeError):
        event(new={"name": value})


def test_it_is_small_and_stays_as_it_was():
    fields = {"name": "x" * 1000, "people": ("y" * 1000,) * 100}
    made = event(new=fields)
    fields["name"] = "z"
    assert made.new["name"] == "x" * 256
    assert (len(made.new["people"]), len(made.new["people"][0])) == (64, 256)
    with pytest.raises(TypeError):
        made.new["name"] = "z"
    with pytest.raises(FrozenInstanceError):
        made.who = "z"
    with pytest.raises(ValueError, match="more than 64"):
        event(old={f"field{number}": 1 for number in range(65)})
    with pytest.raises(ValueError, match="aware"):
        event(when=datetime(2026, 3, 4))  # noqa: DTZ001
    assert made.object_kind == "room"
    assert len(event(object_id="9" * 1000).object_id) == 256


def test_differences():
    old = {"name": "A", "alias": "a", "gone": None}
    new = {"name": "B", "alias": "a", "fresh": None}
    assert differences(old, new) == ({"name": "A", "gone": None}, {"name": "B", "fresh": None})
    assert differences(old, old) == ({}, {})


LINES = [
    (event(), logging.INFO, "room=1001 changed user=admin source=192.0.2.7"),
    (
        event(old={"name": "Ward of Mr Wang"}, new={"name": "B", "alias": "b"}), logging.INFO,
        "room=1001 changed user=admin source=192.0.2.7 fields=alias,name",
    ),
    (
        event(who="", action="session.opened", object_id="", outcome=Outcome.REFUSED, reason="sign-in-failed"),
        logging.WARNING, "session= not opened source=192.0.2.7 refused=sign-in-failed",
    ),
    (
        event(object_id="10\n01", outcome=Outcome.FAILED, reason="internal-error"), logging.WARNING,
        "room=10?01 not changed user=admin source=192.0.2.7 failed=internal-error",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("made", "level", "line"), LINES)
async def test_lines_name_fields_and_hold_nothing_of_them(made, level, line, caplog):
    caplog.set_level(logging.INFO, "audit.test")
    await LoggingAudit(logging.getLogger("audit.test")).record(made)
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [(level, line)]
    assert await NoAudit().record(made) is None


async def test_strangers_cannot_flood_the_log_nor_hide_others_in_it(caplog):
    caplog.set_level(logging.INFO, "audit.test")
    now = 1000.0
    audit = LoggingAudit(logging.getLogger("audit.test"), lambda: now)
    for _ in range(500):
        await audit.record(event(who="", outcome=Outcome.REFUSED, reason="too-many-tries"))
    await audit.record(event())
    assert len(caplog.messages) == 121
    assert caplog.messages[-1] == "room=1001 changed user=admin source=192.0.2.7"
    now += 60
    await audit.record(event(who=""))
    assert caplog.messages[121] == "380 further events of strangers in the last 60 s"
