"""`drumtower dot1x test-user`: would this user or device get in? Passwords never come from an argument."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from auth8021x.errors import MalformedPacketError, NoAnswerError
from auth8021x.pae.nas import NasPort
from auth8021x.radius import setup
from auth8021x.radius.chance import SystemChance
from auth8021x.radius.status import why_no_answer
from auth8021x.supplicant.contexts import peer_context
from auth8021x.supplicant.methods import Credentials, PeerMethodName, make_method
from auth8021x.supplicant.peer import Peer
from auth8021x.supplicant.trial import Outcome, Trial
from auth8021x.wire import mac_address
from config.settings import Settings
from crypto.certificates import CertificateError
from crypto.secret import Secret
from crypto.secret_file import SecretFault
from drumtower.administration import DONE, EXIT_STATUS, FAILED, CommandError
from drumtower.radius_servers import asking, be_quiet, named
from drumtower.secret_sources import SecretSources
from drumtower.trial_report import refusal, success

_SOURCES: Final = SecretSources("password", "DRUMTOWER_DOT1X_PASSWORD", is_new=False)
_DESCRIPTION: Final = (
    "Log in as a user or device would at one of our own ports, and say which server answered, whether it let them in, "
    "and with what: network (VLAN), role, for how long. Nothing is opened by it. The servers of [[dot1x.servers]] are "
    "asked in their order, the next where one is silent; without any, the embedded one."
)
_EPILOG: Final = f"{_SOURCES.rule}. wrong passwords count at the server like those of any device. {EXIT_STATUS}"
_Tried = PeerMethodName | Literal["pap", "mac"]
_PORT: Final = "test-user"
_PORT_MAC: Final = bytes.fromhex("02005e0053ff")
_TERMINAL_MAC: Final = "02:00:5e:00:53:fe"
_WITH_PASSWORD: Final = ("peap", "ttls", "md5", "pap")
_WITH_TLS: Final = ("peap", "ttls", "tls")


def add_actions(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add it to those of `drumtower dot1x`."""
    test = actions.add_parser(
        "test-user", help="try whether a user or device would be let in", description=_DESCRIPTION, epilog=_EPILOG,
        allow_abbrev=False,
    )  # fmt: skip
    test.add_argument("name", metavar="NAME", help="user name, or the name in its certificate")
    test.add_argument(
        "--method", choices=("peap", "ttls", "md5", "tls", "pap", "mac"), default="",
        help='PEAP with MSCHAPv2, TTLS with PAP, EAP-MD5, EAP-TLS; without EAP "pap", or "mac" (NAME is a MAC address) '
        "(default: peap; with --certificate tls)",
    )  # fmt: skip
    which = test.add_mutually_exclusive_group()
    which.add_argument("--server", metavar="SERVER", default="", help="ask this one of [[dot1x.servers]] alone")
    which.add_argument("--embedded", action="store_true", help="ask the RADIUS server that comes with Drumtower")
    _add_proofs(test)
    test.add_argument("--outer", metavar="NAME", default="", help="name outside TLS (default: the same)")
    test.add_argument("--mac", default=_TERMINAL_MAC, help="as if from this MAC address (default: %(default)s)")
    test.set_defaults(command=_test_user)


def _add_proofs(test: argparse.ArgumentParser) -> None:
    _SOURCES.add_to(test, "ask for the password (as without any of these)")
    test.add_argument("--certificate", metavar="FILE", type=Path, help="EAP-TLS: PEM file of the device")
    test.add_argument("--key", metavar="FILE", type=Path, help="its key (default: the same name with .key)")
    trust = test.add_mutually_exclusive_group()
    trust.add_argument(
        "--ca", metavar="FILE", type=Path,
        help="PEM file: who signs the server's certificate (default for the embedded server: its own authority)",
    )  # fmt: skip
    trust.add_argument("--any-server", action="store_true", help="believe whatever certificate the server shows")
    test.add_argument("--server-name", metavar="HOST", default="", help="name that has to be in it (default: any)")


