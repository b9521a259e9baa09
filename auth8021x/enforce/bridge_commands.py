"""Lines for iproute2 (`ip -batch`, `bridge -batch`) that make the ports of Linux bridges what a plan says. Pure."""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from typing import Any

from auth8021x.enforce.plan import Plan, PortPlan
from auth8021x.errors import EnforcementError
from auth8021x.wire import mac_address

Entry = tuple[str, bytes]
"""Port and MAC of a static entry in the forwarding database."""


def link_lines(plan: Plan) -> list[str]:
    """For `ip -batch`: ports in their bridges, locked. All lines may be said again without harm.

    A port that joins a bridge is open until the line after it, in the same process; what the bridge learned in between
    is forgotten with the third. Without no_linklocal_learn a bare EAPOL-Start would let its sender in.
    """
    bridges = sorted({port.bridge for port in plan})
    lines = [f"link set dev {bridge} type bridge no_linklocal_learn 1" for bridge in bridges]
    for port in plan:
        lines += _port_lines(port)
    return lines


def entry_lines(plan: Plan, present: Sequence[Entry], own: Container[bytes] = ()) -> list[str]:
    """For `bridge -batch`: from the entries that are there to those that ought to be; who goes goes first.

    `own`: see read_own(); who comes under one of these is not let in.
    """
    wanted = [(port.name, mac) for port in plan for mac in port.terminals if mac not in own]
    ours, kept = {port.name for port in plan}, set(wanted) & set(present)
    gone = [f"fdb del {_device(entry)} master" for entry in present if entry[0] in ours and entry not in kept]
    missing = [f"fdb replace {_device(entry)} master static" for entry in wanted if entry not in kept]
    return [*gone, *missing]


def read_entries(shown: bytes) -> list[Entry]:
    """What `bridge -json fdb show` says of static entries. Raises EnforcementError."""
    return _read(shown, "static")


def read_own(shown: bytes) -> frozenset[bytes]:
    """The addresses of the bridges and their ports themselves, which an entry would take from them for good.

    Raises EnforcementError.
    """
    return frozenset(mac for _, mac in _read(shown, "permanent"))


def misplaced(plan: Plan, shown: bytes) -> frozenset[str]:
    """Ports that are in another bridge than the plan says, or in none, by `bridge -json link show`.

    Raises EnforcementError.
    """
    try:
        found = {str(each["ifname"]): str(each.get("master", "")) for each in json.loads(shown or b"[]")}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnforcementError(f"bridge: not understood: {error}") from None
    return frozenset(port.name for port in plan if found.get(port.name) != port.bridge)


def _port_lines(port: PortPlan) -> list[str]:
    # AdminControlledDirections Both (IEEE 802.1X-2004 6.4.3): where nobody is in, nothing is sent out, either.
    flooded = "on" if port.terminals else "off"
    slave = f"link set dev {port.name} type bridge_slave"
    return [
        f"link set dev {port.name} master {port.bridge}",
        f"{slave} locked on learning off flood {flooded} mcast_flood {flooded} bcast_flood {flooded}",
        f"{slave} fdb_flush",
    ]


def _read(shown: bytes, state: str) -> list[Entry]:
    try:
        found = json.loads(shown) if shown.strip() else []
        return sorted({_entry(each) for each in found if each.get("state") == state and "master" in each})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnforcementError(f"bridge: not understood: {error}") from None


def _entry(each: dict[str, Any]) -> Entry:
    # "dev" in iproute2 before 4.17
    return str(each["ifname"] if "ifname" in each else each["dev"]), mac_address.parse(str(each["mac"]))


def _device(entry: Entry) -> str:
    name, mac = entry
    return f"{mac_address.plain(mac)} dev {name}"
