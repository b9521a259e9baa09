"""What attributes hold: EAP packets in pieces, tunnels with tags, vendors' attributes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth8021x.errors import MalformedPacketError
from auth8021x.wire import attribute, eap, eap_message, tunnel, vendor
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Huawei, Microsoft, Type, Vendor
from auth8021x.wire.eap import Code, Eap, Method
from auth8021x.wire.tunnel import Tunnel

CLASS = Attribute(Type.CLASS, b"room-a")


@pytest.mark.parametrize(("size", "pieces"), [(5, 1), (253, 1), (254, 2), (506, 2), (507, 3), (4000, 16)])
def test_eap_packets_in_pieces(size: int, pieces: int):
    sent = Eap(Code.REQUEST, 3, Method.TLS, bytes(size - 5))
    made = eap_message.split(sent.serialize())
    assert [len(each.value) for each in made[:-1]] == [253] * (pieces - 1)
    assert len(made) == pieces
    assert eap_message.join((CLASS, *made, CLASS)) == sent


def test_pieces_have_to_follow_one_another_and_hold_one_packet():
    first, second = eap_message.split(Eap(Code.REQUEST, 3, Method.TLS, bytes(300)).serialize())
    for wrong in ((first, CLASS, second), (second, first), (first,), (first, second, second), (Attribute(79, b""),)):
        with pytest.raises(MalformedPacketError):
            eap_message.join(wrong)
    assert eap_message.join((CLASS,)) is None


@given(st.binary(max_size=3995))
def test_what_is_split_is_joined(data: bytes):
    sent = Eap(Code.RESPONSE, 3, Method.PEAP, data)
    parsed = attribute.parse(b"".join(each.serialize() for each in eap_message.split(sent.serialize())))
    assert eap_message.join(parsed) == sent


def tunnelled(*hexes: str) -> tuple[Attribute, ...]:
    return attribute.parse(bytes.fromhex("".join(hexes)))


WITHOUT_TAG = tunnelled("40060000000d", "410600000006", "5104" + b"42".hex())
"""As FreeRADIUS sends the users of the fixtures: VLAN 42."""
TAGGED = tunnelled("40060100000d", "410601000006", "5105" + "01" + b"42".hex())


@pytest.mark.parametrize("attributes", [WITHOUT_TAG, TAGGED])
def test_a_vlan_with_and_without_a_tag(attributes: tuple[Attribute, ...]):
    assert tunnel.vlan((CLASS, *attributes)) == "42"
    tag = attributes[0].value[0]
    assert tunnel.vlan_attributes("42", tag) == attributes
    assert tunnel.tunnels(attributes) == (Tunnel(tag, 13, 6, "42"),)


def test_of_several_the_preferred_one_counts():
    other = tunnelled("40060200000d", "410602000006", "510602" + b"vid".hex())
    assert tunnel.vlan(TAGGED + other) == "42"
    assert tunnel.vlan(other + TAGGED) == "42"
    assert tunnel.vlan(TAGGED + other + tunnelled("530602000001", "530601000002")) == "vid"


@pytest.mark.parametrize(
    "attributes",
    [
        WITHOUT_TAG[:2],
        WITHOUT_TAG[1:],
        WITHOUT_TAG[::2],
        tunnelled("40060000000d", "410600000006", "510501" + b"42".hex()),  # different tags
        tunnelled("40060000000d", "410600000001", "5104" + b"42".hex()),  # IPv4 is no medium of a VLAN
        tunnelled("4005000000"),
        tunnelled("40062000000d"),
        tunnelled("5102"),
        tunnelled("510301"),
        tunnelled("5104ffff"),
        tunnelled("5104420a"),
    ],
)
def test_half_a_vlan_is_none_at_all(attributes: tuple[Attribute, ...]):
    with pytest.raises(MalformedPacketError):
        tunnel.vlan(attributes)


def test_tunnels_that_are_no_vlans_name_none():
    assert tunnel.vlan(()) == ""
    assert tunnel.vlan(tunnelled("400600000003", "410600000001")) == ""  # L2TP over IPv4


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=30), st.integers(0, 31))
def test_what_is_written_is_read(name: str, tag: int):
    assert tunnel.vlan(tunnel.vlan_attributes(name, tag)) == name


def test_vendors():
    address = vendor.make(Vendor.HUAWEI, Huawei.IP_HOST_ADDRESS, b"192.0.2.7 02:00:5e:00:53:01")
    key = vendor.make(Vendor.MICROSOFT, Microsoft.MPPE_SEND_KEY, b"k" * 50)
    foreign = Attribute(Type.VENDOR_SPECIFIC, bytes.fromhex("00000009") + b"nothing that we read")
    found = (foreign, key, CLASS, address)
    assert address.serialize()[:8] == bytes.fromhex("1a23000007db3c1d")
    assert vendor.every(found, Vendor.HUAWEI, Huawei.IP_HOST_ADDRESS) == [b"192.0.2.7 02:00:5e:00:53:01"]
    assert vendor.every(found, Vendor.HUAWEI, Huawei.VERSION) == []
    assert "kkk" not in repr(found)
    with pytest.raises(ValueError, match="247"):
        vendor.make(Vendor.HUAWEI, 1, bytes(248))


def test_several_in_one_attribute():
    both = Attribute(Type.VENDOR_SPECIFIC, Vendor.HUAWEI.to_bytes(4, "big") + bytes.fromhex("1a06000000073c046162"))
    assert vendor.every((both,), Vendor.HUAWEI, Huawei.CONNECT_ID) == [bytes((0, 0, 0, 7))]
    assert vendor.every((both,), Vendor.HUAWEI, Huawei.IP_HOST_ADDRESS) == [b"ab"]


@pytest.mark.parametrize("inner", ["01", "0100", "0101", "010461"])
def test_vendor_attributes_with_a_wrong_length(inner: str):
    with pytest.raises(MalformedPacketError):
        vendor.every((Attribute(26, Vendor.HUAWEI.to_bytes(4, "big") + bytes.fromhex(inner)),), Vendor.HUAWEI, 1)


def test_eap_packets_with_padding_in_radius_are_refused():
    with pytest.raises(MalformedPacketError):
        eap_message.join((Attribute(Type.EAP_MESSAGE, eap.success(1).serialize() + b"\0"),))
