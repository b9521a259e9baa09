"""`drumtower certificate`: what browsers have to trust, and the way to the hospital's own certificate."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from config.settings import Settings
from crypto.ca import CertificateError, PrivateCa, ServerCertificate
from crypto.keys import KeyFault
from drumtower.keyring import master_key

_Action = Callable[[argparse.Namespace, Settings, PrivateCa], None]

_DESCRIPTION = """Without the hospital's certificate the server makes its own authority; users import it once.

To use the hospital's authority instead: `drumtower certificate request` writes a signing request; let the hospital's
authority sign it; `drumtower certificate import ANSWER.pem` checks and installs the answer. With certificate and key
that exist already: `drumtower certificate import CERTIFICATE.pem --key KEY.pem`. A running server takes it
within a minute, for HTTPS and for SIP over TLS."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "certificate",
        help="show, request or import the certificate",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="fingerprint, validity, and the file that users import")
    show.set_defaults(command=_run(_show))
    request = actions.add_parser("request", help="write a signing request for the hospital's authority")
    request.set_defaults(command=_run(_request))
    answer = actions.add_parser("import", help="check and install a certificate")
    answer.add_argument("certificate", type=Path, help="PEM file: the certificate, then its chain")
    answer.add_argument("--key", type=Path, help="PEM file with its key, where it was not made by `request`")
    answer.set_defaults(command=_run(_import))


def _run(action: _Action) -> Callable[[argparse.Namespace, Settings], int]:
    def command(options: argparse.Namespace, settings: Settings) -> int:
        try:
            authority = PrivateCa(settings.data / "tls", master_key(settings))
            action(options, settings, authority)
        except (CertificateError, KeyFault, OSError) as error:
            print(f"drumtower: {error}", file=sys.stderr)
            return 1
        return 0

    return command


def _addresses(settings: Settings) -> list[str]:
    return [*settings.server.listen, *(entry.external for entry in settings.server.external)]


def _show(_options: argparse.Namespace, settings: Settings, authority: PrivateCa) -> None:
    installed = authority.installed()
    shown = installed or authority.ensure(settings.server.names, _addresses(settings), now=datetime.now(UTC))
    _print(shown)
    if shown.is_private_ca:
        print(f"users import once: {authority.certificate_path}")


def _request(_options: argparse.Namespace, settings: Settings, authority: PrivateCa) -> None:
    path = authority.request(settings.server.names, _addresses(settings))
    print(f"{path}\nLet the hospital's authority sign it, then: drumtower certificate import ANSWER.pem")


def _import(options: argparse.Namespace, settings: Settings, authority: PrivateCa) -> None:
    now = datetime.now(UTC)
    names, addresses = settings.server.names, _addresses(settings)
    _print(authority.import_answer(options.certificate, names, addresses, now=now, key=options.key))
    print("installed; a running server shows it within a minute")


def _print(certificate: ServerCertificate) -> None:
    print(f"certificate:       {certificate.certificate}")
    print(f"SHA-256:           {certificate.fingerprint}")
    print(f"valid until:       {certificate.expires_at:%Y-%m-%d}")
