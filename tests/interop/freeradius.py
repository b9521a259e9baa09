"""Debian's FreeRADIUS with a configuration of its own: a few users, EAP, accounting, RadSec, orders.

That of Debian 12 puts no Message-Authenticator into answers without EAP unless post-auth tells it to, which it does not
for the user "old".
"""

from __future__ import annotations

import functools
import signal
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bench.freeradius import FOUNDATION, MODULES
from tests.interop.process import end

SECRET = "between us and the test server"
SERVER_NAME = "radius.hospital.test"
USERS = """
vt1 Cleartext-Password := "vtpass1"
    Tunnel-Type = VLAN,
    Tunnel-Medium-Type = IEEE-802,
    Tunnel-Private-Group-Id = "42",
    Filter-Id = "telemed-video",
    Class = "room-a",
    Session-Timeout = 3600,
    Termination-Action = RADIUS-Request

renewed Cleartext-Password := "renewedpass"
    Session-Timeout = 1,
    Termination-Action = RADIUS-Request

brief Cleartext-Password := "briefpass"
    Session-Timeout = 2

vt-0001.hospital.test Auth-Type := EAP
    Tunnel-Type = VLAN,
    Tunnel-Medium-Type = IEEE-802,
    Tunnel-Private-Group-Id = "43"

vt-0002.hospital.test Auth-Type := EAP

old Cleartext-Password := "oldpass"
    Class = "x"

load Cleartext-Password := "loadpass"
    Class = "x"

020000aa0001 Cleartext-Password := "020000aa0001"
    Tunnel-Type = VLAN,
    Tunnel-Medium-Type = IEEE-802,
    Tunnel-Private-Group-Id = "99"
"""
_CONFIGURATION = (
    FOUNDATION
    + """
cleanup_delay = 1
security {{
  max_attributes = 200
  reject_delay = 0
  status_server = yes
}}
thread pool {{
  start_servers = 2
  max_servers = 4
  min_spare_servers = 1
  max_spare_servers = 2
  max_requests_per_server = 0
}}
modules {{
  always ok {{
    rcode = ok
  }}
  always reject {{
    rcode = reject
  }}
  detail {{
    filename = {folder}/detail
    permissions = 0600
  }}
"""
    + MODULES
    + """
}}
server default {{
  listen {{
    type = auth
    ipaddr = {address}
    port = {auth_port}
  }}
  listen {{
    type = acct
    ipaddr = {address}
    port = {acct_port}
  }}
  authorize {{
    files
    eap {{
      ok = return
    }}
    pap
  }}
  authenticate {{
    Auth-Type PAP {{
      pap
    }}
    eap
  }}
  accounting {{
    detail
  }}
  post-auth {{
    if (!&reply:EAP-Message && &User-Name != "old") {{
      update reply {{
        &Message-Authenticator := 0x00
      }}
    }}
    Post-Auth-Type REJECT {{
      eap
      if (!&reply:EAP-Message && &User-Name != "old") {{
        update reply {{
          &Message-Authenticator := 0x00
        }}
      }}
    }}
  }}
}}
server orders {{
  listen {{
    type = coa
    ipaddr = {address}
    port = {coa_port}
  }}
  recv-coa {{
    if (&User-Name == "vt1") {{
      ok
    }}
    else {{
      update reply {{
        &Error-Cause := Session-Context-Not-Found
      }}
      reject
    }}
  }}
}}
"""
)
_RADSEC = """
listen {{
  type = auth+acct
  ipaddr = {address}
  port = {radsec_port}
  proto = tcp
  clients = radsec
  tls {{
    private_key_file = {folder}/server.key
    certificate_file = {folder}/server.pem
    ca_file = {folder}/ca.pem
    cipher_list = "DEFAULT"
    tls_min_version = "1.2"
    tls_max_version = "1.2"
    require_client_cert = yes
  }}
  virtual_server = default
  limit {{
    max_connections = 16
    lifetime = 0
    idle_timeout = {idle_s}
  }}
}}
clients radsec {{
  client everybody {{
    ipaddr = 127.0.0.0/8
    proto = tls
    secret = radsec
  }}
}}
"""


