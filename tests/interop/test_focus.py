"""The conference event package (RFC 4575) against sipp, and read by tshark."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.interop import sipp
from tests.interop.namespace import SERVER as ADDRESS
from tests.interop.namespace import TERMINAL
from tests.interop.process import said_by
from tests.interop.server import GUEST_PASSCODE, SIP_PORT, Server
from tests.interop.sipp import Scenario, a_call
from tests.interop.sniffer import Sniffer, judged
from tests.interop.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

REMOTE = f"{ADDRESS}:{SIP_PORT}"
GUEST = f"1001**{GUEST_PASSCODE}"
_ANSWER = (
    "<send><![CDATA[\n\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
    "Content-Length: 0\n\n]]></send>"
)


class Subscriber(Scenario):
    """A caller who wants to know who else is in the room."""

    def reaches_a_focus(self) -> Subscriber:
        """200 to the INVITE, from a conference (RFC 4579 5.1)."""
        self.expect(200)
        self._steps[-1] = self._steps[-1].replace("/>", f">{_checked('hdr', 'sip:1001@.*;isfocus', 'Contact:')}</recv>")
        return self

    def subscribe(self, expires_s: int) -> Subscriber:
        """SUBSCRIBE within the call, and its answer."""
        self._cseq += 1
        self._request("SUBSCRIBE", self._cseq, "", is_repeated=True)
        more = f"Event: conference\nAccept: application/conference-info+xml\nExpires: {expires_s}\nContent-Length"
        self._steps[-1] = self._steps[-1].replace("Content-Length", more)
        self.expect(200)
        return self

    def is_told(self, state: str, *texts: str) -> Subscriber:
        """A NOTIFY with this subscription state and, in this order, these texts in its document."""
        checks = _checked("hdr", state, "Subscription-State:") + _checked("body", ".*".join(texts))
        self._steps += [f'<recv request="NOTIFY">{checks}</recv>', _ANSWER]
        return self


def _checked(where: str, pattern: str, header: str = "") -> str:
    place = f'search_in="{where}"' + (f' header="{header}"' if header else "")
    found = f'<ereg regexp="{pattern}" {place} check_it="true" assign_to="found"/>'
    return f'<action>{found}<log message="[$found]"/></action>'


async def test_who_comes_who_goes_and_the_lock_are_told(tmp_path: Path, needs):
    needs("sipp", "tshark")
    server = await Server(tmp_path / "server").start({"1001": {"max_participants": 10}})
    administrator = await server.administrator()
    try:
        watching = Subscriber(GUEST).invite().provisional()
        assert isinstance(watching, Subscriber)
        watching.reaches_a_focus().ack()
        watching.subscribe(600).is_told("active", "state=.full", "user-count.1.", "locked.false.", "sipp")
        watching.is_told("active", "state=.partial", "user-count.2.", "endpoint")
        watching.is_told("active", "state=.partial", "user-count.1.", "locked.true.", "state=.deleted")
        watching.subscribe(0).is_told("terminated;reason=timeout", "state=.full", "user-count.1.").bye()
        with Sniffer() as sniffer:
            async with asyncio.TaskGroup() as group:
                whole = group.create_task(sipp.run(watching, tmp_path / "watching", TERMINAL, REMOTE))

                async def count() -> int:
                    rooms = (await administrator.call("GET", "/conferences"))["conferences"]
                    return sum(len(room["participants"]) for room in rooms)

                async def is_alone() -> object:
                    return await count() == 1

                await until("the first is in", is_alone)
                (await sipp.run(a_call(GUEST, 6000), tmp_path / "other", TERMINAL, REMOTE)).is_clean()
                await administrator.call("POST", "/conferences/1001/lock", {"is_locked": True})
            whole.result().is_clean()
        verdict = await judged(sniffer.write(tmp_path / "focus.pcap"), ADDRESS, SIP_PORT)
        assert verdict.wrong == []
        bodies = await _documents(tmp_path / "focus.pcap")
        assert len(bodies) == 4
        assert not any(TERMINAL in body for body in bodies), "who takes part is told, not from where"
    finally:
        await administrator.close()
        await server.stop()


async def _documents(pcap: Path) -> list[str]:
    """The XML of every NOTIFY as tshark understands it."""
    process = await asyncio.create_subprocess_exec(
        "tshark", "-r", str(pcap), "-Y", "sip.Method == NOTIFY && xml", "-d", f"udp.port=={SIP_PORT},sip",
        "-T", "fields", "-e", "xml.tag", "-e", "xml.attribute", "-e", "xml.cdata",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await said_by(process)
    assert process.returncode == 0, errors.decode(errors="replace")
    return output.decode(errors="replace").splitlines()
