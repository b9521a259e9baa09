"""Kamailio as a stateful server of calls and a registrar with digest: what ours is measured against.

It is asked for what ours does by default: rport for all, Max-Forwards and sanity looked at, qop=auth with counted
nonces that hold for one source only, bindings that are handed to a database every 2 s (db_text, which keeps them in
memory), an answer that depends on the offer's codecs.
"""

from __future__ import annotations

from pathlib import Path

from bench.sip_server import REALM, SECRET

STOCK_WORKERS = 8
"""`children` of the kamailio.cfg that Debian ships. Fewer share their caches better and do less beside each other."""
_MODULES = "tm sl pv textops siputils sdpops maxfwd sanity auth db_text usrloc registrar"
_TABLES = Path("/usr/share/kamailio/dbtext/kamailio")
_ANSWER = (
    "v=0\\r\\no=- 1 1 IN IP4 127.0.0.1\\r\\ns=-\\r\\nc=IN IP4 127.0.0.1\\r\\nt=0 0\\r\\nm=audio 40000 RTP/AVP 8 101"
    "\\r\\na=rtpmap:8 PCMA/8000\\r\\na=rtpmap:101 telephone-event/8000\\r\\na=sendrecv\\r\\n"
)


def configuration(port: int, folder: Path, workers: int) -> str:
    """For `kamailio -f`: on loopback; its database is made in `folder`."""
    modules = "\n".join(f'loadmodule "{name}.so"' for name in _MODULES.split())
    for table in ("version", "location", "location_attrs"):
        (folder / table).write_bytes((_TABLES / table).read_bytes())
    return f"""#!KAMAILIO
debug=-1
log_stderror=yes
fork=yes
children={workers}
auto_aliases=no
disable_tcp=yes
listen=udp:127.0.0.1:{port}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
{modules}
modparam("usrloc", "db_url", "text://{folder}")
modparam("usrloc", "db_mode", 2)
modparam("usrloc", "timer_interval", 2)
modparam("auth", "nonce_count", 1)
modparam("auth", "nc_array_order", 20)
modparam("auth", "auth_checks_register", 8)
modparam("auth", "secret", "a secret of the benchmark")
modparam("registrar", "max_contacts", 8)
request_route {{
    force_rport();
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (!sanity_check("17895", "7")) {{ exit; }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("{REALM}", "{SECRET}", "0")) {{ www_challenge("{REALM}", "1"); exit; }}
        consume_credentials();
        save("location");
        exit;
    }}
    if (is_method("INVITE")) {{
        t_newtran();
        if (!sdp_with_codecs_by_name("PCMA")) {{ t_reply("488", "Not Acceptable Here"); exit; }}
        append_to_reply("Contact: <sip:bench@127.0.0.1:{port}>\\r\\n");
        set_reply_body("{_ANSWER}", "application/sdp");
        t_reply("200", "OK");
        exit;
    }}
    if (is_method("ACK")) {{ t_check_trans(); exit; }}
    if (is_method("BYE")) {{ t_newtran(); t_reply("200", "OK"); exit; }}
    sl_send_reply("200", "OK");
}}
"""
