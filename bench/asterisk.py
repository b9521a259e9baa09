"""Asterisk ConfBridge in a chroot of Debian packages, for benchmarks: called by plain SIP over loopback.

The chroot is made by scripts/asterisk_chroot.sh, since bookworm has no Asterisk.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

CHROOT = Path(os.environ.get("ASTERISK_CHROOT", "/var/lib/drumtower-bench/asterisk"))
_SIP_PORT = 15_070
_PATIENCE_S = 20.0
_CONFERENCE = "9000"
_FILES = {
    "asterisk.conf": "[directories]\nastrundir => /run/asterisk\n[options]\nhighpriority = no\n",
    "modules.conf": "[modules]\nautoload = yes\nnoload = chan_sip.so\nnoload = res_hep.so\n",
    "logger.conf": "[logfiles]\nmessages => error,warning\n",
    "rtp.conf": "[general]\nrtpstart = 46000\nrtpend = 47999\n",
    "pjsip.conf": (
        f"[udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:{_SIP_PORT}\n"
        "[bench]\ntype = endpoint\ncontext = bench\ndisallow = all\nallow = opus,ulaw\ndirect_media = no\n"
        "rtp_symmetric = no\nidentify_by = ip\n"
        "[bench-ip]\ntype = identify\nendpoint = bench\nmatch = 127.0.0.1\n"
    ),
    "extensions.conf": f"[bench]\nexten => {_CONFERENCE},1,Answer()\n same => n,ConfBridge(1,bridge,user)\n",
    "confbridge.conf": (
        "[bridge]\ntype = bridge\nmax_members = 100\ninternal_sample_rate = auto\nmixing_interval = 20\n"
        "[user]\ntype = user\nquiet = yes\nannounce_user_count = no\nmusic_on_hold_when_empty = no\n"
        "dsp_drop_silence = no\njitterbuffer = no\n"
    ),
}


def is_installed() -> bool:
    """Whether the chroot is there."""
    return (CHROOT / "usr/sbin/asterisk").exists()


class Bridge:
    """A conference that is called."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(_PATIENCE_S)
        self._socket.connect(("127.0.0.1", _SIP_PORT))
        self._calls = 0

    def close(self) -> None:
        """Call no more; the server ends the calls."""
        self._socket.close()

    def call(self, form: str, payload_type: int, port: int) -> int:
        """Call the conference as somebody who is at a UDP port here; the port at which the server hears it."""
        self._calls += 1
        own = f"127.0.0.1:{self._socket.getsockname()[1]}"
        sdp = (
            f"v=0\r\no=- {self._calls} 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {payload_type}\r\na=rtpmap:{payload_type} {form}\r\na=ptime:20\r\n"
        )
        target = f"sip:{_CONFERENCE}@127.0.0.1:{_SIP_PORT}"

        def request(method: str, to_tag: str, body: str) -> bytes:
            lines = (
                f"{method} {target} SIP/2.0", f"Via: SIP/2.0/UDP {own};branch=z9hG4bK{method}{self._calls}",
                f"From: <sip:{self._calls}@127.0.0.1>;tag={self._calls}", f"To: <{target}>{to_tag}",
                f"Call-ID: bench-{self._calls}", f"CSeq: 1 {method}", f"Contact: <sip:bench@{own}>",
                "Max-Forwards: 70", "Content-Type: application/sdp", f"Content-Length: {len(body)}", "", body,
            )  # fmt: skip
            return "\r\n".join(lines).encode()

        self._socket.send(request("INVITE", "", sdp))
        answer = self._final(f"bench-{self._calls}")
        if not answer.startswith("SIP/2.0 200"):
            raise RuntimeError(f"Asterisk: {answer.splitlines()[0]}")
        tag = re.search(r"^To:.*;tag=([^\s;]+)", answer, re.MULTILINE | re.IGNORECASE)
        heard_at = re.search(r"^m=audio (\d+)", answer, re.MULTILINE)
        if tag is None or heard_at is None:
            raise RuntimeError("Asterisk answers without a tag or a port")
        self._socket.send(request("ACK", f";tag={tag[1]}", ""))
        return int(heard_at[1])

    def _final(self, call: str) -> str:
        while True:
            text = self._socket.recv(1 << 16).decode()
            if text.startswith("SIP/2.0") and not text.startswith("SIP/2.0 1") and f"Call-ID: {call}\r\n" in text:
                return text


@contextlib.contextmanager
def running(bitrate_bps: int, complexity: int) -> Iterator[Bridge]:
    """The server with one conference, and these settings of its Opus encoder."""
    etc = CHROOT / "etc/asterisk"
    etc.mkdir(parents=True, exist_ok=True)
    (CHROOT / "run/asterisk").mkdir(parents=True, exist_ok=True)
    codecs = f"[opus]\ntype = opus\ncomplexity = {complexity}\nbitrate = {bitrate_bps}\nfec = no\n"
    for name, text in {**_FILES, "codecs.conf": codecs}.items():
        (etc / name).write_text(text)
    command = ["chroot", str(CHROOT), "/usr/sbin/asterisk", "-f", "-q"]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_up(server)
        bridge = Bridge(server.pid)
        try:
            yield bridge
        finally:
            bridge.close()
    finally:
        server.terminate()
        try:
            server.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_up(server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    probe = (
        f"OPTIONS sip:127.0.0.1:{_SIP_PORT} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKup\r\n"
        "From: <sip:up@127.0.0.1>;tag=1\r\nTo: <sip:up@127.0.0.1>\r\nCall-ID: up\r\nCSeq: 1 OPTIONS\r\n"
        "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ask:
        ask.settimeout(0.3)
        while time.monotonic() < deadline and server.poll() is None:
            ask.sendto(probe, ("127.0.0.1", _SIP_PORT))
            with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                ask.recv(4096)
                return
    raise RuntimeError("Asterisk does not answer")
