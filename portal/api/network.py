"""The network (IEEE 802.1X): sessions, whom the gate let in or not and why, our own ports; and ending a session."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from audit.lines import shown
from auth8021x.directory.session import Session
from auth8021x.errors import MalformedPacketError
from auth8021x.gate.recent import Answer
from auth8021x.wire import mac_address
from portal.api.network_logins import describe_login, describe_unheard, newest_logins
from portal.api.network_ports import describe_client, describe_ports, describe_server
from portal.api.times import iso
from portal.auditing import tell
from portal.bodies import json_response
from portal.errors import NotFound
from portal.rights import Access
from portal.route import API, Route
from portal.services import SERVICES

MAX_SHOWN: Final = 2000
"""Sessions in one answer, those heard of last; the number of all of them is in it, too."""
_SITE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)


async def show_network(request: web.Request) -> web.Response:
    """GET /network."""
    services = request.app[SERVICES]
    network, ports, radius = services.network, services.ports, services.radius
    sessions = sorted(network.sessions(), key=lambda session: -session.heard_at) if network is not None else []
    answers = network.answers() if network is not None else []
    newest = {(answer.site, answer.mac): answer for answer in reversed(answers) if answer.mac}
    return json_response(
        {
            "is_on": network is not None,
            "count": len(sessions),
            "sessions": [_session(session, newest) for session in sessions[:MAX_SHOWN]],
            "answers": [_answer(answer) for answer in answers],
            "ports": list(describe_ports(ports.statuses())) if ports is not None else [],
            "servers": [describe_server(server) for server in ports.servers()] if ports is not None else [],
            "clients": [describe_client(client) for each in (radius, ports) if each for client in each.clients()],
            "has_logins": radius is not None,
            "logins": [describe_login(login) for login in newest_logins(radius)] if radius is not None else [],
            "unheard": [describe_unheard(each) for each in radius.unheard()] if radius is not None else [],
        }
    )


async def end_session(request: web.Request) -> web.Response:
    """DELETE /network/{site}/{mac}: what the switch says of this session from now on counts no more."""
    network = request.app[SERVICES].network
    site = request.match_info["site"]
    try:
        mac = mac_address.parse(request.match_info["mac"])
    except MalformedPacketError:
        raise NotFound from None
    if network is None or not _SITE.fullmatch(site) or not await network.end(site, mac):
        raise NotFound
    tell(request, f"{site}/{mac_address.plain(mac)}")
    return web.Response(status=204)


def _session(session: Session, answers: Mapping[tuple[str, bytes], Answer]) -> dict[str, object]:
    answer = answers.get(session.key)
    return {
        "site": session.site,
        "mac": mac_address.plain(session.mac),
        "identity": shown(session.identity),
        "role": shown(session.role),
        "vlan": shown(session.vlan),
        "entry": session.entry.value if session.entry is not None else "",
        "nas": shown(session.nas),
        "port": shown(session.port),
        "is_own": session.is_own,
        "addresses": [{"address": held.address, "source": held.source.value} for held in session.addresses],
        "opened_at": iso(session.opened_at),
        "heard_at": iso(session.heard_at),
        "expires_at": None if session.expires_at is None else iso(session.expires_at),
        "ends_at": None if session.ends_at is None else iso(session.ends_at),
        "is_renewable": session.is_renewable,
        "answer": None if answer is None else _answer(answer),
    }


def _answer(answer: Answer) -> dict[str, object]:
    return {
        "at": iso(answer.at),
        "site": answer.site,
        "source": answer.source,
        "protocol": answer.protocol,
        "operation": answer.operation,
        "aliases": answer.aliases,
        "is_allowed": answer.is_allowed,
        "is_overlooked": answer.is_overlooked,
        "reason": answer.reason.value,
        "mac": mac_address.plain(answer.mac) if answer.mac else "",
        "identity": answer.identity,
    }


_NETWORK = f"{API}/network"
ROUTES = (
    Route("GET", _NETWORK, show_network, Access.CONTROL_NETWORK),
    Route(
        "DELETE", f"{_NETWORK}/{{site}}/{{mac}}", end_session, Access.CONTROL_NETWORK, changes="network-session.ended"
    ),
)
