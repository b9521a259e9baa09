"""sipp with scenarios of our own, written as a conversation: what is sent, what has to come back."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from tests.interop.process import said_by

OFFER = """v=0
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
ANSWER = OFFER + "m=video 0 RTP/AVP 97\n"
"""To an offer of sound and picture."""
HELD_OFFER = OFFER.replace("a=sendrecv", "a=sendonly").replace("o=- 1 1", "o=- 1 2")
SILENT_OFFER = OFFER.replace("a=sendrecv", "a=inactive")
"""Who offers this can be told nothing but a status."""
_CONTACT = "sipp@[local_ip]:[local_port];transport=[transport]"


class Scenario:
    """The caller's side of one call; every step adds to it."""

    def __init__(self, user: str, contact: str = _CONTACT) -> None:
        self._user = user
        self._contact = contact
        self._steps: list[str] = []
        self._cseq = 0
        self._invite = 0
        self._has_dialog = False
        self._is_inviting = False

    def invite(self, body: str = OFFER) -> Scenario:
        """INVITE, or a re-INVITE once the call stands; without a body the other side has to offer."""
        self._cseq += 1
        self._invite = len(self._steps)
        return self._request("INVITE", self._cseq, body, is_repeated=True)

    def expect(self, status: int, *, is_optional: bool = False) -> Scenario:
        """A response."""
        is_answer = status == 200 and self._is_inviting
        self._has_dialog = self._has_dialog or is_answer
        more = (' optional="true"' if is_optional else "") + (' rrs="true"' if is_answer else "")
        self._steps.append(f'<recv response="{status}"{more}/>')
        return self

    def provisional(self) -> Scenario:
        """100 and 180 may come."""
        return self.expect(100, is_optional=True).expect(180, is_optional=True)

    def ack(self, body: str = "") -> Scenario:
        """The ACK of the last INVITE: with a branch of its own after a 2xx, else with that of the INVITE."""
        return self._request("ACK", self._cseq, body, branch="" if self._has_dialog else self._invite_branch())

    def cancel(self) -> Scenario:
        """CANCEL of the INVITE, which needs its branch."""
        return self._request("CANCEL", self._cseq, "", branch=self._invite_branch(), is_repeated=True)

    def bye(self) -> Scenario:
        """BYE and its answer."""
        self._cseq += 1
        return self._request("BYE", self._cseq, "", is_repeated=True).expect(200)

    def options(self) -> Scenario:
        """OPTIONS and its answer."""
        self._cseq += 1
        return self._request("OPTIONS", self._cseq, "", is_repeated=True).expect(200)

    def is_hung_up_on(self) -> Scenario:
        """A BYE of the other side, and our answer."""
        self._steps.append('<recv request="BYE"/>')
        self._steps.append(
            "<send><![CDATA[\n\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
            "Content-Length: 0\n\n]]></send>"
        )
        return self

    def pause(self, milliseconds: int) -> Scenario:
        """Stay in the call."""
        self._steps.append(f'<pause milliseconds="{milliseconds}"/>')
        return self

    def xml(self) -> str:
        """For sipp."""
        body = "\n".join(self._steps)
        return f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="call">\n{body}\n</scenario>\n'

    def _invite_branch(self) -> str:
        return f"-{len(self._steps) - self._invite}"

    def _request(
        self, method: str, cseq: int, body: str, *, branch: str = "", is_repeated: bool = False
    ) -> Scenario:  # fmt: skip
        uri = "[next_url]" if self._has_dialog else f"sip:{self._user}@[remote_ip]:[remote_port]"
        content = f"Content-Type: application/sdp\nContent-Length: [len]\n\n{body}" if body else "Content-Length: 0\n\n"
        repeated = ' retrans="500"' if is_repeated else ""
        self._is_inviting = method == "INVITE"
        tag = "[peer_tag_param]" if self._has_dialog or method == "ACK" else ""
        self._steps.append(
            f"<send{repeated}><![CDATA[\n\n{method} {uri} SIP/2.0\n"
            f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch{branch}];rport\n"
            "From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]t[call_number]\n"
            f"To: <sip:{self._user}@[remote_ip]:[remote_port]>{tag}\n"
            f"Call-ID: [call_id]\nCSeq: {cseq} {method}\nContact: <sip:{self._contact}>\nMax-Forwards: 70\n"
            f"{content}]]></send>"
        )
        return self


def a_call(user: str, hold_ms: int = 500, *, has_late_offer: bool = False) -> Scenario:
    """INVITE, 200, ACK, a pause, BYE; with a late offer the SDP of the 200 is answered in the ACK."""
    scenario = Scenario(user).invite("" if has_late_offer else OFFER).provisional().expect(200)
    return scenario.ack(ANSWER if has_late_offer else "").pause(hold_ms).bye()


def a_refused_call(user: str, status: int) -> Scenario:
    """INVITE that is answered with `status`."""
    return Scenario(user).invite().expect(100, is_optional=True).expect(status).ack()


@dataclass(frozen=True)
class Result:
    """How a run of sipp went."""

    status: int
    output: str
    errors: str

    @property
    def repeated(self) -> int:
        """Requests that sipp had to send again, by its last screen."""
        last = self.output.rpartition("Messages  Retrans")[2]
        return sum(
            int(count) for count in re.findall(r"^\s*[A-Z]+ -+>\s+(?:B-RTD\d\s+)?\d+\s+(\d+)", last, re.MULTILINE)
        )

    def is_clean(self) -> None:
        """Every call went as written, and nothing else came."""
        assert (self.status, self.errors) == (0, ""), self.errors + self.output[-3000:]


async def run(
    scenario: Scenario, folder: Path, local: str, remote: str, *options: str, calls: int = 1, timeout_s: float = 60
) -> Result:  # fmt: skip
    """Run `calls` calls of a scenario to their end."""
    folder.mkdir(parents=True, exist_ok=True)
    file, errors = folder / "scenario.xml", folder / "errors"
    file.write_text(scenario.xml())
    errors.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        "sipp", remote, "-sf", str(file), "-i", local, "-trace_err", "-error_file", str(errors), "-nostdin",
        "-timeout", str(int(timeout_s)), "-m", str(calls), *options,
        cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await said_by(process, timeout_s + 10)
    return Result(
        process.returncode or 0, output.decode(errors="replace"), errors.read_text() if errors.exists() else ""
    )
