"""`drumtower dot1x`: certificates for the network, and secrets of switches. No file is ever written over."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from config.settings import Settings
from crypto.certificates import CertificateError
from crypto.keys import KeyFault
from crypto.network_certificates import LEAF_DAYS, NetworkCertificates, key_password, write_new
from drumtower import session_commands, supplicant_commands, trial_commands
from drumtower.administration import DONE, EXIT_STATUS, FAILED
from drumtower.keyring import master_key

_Action = Callable[[argparse.Namespace, Settings], None]
_SECRET_BYTES = 24

_CERTIFICATES = """Make what EAP-TLS needs, where it is not there yet: an authority of its own for the network, the
certificate of the RADIUS server, and one for each device that is named. They are put into dot1x/ under the data
directory, mode 0600.

Carry ca.pem, NAME.pem and NAME.key to the device, then delete NAME.key here: whoever has it comes in as that device.
The keys of the authority and of the server are encrypted under the master key. Nothing is ever written over; to renew
a certificate move the old files away first. A device also has to be known to the server: a certificate alone does not
let anybody in."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "dot1x", help="802.1X: sessions, certificates, secrets, users and devices, logins to try", epilog=EXIT_STATUS
    )
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    certificates = actions.add_parser(
        "certificates", help="make the authority, the server's certificate, and those of devices",
        description=_CERTIFICATES, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EXIT_STATUS,
    )  # fmt: skip
    certificates.add_argument(
        "--server", metavar="HOST", default="radius.drumtower",
        help="name in the server's certificate, which devices are set to expect (default: %(default)s)",
    )  # fmt: skip
    certificates.add_argument(
        "--client", metavar="NAME", action="append", default=[],
        help="make one for this device or user; may be given several times",
    )  # fmt: skip
    certificates.add_argument(
        "--days", type=_days, default=LEAF_DAYS, help="how long those of devices last (default: %(default)s)"
    )
    certificates.set_defaults(command=_run(_make_certificates))
    secret = actions.add_parser(
        "secret", help="write a random secret for a switch into a new file",
        description="Write a random secret into FILE (mode 0600); it is not shown. Set FILE as secret_file of the "
        "client, and enter the secret at the switch.", epilog=EXIT_STATUS,
    )  # fmt: skip
    secret.add_argument("file", metavar="FILE", type=Path, help="a file that is not there yet")
    secret.set_defaults(command=_run(_make_secret))
    session_commands.add_actions(actions)
    supplicant_commands.add_actions(actions)
    trial_commands.add_actions(actions)


def certificates_folder(settings: Settings) -> Path:
    """Where they are kept."""
    return settings.data / "dot1x"


def _run(action: _Action) -> Callable[[argparse.Namespace, Settings], int]:
    def command(options: argparse.Namespace, settings: Settings) -> int:
        try:
            action(options, settings)
        except FileExistsError as error:
            print(f"drumtower: {error.filename}: is there already, and is not written over", file=sys.stderr)
            return FAILED
        except (CertificateError, KeyFault, OSError) as error:
            print(f"drumtower: {error}", file=sys.stderr)
            return FAILED
        return DONE

    return command


def _make_certificates(options: argparse.Namespace, settings: Settings) -> None:
    now, folder = datetime.now(UTC), certificates_folder(settings)
    made = NetworkCertificates(folder, key_password(master_key(settings)))
    _say("authority", made.ensure_authority(now), made.describe("ca"))
    _say("server", made.ensure_server(options.server, now), made.describe("server"))
    for name in options.client:
        path = made.make_client(name, now, options.days)
        print(f"device {name}: made, {made.describe(name)}\n  carry to it: {made.authority}, {path}, {path.stem}.key")


def _say(what: str, is_new: bool, description: str) -> None:
    print(f"{what}: {'made' if is_new else 'was there'}, {description}")


def _make_secret(options: argparse.Namespace, _settings: Settings) -> None:
    write_new(options.file, secrets.token_urlsafe(_SECRET_BYTES).encode() + b"\n")
    print(f"written: {options.file}")


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= LEAF_DAYS:
        raise argparse.ArgumentTypeError(f"1 to {LEAF_DAYS} days")
    return days
