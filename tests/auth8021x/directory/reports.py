"""Reports of two sites that share a private range, for the tests of the directory and the gate."""

from __future__ import annotations

from typing import Any

from auth8021x.directory.directory import Directory
from auth8021x.directory.events import Event
from auth8021x.directory.report import Kind, Report
from auth8021x.sites import Sites
from config.dot1x_sites import DeviceSettings, DirectorySettings, SiteSettings

VT1 = bytes.fromhex("02005e005301")
VT2 = bytes.fromhex("02005e005302")
SITES = (
    SiteSettings(
        "north", ("10.0.0.0/8", "2001:db8::/32"), arrives_at=("192.0.2.1",), mode="enforce",
        exempt=("10.9.0.0/16",), realms=("ward.example",), any_alias_roles=("gateway",),
        devices=(
            DeviceSettings(mac="02:00:5e:00:53:01", addresses=("10.1.1.1",)),
            DeviceSettings(identity="host/cart7", aliases=("Cart-7", "7007")),
        ),
    ),
    SiteSettings("south", ("10.0.0.0/8",), arrives_at=("192.0.2.2",), mode="monitor"),
    SiteSettings("ward", ("10.20.0.0/16",), arrives_at=("192.0.2.1",), mode="off"),
)  # fmt: skip


def directory(**settings: Any) -> Directory:
    return Directory(DirectorySettings(**settings), Sites(SITES))


def told(kind: Kind = Kind.START, mac: bytes = VT1, session_id: str = "s1", **more: Any) -> Report:
    given = {"site": "north", "nas": "sw/10.0.0.1", "identity": "vt1", "interim_s": 600.0} | more
    return Report(kind, session_id=session_id, mac=mac, **given)


def events(core: Directory) -> list[Event]:
    found = []
    while (event := core.next_event()) is not None:
        found.append(event)
    return found


def names(core: Directory) -> list[str]:
    return [type(event).__name__ for event in events(core)]
