"""baresip without a screen: its configuration, and its control over TCP (JSON in netstrings)."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.interop import live, media, oracles
from tests.interop.media import Person
from tests.interop.walls import Apart

_MODULES = [
    "opus",
    "g722",
    "g711",
    "l16",
    "ausine",
    "aufile",
    "aubridge",
    "fakevideo",
    "avcodec",
    "avformat",
    "vp8",
    "swscale",
    "sndfile",
    "srtp",
    "dtls_srtp",
    "ice",
    "stun",
    "uuid",
    "rtcpsummary",
]
_LIBRARY = Path("/usr/lib/baresip/modules")


@dataclass
class Baresip:
    """One user agent that plays its person's colour and tone, and dumps what it hears into `folder`."""

    person: Person
    folder: Path
    address: str
    sip_port: int
    control_port: int
    rtp_port: int
    encryption: str = "srtp-mand"
    """srtp, srtp-mand, dtls_srtp or "" for none."""
    audio: str = "opus/48000/2"
    video: str = "h264"
    transport: str = "udp"
    nat: str = ""
    """ice or ""."""
    account: str = ""
    """Its whole account instead of one made of name and address: `<sip:user@registrar>;auth_pass=...;regint=60`."""
    place: Apart | None = None
    """Where it runs, when that is not here."""
    events: list[dict[str, Any]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def start(self) -> Baresip:
        """Write the configuration, start the program, connect to its control port."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._configure()
        self._log = (self.folder / "log").open("wb")
        command = [*(self.place.prefix if self.place else ()), "baresip", "-f", str(self.folder), "-v"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        for _ in range(100):
            try:
                self._reader, self._writer = await self._controlled()
                break
            except OSError:
                await asyncio.sleep(0.1)
        else:
            raise AssertionError(f"baresip did not start: {(self.folder / 'log').read_text(errors='replace')[-2000:]}")
        self._listener = asyncio.create_task(self._listen())
        return self

    async def _controlled(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.place is None:
            return await asyncio.open_connection(self.address, self.control_port)
        made = await asyncio.to_thread(self.place.connect, self.address, self.control_port)
        return await asyncio.open_connection(sock=made)

    async def command(self, command: str, parameters: str = "") -> None:
        """Give a command of baresip's menu: dial, hangup, hold, resume, sndcode, ..."""
        body = json.dumps({"command": command, "params": parameters, "token": "t"}).encode()
        self._writer.write(b"%d:%s," % (len(body), body))
        await self._writer.drain()

    async def ask(self, command: str) -> str:
        """A command that answers with text: video_debug, audio_debug, callstat."""
        count = len(self.answers)
        await self.command(command)
        async with asyncio.timeout(10):
            while len(self.answers) == count:
                await asyncio.sleep(0.02)
        return self.answers[-1]

    async def pictures(self) -> tuple[int, int]:
        """Pictures that it has shown in this call, and keyframes among what it decoded."""
        text = await self.ask("video_debug")
        shown, keyframes = re.search(r"vidisp: .* frames=(\d+)", text), re.search(r"n_keyframes=(\d+)", text)
        return (int(shown[1]) if shown else 0, int(keyframes[1]) if keyframes else 0)

    async def dial(self, uri: str, timeout_s: float = 15.0) -> dict[str, Any]:
        """Call and wait until the call stands or is refused; the event says which."""
        await self.command("dial", uri)
        return await self.wait_for(lambda e: e.get("type") in ("CALL_ESTABLISHED", "CALL_CLOSED"), timeout_s)

    async def wait_for(self, matches: Callable[[dict[str, Any]], bool], timeout_s: float = 10.0) -> dict[str, Any]:
        """The first event that matches, those that came before included."""
        async with asyncio.timeout(timeout_s):
            while True:
                for event in self.events:
                    if matches(event):
                        return event
                await asyncio.sleep(0.05)

    def heard_file(self) -> Path:
        """The WAV file of what it heard in its last call."""
        return max(self.folder.glob("dump-*-dec.wav"), key=lambda path: path.stat().st_mtime)

    async def hears(self, seconds: float = 1.0, people: tuple[Person, ...] = oracles.EVERYBODY) -> frozenset[str]:
        """Whose tones it hears now. After a hold baresip writes this file no more."""
        return await live.hears(self.heard_file(), seconds, people)

    def log(self) -> str:
        """What it printed."""
        return (self.folder / "log").read_text(errors="replace")

    async def stop(self) -> None:
        """Hang up, quit, and end the process that start() started."""
        try:
            await self.command("quit")
            await asyncio.sleep(0.3)
        except OSError:
            pass
        self._listener.cancel()
        self._writer.close()
        try:
            await asyncio.to_thread(self._process.wait, 4)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    async def _listen(self) -> None:
        try:
            while True:
                length = int((await self._reader.readuntil(b":"))[:-1])
                message = json.loads((await self._reader.readexactly(length + 1))[:-1])
                if message.get("response"):
                    self.answers.append(message.get("data", ""))
                else:
                    self.events.append(message)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    def _configure(self) -> None:
        folder = self.folder
        certificate = folder / "cert.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "30", "-subj", "/CN=terminal", "-keyout", str(folder / "k.pem"), "-out", str(folder / "c.pem")],
            check=True, capture_output=True,
        )  # fmt: skip
        certificate.write_bytes((folder / "k.pem").read_bytes() + (folder / "c.pem").read_bytes())
        video_source = f"avformat,{media.mp4(self.person, folder)}" if self.video else "fakevideo,nil"
        lines = [
            "poll_method epoll", f"sip_listen {self.address}:{self.sip_port}", f"sip_certificate {certificate}",
            "call_local_timeout 60", "call_max_calls 20", f"audio_source ausine,{self.person.tone_hz}",
            "audio_player aubridge,sink", "audio_alert aufile,/dev/null", "ausrc_srate 48000", "auplay_srate 48000",
            "ausrc_channels 2", "auplay_channels 2", f"video_source {video_source}", "video_display fakevideo,nil",
            "video_size 640x360", "video_bitrate 500000", "video_fps 25",
            f"rtp_ports {self.rtp_port}-{self.rtp_port + 49}", "rtcp_mux yes", "rtp_stats yes",
            f"module_path {_LIBRARY}", *(f"module {module}.so" for module in _MODULES), "module_tmp account.so",
            "module_app menu.so", "module_app ctrl_tcp.so", "module_app debug_cmd.so",
            f"ctrl_tcp_listen {self.address}:{self.control_port}", f"snd_path {folder}",
        ]  # fmt: skip
        (folder / "config").write_text("\n".join(lines) + "\n")
        encryption = f";mediaenc={self.encryption}" if self.encryption else ""
        video = f";video_codecs={self.video}" if self.video else ""
        own = f"<sip:{self.person.name}@{self.address}:{self.sip_port};transport={self.transport}>;regint=0"
        nat = f";medianat={self.nat}" if self.nat else ""
        (folder / "accounts").write_text(
            f"{self.account or own};answermode=auto;audio_codecs={self.audio}{video}{encryption}{nat}\n"
        )
        (folder / "contacts").write_text("")
