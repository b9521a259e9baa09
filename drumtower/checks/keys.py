"""The master key and the certificate: where they lie, who may read them, how long they last."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from config.settings import Settings
from crypto.certificates import RENEW_DAYS, CertificateError, check_certificate, read_chain, read_key, uncovered
from crypto.keys import KeyFault, is_under, read_file
from drumtower.checks.finding import Finding, fail, ok, warn


def check_master_key(settings: Settings) -> Iterator[Finding]:
    """One usable source, outside the data directory."""
    secrets = settings.secrets
    if secrets.passphrase or secrets.passphrase_file:
        yield from _check_passphrase(settings)
        return
    credential = secrets.credential_file
    path = Path(credential or secrets.master_key_file).expanduser()
    if is_under(path, settings.data):
        yield fail("keys", f"the master key {path} lies under the data directory", f"move it out of {settings.data}")
        return
    if not path.exists():
        if credential:
            yield fail("keys", f"the credential {path} is missing", "see LoadCredential= in systemd.exec(5)")
        else:
            yield ok("keys", f"the master key will be made at the first start: {path}")
        return
    try:
        master = read_file(path, is_credential=bool(credential))
    except KeyFault as error:
        yield fail("keys", str(error), f"restore it from your copy, or chmod 600 {path}")
        return
    yield ok("keys", f"master key {master.id} in {path}; keep a copy of it apart from the backups of the data")


def check_certificate_dates(settings: Settings) -> Iterator[Finding]:
    """The certificate that the portal uses, or will make."""
    server, now = settings.server, datetime.now(UTC)
    if not server.is_https:
        yield ok("certificate", "no HTTPS: only this machine can reach the portal")
        return
    own = settings.data / "tls"
    imported = own / "imported.pem"
    path = (
        Path(server.tls_certificate)
        if server.tls_certificate
        else imported
        if imported.exists()
        else own / "server.pem"
    )
    if not path.exists() and not server.tls_certificate:
        yield ok("certificate", "a private CA and a certificate will be made at the first start")
        return
    try:
        chain = read_chain(path.read_bytes())
        if server.tls_certificate:
            check_certificate(chain, read_key(Path(server.tls_key), None), (), (), now=now)
    except (OSError, ValueError, TypeError, CertificateError) as error:
        yield fail("certificate", f"{path}: {error}", "drumtower certificate --help says how to import one")
        return
    leaf, is_own = chain[0], path == own / "server.pem"
    days = (leaf.not_valid_after_utc - now).days
    if is_own:
        yield ok("certificate", f"of our own CA, for another {days} days; it is renewed by itself")
    elif days < 0:
        yield fail("certificate", f"{path} ended {-days} days ago", "drumtower certificate request, then import")
    elif days < RENEW_DAYS:
        yield warn("certificate", f"{path} ends in {days} days", "drumtower certificate request, then import")
    else:
        yield ok("certificate", f"{path} is valid for another {days} days")
    missing = [] if is_own else uncovered(leaf, server.names, server.listen if not server.names else ())
    if missing:
        yield warn("certificate", f"it does not name {', '.join(missing)}", "browsers will warn: import one that does")


def check_sip_certificate(settings: Settings) -> Iterator[Finding]:
    """SIP over TLS: whether it is on, and how long a certificate of its own lasts."""
    sip, now = settings.sip, datetime.now(UTC)
    if not settings.has_sip_tls:
        if not settings.server.is_loopback:
            yield warn("sip-tls", "no SIP over TLS: keys of terminals' media travel in clear", 'set [sip] tls = "auto"')
        return
    if sip.tls_authorities:
        yield from _check_authorities(Path(sip.tls_authorities))
    if not sip.tls_certificate:
        yield ok("sip-tls", "SIP over TLS shows the certificate of the server")
        return
    path = Path(sip.tls_certificate)
    try:
        chain = read_chain(path.read_bytes())
        check_certificate(chain, read_key(Path(sip.tls_key), None), (), (), now=now)
    except (OSError, ValueError, TypeError, CertificateError) as error:
        yield fail("sip-tls", f"{path}: {error}", "correct [sip] tls_certificate and tls_key")
        return
    days = (chain[0].not_valid_after_utc - now).days
    if days < RENEW_DAYS:
        yield warn("sip-tls", f"{path} ends in {days} days", "replace the file; the server takes it without a restart")
    else:
        yield ok("sip-tls", f"{path} is valid for another {days} days")


def _check_authorities(path: Path) -> Iterator[Finding]:
    try:
        found = read_chain(path.read_bytes())
    except (OSError, ValueError) as error:
        yield fail("sip-tls", f"{path}: {error}", "correct [sip] tls_authorities")
        return
    ended = [one for one in found if one.not_valid_after_utc < datetime.now(UTC)]
    if ended:
        yield warn("sip-tls", f"{path}: {len(ended)} of its authorities ended", "ask their owners for new ones")


def check_tls_keys(settings: Settings) -> Iterator[Finding]:
    """Key files given by the administrator are readable by their owner only."""
    for section, key in (("server", settings.server.tls_key), ("sip", settings.sip.tls_key)):
        if key:
            yield from _check_key_file(section, Path(key))


def _check_key_file(section: str, path: Path) -> Iterator[Finding]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        yield fail("certificate", f"{path}: {error.strerror}", f"correct [{section}] tls_key")
        return
    if mode & 0o037:
        yield warn("certificate", f"{path}: others may read the key (mode {mode:04o})", f"chmod 600 {path}")


def _check_passphrase(settings: Settings) -> Iterator[Finding]:
    path = settings.secrets.passphrase_file
    if not path or settings.secrets.passphrase:
        yield ok("keys", "the master key comes from a passphrase in the environment")
        return
    try:
        mode = stat.S_IMODE(Path(path).stat().st_mode)
    except OSError as error:
        yield fail("keys", f"{path}: {error.strerror}", "correct [secrets] passphrase_file")
        return
    if mode & 0o077:
        yield fail("keys", f"{path}: others may read the passphrase (mode {mode:04o})", f"chmod 600 {path}")
    elif is_under(Path(path), settings.data):
        yield fail("keys", f"{path} lies under the data directory", f"move it out of {settings.data}")
    else:
        yield ok("keys", f"the master key comes from the passphrase in {path}")
