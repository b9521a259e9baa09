"""TURN servers of browsers: do they answer, and do they take our credentials (RFC 8656 7)."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Iterator

from aioice import stun, turn

from config.settings import Settings
from crypto.keys import KeyFault
from drumtower.checks.finding import Finding, fail, ok
from drumtower.keyring import relays

_URL = re.compile(
    r"(?P<scheme>turns?):(?P<host>\[[^]]+\]|[^:?]+)(?::(?P<port>\d+))?(?:\?transport=(?P<transport>udp|tcp))?"
)
_PATIENCE_S = 5.0
_PORTS = {"turn": 3478, "turns": 5349}  # RFC 7065 3.1


def check_relays(settings: Settings) -> Iterator[Finding]:
    """Ask each TURN server for an address, as a browser would, and give it back."""
    if not any(url.startswith("turn") for url in settings.webrtc.turn_urls):
        yield ok("relay", "no TURN server: browsers have to reach the media ports by UDP or TCP")
        return
    try:
        servers = relays(settings).issue("doctor", time.time())
    except KeyFault as fault:
        yield fail("relay", str(fault), "give the shared secret of the TURN servers, or take turn_urls out")
        return
    for server in servers:
        for url in server.urls if server.username else ():
            yield _finding(url, asyncio.run(_allocate(url, server.username, server.credential)))


def _finding(url: str, problem: str) -> Finding:
    if not problem:
        return ok("relay", f"{url} answers and takes our credentials")
    return fail(
        "relay", f"{url}: {problem}", "see docs/networks.md; compare the secrets and the clocks of both machines"
    )


async def _allocate(url: str, username: str, password: str) -> str:
    """Why an address cannot be had there; "" where it can."""
    found = _URL.fullmatch(url)
    if found is None:
        return "is no address of a TURN server"
    scheme, host = found["scheme"], found["host"].strip("[]")
    try:
        async with asyncio.timeout(_PATIENCE_S):
            transport, ending = await turn.create_turn_endpoint(
                _Ending,
                server_addr=(host, int(found["port"] or _PORTS[scheme])),
                username=username,
                password=password,
                ssl=ssl.create_default_context() if scheme == "turns" else False,
                transport="tcp" if scheme == "turns" or found["transport"] == "tcp" else "udp",
            )
            transport.close()  # gives the address back
            await ending.is_over.wait()
    except stun.TransactionFailed as error:
        code, words = error.response.attributes.get("ERROR-CODE", (0, "no reason"))
        return f"refuses our credentials ({code} {words})" if code == 401 else f"gives no address ({code} {words})"
    except (TimeoutError, stun.TransactionTimeout):
        return "does not answer"
    except OSError as error:
        return f"cannot be reached: {error.strerror or error}"
    return ""


class _Ending(asyncio.DatagramProtocol):
    """Nothing is sent over the relay; only its end is waited for."""

    def __init__(self) -> None:
        self.is_over = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.is_over.set()
