"""RADIUS: the secrets of the servers that we ask, and what our own one needs to start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from auth8021x.eapserver.nas_clients import NasClient
from auth8021x.eapserver.secret_strength import ADVICE, WeakSecretError
from auth8021x.radius.setup import shared_secret
from config.dot1x_server import EapServerSettings
from config.settings import Settings
from crypto.secret_file import SecretFault
from drumtower.checks.finding import Finding, fail, ok, warn


def check_radius(settings: Settings) -> Iterator[Finding]:
    """Nothing where there is no server."""
    for server in settings.dot1x.servers:
        if server.transport == "udp":
            yield from _secret(server.name, server.secret_file)
        for file in (server.tls_ca, server.tls_certificate, server.tls_key):
            if file and not Path(file).is_file():
                yield fail("radius", f"{server.name}: {file} is missing", "RadSec needs the server's CA and our key")
        if not server.demands_message_authenticator:
            text = f"{server.name} is believed without Message-Authenticator: its answers can be forged (BlastRADIUS)"
            yield warn("radius", text, "renew the server, then take demands_message_authenticator away")
    if settings.dot1x.eap_server.clients:
        yield from _own(settings.dot1x.eap_server, settings.data / "dot1x")
    for giver in settings.dot1x.dynamic.clients if settings.dot1x.dynamic.listen else ():
        if not giver.demands_message_authenticator:
            text = f"{giver.name} may give orders for our ports without Message-Authenticator: MD5 alone protects them"
            yield warn("radius", text, "renew it, then take demands_message_authenticator away")


def _secret(name: str, file: str) -> Iterator[Finding]:
    try:
        shared_secret(file)
    except SecretFault as fault:
        yield fail("radius", f"{name}: {fault}", "name its secret_file, or give the credential drumtower-radius-NAME")
    else:
        yield ok("radius", f"the secret of {name} can be read")


def _own(own: EapServerSettings, folder: Path) -> Iterator[Finding]:
    for client in own.clients:
        try:
            NasClient(client, shared_secret(client.secret_file))
        except (SecretFault, WeakSecretError) as fault:
            yield fail("radius", str(fault), ADVICE)
        if not client.demands_message_authenticator:
            text = f"{client.name} is believed without Message-Authenticator: its requests can be forged (BlastRADIUS)"
            yield warn("radius", text, "renew the switch, then take demands_message_authenticator away")
    files = (
        own.certificate or folder / "server.pem",
        own.key or folder / "server.key",
        own.client_ca or folder / "ca.pem",
    )
    missing = [str(file) for file in files if not Path(file).is_file()]
    if missing:
        advice = "make them: drumtower dot1x certificates --server NAME"
        yield fail("radius", f"our own RADIUS server does not start without {', '.join(missing)}", advice)
    else:
        yield ok("radius", f"our own RADIUS server answers on {', '.join(own.listen)} port {own.port}")
