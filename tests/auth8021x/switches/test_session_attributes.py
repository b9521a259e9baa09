"""Which words a switch is told: its own."""

from __future__ import annotations

import pytest

from auth8021x.directory.session import Session
from auth8021x.switches.session_attributes import wordings
from auth8021x.wire import attribute
from auth8021x.wire.dictionary import Type
from config.dot1x_switches import SwitchSettings
from tests.auth8021x.accounting.packets import address, cisco, huawei
from tests.auth8021x.switches.sessions import session, switch

DEFAULT = SwitchSettings("ward", "north", ("10.0.0.0/24",)).named_by


def test_a_huawei_hears_its_own_words():
    assert wordings(session(*huawei()), DEFAULT) == [
        (
            address(Type.NAS_IP_ADDRESS, "10.0.0.1"),
            attribute.text(Type.NAS_IDENTIFIER, "HUAWEI"),
            attribute.text(Type.USER_NAME, "vt1@ward"),
            attribute.text(Type.CALLING_STATION_ID, "2CFD-A140-5663"),
            attribute.text(Type.ACCT_SESSION_ID, "SW00001000000042a7f9d0"),
            attribute.number(Type.NAS_PORT, 4096),
        ),
        (
            attribute.text(Type.CALLING_STATION_ID, "2CFD-A140-5663"),
            attribute.text(Type.ACCT_SESSION_ID, "SW00001000000042a7f9d0"),
        ),
    ]


def test_the_settings_say_what_names_a_session():
    port = attribute.text(Type.NAS_PORT_ID, "GigabitEthernet1/0/1")
    nas = address(Type.NAS_IP_ADDRESS, "10.0.0.2")
    given = switch(named_by=["nas-port-id", "acct-session-id"]).named_by
    wanted = attribute.text(Type.ACCT_SESSION_ID, "0000002A")
    assert wordings(session(), given)[0] == (nas, port, wanted)


def test_what_was_not_said_is_not_made_up():
    told = [each for each in cisco() if each.type not in (Type.NAS_IP_ADDRESS, Type.NAS_PORT, Type.USER_NAME)]
    station = attribute.text(Type.CALLING_STATION_ID, "2cfd.a140.5663")
    assert wordings(session(*told), DEFAULT) == [(station, attribute.text(Type.ACCT_SESSION_ID, "0000002A"))]


@pytest.mark.parametrize("name", [b"vt1\x00", b"\xff\xfe"])
def test_a_name_that_would_not_come_back_as_it_was_is_left_out(name: bytes):
    told = [each if each.type != Type.USER_NAME else attribute.Attribute(Type.USER_NAME, name) for each in cisco()]
    assert Type.USER_NAME not in {each.type for each in wordings(session(*told), DEFAULT)[0]}


def test_the_words_outlive_a_restart_and_long_names_are_not_cut():
    name = "x" * 250
    told = [each if each.type != Type.USER_NAME else attribute.text(Type.USER_NAME, name) for each in cisco()]
    found = session(*told)
    assert len(found.identity) < len(name), "of pages it is"
    again = Session.parse(found.serialize())
    assert wordings(again, DEFAULT) == wordings(found, DEFAULT)
    assert attribute.text(Type.USER_NAME, name) in wordings(again, DEFAULT)[0]
