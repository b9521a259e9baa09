"""Our own ports of 802.1X: interfaces, bridges, programs and rights that they need, and who says who may come in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from auth8021x.enforce.programs import path_of
from auth8021x.ports.interfaces import exists
from auth8021x.radius import dynamic_udp
from config.dot1x import Dot1xSettings
from config.settings import Settings
from crypto.secret_file import SecretFault
from drumtower.checks.finding import Finding, fail, ok, warn

_PROGRAMS: Final = {"bridge": ("ip", "bridge"), "nftables": ("nft",)}
_BOTH: Final = '[dot1x.enforcement] drivers = ["bridge", "nftables"]'
_STATUS: Final = Path("/proc/self/status")
_CAP_NET_ADMIN, _CAP_NET_RAW = 12, 13


def check_network_ports(settings: Settings) -> Iterator[Finding]:
    """Nothing where there are no ports."""
    dot1x = settings.dot1x
    if not dot1x.enforcement.ports:
        return
    yield from _interfaces(dot1x)
    yield from _drivers(dot1x)
    yield from _rights()
    yield from _who_decides(dot1x)
    yield from _orders(dot1x)


def _interfaces(dot1x: Dot1xSettings) -> Iterator[Finding]:
    enforcement = dot1x.enforcement
    names = [port.interface for port in enforcement.ports]
    bridges = {port.bridge for port in enforcement.ports} | {network.bridge for network in enforcement.networks}
    missing = [name for name in names if not exists(name)]
    for name in missing:
        text = f"port {name}: there is no such interface, and the server does not start"
        yield fail("dot1x-ports", text, "see `ip link`, and [[dot1x.enforcement.ports]]")
    if len(missing) < len(names):
        yield ok("dot1x-ports", f"802.1X on {', '.join(name for name in names if name not in missing)}")
    for name in sorted(bridges) if "bridge" in enforcement.drivers else ():
        if not exists(name):
            yield fail("dot1x-ports", f"there is no bridge {name}", f"make it: ip link add {name} type bridge")


def _drivers(dot1x: Dot1xSettings) -> Iterator[Finding]:
    if not dot1x.enforcement.drivers:
        text = "802.1X is tried at our ports and keeps nobody out"
        yield warn("dot1x-ports", text, f"when all that should are in: {_BOTH}")
    elif "nftables" not in dot1x.enforcement.drivers:
        yield warn("dot1x-ports", "whoever is in when the server crashes stays in until it is started again", _BOTH)
    for program in (each for driver in dot1x.enforcement.drivers for each in _PROGRAMS[driver]):
        if path_of(program) is None:
            yield fail("dot1x-ports", f"{program} is not installed", "apt-get install iproute2 nftables")


def _rights() -> Iterator[Finding]:
    """Of whoever asks, who need not be who serves."""
    line = next((line for line in _STATUS.read_text().splitlines() if line.startswith("CapEff:")), "CapEff: 0")
    effective = int(line.split()[1], 16)
    if not all(effective >> number & 1 for number in (_CAP_NET_ADMIN, _CAP_NET_RAW)):
        yield warn(
            "dot1x-ports", "this user may not listen on our ports or lock them (CAP_NET_RAW, CAP_NET_ADMIN)",
            "let the service run as root, or give it both: AmbientCapabilities= in systemd.exec(5)",
        )  # fmt: skip


def _who_decides(dot1x: Dot1xSettings) -> Iterator[Finding]:
    if not any(server.authentication_port for server in dot1x.servers) and dot1x.pae.guest == "off":
        text = "no RADIUS server is asked about terminals, and so nobody is let in"
        yield warn("dot1x-ports", text, "add [[dot1x.servers]]; the one of docs/radius-server.md does as well")


def _orders(dot1x: Dot1xSettings) -> Iterator[Finding]:
    if dot1x.dynamic.listen and not dot1x.dynamic.clients:
        yield warn("dot1x-ports", "nobody may send Disconnect or CoA", "add [[dot1x.dynamic.clients]]")
    try:
        dynamic_udp.server(dot1x)
    except SecretFault as fault:
        yield fail("dot1x-ports", str(fault), "make it with `drumtower dot1x secret FILE`")
