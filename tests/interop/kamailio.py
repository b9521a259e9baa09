"""Kamailio with a configuration of its own: a proxy in front of our server, or whatever else a test writes."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.interop.namespace import SERVER
from tests.interop.process import end

PORT = 5066
_MODULES = "tm sl rr pv textops siputils maxfwd path usrloc registrar auth"
_HEAD = """#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=1
auto_aliases=no
disable_tcp=yes
listen=udp:{address}:{port}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
{modules}
modparam("path", "use_received", 1)
modparam("rr", "append_fromtag", 0)
"""

PROXY = f"""
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    if (loose_route()) {{
        if (!has_totag()) {{ record_route(); }}
        t_relay();
        exit;
    }}
    if (has_totag()) {{
        if (is_method("ACK") && t_check_trans()) {{ t_relay(); exit; }}
        sl_send_reply("404", "Not here");
        exit;
    }}
    if (is_method("REGISTER")) {{ add_path_received(); }} else {{ record_route(); }}
    $du = "sip:{SERVER}:5060";
    t_relay();
}}
"""
"""Everything from outside goes to our server; Record-Route and Path keep it in between (RFC 3261 16, RFC 3327)."""


@dataclass
class Kamailio:
    """Runs until stop()."""

    folder: Path
    address: str
    routes: str = PROXY
    port: int = PORT

    def start(self) -> Kamailio:
        """Write the configuration and wait until it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "kamailio.cfg"
        modules = "\n".join(f'loadmodule "{name}.so"' for name in _MODULES.split())
        configuration.write_text(_HEAD.format(address=self.address, port=self.port, modules=modules) + self.routes)
        self._log = self.folder / "kamailio.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["kamailio", "-f", str(configuration), "-DD", "-E", "-m", "32", "-M", "8", "-Y", str(self.folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 10
        listening = f":{self.port:04X} 00000000:0000"
        while listening not in Path("/proc/net/udp").read_text():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)
        return self

    def log(self) -> str:
        """What it printed."""
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        """End the process."""
        end(self._process)
