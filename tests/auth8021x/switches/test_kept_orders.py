"""Orders that wait, as rows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from auth8021x.directory.orders import is_aside
from auth8021x.errors import MalformedPacketError
from auth8021x.switches.kept_orders import KeptOrder, parse
from auth8021x.switches.orders import MAX_AGE_S
from auth8021x.wire import tunnel
from auth8021x.wire.attribute import Attribute
from store.bindings import KeptBinding
from tests.auth8021x.switches.sessions import NOW, session


def row(order: KeptOrder) -> KeptBinding:
    return KeptBinding(order.key, order.alias, order.expires_at, order.data)


@pytest.mark.parametrize("change", [(), tunnel.vlan_attributes("43")])
def test_there_and_back(change: tuple[Attribute, ...]):
    order = KeptOrder(session(), change, NOW)
    assert parse(row(order)) == order
    assert (order.alias, order.expires_at) == (session().mac.hex(), NOW + MAX_AGE_S)
    assert is_aside(order.key), "and no session"


def test_what_cannot_be_read():
    good = row(KeptOrder(session(), (), NOW))
    text = json.loads(good.data)
    broken = [good.data[:end] for end in range(len(good.data))]
    broken += [json.dumps(text | {"change": [[256, ""]]}), json.dumps(text | {"change": [[1, "A" * 512]]})]
    broken.append(json.dumps(text | {"more": 1}))
    for data in broken:
        with pytest.raises(MalformedPacketError):
            parse(replace(good, data=data))
