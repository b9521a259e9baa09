"""802.1X on our own ports: who is at each of them and why it is in or not, RADIUS servers; and ending a grant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from aiohttp import web

from audit.lines import shown
from auth8021x.errors import MalformedPacketError
from auth8021x.ports.status import ClientStatus, PortStatus, ServerStatus, TerminalStatus
from auth8021x.wire import mac_address
from portal.auditing import tell
from portal.errors import NotFound
from portal.rights import Access
from portal.route import API, Route
from portal.services import SERVICES

MAX_TERMINALS: Final = 2000
"""In one answer, those of the first ports; how many there are at each port is in it, too."""


def describe_ports(ports: Sequence[PortStatus]) -> Iterator[dict[str, object]]:
    """All ports, in the order of the settings."""
    left = MAX_TERMINALS
    for port in ports:
        terminals = port.terminals[:left]
        left -= len(terminals)
        yield {
            "name": port.name,
            "number": port.number,
            "site": port.site,
            "bridge": port.bridge,
            "is_up": port.is_up,
            "count": len(port.terminals),
            "terminals": [_terminal(terminal) for terminal in terminals],
        }


def describe_server(server: ServerStatus) -> dict[str, object]:
    """A RADIUS server."""
    return {
        "name": server.name,
        "address": server.address,
        "transport": server.transport,
        "is_up": server.is_up,
        "is_accounting_up": server.is_accounting_up,
        "is_excused": server.is_excused,
        "excused": server.excused,
    }


def describe_client(client: ClientStatus) -> dict[str, object]:
    """Who may send us RADIUS requests."""
    return {
        "name": client.name,
        "kind": client.kind.value,
        "networks": list(client.networks),
        "is_excused": client.is_excused,
        "excused": client.excused,
    }


async def disconnect(request: web.Request) -> web.Response:
    """POST /network/ports/{mac}/disconnect: the terminal is told, and asked anew (RFC 5176 2)."""
    services = request.app[SERVICES]
    try:
        mac = mac_address.parse(request.match_info["mac"])
    except MalformedPacketError:
        raise NotFound from None
    if services.network is not None:
        await services.network.catch_up()
    if services.ports is None or not services.ports.disconnect(mac):
        raise NotFound
    tell(request, mac_address.plain(mac))
    return web.Response(status=204)


def _terminal(terminal: TerminalStatus) -> dict[str, object]:
    return {
        "mac": mac_address.plain(terminal.mac),
        "standing": terminal.standing.value,
        "why": terminal.why,
        "identity": shown(terminal.identity),
        "vlan": shown(terminal.vlan),
        "role": shown(terminal.role),
        "session": shown(terminal.session),
        "has_grant": terminal.by is not None,
    }


_PORT = f"{API}/network/ports/{{mac}}"
ROUTES = (
    Route("POST", f"{_PORT}/disconnect", disconnect, Access.CONTROL_NETWORK, changes="network-port.disconnected"),
)
