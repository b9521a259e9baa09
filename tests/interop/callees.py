"""sipp as the one who is called: it answers every INVITE with one status, or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

_COPIED = "[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]t[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n"
_END = "Content-Length: 0\n\n]]></send>"


def _say(line: str, more: str = "") -> str:
    return f"<send><![CDATA[\n\nSIP/2.0 {line}\n{_COPIED}{more}{_END}"


def refusing(status: str, more: str = "") -> str:
    """180, then a refusal, such as "486 Busy Here"."""
    return f'<recv request="INVITE"/>{_say("180 Ringing")}{_say(status, more)}<recv request="ACK"/>'


def silent() -> str:
    """180 and nothing else, until it is cancelled."""
    return (
        f'<recv request="INVITE"/>{_say("180 Ringing")}<recv request="CANCEL"/>'
        "<send><![CDATA[\n\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\nCSeq: 1 CANCEL\n"
        f"{_END}"
        "<send><![CDATA[\n\nSIP/2.0 487 Request Terminated\n[last_Via:]\n[last_From:]\n"
        f"[last_To:];tag=[pid]t[call_number]\n[last_Call-ID:]\nCSeq: 1 INVITE\n{_END}"
        '<recv request="ACK"/>'
    )


def foreign_registrar(realm: str) -> str:
    """A REGISTER is challenged for this realm."""
    challenge = f'WWW-Authenticate: Digest realm="{realm}", nonce="abc123", algorithm=MD5, qop="auth"\n'
    return f'<recv request="REGISTER"/>{_say("401 Unauthorized", challenge)}'


class Callee:
    """One sipp that listens; stop() gives what it complained about."""

    def __init__(self, folder: Path, address: str, port: int, steps: str) -> None:
        self._folder = folder
        self._options = ("-i", address, "-p", str(port))
        self._steps = steps
        self.errors = folder / "errors"

    async def start(self) -> Callee:
        """Write the scenario and listen."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "callee.xml"
        file.write_text(
            f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="callee">\n{self._steps}\n</scenario>\n'
        )
        options = (*self._options, "-deadcall_wait", "0", "-trace_err", "-error_file", str(self.errors), "-nostdin")
        self._process = await asyncio.create_subprocess_exec(
            "sipp", "-sf", str(file), *options, cwd=self._folder, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        listening = f":{int(self._options[3]):04X} 00000000:0000"
        async with asyncio.timeout(10):
            while listening not in Path("/proc/net/udp").read_text():
                await asyncio.sleep(0.05)
        return self

    async def stop(self) -> None:
        """End the process that start() started."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
