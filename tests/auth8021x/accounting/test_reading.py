"""What switches write, and what the directory is told."""

import pytest

from auth8021x.accounting import reading
from auth8021x.directory.naming import Naming
from auth8021x.directory.report import Kind, Report
from auth8021x.directory.session import Entry
from auth8021x.wire import attribute, vendor
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import AcctStatusType, Huawei, Type, Vendor
from tests.auth8021x.accounting.packets import INTERIM, OFF, ON, START, STOP, address, cisco, huawei, status

MAC = bytes.fromhex("2cfda1405663")
STATION = attribute.text(Type.CALLING_STATION_ID, "2C-FD-A1-40-56-63")


def read(*attributes: Attribute) -> Report:
    found = reading.read(attributes, "north", "core", "10.0.0.9", 900)
    assert found is not None
    return found


def test_huawei():
    assert read(*huawei()) == Report(
        Kind.START, "north", "core/10.0.0.1", "SW00001000000042a7f9d0", MAC, "vt1@ward",
        "slot=0;subslot=0;port=1;vlanid=42", "", "42", Entry.EAP, ("10.1.2.3",), 900,
        naming=Naming(
            "10.0.0.9", "10.0.0.1", "HUAWEI", "vt1@ward", "2CFD-A140-5663", 4096, "slot=0;subslot=0;port=1;vlanid=42"
        ),
    )  # fmt: skip


def test_cisco():
    assert read(*cisco(INTERIM)) == Report(
        Kind.INTERIM, "north", "core/10.0.0.2", "0000002A", MAC, "vt1", "GigabitEthernet1/0/1", "video", "",
        Entry.EAP, ("10.1.2.3",), 900,
        naming=Naming("10.0.0.9", "10.0.0.2", "", "vt1", "2cfd.a140.5663", 50_101, "GigabitEthernet1/0/1"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (START, Kind.START),
        (STOP, Kind.STOP),
        (INTERIM, Kind.INTERIM),
        (ON, Kind.NAS_RESTARTED),
        (OFF, Kind.NAS_RESTARTED),
    ],
)
def test_kinds(kind: AcctStatusType, expected: Kind):
    assert read(status(kind)).kind is expected


@pytest.mark.parametrize("attributes", [(), (attribute.number(Type.ACCT_STATUS_TYPE, 9),)])
def test_tunnels_and_the_like_are_no_news(attributes: tuple[Attribute, ...]):
    assert reading.read(attributes, "north", "core", "10.0.0.9", 900) is None


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"10.1.2.3 2c:fd:a1:40:56:63", ("10.1.2.3",)),
        (b"2CFD-A140-5663 10.1.2.3", ("10.1.2.3",)),
        (b"10.1.2.3", ("10.1.2.3",)),
        (b"10.1.2.3 02:00:5e:00:53:09", ()),  # of another device
        (b"0.0.0.0 2c:fd:a1:40:56:63", ()),
        (b"2001:db8::7 2c:fd:a1:40:56:63", ("2001:db8::7",)),
        (b"nothing at all", ()),
        (b"", ()),
        (b"\xff\xfe", ()),
    ],
)
def test_huawei_ip_host_address(value: bytes, found: tuple[str, ...]):
    made = vendor.make(Vendor.HUAWEI, Huawei.IP_HOST_ADDRESS, value)
    assert read(status(START), STATION, made).addresses == found


def test_the_mac_may_be_in_huaweis_attribute_alone():
    made = vendor.make(Vendor.HUAWEI, Huawei.IP_HOST_ADDRESS, b"10.1.2.3 2c:fd:a1:40:56:63")
    assert read(status(START), made).mac == MAC


