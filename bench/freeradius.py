"""FreeRADIUS for `bench dot1x`: one user, EAP, nothing else; threads, log and caches as Debian ships them.

TLS 1.2 alone and no sessions resumed, since our own server does the same; its certificates are those of our server.
"""

from __future__ import annotations

from pathlib import Path

FOUNDATION = """
prefix = /usr
localstatedir = {folder}
logdir = {folder}
raddbdir = {folder}
run_dir = {folder}
db_dir = {folder}
libdir = /usr/lib/freeradius
pidfile = {folder}/radiusd.pid
correct_escapes = true
max_request_time = 30
max_requests = 16384
hostname_lookups = no
proxy_requests = no
client everybody {{
  ipaddr = 127.0.0.0/8
  secret = "{secret}"
  require_message_authenticator = yes
}}
server inner {{
  authorize {{
    mschap
    update control {{
      &Proxy-To-Realm := LOCAL
    }}
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
    Auth-Type MS-CHAP {{
      mschap
    }}
    eap
  }}
}}
"""
"""Its folders, whom it answers, and what it asks inside a TLS tunnel: {folder}, {secret}."""
MODULES = """
  files {{
    filename = {folder}/users
  }}
  pap {{
  }}
  eap {{
    default_eap_type = {method}
    timer_expire = 60
    max_sessions = 16384
    md5 {{
    }}
    tls-config tls-common {{
      private_key_password = "{key_password}"
      private_key_file = {certificates}/{certificate}.key
      certificate_file = {certificates}/{certificate}.pem
      ca_file = {certificates}/ca.pem
      cipher_list = "DEFAULT"
      tls_min_version = "1.2"
      tls_max_version = "1.2"
      ecdh_curve = ""
      fragment_size = 1024
      cache {{
        enable = no
      }}
    }}
    tls {{
      tls = tls-common
    }}
    ttls {{
      tls = tls-common
      default_eap_type = md5
      use_tunneled_reply = yes
      virtual_server = inner
    }}
    peap {{
      tls = tls-common
      default_eap_type = mschapv2
      use_tunneled_reply = yes
      virtual_server = inner
    }}
    mschapv2 {{
      send_error = no
    }}
  }}
  mschap {{
  }}
"""
"""Users in a file, and EAP: {folder}, {method} (which it proposes), {certificates}, {certificate}, {key_password}."""
_CONFIGURATION = (
    FOUNDATION
    + """
cleanup_delay = 5
security {{
  max_attributes = 200
  reject_delay = 1
  status_server = yes
}}
thread pool {{
  start_servers = 5
  max_servers = 32
  min_spare_servers = 3
  max_spare_servers = 10
  max_requests_per_server = 0
}}
modules {{
"""
    + MODULES
    + """
}}
server default {{
  listen {{
    type = auth
    ipaddr = 127.0.0.1
    port = {port}
  }}
  authorize {{
    files
    eap {{
      ok = return
    }}
  }}
  authenticate {{
    eap
  }}
  post-auth {{
    Post-Auth-Type REJECT {{
      eap
    }}
  }}
}}
"""
)
_USERS = """
{identity} Cleartext-Password := "{password}"
    Session-Timeout = 3600,
    Termination-Action = RADIUS-Request
"""


def write(
    folder: Path, port: int, method: str, identity: str, password: str, secret: str, certificates: Path,
    key_password: str,
) -> None:  # fmt: skip
    """What `freeradius -d FOLDER` reads; `method` is the EAP method that it proposes."""
    folder.mkdir()
    values = {
        "folder": folder, "port": port, "method": method, "secret": secret, "certificates": certificates,
        "certificate": "server", "key_password": key_password,
    }  # fmt: skip
    file = folder / "radiusd.conf"
    file.touch(0o600)
    file.write_text(_CONFIGURATION.format(**values))
    (folder / "users").write_text(_USERS.format(identity=identity, password=password))