def _test_user(options: argparse.Namespace, settings: Settings) -> int:
    try:
        return asyncio.run(_try(options, settings))
    except (CommandError, CertificateError, SecretFault, OSError) as error:
        print(f"drumtower: {error}", file=sys.stderr)
    except EOFError:
        print("drumtower: nothing was entered", file=sys.stderr)
    return FAILED


async def _try(options: argparse.Namespace, settings: Settings) -> int:
    method: _Tried = options.method or ("tls" if options.certificate else "peap")
    asked = named(settings.dot1x, options.server, is_embedded=options.embedded)
    is_embedded = options.embedded or not settings.dot1x.servers
    begin = _beginning(options, settings, method, is_embedded)
    port = NasPort(settings.dot1x.nas_identifier, settings.dot1x.nas_address, 0, _PORT, _PORT_MAC)
    be_quiet()
    client = setup.client(asking(settings.dot1x, asked), "authentication")
    peer: Peer | None = None
    try:
        terminal = _mac(options.name if method == "mac" else options.mac)
        trial = Trial(client, port, terminal, time.monotonic)
        if begin is None:
            outcome = await trial.by_address()
        elif isinstance(begin, Secret):
            outcome = await trial.by_password(options.name, begin)
        else:
            outcome, peer = await trial.by_eap(begin)
    except NoAnswerError:
        names = ", ".join(f"{server.name} ({server.address})" for server in asked)
        raise CommandError(f"{names}: {why_no_answer(client.core.counters)}") from None
    finally:
        client.close()
    return _report(options.name, method, outcome, peer, settings)


def _report(name: str, method: str, outcome: Outcome, peer: Peer | None, settings: Settings) -> int:
    if outcome.grant is None or (peer is not None and peer.method.fault):
        print(f"drumtower: {refusal(name, outcome, peer)}", file=sys.stderr)
        return FAILED
    for line in success(name, method, outcome, outcome.grant, peer, settings.dot1x.enforcement):
        print(line)
    return DONE


def _beginning(
    options: argparse.Namespace, settings: Settings, method: _Tried, is_embedded: bool
) -> Callable[[], Peer] | Secret | None:  # fmt: skip
    """What makes a peer; without EAP the password alone, or nothing at all. Raises CommandError, CertificateError."""
    if method == "mac":
        return None
    context = None
    if method in _WITH_TLS:
        if method == "tls" and options.certificate is None:
            raise CommandError("EAP-TLS needs --certificate FILE")
        certificate = options.certificate if method == "tls" else None
        key = options.key or (certificate.with_suffix(".key") if certificate is not None else None)
        context = peer_context(_authority(options, settings, is_embedded), options.server_name, certificate, key)
    password = _password(options) if method in _WITH_PASSWORD else Secret("")
    if method == "pap":
        return password
    who = Credentials(options.name, password, context, options.server_name)
    octets = SystemChance().octets
    try:
        make_method(method, who, octets)
    except ValueError as error:
        raise CommandError(str(error)) from None
    outer = options.outer or options.name
    return lambda: Peer(outer, make_method(method, who, octets))


def _authority(options: argparse.Namespace, settings: Settings, is_embedded: bool) -> Path | None:
    """Whom the server's certificate has to be signed by. Raises CommandError."""
    if options.any_server:
        return None
    if options.ca is not None:
        return Path(options.ca)
    if is_embedded and not settings.dot1x.eap_server.certificate:
        return settings.data / "dot1x" / "ca.pem"
    raise CommandError("name who signs the server's certificate: --ca FILE, or --any-server")


def _password(options: argparse.Namespace) -> Secret:
    given = _SOURCES.given(options)
    return _SOURCES.asked_for() if given is None else given


def _mac(text: str) -> bytes:
    try:
        return mac_address.parse(text)
    except MalformedPacketError:
        raise CommandError(f"{text}: no MAC address") from None
