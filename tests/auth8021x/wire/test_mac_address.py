"""Every spelling of a MAC address that switches are known to send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth8021x.errors import MalformedPacketError
from auth8021x.wire import mac_address

ADDRESS = bytes.fromhex("2cfda1405663")


@pytest.mark.parametrize(
    "text",
    [
        "2C-FD-A1-40-56-63",
        "2c-fd-a1-40-56-63",
        "2C:FD:A1:40:56:63",
        "2CFD-A140-5663",  # Huawei
        "2cfd.a140.5663",  # Cisco
        "2cfda1-405663",  # HP
        "2CFDA1405663",
        "2C-FD-A1-40-56-63:ward-3",
        " 2cfda1405663 ",
    ],
)
def test_spellings(text: str):
    assert mac_address.parse(text) == ADDRESS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2CFDA140566",
        "2CFDA14056633",
        "2C-FD:A1-40-56-63",
        "2G-FD-A1-40-56-63",
        "2C-FD-A1-40-56",
        "vt1",
        "2CFD-A140-5663-00",
    ],
)
def test_what_is_none(text: str):
    with pytest.raises(MalformedPacketError):
        mac_address.parse(text)


def test_what_we_write():
    assert mac_address.station_id(ADDRESS) == "2C-FD-A1-40-56-63"
    assert mac_address.plain(ADDRESS) == "2c:fd:a1:40:56:63"
    assert mac_address.user_name(ADDRESS) == "2cfda1405663"


@given(st.binary(min_size=6, max_size=6))
def test_what_we_write_is_read(address: bytes):
    for write in (mac_address.station_id, mac_address.plain, mac_address.user_name):
        assert mac_address.parse(write(address)) == address


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str):
    try:
        assert len(mac_address.parse(text)) == 6
    except MalformedPacketError:
        pass
