"""sipp with scenarios of our own: plain audio calls, late offers, retransmission and loss."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

_OFFER = """v=0
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
_HEAD = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]t[call_number]
To: <sip:{user}@[remote_ip]:[remote_port]>{to}
Call-ID: [call_id]
CSeq: {cseq}
Contact: <sip:sipp@[local_ip]:[local_port]>
Max-Forwards: 70
"""


@dataclass(frozen=True)
class Result:
    """How a run of sipp went."""

    status: int
    output: str
    errors: str


def call_scenario(user: str, hold_ms: int = 1000, *, has_late_offer: bool = False) -> str:
    """INVITE, 200, ACK, a pause, BYE; with a late offer the SDP of ours is answered in the ACK."""
    body = f"Content-Type: application/sdp\nContent-Length: [len]\n\n{_OFFER}"
    empty = "Content-Length: 0\n\n"
    uri = f"sip:{user}@[remote_ip]:[remote_port]"

    def request(method: str, line: str, head: str, content: str, more: str = "") -> str:
        return f"<send{more}><![CDATA[\n\n{method} {line} SIP/2.0\n{head}{content}]]></send>\n"

    invite = _HEAD.format(user=user, to="", cseq="1 INVITE")
    within = _HEAD.format(user=user, to="[peer_tag_param]", cseq="{}")
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="call">\n'
        + request("INVITE", uri, invite, empty if has_late_offer else body, ' retrans="500"')
        + '<recv response="100" optional="true"/>\n<recv response="180" optional="true"/>\n'
        + '<recv response="200" rtd="true"/>\n'
        + request("ACK", uri, within.format("1 ACK"), body if has_late_offer else empty)
        + f'<pause milliseconds="{hold_ms}"/>\n'
        + request("BYE", uri, within.format("2 BYE"), empty, ' retrans="500"')
        + '<recv response="200"/>\n</scenario>\n'
    )


def refused_scenario(user: str, status: int) -> str:
    """INVITE that is answered with `status`."""
    invite = _HEAD.format(user=user, to="", cseq="1 INVITE")
    ack = _HEAD.format(user=user, to="[peer_tag_param]", cseq="1 ACK")
    uri = f"sip:{user}@[remote_ip]:[remote_port]"
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="refused">\n'
        f'<send retrans="500"><![CDATA[\n\nINVITE {uri} SIP/2.0\n{invite}Content-Type: application/sdp\n'
        f"Content-Length: [len]\n\n{_OFFER}]]></send>\n"
        f'<recv response="100" optional="true"/>\n<recv response="{status}"/>\n'
        f"<send><![CDATA[\n\nACK {uri} SIP/2.0\n{ack}Content-Length: 0\n\n]]></send>\n</scenario>\n"
    )


async def run(scenario: str, folder: Path, local: str, remote: str, *options: str, timeout_s: float = 60) -> Result:
    """Run a scenario to its end."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "scenario.xml"
    file.write_text(scenario)
    process = await asyncio.create_subprocess_exec(
        "sipp", remote, "-sf", str(file), "-i", local, "-trace_err", "-error_file", str(folder / "errors"), "-nostdin",
        "-timeout", str(int(timeout_s)), *options,
        cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), timeout_s + 10)
    errors = folder / "errors"
    return Result(
        process.returncode or 0, output.decode(errors="replace"), errors.read_text() if errors.exists() else ""
    )
