"""Kamailio as a stateful server of calls and a registrar with digest: what ours is measured against."""

from __future__ import annotations

from bench.sip_server import REALM, SECRET

_MODULES = "tm sl pv textops siputils auth usrloc registrar"
_ANSWER = (
    "v=0\\r\\no=- 1 1 IN IP4 127.0.0.1\\r\\ns=-\\r\\nc=IN IP4 127.0.0.1\\r\\nt=0 0\\r\\nm=audio 40000 RTP/AVP 8 101"
    "\\r\\na=rtpmap:8 PCMA/8000\\r\\na=rtpmap:101 telephone-event/8000\\r\\na=sendrecv\\r\\n"
)


def configuration(port: int) -> str:
    """For `kamailio -f`: one worker on loopback."""
    modules = "\n".join(f'loadmodule "{name}.so"' for name in _MODULES.split())
    return f"""#!KAMAILIO
debug=-1
log_stderror=yes
fork=yes
children=1
auto_aliases=no
disable_tcp=yes
listen=udp:127.0.0.1:{port}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
{modules}
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_contacts", 8)
request_route {{
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("{REALM}", "{SECRET}", "0")) {{ www_challenge("{REALM}", "0"); exit; }}
        consume_credentials();
        save("location");
        exit;
    }}
    if (is_method("INVITE")) {{
        t_newtran();
        t_reply("180", "Ringing");
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
