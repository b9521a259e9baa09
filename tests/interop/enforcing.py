"""A process that lets the terminal in and stays until somebody kills it: python -m tests.interop.enforcing DRIVER..."""

from __future__ import annotations

import asyncio
import sys

from auth8021x.enforce.drivers import drivers
from auth8021x.enforce.enforcer import Enforcer
from auth8021x.pae.grant import Grant
from auth8021x.wire import mac_address
from config.dot1x_enforcement import Driver, EnforcementSettings, NetworkSettings, PortSettings

PORT, BRIDGE, VLAN_BRIDGE = "enport", "enbr", "enbr42"
MAC, TERMINAL = "02:00:00:aa:00:01", "10.88.0.11"


def described(*names: Driver, **others: object) -> EnforcementSettings:
    """Settings of the ward's one port."""
    networks = [NetworkSettings("ward", BRIDGE)]
    if "bridge" in names:
        networks.append(NetworkSettings("42", VLAN_BRIDGE))
    return EnforcementSettings(names, (PortSettings(PORT, BRIDGE),), tuple(networks), **others)  # type: ignore[arg-type]


async def _serve(names: list[str]) -> None:
    settings = described(*names, timeout_s=1)  # type: ignore[arg-type]
    enforcer = Enforcer(settings, drivers(settings))
    await enforcer.start()
    enforcer.admit(PORT, mac_address.parse(MAC), Grant("vt1"), "s1")
    enforcer.address(PORT, mac_address.parse(MAC), TERMINAL)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1:]))
