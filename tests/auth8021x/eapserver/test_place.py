"""Where a switch says that its terminal is."""

from __future__ import annotations

import pytest

from auth8021x.eapserver.place import Place, place_of
from auth8021x.wire import attribute
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Type

NAME = attribute.text(Type.NAS_IDENTIFIER, "ward-3")
V4 = Attribute(Type.NAS_IP_ADDRESS, bytes((10, 0, 0, 1)))
V6 = Attribute(Type.NAS_IPV6_ADDRESS, bytes.fromhex("20010db8") + bytes(11) + b"\x01")
PORT_ID = attribute.text(Type.NAS_PORT_ID, "Gi1/0/7")
PORT = attribute.number(Type.NAS_PORT, 50_107)


@pytest.mark.parametrize(
    ("attributes", "place"),
    [
        ((V4, NAME, PORT, PORT_ID), Place("ward-3", "Gi1/0/7")),
        ((V4, PORT), Place("10.0.0.1", "50107")),
        ((V6,), Place("2001:db8::1", "")),
        ((), Place()),
        ((Attribute(Type.NAS_IP_ADDRESS, b"\1"), Attribute(Type.NAS_PORT, b"\1")), Place()),
    ],
)
def test_the_best_that_is_said(attributes: tuple[Attribute, ...], place: Place) -> None:
    assert place_of(attributes) == place
