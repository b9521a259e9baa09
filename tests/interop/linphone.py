"""linphonec, driven over its standard input: VP8 from a still picture, sound from and to WAV files."""

from __future__ import annotations

import asyncio
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tests.interop import live, media
from tests.interop.media import Person

_CONFIGURATION = """[sip]
sip_port={port}
sip_tcp_port=0
sip_tls_port={tls_port}
root_ca={authority}
verify_server_certs=1
verify_server_cn=0
media_encryption={encryption}
use_ipv6={has_ipv6}
contact="{name}" <sip:{name}@{address}>
[rtp]
audio_rtp_port={rtp}
video_rtp_port={video_rtp}
[video]
enabled=1
capture=1
display=0
size=vga
automatically_initiate=1
automatically_accept=1
device=StaticImage: Static picture
[net]
firewall_policy=0
"""


@dataclass
class Linphone:
    """One linphonec; `recording` is what it heard."""

    person: Person
    folder: Path
    address: str
    sip_port: int = 15_280
    encryption: str = "srtp"
    has_ipv6: bool = False
    authority: Path | None = None
    """Whom it believes over TLS. Its mbedTLS 2.28 knows no addresses in certificates: names are not compared."""

    async def start(self) -> Linphone:
        """Write the configuration and start the program."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / ".local/share/linphone").mkdir(parents=True, exist_ok=True)
        self.recording = self.folder / "heard.wav"
        self.sound = media.wav(self.person, self.folder, seconds=60, channels=2)
        picture = self.folder / "still.jpg"
        Image.new("RGB", (640, 480), self.person.colour).save(picture)
        (self.folder / "rc").write_text(
            _CONFIGURATION.format(
                name=self.person.name, address=self.address, port=self.sip_port, encryption=self.encryption,
                rtp=self.sip_port + 10, video_rtp=self.sip_port + 12, has_ipv6=int(self.has_ipv6),
                tls_port=self.sip_port + 1 if self.authority else 0, authority=self.authority or "",
            )
        )  # fmt: skip
        self._log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(
            ["linphonec", "-c", str(self.folder / "rc"), "-d", "0", "-V"],
            stdin=subprocess.PIPE, stdout=self._log, stderr=self._log, env=dict(os.environ, HOME=str(self.folder)),
        )  # fmt: skip
        await self._until_logged("linphonec>")
        for line in (
            "ipv6 enable" if self.has_ipv6 else "ipv6 disable", f"soundcard use files {self.sound}",
            f"play {self.sound}", f"record {self.recording}", f"staticpic set {picture}",
        ):  # fmt: skip
            await self.say(line)
        return self

    async def _until_logged(self, text: str) -> None:
        async with asyncio.timeout(30):
            while text not in self.log():
                await asyncio.sleep(0.1)

    async def say(self, line: str, pause_s: float = 0.3) -> None:
        """Type a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        await asyncio.sleep(pause_s)

    async def dial(self, uri: str) -> None:
        """Call; what becomes of it is in the log."""
        await self.say(f"call {uri}")

    async def hears(self, seconds: float = 1.0) -> frozenset[str]:
        """Whose tones it hears now."""
        return await live.hears(self.recording, seconds) if self.recording.exists() else live.NOTHING

    def log(self) -> str:
        """What it printed."""
        return (self.folder / "log").read_text(errors="replace")

    async def stop(self) -> None:
        """Hang up and end the process that start() started."""
        try:
            await self.say("terminate")
            await self.say("quit", 0.5)
        except OSError:
            pass
        try:
            await asyncio.to_thread(self._process.wait, 4)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
