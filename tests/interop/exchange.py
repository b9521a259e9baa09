"""A telephone exchange made of Kamailio: it wants digest from its client, brings it calls, and takes its calls."""

from __future__ import annotations

from pathlib import Path

from tests.interop.kamailio import Kamailio

REALM, USER, SECRET = "exchange.example", "hospital", "amber-signal-9-lines"


def routes(telephone: str) -> str:
    """Registrar and proxy of one client; every number that it calls is one telephone (user@host:port)."""
    return f"""
loadmodule "xlog.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "min_expires", 60)
modparam("auth", "nonce_count", 1)
request_route {{
    if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    if (loose_route()) {{ t_relay(); exit; }}
    if (has_totag()) {{
        if (is_method("ACK") && t_check_trans()) {{ t_relay(); }}
        exit;
    }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("{REALM}", "{SECRET}", "0")) {{ www_challenge("{REALM}", "1"); exit; }}
        save("location");
        exit;
    }}
    record_route();
    if ($fU == "{USER}") {{
        if (!pv_proxy_authenticate("{REALM}", "{SECRET}", "0")) {{ proxy_challenge("{REALM}", "1"); exit; }}
        consume_credentials();
        xlog("L_ERR", "called $rU\\n");
        $ru = "sip:{telephone}";
        t_relay();
        exit;
    }}
    $rU = "{USER}";
    if (!lookup("location")) {{ sl_send_reply("404", "Nobody registered"); exit; }}
    t_relay();
}}
"""


def exchange(folder: Path, address: str, telephone: str) -> Kamailio:
    """Started."""
    return Kamailio(folder, address, routes(telephone)).start()