@dataclass
class FreeRadius:
    """Runs from start() to stop(); a folder has one."""

    folder: Path
    address: str = "127.0.0.1"
    auth_port: int = 1812
    acct_port: int = 1813
    coa_port: int = 3799
    radsec_port: int = 0
    """With RadSec where it is not 0."""
    idle_s: int = 600
    certificate: str = "server"
    """What it shows in EAP: "server", or "expired-server"."""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> FreeRadius:
        """Write the configuration and wait until it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = _CONFIGURATION + (_RADSEC if self.radsec_port else "")
        values = {key: value for key, value in vars(self).items() if not key.startswith("_")}
        (self.folder / "radiusd.conf").write_text(
            text.format(secret=SECRET, method="md5", certificates=self.folder, key_password="", **values)
        )
        (self.folder / "users").write_text(USERS)
        if not (self.folder / "ca.pem").exists():
            make_certificates(self.folder)
        self._log = self.folder / "radius.log"
        # Debug output (-X) would mean one thread, with which RadSec does not start.
        self._process = subprocess.Popen(
            ["freeradius", "-f", "-xx", "-l", str(self._log), "-d", str(self.folder)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 20
        while "Ready to process requests" not in self.log():
            assert self._process.poll() is None, self.log()[-3000:]
            assert time.monotonic() < deadline, self.log()[-3000:]
            time.sleep(0.05)
        return self

    def log(self) -> str:
        """What it wrote so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def accounted(self) -> str:
        """The records that it took."""
        detail = self.folder / "detail"
        return detail.read_text() if detail.exists() else ""

    def pause(self, is_paused: bool = True) -> None:
        """Have it hang, or go on: nobody answers, and nobody says that nobody is there."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if is_paused else signal.SIGCONT)

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self.pause(False)
            end(self._process)
            self._process = None
            self._log.unlink(missing_ok=True)


def make_certificates(folder: Path) -> None:
    """ca, server, expired-server, and the devices client, expired and foreign (of another CA), each .pem and .key."""
    for name, content in _certificates().items():
        (folder / name).touch(0o600)
        (folder / name).write_bytes(content)


@functools.cache
def _certificates() -> dict[str, bytes]:
    """All of them by file: making six keys takes longer than most tests that need them."""
    now, files = datetime.now(UTC), dict[str, bytes]()
    authority = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = _name("Test CA")

    def write(file: str, certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> None:
        files[f"{file}.pem"] = certificate.public_bytes(serialization.Encoding.PEM)
        files[f"{file}.key"] = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def builder(subject: x509.Name, key: rsa.RSAPrivateKey, days: int) -> x509.CertificateBuilder:
        start = now - timedelta(days=30)
        return (
            x509.CertificateBuilder().subject_name(subject).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(start)
            .not_valid_after(now + timedelta(days=days))
        )  # fmt: skip

    made = builder(name, authority, 365).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    write("ca", made.sign(authority, hashes.SHA256()), authority)
    for file, host, usage, days in (
        ("server", SERVER_NAME, ExtendedKeyUsageOID.SERVER_AUTH, 365),
        ("expired-server", SERVER_NAME, ExtendedKeyUsageOID.SERVER_AUTH, -1),
        ("client", "vt-0001.hospital.test", ExtendedKeyUsageOID.CLIENT_AUTH, 365),
        ("expired", "vt-0002.hospital.test", ExtendedKeyUsageOID.CLIENT_AUTH, -1),
        ("foreign", "vt-0001.hospital.test", ExtendedKeyUsageOID.CLIENT_AUTH, 365),
    ):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        signer = key if file == "foreign" else authority  # its CA has the same name, and is another
        made = (
            builder(_name(host), key, days)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        )
        write(file, made.sign(signer, hashes.SHA256()), key)
    return files


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