@pytest.mark.parametrize(
    ("attributes", "nas"),
    [
        ((address(Type.NAS_IP_ADDRESS, "10.0.0.1"), attribute.text(Type.NAS_IDENTIFIER, "HUAWEI")), "10.0.0.1"),
        ((address(Type.NAS_IPV6_ADDRESS, "2001:db8::1"),), "2001:db8::1"),
        ((address(Type.NAS_IP_ADDRESS, "0.0.0.0"), attribute.text(Type.NAS_IDENTIFIER, "sw-3")), "sw-3"),
        ((), "10.0.0.9"),
    ],
)
def test_which_switch(attributes: tuple[Attribute, ...], nas: str):
    assert read(status(ON), *attributes).nas == f"core/{nas}"


@pytest.mark.parametrize(
    ("attributes", "entry"),
    [
        ((attribute.text(Type.USER_NAME, "vt1"),), Entry.EAP),
        ((attribute.text(Type.USER_NAME, "2cfda1405663"),), Entry.BYPASS),
        ((attribute.text(Type.USER_NAME, "vt1"), attribute.number(Type.SERVICE_TYPE, 10)), Entry.BYPASS),
        ((), None),
    ],
)
def test_by_name_or_by_address(attributes: tuple[Attribute, ...], entry: Entry | None):
    found = read(status(START), STATION, *attributes)
    assert (found.entry, found.mac) == (entry, MAC)


def test_a_device_known_by_its_address_alone_needs_no_calling_station_id():
    assert read(status(START), attribute.text(Type.USER_NAME, "2CFDA1405663")).mac == MAC


@pytest.mark.parametrize(("said", "taken"), [(300, 300), (1, 30), (0xFFFF_FFFF, 86_400), (0, 900)])
def test_intervals_are_kept_in_bounds(said: int, taken: float):
    assert read(status(START), attribute.number(Type.ACCT_INTERIM_INTERVAL, said)).interim_s == taken


def test_delay_and_cause():
    found = read(
        status(STOP), attribute.number(Type.ACCT_DELAY_TIME, 30), attribute.number(Type.ACCT_TERMINATE_CAUSE, 2)
    )
    assert (found.age_s, found.cause) == (30, "lost-carrier")
    assert read(status(STOP), attribute.number(Type.ACCT_TERMINATE_CAUSE, 999)).cause == "999"


@pytest.mark.parametrize(
    ("attributes", "role"),
    [
        ((Attribute(Type.CLASS, b"\x01\x02"), Attribute(Type.CLASS, b"video")), "video"),
        ((Attribute(Type.CLASS, b"video"), attribute.text(Type.FILTER_ID, "gateway")), "gateway"),
        ((Attribute(Type.CLASS, b"\xff" * 20),), ""),
        ((Attribute(Type.CLASS, b""),), ""),
    ],
)
def test_roles(attributes: tuple[Attribute, ...], role: str):
    assert read(status(START), *attributes).role == role


def test_names_are_cut_and_many_addresses_are_not_taken():
    many = tuple(address(Type.FRAMED_IP_ADDRESS, f"10.1.2.{n}") for n in range(1, 40))
    found = read(status(START), attribute.text(Type.USER_NAME, "x" * 250), *many)
    assert (len(found.identity), len(found.addresses)) == (128, 16)


def test_the_time_of_the_switch():
    assert read(*cisco(), attribute.number(Type.EVENT_TIMESTAMP, 1_800_000_000)).told_at == 1_800_000_000
    assert read(*cisco()).told_at is None


def test_for_how_long_a_switch_lets_it_in():
    said = (attribute.number(Type.SESSION_TIMEOUT, 3600), attribute.number(Type.TERMINATION_ACTION, 1))
    assert [(found.lasts_s, found.is_renewable) for found in (read(*cisco(START), *said), read(*cisco(START)))] == [
        (3600.0, True), (None, False),
    ]  # fmt: skip
    assert read(*cisco(INTERIM), *said).lasts_s is None, "an update does not say since when"
    assert read(*cisco(START), attribute.number(Type.SESSION_TIMEOUT, 0)).lasts_s is None
