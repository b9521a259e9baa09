"""RADIUS servers as commands ask them: those of the settings, and the one that comes with Drumtower."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from auth8021x.errors import NoAnswerError
from auth8021x.radius import setup
from auth8021x.radius.status import ask_status, why_no_answer
from auth8021x.sites import Networks, address_of
from config.dot1x import Dot1xSettings, RadiusServerSettings
from crypto.secret_file import SecretFault
from drumtower.administration import CommandError

EMBEDDED: Final = "embedded"
_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_PURPOSES: Final[tuple[setup.Purpose, ...]] = ("authentication", "accounting")


def named(settings: Dot1xSettings, name: str, *, is_embedded: bool) -> tuple[RadiusServerSettings, ...]:
    """The server of this name, all of them for "", or the embedded one. Raises CommandError."""
    if is_embedded or not (settings.servers or name):
        return (embedded(settings),)
    found = tuple(each for each in settings.servers if name in ("", each.name) and each.authentication_port)
    if not found:
        known = ", ".join(each.name for each in settings.servers) or "none"
        raise CommandError(f"{name or 'servers'}: none that is asked about terminals; there are {known}")
    return found


def embedded(settings: Dot1xSettings) -> RadiusServerSettings:
    """The embedded server as a client on this machine sees it. Raises CommandError."""
    own = settings.eap_server
    for address in (_LOOPBACK.get(each, each) for each in own.listen):
        parsed = address_of(address)  # a packet to an address of this machine comes from there, too
        lengths = {client.name: Networks(client.networks).length(parsed) for client in own.clients} if parsed else {}
        narrowest = max(own.clients, key=lambda client: lengths.get(client.name, -1), default=None)
        if narrowest is not None and lengths.get(narrowest.name, -1) >= 0:
            return RadiusServerSettings(
                EMBEDDED, address, authentication_port=own.port, accounting_port=0, secret_file=narrowest.secret_file
            )
    if not own.clients:
        raise CommandError("there is no RADIUS server: add [[dot1x.servers]], or [[dot1x.eap_server.clients]]")
    where = ", ".join(own.listen)
    raise CommandError(f"the embedded server takes nobody from {where}: add [[dot1x.eap_server.clients]] for it")


def asking(settings: Dot1xSettings, servers: Sequence[RadiusServerSettings]) -> Dot1xSettings:
    """Settings of a client of these servers for people who wait: each has its turn once."""
    tries = min(settings.timers.max_tries, settings.timers.tries_per_server * len(servers))
    timers = msgspec.structs.replace(settings.timers, max_tries=max(1, tries))
    return Dot1xSettings(
        nas_identifier=settings.nas_identifier, nas_address=settings.nas_address, servers=tuple(servers),
        timers=timers, pae=settings.pae,
        max_datagram_bytes=settings.max_datagram_bytes, udp_batch=settings.udp_batch,
    )  # fmt: skip


def be_quiet() -> None:
    """What the client logs of servers is said in words by whoever asks them."""
    logging.getLogger("auth8021x.radius").addHandler(logging.NullHandler())


async def health(settings: Dot1xSettings) -> list[str]:
    """A line for each server: where it is, and whether it answers now."""
    be_quiet()
    servers = list(settings.servers)
    if settings.eap_server.clients:
        try:
            servers.append(embedded(settings))
        except CommandError as error:
            return [*await _lines(settings, servers), f"{EMBEDDED:<32} {error}"]
    return await _lines(settings, servers)


async def _lines(settings: Dot1xSettings, servers: Sequence[RadiusServerSettings]) -> list[str]:
    return list(await asyncio.gather(*(_line(settings, server) for server in servers)))


async def _line(settings: Dot1xSettings, server: RadiusServerSettings) -> str:
    ports = {"authentication": server.authentication_port, "accounting": server.accounting_port}
    used = [purpose for purpose in _PURPOSES if ports[purpose]]
    if server.transport == "radsec":
        used = used[:1]  # one port for everything
    said = await asyncio.gather(*(_said(settings, server, purpose) for purpose in used))
    where = server.address if server.transport == "udp" else f"{server.address} RadSec"
    answers = "; ".join(f"{purpose} {text}" for purpose, text in zip(used, said, strict=True))
    return f"{server.name:<32} {where:<16} {answers or 'is asked nothing'}"


async def _said(settings: Dot1xSettings, server: RadiusServerSettings, purpose: setup.Purpose) -> str:
    """What a server says for itself."""
    if not server.has_status_server:
        return "is not asked how it is (has_status_server = false)"
    try:
        client = setup.client(asking(settings, (server,)), purpose)
    except (SecretFault, OSError) as error:
        return f"cannot be asked: {error}"
    try:
        took_s = await ask_status(client, server.name, settings.nas_identifier)
    except NoAnswerError:
        return why_no_answer(client.core.counters)
    finally:
        client.close()
    return f"answers in {took_s * 1000:.0f} ms"
