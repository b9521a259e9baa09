"""A SIP caller made of one UDP socket: what it writes and what comes back is seen byte by byte."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import socket
import time
from dataclasses import dataclass, field

from tests.interop.namespace import SERVER
from tests.interop.server import SIP_PORT

OFFER = (
    "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n"
    "a=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
)
_T1_S = 0.5
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """A response, and how long it took."""

    raw: bytes
    after_s: float

    @property
    def status(self) -> int:
        """403, ..."""
        return int(self.raw.split(b" ", 2)[1])

    @property
    def reason(self) -> str:
        """The words behind the status."""
        return self.raw.partition(b"\r\n")[0].split(b" ", 2)[2].decode()

    def header(self, name: str) -> str:
        """The first value, "" when there is none."""
        for line in self.raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]:
            if line.lower().startswith(name.lower() + ":"):
                return line.partition(":")[2].strip()
        return ""

    @property
    def tag(self) -> str:
        """Of the To header."""
        return self.header("To").rpartition("tag=")[2]

    @property
    def body(self) -> str:
        """The SDP."""
        return self.raw.partition(b"\r\n\r\n")[2].decode()

    @property
    def media(self) -> tuple[str, int]:
        """Where the answer wants the sound."""
        address = self.body.partition("c=IN IP4 ")[2].split()[0]
        return address, int(self.body.partition("m=audio ")[2].split()[0])


@dataclass
class Caller:
    """One socket; one call at a time."""

    address: str
    user: str = ""
    answers: list[Answer] = field(default_factory=list)
    """Every response to the INVITE of this call, provisional ones too."""

    def __post_init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.address, 0))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.media.bind((self.address, 0))
        self.media.setblocking(False)
        self._cseq = 0
        self._tag = ""

    def close(self) -> None:
        """Free the ports."""
        self.socket.close()
        self.media.close()

    async def dial(self, user: str, *, timeout_s: float = 25.0) -> Answer:
        """Call somebody; the final answer, which is acknowledged."""
        asking = self.begin(user)
        return await self.finish(asking, timeout_s=timeout_s)

    def begin(self, user: str, body: str = OFFER) -> bytes:
        """Write an INVITE; its final answer is waited for with finish()."""
        self.user, self._tag, self._cseq = user, "", 1
        self._target = f"sip:{user}@{SERVER}" if user else f"sip:{SERVER}"
        self.answers = []
        self._call_id, self._branch = f"{next(_numbers)}-{secrets.token_hex(4)}", secrets.token_hex(6)
        return self._invite(body)

    async def ringing(self, asking: bytes, *, timeout_s: float = 20.0) -> Answer:
        """The first response that is more than 100."""
        return await self._response(asking, 180, timeout_s)

    async def finish(self, asking: bytes, *, timeout_s: float = 25.0) -> Answer:
        """The final answer to an INVITE of begin(), acknowledged."""
        answer = await self._response(asking, 200, timeout_s)
        if answer.status < 300:
            self._tag, self._branch = answer.tag, secrets.token_hex(6)
            self._target = answer.header("Contact").partition("<")[2].partition(">")[0]
        self._send(self._request("ACK", self._cseq, answer.header("To")))
        return answer

    async def reinvite(self, body: str = OFFER) -> Answer:
        """Offer anew in the call that stands."""
        self._cseq += 1
        self._branch = secrets.token_hex(6)
        return await self.finish(self._invite(body))

    async def hang_up(self) -> Answer:
        """BYE."""
        self._cseq += 1
        self._branch = secrets.token_hex(6)
        return await self._response(self._request("BYE", self._cseq), 200, 10.0)

    async def info(self, kind: str, body: str) -> Answer:
        """INFO with a digit: application/dtmf-relay or application/dtmf."""
        self._cseq += 1
        self._branch = secrets.token_hex(6)
        asking = self._request("INFO", self._cseq, content=body, kind=kind)
        self._send(asking)
        return await self._response(asking, 200, 10.0)

    async def is_hung_up_on(self, timeout_s: float = 20.0) -> None:
        """Wait for the BYE of the other end and answer it."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(timeout_s):
            while not (data := await loop.sock_recv(self.socket, 65_535)).startswith(b"BYE "):
                pass
        lines = data.decode().split("\r\n")
        kept = [line for line in lines if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))]
        self._send("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode())

    def received(self) -> list[bytes]:
        """What else has come."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(65_535))
            except BlockingIOError:
                return found

    def _invite(self, body: str) -> bytes:
        content = body.replace("{address}", self.address).replace("{port}", str(self.media.getsockname()[1]))
        asking = self._request("INVITE", self._cseq, content=content)
        self._send(asking)
        return asking

    def _request(self, method: str, cseq: int, to: str = "", content: str = "", kind: str = "application/sdp") -> bytes:
        to = to or f"<sip:{self.user or 'attendant'}@{SERVER}>" + (f";tag={self._tag}" if self._tag else "")
        lines = [
            f"{method} {self._target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address}:{self.port};branch=z9hG4bK{self._branch};rport",
            f"From: <sip:caller@{self.address}>;tag=f{self._call_id}",
            f"To: {to}",
            f"Call-ID: {self._call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:caller@{self.address}:{self.port}>",
            "Max-Forwards: 70",
            *([f"Content-Type: {kind}"] if content else []),
            f"Content-Length: {len(content)}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + content).encode()

    def _send(self, data: bytes) -> None:
        self.socket.sendto(data, (SERVER, SIP_PORT))

    async def _response(self, asking: bytes, least: int, timeout_s: float) -> Answer:
        """Repeat until something comes back (RFC 3261 17.1.1.2), then wait for a status of at least `least`."""
        began = time.monotonic()
        if asking.startswith(b"BYE"):
            self._send(asking)
        loop, wanted = asyncio.get_running_loop(), asking.partition(b"CSeq: ")[2].partition(b"\r\n")[0]
        interval_s, is_heard = _T1_S, False
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    data = await asyncio.wait_for(loop.sock_recv(self.socket, 65_535), None if is_heard else interval_s)
                except TimeoutError:
                    self._send(asking)
                    interval_s *= 2
                    continue
                if not data.startswith(b"SIP/2.0 ") or wanted not in data or self._call_id.encode() not in data:
                    continue
                is_heard = True
                answer = Answer(data, time.monotonic() - began)
                self.answers.append(answer)
                if answer.status >= least:
                    return answer
