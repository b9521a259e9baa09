"""Addresses and ports: does this machine have them, and are they free."""

from __future__ import annotations

import errno
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from config.dot1x import Dot1xSettings
from config.settings import Settings
from drumtower.checks.finding import Finding, fail, ok, warn

_LOCAL_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_ANSWER_S = 2.0


def check_addresses(settings: Settings) -> Iterator[Finding]:
    """Each configured address belongs to this machine, and external ones make sense."""
    server = settings.server
    media = [entry.address for entry in settings.net.addresses]
    sip = [entry.address for entry in settings.sip.listen]
    h323 = [entry.address for entry in settings.h323.listen] if settings.h323.enabled else []
    for address in dict.fromkeys([*server.listen, *sip, *h323, *media, *settings.dot1x.listener.listen]):
        problem = _bind(address, 0, socket.SOCK_DGRAM)
        if problem is None:
            yield ok("address", f"{address} belongs to this machine")
        else:
            yield fail("address", f"{address}: {problem}", "set [server] listen to addresses that `ip address` shows")
    if server.is_loopback:
        yield warn("address", "only this machine can reach the server", "add addresses to [server] listen")
    elif not server.external and all(_is_private(address) for address in server.listen):
        yield ok("external", "no external address: peers outside this network will not reach the server")
    for entry in server.external:
        if _is_private(entry.external) and not entry.networks:
            yield warn(
                "external", f"{entry.local} is announced as {entry.external}, which is private",
                "name the networks of the peers concerned: [[server.external]] networks",
            )  # fmt: skip
        else:
            yield ok("external", f"{entry.local} is announced as {entry.external}")


def check_ports(settings: Settings) -> Iterator[Finding]:
    """Each port is free, or used by our own running server."""
    is_running = _is_running(settings)
    server, sip, net = settings.server, settings.sip, settings.net
    wanted = [("portal", address, server.http_port, socket.SOCK_STREAM) for address in server.listen]
    for entry in sip.listen:
        wanted.append(("SIP over UDP", entry.address, sip.port, socket.SOCK_DGRAM))
        if sip.has_tcp:
            wanted.append(("SIP over TCP", entry.address, sip.port, socket.SOCK_STREAM))
        if settings.has_sip_tls:
            wanted.append(("SIP over TLS", entry.address, sip.tls_port, socket.SOCK_STREAM))
    if settings.h323.enabled:
        for entry in settings.h323.listen:
            wanted.append(("H.323 gatekeeper", entry.address, settings.h323.ras_port, socket.SOCK_DGRAM))
            wanted.append(("H.323 calls", entry.address, settings.h323.signalling_port, socket.SOCK_STREAM))
    wanted += _radius_ports(settings.dot1x)
    for local in net.addresses:
        wanted.append(("browsers' media", local.address, net.webrtc_port, socket.SOCK_DGRAM))
        if net.has_webrtc_tcp:
            port = net.webrtc_port if net.webrtc_tcp_port is None else net.webrtc_tcp_port
            wanted.append(("browsers' media over TCP", local.address, port, socket.SOCK_STREAM))
        wanted.append(("terminals' media", local.address, net.first_rtp_port, socket.SOCK_DGRAM))
        if net.multiplex_port:
            wanted.append(("multiplexed media", local.address, net.multiplex_port, socket.SOCK_DGRAM))
    for what, address, port, kind in wanted:
        where = f"{address} port {port} ({what})"
        problem = _bind(address, port, kind)
        if problem is None:
            yield ok("port", f"{where} is free")
        elif is_running and problem == _IN_USE:
            yield ok("port", f"{where} is used by the running server")
        else:
            yield fail("port", f"{where}: {problem}", _port_advice(problem, port))


def _radius_ports(dot1x: Dot1xSettings) -> list[tuple[str, str, int, socket.SocketKind]]:
    listeners = [("RADIUS accounting", dot1x.listener.listen, dot1x.listener.port)]
    if dot1x.eap_server.clients:
        listeners.append(("our RADIUS server", dot1x.eap_server.listen, dot1x.eap_server.port))
    if dot1x.enforcement.ports:
        listeners.append(("Disconnect and CoA", dot1x.dynamic.listen, dot1x.dynamic.port))
    return [(what, address, port, socket.SOCK_DGRAM) for what, addresses, port in listeners for address in addresses]


def check_ranges(settings: Settings) -> Iterator[Finding]:
    """Media ports do not collide with SIP, H.323, browsers' media or the ports that the kernel gives away."""
    net = settings.net
    first, last = net.first_rtp_port, net.last_rtp_port
    single = [("[net] webrtc_port", net.webrtc_port), ("[sip] port", settings.sip.port)]
    if settings.h323.enabled:
        single += [(f"[h323] {name}", getattr(settings.h323, name)) for name in ("ras_port", "signalling_port")]
    for name, port in single:
        if first <= port <= last:
            yield fail("ports", f"{name} {port} lies among the media ports {first}-{last}", f"move {name} or the range")
    if last - first < 2 * len(net.addresses):
        yield fail("ports", f"{first}-{last} has room for no call", "raise [net] last_rtp_port")
    try:
        low, high = (int(word) for word in _LOCAL_PORTS.read_text().split())
    except (OSError, ValueError):
        return
    if low <= last and first <= high:
        yield warn(
            "ports", f"the kernel may give media ports {first}-{last} to other programs (it uses {low}-{high})",
            f"reserve them: sysctl -w net.ipv4.ip_local_reserved_ports={net.webrtc_port},{first}-{last}",
        )  # fmt: skip
    else:
        yield ok("ports", f"media ports {first}-{last} are not given to other programs")


_IN_USE = "in use by another program"


def _port_advice(problem: str, port: int) -> str:
    if problem == _IN_USE:
        return f"see who has it: ss -lntup | grep :{port} ; or set another port"
    return "take a port above 1023, or give the service CAP_NET_BIND_SERVICE"


def _bind(address: str, port: int, kind: int) -> str | None:
    """Why the address and port cannot be used; None where they can."""
    try:
        family, _, protocol, _, target = socket.getaddrinfo(address, port, type=kind, flags=socket.AI_NUMERICHOST)[0]
        with socket.socket(family, kind, protocol) as sock:
            if kind == socket.SOCK_STREAM:
                # As asyncio's servers do: connections of a server that just ended are no obstacle.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(target)
            if kind == socket.SOCK_STREAM:
                sock.listen(1)
    except OSError as error:
        return _IN_USE if error.errno == errno.EADDRINUSE else (error.strerror or str(error)).lower()
    return None


def _is_running(settings: Settings) -> bool:
    """Whether our own server answers on the portal's port."""
    server = settings.server
    # Only asked whether it is there; nothing is sent that a stranger on this port may not see.
    context = ssl._create_unverified_context() if server.is_https else None  # noqa: S323, SLF001
    for address in server.listen:
        connection = (
            http.client.HTTPSConnection(address, server.http_port, timeout=_ANSWER_S, context=context)
            if context
            else http.client.HTTPConnection(address, server.http_port, timeout=_ANSWER_S)
        )
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == http.client.OK:
                return True
        except (OSError, http.client.HTTPException):
            continue
        finally:
            connection.close()
    return False


def _is_private(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_private
