"""What sipp is told to do: calls with SDP, and registrations with digest."""

from __future__ import annotations

from bench.sip_server import SECRET, TERMINALS, alias_of

_SDP = """v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=sendrecv
"""
_COMMON = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:[field0]@[local_ip]:[local_port]>;tag=[pid]t[call_number]
"""
_CONTACT = "Contact: <sip:[field0]@[local_ip]:[local_port]>\n"


def _scenario(*steps: str) -> str:
    lines = "\n".join(steps)
    return f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="load">\n{lines}\n</scenario>\n'


def _send(text: str, *, is_repeated: bool = True) -> str:
    repeated = ' retrans="500"' if is_repeated else ""
    return f"<send{repeated}><![CDATA[\n\n{text}]]></send>"


def _register(cseq: int, more: str = "") -> str:
    return _send(
        f"REGISTER sip:[remote_ip]:[remote_port] SIP/2.0\n{_COMMON}To: <sip:[field0]@[remote_ip]:[remote_port]>\n"
        f"Call-ID: [call_id]\nCSeq: {cseq} REGISTER\n{_CONTACT}Expires: 300\n{more}Content-Length: 0\n\n"
    )


_URI = "sip:1001@[remote_ip]:[remote_port]"
_TO = f"To: <{_URI}>"

CALL = _scenario(
    _send(
        f"INVITE {_URI} SIP/2.0\n{_COMMON}{_TO}\nCall-ID: [call_id]\nCSeq: 1 INVITE\n{_CONTACT}"
        f"Content-Type: application/sdp\nContent-Length: [len]\n\n{_SDP}"
    ),
    '<recv response="100" optional="true"/>',
    '<recv response="200" rrs="true"/>',
    _send(
        f"ACK [next_url] SIP/2.0\n{_COMMON}{_TO}[peer_tag_param]\nCall-ID: [call_id]\nCSeq: 1 ACK\n{_CONTACT}"
        "Content-Length: 0\n\n",
        is_repeated=False,
    ),
    _send(
        f"BYE [next_url] SIP/2.0\n{_COMMON}{_TO}[peer_tag_param]\nCall-ID: [call_id]\nCSeq: 2 BYE\n{_CONTACT}"
        "Content-Length: 0\n\n"
    ),
    '<recv response="200"/>',
)
"""INVITE, 200 with SDP, ACK, BYE, 200."""

REGISTER = _scenario(
    _register(1),
    '<recv response="401" auth="true"/>',
    _register(2, "[field1]\n"),
    '<recv response="200"/>',
)
"""REGISTER, 401, REGISTER with credentials, 200."""


def users() -> str:
    """The terminals in turn, for `sipp -inf`."""
    return "\n".join(["SEQUENTIAL", *(_user(alias_of(number)) for number in range(TERMINALS))]) + "\n"


def _user(alias: str) -> str:
    return f"{alias};[authentication username={alias} password={SECRET}]"
